"""Stored marginals, and the propagation runs that computed them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from strawberry.types import Info

from graph.model import rows
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.drift import drifts
from resolvers.base.fields import prop, shown
from resolvers.base.row_types import row_type
from resolvers.base.scalars import Moment

MARGINAL_READS = ("marginal", "marginal_as_of", "marginal_run_id")


@row_type(rows.PropagationRun, without=("converged",))
class PropagationRun:
    key: str = prop("The run's key.")
    revision: float
    is_converged: bool = prop("Whether it converged; only then are its marginals stored.")


@object_type
class Marginal:
    """The marginal of a claim, as stored by a propagation run."""

    probability: float = prop("The probability after propagation; 0 or 1 if the outcome was known.")
    as_of: Moment = prop("The moment that it holds for.")
    age_seconds: float = strawberry.field(description="Age of the marginal, in seconds.", metadata=drifts())

    @field
    async def run(self: Any, info: Info[Context, Any]) -> PropagationRun | None:
        """The run that computed it; null if it has been deleted."""
        found = await info.context.runs.load(self["run_id"])
        return shown(None if found is None else shown_run(found))

    @field
    async def is_stale(self: Any, info: Info[Context, Any]) -> bool:
        """
        Whether beliefs or influences have changed since the run; answers of `whatIf` and the other network queries are
        never stale.
        """
        run = await info.context.runs.load(self["run_id"])
        return run is None or bool(run["revision"] != (await info.context.revisions.load("")))


def shown_marginal(source: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """A claim's stored marginal in the response's shape."""
    if source["marginal"] is None:
        return None
    as_of = source["marginal_as_of"]
    return {
        "probability": source["marginal"],
        "as_of": as_of,
        "age_seconds": (now - as_of).total_seconds(),
        "run_id": source["marginal_run_id"],
    }


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
