"""Beliefs: posteriors with all that they are computed from, ledger steps and curves."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from graph.errors import InvalidError
from graph.inference.history import LEAST_MAX_POINTS, Course, belief_curve
from graph.inference.time import window_of
from graph.ledger.claim_history import Versions, make_course
from graph.ledger.claim_state import CLASS_PROPERTIES, STATE_PROPERTIES, Belief, ClaimState, as_mapping
from graph.ledger.explanations import MOST_ROWS_SHOWN, Explanation, ExplanationKey
from graph.ledger.pasts import Past, PastKey, is_present, state_at
from graph.ledger.settings import rules_under
from graph.model import rows
from graph.model.moments import end_of
from graph.model.relations import EVIDENCE, REFERENCE_CLASS
from resolvers.base.context import Context
from resolvers.base.described import field, object_type
from resolvers.base.enums import BeliefContributionKind
from resolvers.base.extents import Extent, extent
from resolvers.base.fields import prop, shown
from resolvers.base.figures import figure, figures
from resolvers.base.row_types import described_by
from resolvers.base.scalars import Moment, Probability, bound_argument, moment_argument
from resolvers.base.selection import Gather

STATED = ("base_rate",)  # of the figures of a belief; the others are computed
DEFAULT_HISTORY = timedelta(days=365)
MOST_TERMS = 6  # of a belief besides its evidence, with the sum of earlier evidence
MOST_ROWS = 1_000_000  # of one ledger
_LARGEST_LOG = math.log(sys.float_info.max)


@object_type
class BeliefContribution:
    """One summand of a belief's log-odds."""

    kind: BeliefContributionKind = prop("What it comes from.")
    label: str = prop("The evidence in one line, or the meaning of the kind.")
    log_odds: float = prop("The natural log-odds that it adds, not rounded, so that all add up.")


@object_type
class BeliefInterval:
    """An interval that holds a belief with some probability, by what few outcomes tell of its predictor and class."""

    low_probability: Probability = prop("Its lower end.")
    high_probability: Probability = prop("Its upper end.")
    coverage: float = prop("The probability that it holds the belief.")


def _contributions_extent(_arguments: Mapping[str, Any]) -> Extent:
    return Extent(items=MOST_ROWS_SHOWN + MOST_TERMS, rows=MOST_ROWS_SHOWN)


@object_type
class Posterior:
    """The belief in a claim at a moment, and all that it is computed from."""

    probability: Probability = prop(
        "The posterior: under `foregraph-1` sigmoid(insideWeight · insideLogOdds + outsideWeight · logit(baseRate)), "
        "or the inside view if nothing is blended; under `foregraph-2` sigmoid(insideLogOdds + silenceLogOdds)."
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
    silence_log_odds: float = prop(
        "Under `foregraph-2`, the log likelihood ratio of nothing having happened since it was stated, which is added "
        "to the inside view; 0 under `foregraph-1`, where silence counts for nothing."
    )
    is_reconstructed: bool = prop(
        "Whether it follows from values that were recorded after the moment asked for, as there are none before."
    )

    @field(metadata=extent(_contributions_extent))
    async def contributions(self: Any, info: Info[Context, Any]) -> list[BeliefContribution] | None:
        """
        Terms that add up to its log-odds, to 1e-12: the stated probability, what the policy makes of it, and each row
        of evidence, of more than 100 the newest; null in answers of mutations.
        """
        found = await _explanation(self, info)
        if found is None:
            return None
        return shown([{**as_mapping(part), "kind": part.kind} for part in found.contributions])

    @field(metadata=extent(lambda _: Extent(rows=1)))
    async def interval(self: Any, info: Info[Context, Any]) -> BeliefInterval | None:
        """
        Range that holds it with 90 %, by what few outcomes tell of the predictor's effects and of the class's rate;
        the claim may still come true or not. Null in answers of mutations.
        """
        found = await _explanation(self, info)
        if found is None:
            return None
        interval = found.interval
        ends = {"low_probability": interval.low, "high_probability": interval.high}
        return shown(figures({**ends, "coverage": interval.coverage}))


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


async def _explanation(source: Mapping[str, Any], info: Info[Context, Any]) -> Explanation | None:
    key = source.get("explained")
    return None if key is None else await info.context.explanations.load(key)


def shown_belief(
    belief: Belief | None, explained: ExplanationKey | None = None, *, is_reconstructed: bool = False
) -> dict[str, Any] | None:
    """A belief in the response's shape."""
    if belief is None:
        return None
    return {
        **figures(as_mapping(belief), stated=STATED),
        "is_reconstructed": is_reconstructed,
        "explained": explained,
    }


def shown_payload(payload: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A belief from a mutation's answer, in the response's shape."""
    if payload is None:
        return None
    as_of = datetime.fromisoformat(payload["as_of"])
    return {**figures(payload, stated=STATED), "as_of": as_of, "is_reconstructed": False}


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
RECORDED_READS = ("versioned_at", "num_versions")
BELIEF_READS = tuple(name for name in STATE_PROPERTIES if name not in RECORDED_READS)
CLASS = Gather("class", REFERENCE_CLASS, ("base_rate",))
WHOLE_CLASS = Gather("class", REFERENCE_CLASS, CLASS_PROPERTIES)
SUMS = ("inside_log_odds", "check_in_log_odds")
LAST_ROW = Gather("last", EVIDENCE, SUMS, arguments=until_argument, when=has_moment)


AsOf = Annotated[
    Moment | None,
    strawberry.argument(description="The moment to answer for, as if nothing had been recorded later; now if omitted."),
]
KnownAt = Annotated[
    Moment | None,
    strawberry.argument(
        description="The moment by which what the answer follows from was recorded, where it is another than `asOf`: "
        "later, so that what became known since counts from when it was true, or earlier."
    ),
]


PolicyName = Annotated[
    str | None,
    strawberry.argument(
        description="Name of a policy of `policies` to compute it by; the one that the graph followed then if omitted. "
        "What a graph under another policy has not learned of predictors and timing is as before any outcome."
    ),
]


def reads_past(arguments: Mapping[str, Any]) -> bool:
    """Whether a field may read versions, with statements of its own."""
    return any(arguments.get(name) is not None for name in ("as_of", "known_at", "policy"))


RECORDED_CLASS = Gather("recorded_class", REFERENCE_CLASS, RECORDED_READS, when=reads_past)


async def load_past(
    context: Context, state: ClaimState, moments: tuple[datetime | None, datetime | None], policy: str | None
) -> Past | None:
    """A claim as it was; None if its present values, and the ledger as it was then, answer the question."""
    moment = moments[0] or context.moment
    known_at = moments[1] or moment
    is_other = policy is not None and state.final is not None and policy != state.final.policy
    if is_present(state, moment, known_at) and not is_other:
        return None
    return await context.pasts.load(PastKey(state.claim_id, moment, known_at))


def _before(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"until": bound_argument(arguments["from"])}


def _within(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    start, end = bound_argument(arguments.get("from")), bound_argument(arguments.get("to"))
    end = None if end is None else end_of(end)
    return {name: moment for name, moment in (("since", start), ("until", end)) if moment is not None}


# Sources of a curve: the ledger rows within it and, if its start is given, the last row before it.
ROW_BEFORE = Gather("before", EVIDENCE, SUMS, arguments=_before, when=lambda given: given.get("from") is not None)
ROWS_WITHIN = Gather("within", EVIDENCE, ("recorded_at", *SUMS), most=MOST_ROWS, arguments=_within)


def recorded_until(values: dict[str, Any], arguments: Mapping[str, Any]) -> None:
    """Add to the conditions on ledger rows that they were recorded by the moment that is asked for, if one is."""
    for until in until_argument(arguments).values():
        values["recorded_to"] = min(until, values.get("recorded_to", until))


def state_of(
    source: Mapping[str, Any], classes: Sequence[Mapping[str, Any]], recorded: Sequence[Mapping[str, Any]] = ()
) -> ClaimState:
    """A claim's state from its properties and the class that a `Gather`, or two, have read."""
    found = {name: value for rows in (recorded, classes) for row in rows for name, value in row.items()}
    return ClaimState.from_properties(source["__typename"], source, found or None)


async def belief_then(
    context: Context,
    state: ClaimState,
    moments: tuple[datetime | None, datetime | None],
    last_rows: Sequence[Mapping[str, Any]],
    policy: str | None = None,
) -> dict[str, Any] | None:
    """
    A belief of the past, in the response's shape.

    Args:
        context: Of the document.
        state: The claim as it is.
        moments: The moment to answer for, and the one by which what it follows from was recorded.
        last_rows: The last ledger row recorded by the first of them, if there is one.
        policy: Name of the policy to compute it by; that of the moment if None.

    Raises:
        InvalidError: No policy has the name.
    """
    as_of = moments[0] or context.moment
    explained = ExplanationKey(PastKey(state.claim_id, as_of, moments[1] or as_of), policy)
    past = await load_past(context, state, moments, policy)
    if past is not None:
        rules = rules_under(policy, past.terms.rules, past.terms.window)
        return shown_belief(past.belief(rules), explained, is_reconstructed=past.is_reconstructed)
    ledger = (last_rows[0]["inside_log_odds"], last_rows[0]["check_in_log_odds"] or 0.0) if last_rows else None
    then = state if moments[0] is None else state_at(state, ledger, as_of)
    then = replace(then, rules=rules_under(policy, then.rules, then.window))
    belief = then.belief(as_of)
    return shown_belief(belief, explained, is_reconstructed=not state.recorded.is_by(as_of))


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


def needs_versions(state: ClaimState, start: datetime) -> bool:
    """Whether a curve from some moment on follows from versions of the claim, too, and not from its present values."""
    if state.resolved_at is None:
        has_earlier = state.recorded.has_earlier and not state.recorded.is_by(start)
        return has_earlier or not state.rules.is_by(start)
    has_later_rows = state.last_recorded_at is not None and state.last_recorded_at > state.resolved_at
    return state.recorded.has_earlier or has_later_rows or state.rules.since is not None


def present_course(
    state: ClaimState,
    before: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    policy: str | None = None,
) -> Course:
    """
    A claim's history from its present values.

    Args:
        state: State of the claim, with a stated probability.
        before: The last ledger row before the first of `rows`, if any.
        rows: Ledger rows, the newest first.
        policy: Name of the policy to compute it by; that of the claim if None.

    Raises:
        InvalidError: No policy has the name.
    """
    return make_course(state, list(reversed(rows)), Versions(), before[0] if before else None, policy=policy)


def belief_points(
    course: Course, settled_at: datetime | None, bounds: tuple[datetime, datetime], max_points: int
) -> list[dict[str, Any]]:
    """
    The curve of a belief over time, including drift.

    Args:
        course: The claim's history.
        settled_at: Since when the belief no longer changes; None for an open claim.
        bounds: Start and end of the curve.
        max_points: Largest number of points.
    """
    start, end = bounds
    last = end if settled_at is None else min(end, settled_at)
    # A constant end of the curve takes a point of its own.
    num_points = max(LEAST_MAX_POINTS, max_points - (last < end))
    curve = belief_curve(course, min(start, last), last, max_points=num_points)
    moments = [moment.replace(tzinfo=UTC) for moment in curve.moments.tolist()]
    points = [{"at": at, "probability": figure(p)} for at, p in zip(moments, curve.values.tolist(), strict=True)]
    if not points:
        return []
    if start > last:  # all of it lies after the outcome became known
        points = [{"at": start, "probability": points[-1]["probability"]}]
    if points[-1]["at"] < end:  # constant since then
        points = [*points[: max_points - 1], {"at": end, "probability": points[-1]["probability"]}]
    return points
