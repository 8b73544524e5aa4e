"""Data that follows from other data: made when absent, checked when present."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TypeVar

from graph.errors import Problem
from graph.inference.milestones import check_in_dates, midpoint, ordinals
from graph.inference.time import year_window
from graph.model.kinds import MilestoneKind
from graph.model.rows import Claim, Milestone, Prediction

CHECK_IN_WEIGHT = 0.05
CHECK_IN_LABELS = ("Q1 window check-in (25%)", "Q2 window check-in (50%)", "Q3 window check-in (75%)")

ClaimT = TypeVar("ClaimT", bound=Claim)
Placed = tuple[str, ClaimT]
PlacedMilestone = tuple[str, Milestone]
"""A row and the place that a problem with it names; a row that we made has the place of what it follows from."""


def with_deadline(place: str, claim: ClaimT) -> tuple[ClaimT, list[Problem]]:
    """The claim with the deadline of its explicit window, else of its year, else the one it states."""
    if claim.window_end is not None:
        expected = claim.window_end
    elif claim.from_year is not None:
        expected = year_window(claim.from_year)[1]
    else:
        return claim, []
    if claim.deadline not in {None, expected}:
        message = f"expected {expected.isoformat()}, as its window says, got {claim.deadline}"
        return claim, [Problem(f"{place}.deadline", message)]
    return claim.model_copy(update={"deadline": expected}), []


def with_import_day(prediction: Prediction, today: date, stored: date | None) -> Prediction:
    """The prediction with the day on which it first came in, from which windows without a year count."""
    return prediction.model_copy(update={"imported_on": prediction.imported_on or stored or today})


def window_start_day(prediction: Prediction) -> date:
    """The first day of a prediction's window: the explicit one, else its year's, else the day after import."""
    if prediction.window_start is not None:
        return prediction.window_start.date()
    if prediction.from_year is not None:
        return date(prediction.from_year, 1, 1)
    if prediction.imported_on is None:
        message = f"the import day of {prediction.id} has not been filled in"
        raise AssertionError(message)
    return prediction.imported_on + timedelta(days=1)


def complete_chains(
    milestones: Sequence[PlacedMilestone],
    predictions: Mapping[str, Prediction],
    *,
    stored: frozenset[str] = frozenset(),
) -> tuple[list[PlacedMilestone], list[Problem]]:
    """
    All milestones with expected dates and ordinals, and each chain that has an event with its check-ins.

    Args:
        milestones: Whole chains, in any order.
        predictions: The predictions that the chains belong to, by id, import days filled in.
        stored: The ids of those that nobody states now; what was derived of them is made anew, not checked.
    """
    chains: dict[str, list[PlacedMilestone]] = defaultdict(list)
    problems: list[Problem] = []
    for place, milestone in milestones:
        dated, found = _with_expected_date(place, milestone)
        chains[milestone.prediction_id].append((place, dated))
        problems.extend(found)
    complete: list[PlacedMilestone] = []
    for prediction_id, chain in sorted(chains.items()):
        done, found = _complete_chain(chain, predictions[prediction_id], stored)
        complete.extend(done)
        problems.extend(found)
    return complete, problems


def _with_expected_date(place: str, milestone: Milestone) -> tuple[Milestone, list[Problem]]:
    if milestone.range_from is None or milestone.range_to is None:
        return milestone, []
    expected = midpoint(milestone.range_from, milestone.range_to)
    if milestone.expected_date not in {None, expected}:
        message = f"expected {expected}, the midpoint of its range, got {milestone.expected_date}"
        return milestone, [Problem(f"{place}.expected_date", message)]
    return milestone.model_copy(update={"expected_date": expected}), []


def _complete_chain(
    chain: list[PlacedMilestone], prediction: Prediction, stored: frozenset[str]
) -> tuple[list[PlacedMilestone], list[Problem]]:
    events = [(place, milestone) for place, milestone in chain if milestone.kind is MilestoneKind.EVENT]
    if len(events) > 1:
        return chain, [Problem(place, "expected one EVENT in a chain, got another") for place, _ in events[1:]]
    problems: list[Problem] = []
    chain = [(place, _unranked(milestone) if milestone.id in stored else milestone) for place, milestone in chain]
    if events:
        place, event = events[0]
        check_ins = list(_check_ins(prediction, event))
        chain = _redated(chain, check_ins, stored)
        given = [(at, milestone) for at, milestone in chain if milestone.kind is MilestoneKind.CHECK_IN]
        if given:
            stated = [(at, milestone) for at, milestone in given if milestone.id not in stored]
            problems.extend(_check_in_problems(stated, check_ins))
        else:
            chain = chain + [(place, milestone) for milestone in check_ins]
    ranked, found = _with_ordinals(chain)
    return ranked, problems + found


def _unranked(milestone: Milestone) -> Milestone:
    return milestone.model_copy(update={"ordinal": None})


def _redated(
    chain: Sequence[PlacedMilestone], check_ins: Sequence[Milestone], stored: frozenset[str]
) -> list[PlacedMilestone]:
    """The chain with stored check-ins moved to where the window and the event put them now."""
    dates = {milestone.id: milestone.expected_date for milestone in check_ins}
    return [
        (place, milestone.model_copy(update={"expected_date": dates[milestone.id]}))
        if milestone.kind is MilestoneKind.CHECK_IN and milestone.id in stored and milestone.id in dates
        else (place, milestone)
        for place, milestone in chain
    ]


def _check_ins(prediction: Prediction, event: Milestone) -> Iterator[Milestone]:
    for number, day in enumerate(check_in_dates(window_start_day(prediction), _expected(event)), start=1):
        yield Milestone(
            id=f"{prediction.id}:check-in-{number}",
            prediction_id=prediction.id,
            kind=MilestoneKind.CHECK_IN,
            label=CHECK_IN_LABELS[number - 1],
            weight=CHECK_IN_WEIGHT,
            expected_date=day,
        )


def _check_in_problems(given: Iterable[PlacedMilestone], expected: Sequence[Milestone]) -> Iterator[Problem]:
    expected_dates = {milestone.id: _expected(milestone) for milestone in expected}
    for place, milestone in given:
        if milestone.id not in expected_dates:
            ids = f"one of {', '.join(expected_dates)}" if expected_dates else "no check-in in so short a window"
            yield Problem(f"{place}.id", f"expected {ids}, got {milestone.id!r}")
        elif milestone.expected_date != expected_dates[milestone.id]:
            message = (
                f"expected {expected_dates[milestone.id]}, as the window from its start to its event says, "
                f"got {milestone.expected_date}"
            )
            yield Problem(f"{place}.expected_date", message)


def _with_ordinals(chain: list[PlacedMilestone]) -> tuple[list[PlacedMilestone], list[Problem]]:
    # Among milestones of one day the stated order holds, then the ids'.
    ordered = sorted(chain, key=lambda entry: (_expected(entry[1]), _stated_ordinal(entry[1]), entry[1].id))
    event = next((at for at, (_, milestone) in enumerate(ordered) if milestone.kind is MilestoneKind.EVENT), None)
    ranks = ordinals([_expected(milestone) for _, milestone in ordered], event)
    problems = [
        Problem(f"{place}.ordinal", f"expected {rank}, its rank by expected date, got {milestone.ordinal}")
        for rank, (place, milestone) in zip(ranks, ordered, strict=True)
        if milestone.ordinal not in {None, rank}
    ]
    ranked = [
        (place, milestone.model_copy(update={"ordinal": rank}))
        for rank, (place, milestone) in zip(ranks, ordered, strict=True)
    ]
    return ranked, problems


def _stated_ordinal(milestone: Milestone) -> int:
    return 0 if milestone.ordinal is None else milestone.ordinal


def _expected(milestone: Milestone) -> date:
    if milestone.expected_date is None:
        message = f"the expected date of {milestone.id} has not been filled in"
        raise AssertionError(message)
    return milestone.expected_date
