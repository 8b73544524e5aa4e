"""Derived properties of claims and milestones: computed when absent, checked when present."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

from graph.bundles.check_ins import MilestoneAtPath, expected_day, with_check_ins
from graph.errors import Problem
from graph.inference.evidence import POLICY
from graph.inference.milestones import midpoint, ordinals
from graph.inference.time import is_before_window, year_window
from graph.model.kinds import ClaimStatus, MilestoneKind, MilestoneStatus
from graph.model.rows import Claim, Milestone, Prediction

ClaimT = TypeVar("ClaimT", bound=Claim)


def with_deadline(path: str, claim: ClaimT) -> tuple[ClaimT, list[Problem]]:
    """Set a claim's deadline to the end of its explicit window, else of its year, else keep the stated one."""
    if claim.window_end is not None:
        expected = claim.window_end
    elif claim.from_year is not None:
        expected = year_window(claim.from_year)[1]
    else:
        return claim, []
    if claim.deadline not in {None, expected}:
        message = f"expected {expected.isoformat()}, the end of its window, got {claim.deadline}"
        return claim, [Problem(f"{path}.deadline", message)]
    return claim.model_copy(update={"deadline": expected}), []


def with_early(path: str, claim: ClaimT, *, is_known: bool) -> tuple[ClaimT, list[Problem]]:
    """
    Set whether a claim's outcome became known before its window opened, which the row itself has to say.

    Args:
        path: The row's path.
        claim: The claim.
        is_known: Whether the graph has the claim with such an outcome.
    """
    is_early = (
        claim.resolved_at is not None
        and claim.status is not ClaimStatus.ANNULLED
        and is_before_window(claim.resolved_at, claim.from_year, claim.window_start, claim.window_end)
    )
    if is_early and not claim.is_early and not is_known:
        message = (
            f"{_shown(claim.resolved_at)} is before the claim's window opens; correct it, or set is_early to true if "
            "the outcome was known so early"
        )
        return claim, [Problem(f"{path}.resolved_at", message)]
    return claim.model_copy(update={"is_early": is_early or None}), []


def _shown(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()


def with_import_day(prediction: Prediction, today: date, stored: date | None) -> Prediction:
    """Set a prediction's import day, the day of its first import, after which a window without a year starts."""
    return prediction.model_copy(update={"imported_on": prediction.imported_on or stored or today})


def complete_chains(
    milestones: Sequence[MilestoneAtPath],
    predictions: Mapping[str, Prediction],
    *,
    stored: frozenset[str] = frozenset(),
) -> tuple[list[MilestoneAtPath], list[Problem]]:
    """
    Compute expected dates and ordinals, and add check-ins to each chain that has an event.

    Args:
        milestones: The milestones of whole chains, in any order.
        predictions: The predictions that the chains belong to, by id, import days filled in.
        stored: The ids of milestones from the graph; their derived properties are recomputed instead of checked.

    Returns:
        The completed milestones, and the problems found.
    """
    chains: dict[str, list[MilestoneAtPath]] = defaultdict(list)
    problems: list[Problem] = []
    for path, milestone in milestones:
        dated, found = _with_expected_date(path, milestone)
        chains[milestone.prediction_id].append((path, dated))
        problems.extend(found)
    complete: list[MilestoneAtPath] = []
    for prediction_id, chain in sorted(chains.items()):
        done, found = _complete_chain(chain, predictions[prediction_id], stored)
        complete.extend(done)
        problems.extend(found)
    return complete, problems


def with_waiting(milestone: Milestone, today: date) -> Milestone:
    """
    Return a milestone that is overdue no longer, since its day has moved behind today, as pending.

    One whose miss is in the ledger stays overdue.

    Args:
        milestone: The milestone, its expected date computed.
        today: The day on which it is written.
    """
    due = milestone.due_date()
    if milestone.status is not MilestoneStatus.OVERDUE or milestone.miss_emitted_at is not None or due is None:
        return milestone
    if due + timedelta(days=POLICY.grace_days) <= today:
        return milestone
    return milestone.model_copy(update={"status": MilestoneStatus.PENDING})


def _with_expected_date(path: str, milestone: Milestone) -> tuple[Milestone, list[Problem]]:
    if milestone.range_from is None or milestone.range_to is None:
        return milestone, []
    expected = midpoint(milestone.range_from, milestone.range_to)
    if milestone.expected_date not in {None, expected}:
        message = f"expected {expected}, the midpoint of its range, got {milestone.expected_date}"
        return milestone, [Problem(f"{path}.expected_date", message)]
    return milestone.model_copy(update={"expected_date": expected}), []


def _complete_chain(
    chain: list[MilestoneAtPath], prediction: Prediction, stored: frozenset[str]
) -> tuple[list[MilestoneAtPath], list[Problem]]:
    events = [(path, milestone) for path, milestone in chain if milestone.kind is MilestoneKind.EVENT]
    if len(events) > 1:
        ids = ", ".join(repr(event.id) for _, event in events)
        message = f"prediction {prediction.id!r} has the events {ids}; keep only one"
        return chain, [Problem(path, message) for path, _ in events[1:]]
    problems: list[Problem] = []
    chain = [(path, _without_ordinal(milestone) if milestone.id in stored else milestone) for path, milestone in chain]
    if events:
        chain, problems = with_check_ins(chain, prediction, events[0], stored)
    ranked, found = _with_ordinals(chain)
    return ranked, problems + found


def _without_ordinal(milestone: Milestone) -> Milestone:
    return milestone.model_copy(update={"ordinal": None})


def _with_ordinals(chain: list[MilestoneAtPath]) -> tuple[list[MilestoneAtPath], list[Problem]]:
    # Milestones of one day are ordered by their stated ordinals, then by their ids.
    ordered = sorted(chain, key=lambda entry: (expected_day(entry[1]), _stated_ordinal(entry[1]), entry[1].id))
    event = next((at for at, (_, milestone) in enumerate(ordered) if milestone.kind is MilestoneKind.EVENT), None)
    ranks = ordinals([expected_day(milestone) for _, milestone in ordered], event)
    problems = [
        Problem(f"{path}.ordinal", f"expected {rank}, its rank by expected date, got {milestone.ordinal}")
        for rank, (path, milestone) in zip(ranks, ordered, strict=True)
        if milestone.ordinal not in {None, rank}
    ]
    ranked = [
        (path, milestone.model_copy(update={"ordinal": rank}))
        for rank, (path, milestone) in zip(ranks, ordered, strict=True)
    ]
    return ranked, problems


def _stated_ordinal(milestone: Milestone) -> int:
    return 0 if milestone.ordinal is None else milestone.ordinal
