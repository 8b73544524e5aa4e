"""Stored marginals, and the propagation runs that computed them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from strawberry.types import Info

from graph.model import rows
from graph.network.storing import Held, RunKey
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.drift import drifts
from resolvers.base.fields import prop, shown
from resolvers.base.row_types import row_type
from resolvers.base.scalars import Int64, Moment, Probability

MARGINAL_READS = ("id", "marginal", "marginal_as_of", "marginal_revision", "marginal_run_id")


@row_type(rows.PropagationRun, without=("converged",))
class PropagationRun:
    key: str = prop("The run's key.")
    revision: Int64
    seed: Int64 | None
    is_converged: bool = prop("Whether it converged; only then are its marginals stored.")


@object_type
class Marginal:
    """
    The marginal of a claim, as stored: that of the latest propagation run to within the run's tolerance, as marginals
    that moved by less are left as they were.
    """

    probability: Probability = prop("The probability after propagation; 0 or 1 if the outcome was known.")

    @field
    async def as_of(self: Any, info: Info[Context, Any]) -> Moment:
        """The moment that it holds for."""
        return shown((await _held(self, info)).run.as_of)

    @field(metadata=drifts())
    async def age_seconds(self: Any, info: Info[Context, Any]) -> float:
        """Age of the marginal, in seconds."""
        return (info.context.moment - (await _held(self, info)).run.as_of).total_seconds()

    @field
    async def run(self: Any, info: Info[Context, Any]) -> PropagationRun | None:
        """The latest run that it holds for; null if it has been deleted."""
        found = await info.context.runs.load((await _held(self, info)).run.run_id)
        return shown(None if found is None else shown_run(found))

    @field
    async def is_stale(self: Any, info: Info[Context, Any]) -> bool:
        """
        Whether beliefs or influences have changed since the run; answers of `whatIf` and the other network queries are
        never stale.
        """
        return (await _held(self, info)).is_stale


async def _held(marginal: Any, info: Info[Context, Any]) -> Held:
    """The latest run that a marginal holds for."""
    return await info.context.held.load((marginal["claim_id"], marginal["writer"]))


def shown_marginal(source: Mapping[str, Any]) -> dict[str, Any] | None:
    """A claim's stored marginal in the response's shape."""
    if source["marginal"] is None:
        return None
    # One that was stored before revisions were noted counts as the earliest.
    writer = RunKey(source["marginal_run_id"], source["marginal_revision"] or 0, source["marginal_as_of"])
    return {"probability": source["marginal"], "claim_id": source["id"], "writer": writer}


def shown_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run in the response's shape, from a node or a mutation's answer."""
    return {
        **{name: run.get(name) for name in rows.PropagationRun.model_fields},
        "key": run["id"],
        "started_at": _moment(run["started_at"]),
        "as_of": _moment(run.get("as_of")),
        "is_converged": run["converged"],
    }


def _moment(value: str | datetime | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
