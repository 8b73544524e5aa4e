"""Messages by which subscriptions tell of an event."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph.feed.beliefs import Belief, Moved
from graph.feed.events import Event
from graph.feed.sums import MOST_NAMED, MOST_STEPS, Step, SumMoved
from resolvers.base.described import interface_type, object_type
from resolvers.base.enums import BeliefChangeReason, ClaimStatus
from resolvers.base.fields import prop
from resolvers.base.figures import figure
from resolvers.base.scalars import Int64, Moment, Probability
from resolvers.types.marginals import PropagationRun

if TYPE_CHECKING:
    from resolvers.types.claims import Claim
    from resolvers.types.evidence import Evidence
    from resolvers.types.milestones import Milestone


@interface_type
class Notice:
    """A message of an event to a subscriber. An event may come again after a break, with the same id."""

    event_id: str = prop("The event's id; subscribe with it as `since` to go on after it.")
    revision: Int64 = prop("The graph's revision after the event.")
    written_at: Moment = prop("When it was written.")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is a notice of this kind."""
        return bool(obj["__typename"] == cls.__name__)


@object_type
class BeliefChange:
    """A claim's belief that has changed."""

    claim_key: str = prop("The claim's key.")
    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] | None = prop(
        "The claim as it is now; null if it has been deleted."
    )
    reason: BeliefChangeReason = prop("Why it is told.")
    status: ClaimStatus | None = prop("The claim's status; null if it has been deleted.")
    posterior_probability: Probability | None = prop(
        "The probability by the claim's own evidence, as stored; null without one."
    )
    marginal_probability: Probability | None = prop("The probability after propagation, as stored; null without one.")
    baseline_posterior_probability: Probability | None = prop(
        "The posterior probability that the change is measured from; null if there was none or it is not known."
    )
    baseline_marginal_probability: Probability | None = prop(
        "The marginal probability that the change is measured from; null if there was none or it is not known."
    )


@object_type
class BeliefsChanged(Notice):
    """Beliefs that an event has changed by the threshold or more, outcomes, and claims that are open again."""

    changes: list[BeliefChange] = prop("One for each claim, at most 1,000.")


@object_type
class ExposureEvent:
    """An event that has moved a portfolio's expectation."""

    event_id: str = prop("The event's id.")
    delta: float = prop("What it has changed; 0 where the portfolio was deleted, or is there again.")
    claim_keys: list[str] = prop(
        f"Keys of predictions whose beliefs it has moved, largest part first, at most {MOST_NAMED}."
    )
    has_new_positions: bool = prop("Whether positions or exposures were read again after it, which may have changed.")


@object_type
class ExposureMoved(Notice):
    """A stored portfolio's expected signed relevance that has moved by the threshold or more from its baseline."""

    portfolio_name: str = prop("The portfolio's name.")
    expected_relevance: float | None = prop("The expectation now; null if the portfolio has been deleted.")
    baseline_relevance: float | None = prop(
        "The expectation that the change is measured from; null if there was none, or if it is not known, see "
        "`isResumed`."
    )
    delta: float | None = prop("`expectedRelevance` minus `baselineRelevance`; null without either.")
    events: list[ExposureEvent] = prop(
        f"The events since the baseline that moved it, in their order; at most the last {MOST_STEPS}."
    )
    rest_delta: float = prop("What events before these did; with theirs it adds up to `delta`.")
    is_resumed: bool = prop("Whether it is told because it may have moved after `since`.")


@object_type
class LedgerAppended(Notice):
    """Rows that an event has appended to the ledger."""

    evidence_keys: list[str] = prop("The rows' keys, at most 1,000.")
    evidence: list[Annotated["Evidence", strawberry.lazy("resolvers.types.evidence")]] = prop("The rows.")


@object_type
class MilestonesDue(Notice):
    """Milestones whose day has come."""

    milestone_keys: list[str] = prop("The milestones' keys, at most 1,000.")
    milestones: list[Annotated["Milestone", strawberry.lazy("resolvers.types.milestones")]] = prop(
        "The milestones; those that have been deleted since are left out."
    )


@object_type
class PropagationFinished(Notice):
    """A propagation run that has ended."""

    run: PropagationRun | None = prop("The run; null if it has been deleted.")


def shown_event(event: Event, kind: type[Notice]) -> dict[str, Any]:
    """The fields of every notice."""
    return {
        "__typename": kind.__name__,
        "event_id": str(event.id),
        "revision": event.id.revision,
        "written_at": event.at,
    }


def shown_move(moved: Moved) -> dict[str, Any]:
    """A belief that has changed, in the response's shape; `claim` is read by whoever shows it."""
    return {
        "claim_key": moved.claim_id,
        "claim_id": None if moved.after is None else moved.claim_id,
        "claim": None,
        "reason": moved.reason,
        "status": None if moved.after is None else ClaimStatus(moved.after.status),
        **_figures("", moved.after),
        **_figures("baseline_", moved.before),
    }


def shown_total(total: SumMoved) -> dict[str, Any]:
    """A portfolio's expectation that has moved, in the response's shape."""
    is_known = total.before is not None and total.after is not None
    return {
        "expected_relevance": figure(total.after),
        "baseline_relevance": figure(total.before),
        "delta": figure((total.after or 0.0) - (total.before or 0.0)) if is_known else None,
        "events": [_shown_step(step) for step in total.steps],
        "rest_delta": figure(total.rest),
        "is_resumed": total.is_resumed,
    }


def _shown_step(step: Step) -> dict[str, Any]:
    return {
        "event_id": str(step.event_id),
        "delta": figure(step.delta),
        "claim_keys": list(step.claim_ids),
        "has_new_positions": step.has_new_weights,
    }


def _figures(prefix: str, belief: Belief | None) -> dict[str, float | None]:
    return {
        f"{prefix}posterior_probability": None if belief is None else belief.posterior,
        f"{prefix}marginal_probability": None if belief is None else belief.marginal,
    }
