"""Beliefs: posteriors with all that they are computed from, ledger steps and curves."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import numpy as np
import strawberry

from graph.errors import InvalidError
from graph.inference.history import LEAST_MAX_POINTS, Trail, belief_curve
from graph.inference.log_odds import logit
from graph.inference.time import utc_moments, window_of
from graph.ledger.claim_state import STATE_PROPERTIES, Belief, ClaimState, as_mapping
from graph.model import rows
from graph.model.moments import end_of
from graph.model.relations import EVIDENCE, REFERENCE_CLASS
from resolvers.base.described import field, object_type
from resolvers.base.fields import prop
from resolvers.base.figures import figure, figures
from resolvers.base.row_types import described_by
from resolvers.base.scalars import Moment, Probability, bound_argument, moment_argument
from resolvers.base.selection import Gather

STATED = ("base_rate",)  # of the figures of a belief; the others are computed
DEFAULT_HISTORY = timedelta(days=365)
MOST_ROWS = 1_000_000  # of one ledger
_LARGEST_LOG = math.log(sys.float_info.max)


@object_type
class Posterior:
    """The belief in a claim at a moment, and all that it is computed from."""

    probability: Probability = prop(
        "The posterior: sigmoid(insideWeight · insideLogOdds + outsideWeight · logit(baseRate)), "
        "or the inside view if nothing is blended."
    )
    as_of: Moment = prop(
        "The moment it holds for; for a closed claim, at the latest the moment when its outcome became known."
    )
    inside_log_odds: float = prop(
        "The inside view in natural log-odds: the stated probability plus every row of the ledger."
    )
    inside_probability: Probability = prop("The inside view as a probability.")
    base_rate: Probability | None = prop("The outside view: how often comparable cases come true.")
    reference_class_id: str | None = prop("Key of the reference class that the base rate comes from.")
    trf: float | None = prop(
        "Fraction of the claim's window that remains: 1 at the start, 0 at the deadline; null without a window."
    )
    inside_weight: float = prop("Weight of the inside view in the blend, 0 to 1.")
    outside_weight: float = prop("Weight of the outside view in the blend, 0 to 1.")
    blend_applied: bool = prop("Whether there was an outside view to blend with.")
    blend_reason: str = prop("Explanation of the blend, in words.")
    policy: str = prop("The rules by which it was computed, such as `foregraph-1`.")


@object_type
@described_by(rows.Evidence)
class LedgerStep:
    """The figures of one update of a claim's belief."""

    policy: str
    trf: float | None
    kappa: float
    base_rate: Probability | None
    reference_class_id: str | None
    prior_logit: float
    inside_prior: Probability
    total_llr: float
    total_adjusted_llr: float
    bayes_factor: str
    posterior_logit: float
    inside_posterior: Probability
    inside_weight: float
    outside_weight: float
    blended_posterior: Probability | None
    posterior_prob: Probability
    blend_applied: bool
    blend_reason: str
    grace_days: int

    @field(name="bayesFactor")
    def factor(self: Any) -> float | None:
        """
        The factor by which it multiplies the odds: above 1 for the claim, below 1 against it; null where it is too
        large for a number.
        """
        return bayes_factor(self["total_adjusted_llr"])


def shown_step(step: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A ledger step in the response's shape."""
    return None if step is None else figures(step, stated=STATED)


def bayes_factor(log_factor: float | None) -> float | None:
    """The Bayes factor of a sum of log likelihood ratios; None for None, and where it is too large for a number."""
    return None if log_factor is None or log_factor > _LARGEST_LOG else figure(math.exp(log_factor))


def shown_belief(belief: Belief | None) -> dict[str, Any] | None:
    """A belief in the response's shape."""
    return None if belief is None else figures(as_mapping(belief), stated=STATED)


def shown_payload(payload: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A belief from a mutation's answer, in the response's shape."""
    if payload is None:
        return None
    return {**figures(payload, stated=STATED), "as_of": datetime.fromisoformat(payload["as_of"])}


@object_type
class BeliefPoint:
    """A point on the curve of a claim's probability."""

    at: Moment = prop("Moment of the point.")
    probability: Probability = prop("The claim's probability at that moment.")


def until_argument(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The latest moment of the rows to read, if one is requested."""
    until = moment_argument(arguments.get("as_of"), path="as_of")
    return {} if until is None else {"until": until}


def has_moment(arguments: Mapping[str, Any]) -> bool:
    """Whether an earlier moment is requested."""
    return arguments.get("as_of") is not None


# Sources of a posterior: the claim's properties, its class, and for the past the last row of the ledger by then.
BELIEF_READS = STATE_PROPERTIES
CLASS = Gather("class", REFERENCE_CLASS, ("base_rate",))
LAST_ROW = Gather("last", EVIDENCE, ("inside_log_odds",), arguments=until_argument, when=has_moment)


AsOf = Annotated[
    Moment | None,
    strawberry.argument(description="The moment to answer for, as if nothing had been recorded later; now if omitted."),
]


def _before(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"until": bound_argument(arguments["from"])}


def _within(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    start, end = bound_argument(arguments.get("from")), bound_argument(arguments.get("to"))
    end = None if end is None else end_of(end)
    return {name: moment for name, moment in (("since", start), ("until", end)) if moment is not None}


# Sources of a curve: the ledger rows within it and, if its start is given, the last row before it.
ROW_BEFORE = Gather(
    "before", EVIDENCE, ("inside_log_odds",), arguments=_before, when=lambda given: given.get("from") is not None
)
ROWS_WITHIN = Gather("within", EVIDENCE, ("recorded_at", "inside_log_odds"), most=MOST_ROWS, arguments=_within)


def recorded_until(values: dict[str, Any], arguments: Mapping[str, Any]) -> None:
    """Add to the conditions on ledger rows that they were recorded by the moment that is asked for, if one is."""
    for until in until_argument(arguments).values():
        values["recorded_to"] = min(until, values.get("recorded_to", until))


def state_of(source: Mapping[str, Any], classes: Sequence[Mapping[str, Any]]) -> ClaimState:
    """A claim's state from its properties and the class that a `Gather` has read."""
    base_rate = classes[0]["base_rate"] if classes else None
    return ClaimState.from_properties(source["__typename"], source, base_rate)


def state_as_of(state: ClaimState, last_rows: Sequence[Mapping[str, Any]]) -> ClaimState:
    """The state after the last ledger row of that time; before any row, as stated."""
    return past_state(state, last_rows[0]["inside_log_odds"] if last_rows else None)


def past_state(state: ClaimState, log_odds: float | None) -> ClaimState:
    """The state with the inside log-odds of some time; None stands for those before any evidence."""
    if state.stated_probability is None:
        return state
    return replace(state, inside_log_odds=logit(state.stated_probability) if log_odds is None else log_odds)


def history_bounds(source: Mapping[str, Any], arguments: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """
    Start and end of a history; by default from the start of the window, or one year before its end, until now.

    Raises:
        InvalidError: The end is before the start.
    """
    end = bound_argument(arguments.get("to"))
    end = now if end is None else end_of(end)
    start = bound_argument(arguments.get("from"))
    if start is None:
        window = window_of(source["from_year"], source["window_start"], source["window_end"])
        start = end - DEFAULT_HISTORY if window is None else window[0]
        start = min(start, end)
    if end < start:
        message = f"expected a moment not after `to`, which is {end.isoformat()}, got {start.isoformat()}"
        raise InvalidError(message, path="from")
    return start, end


def belief_points(
    state: ClaimState,
    before: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    bounds: tuple[datetime, datetime],
    max_points: int,
) -> list[dict[str, Any]]:
    """
    The curve of a belief over time, including drift.

    Args:
        state: State of the claim.
        before: The last ledger row before the start of the curve, if any.
        rows: The ledger rows within it, the newest first.
        bounds: Start and end of the curve.
        max_points: Largest number of points.
    """
    if state.stated_probability is None:
        return []
    start, end = bounds
    ordered = list(reversed(rows))
    trail = Trail(
        log_odds_before=before[0]["inside_log_odds"] if before else logit(state.stated_probability),
        moments=utc_moments([row["recorded_at"] for row in ordered]),
        log_odds=np.array([row["inside_log_odds"] for row in ordered], dtype=np.float64),
        window=state.window,
        base_rate=None if state.outside_view is None else state.outside_view.base_rate,
    )
    last = state.capped_at_outcome(end)
    # A constant end of the curve takes a point of its own.
    num_points = max(LEAST_MAX_POINTS, max_points - (last < end))
    curve = belief_curve(trail, min(start, last), last, max_points=num_points)
    moments = [moment.replace(tzinfo=UTC) for moment in curve.moments.tolist()]
    points = [{"at": at, "probability": figure(p)} for at, p in zip(moments, curve.values.tolist(), strict=True)]
    if start > last:  # all of it lies after the outcome became known
        points = [{"at": start, "probability": points[-1]["probability"]}]
    if points[-1]["at"] < end:  # constant since then
        points = [*points[: max_points - 1], {"at": end, "probability": points[-1]["probability"]}]
    return points
