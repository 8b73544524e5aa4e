"""Marginals as they are stored, and the propagation runs that they come from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry
from strawberry.types import Info

from resolvers.base.context import Context
from resolvers.base.fields import prop
from resolvers.base.scalars import Moment

MARGINAL_READS = ("marginal", "marginal_as_of", "marginal_run_id")


@strawberry.type(description="One run of propagation over the whole network.")
class PropagationRun:
    """One run of propagation over the whole network."""

    key: str = prop("Its id in the graph.")
    method: str = prop("How it was computed: LBP, SAMPLE or EXACT.")
    started_at: Moment = prop("When it began.")
    as_of: Moment | None = prop("The moment that the marginals hold for.")
    revision: float = prop("The graph's revision that it read.")
    is_converged: bool = prop("Whether it came to an answer; only then are its marginals stored.")
    reason: str | None = prop("Why it did not, where it did not.")
    iterations: int | None = prop("For LBP: its sweeps.")
    residual: float | None = prop("For LBP: the most that its last sweep would have changed a message, in log-odds.")
    num_claims: int | None = prop("How many claims took part.")
    num_samples: int | None = prop("For SAMPLE: the joint samples drawn.")
    standard_error: float | None = prop("For SAMPLE: the largest of any claim, between replicates.")
    seed: int | None = prop("For SAMPLE: of all that is random.")
    duration_seconds: float | None = prop("How long it took.")


@strawberry.type(description="What the whole network makes of a claim, as a propagation run has stored it.")
class Marginal:
    """What the whole network makes of a claim."""

    probability: float = prop("The probability after propagation; 0 or 1 where the outcome was known.")
    as_of: Moment = prop("The moment that it holds for.")
    age_seconds: float = prop("How long ago that was.")

    @strawberry.field(description="The run that it comes from; null where that is not there any more.")
    async def run(self: Any, info: Info[Context, Any]) -> PropagationRun | None:
        """The run that it comes from."""
        found = await info.context.runs.load(self["run_id"])
        shown: Any = None if found is None else shown_run(found)
        return shown

    @strawberry.field(description="Whether beliefs or influences were written since; `whatIf` and its like never are.")
    async def is_stale(self: Any, info: Info[Context, Any]) -> bool:
        """Whether beliefs or influences were written since."""
        run = await info.context.runs.load(self["run_id"])
        return run is None or bool(run["revision"] != (await info.context.revisions.load("")))


def shown_marginal(source: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """A claim's stored marginal as the response holds it."""
    if source["marginal"] is None:
        return None
    as_of = source["marginal_as_of"]
    return {
        "probability": source["marginal"],
        "as_of": as_of,
        "age_seconds": (now - as_of).total_seconds(),
        "run_id": source["marginal_run_id"],
    }


RUN_FIELDS = (
    "method",
    "revision",
    "reason",
    "iterations",
    "residual",
    "num_claims",
    "num_samples",
    "standard_error",
    "seed",
    "duration_seconds",
)


def shown_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run as the response holds it, whether from a node or from a mutation's answer."""
    return {
        **{name: run.get(name) for name in RUN_FIELDS},
        "key": run["id"],
        "started_at": _moment(run["started_at"]),
        "as_of": _moment(run.get("as_of")),
        "is_converged": run["converged"],
    }


def _moment(value: str | datetime | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
