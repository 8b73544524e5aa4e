"""
Check-ins of a chain: three days on the way to its event.

Where the event is put off after some of them were missed or observed, those keep their days and numbers, and the last
three numbers are those of the stretch from the last of them to the event.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from graph.errors import Problem
from graph.inference.milestones import NUM_CHECK_INS, check_in_dates
from graph.model.kinds import MilestoneKind, MilestoneStatus
from graph.model.rows import Milestone, Prediction

WEIGHT: Final = 0.05
LABELS: Final = ("Q1 window check-in (25%)", "Q2 window check-in (50%)", "Q3 window check-in (75%)")
_NUMBER: Final = re.compile(r":check-in-([1-9]\d{0,3})")

MilestoneAtPath = tuple[str, Milestone]
"""The path that problems of a milestone name, and the milestone; an added check-in has the path of its event."""


def window_start_day(prediction: Prediction) -> date:
    """Return the first day of a prediction's window: the explicit one, else its year's, else the day after import."""
    if prediction.window_start is not None:
        return prediction.window_start.date()
    if prediction.from_year is not None:
        return date(prediction.from_year, 1, 1)
    if prediction.imported_on is None:
        message = f"the import day of {prediction.id} has not been filled in"
        raise AssertionError(message)
    return prediction.imported_on + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """
    Check-ins that are due between a day and the event.

    Attributes:
        prediction_id: The prediction.
        first: Number of the first of them.
        days: The day of each; none if the stretch is so short that they would coincide.
    """

    prediction_id: str
    first: int
    days: tuple[date, ...]

    def by_id(self) -> dict[str, date]:
        """Return the days by the ids of the check-ins."""
        return {f"{self.prediction_id}:check-in-{self.first + place}": day for place, day in enumerate(self.days)}

    def made(self) -> Iterator[Milestone]:
        """Make the check-ins."""
        for label, (name, day) in zip(LABELS, self.by_id().items(), strict=False):
            yield Milestone(
                id=name,
                prediction_id=self.prediction_id,
                kind=MilestoneKind.CHECK_IN,
                label=label,
                weight=WEIGHT,
                expected_date=day,
            )


def with_check_ins(
    chain: Sequence[MilestoneAtPath], prediction: Prediction, event: MilestoneAtPath, stored: frozenset[str]
) -> tuple[list[MilestoneAtPath], list[Problem]]:
    """
    Complete the check-ins of a chain that has an event: all where there are none, those of a new stretch where it is
    put off; and check the days of those that are stated.

    Args:
        chain: The milestones, with expected dates.
        prediction: Their prediction, its import day filled in.
        event: The event.
        stored: The ids of milestones from the graph, whose days follow; those of others are checked.
    """
    path, goal = event
    present = {milestone.id: milestone for _, milestone in chain if milestone.kind is MilestoneKind.CHECK_IN}
    stretch = _stretch(present, prediction, goal)
    if not present:
        return [*chain, *((path, milestone) for milestone in stretch.made())], []
    days, added = stretch.by_id(), list[MilestoneAtPath]()
    is_off = any(
        _is_settled(present[name]) and present[name].expected_date != day
        for name, day in days.items()
        if name in present
    )
    if is_off and stored.intersection(days):
        stretch = _stretch_after(present, prediction, goal)
        days = stretch.by_id()
        added = [(path, milestone) for milestone in stretch.made() if milestone.id not in present]
    stated = [entry for entry in chain if entry[1].id in present and entry[1].id not in stored]
    problems = [] if is_off else list(_problems(stated, days, present, stretch.first))
    current = {milestone.id: milestone for milestone in stretch.made()}
    moved = [
        (
            at,
            _moved(milestone, current[milestone.id])
            if milestone.id in stored and milestone.id in current
            else milestone,
        )
        for at, milestone in chain
    ]
    return [*moved, *added], problems


def _moved(check_in: Milestone, current: Milestone) -> Milestone:
    """Return a stored check-in on its current day, unless it is settled; a label of ours says what part that is."""
    if _is_settled(check_in):
        return check_in
    label = current.label if check_in.label in LABELS else check_in.label
    return check_in.model_copy(update={"expected_date": current.expected_date, "label": label})


def _is_settled(check_in: Milestone) -> bool:
    """Whether it keeps its day: its miss is in the ledger, or it was observed."""
    observed = {MilestoneStatus.HIT, MilestoneStatus.MISSED}
    return check_in.miss_emitted_at is not None or check_in.status in observed


def _numbered(present: Mapping[str, Milestone], prediction_id: str) -> dict[int, Milestone]:
    """Return the check-ins whose ids are numbers of the prediction's, by number."""
    found = ((_NUMBER.fullmatch(name.removeprefix(prediction_id)), row) for name, row in present.items())
    return {int(match[1]): row for match, row in found if match is not None}


def _stretch(present: Mapping[str, Milestone], prediction: Prediction, event: Milestone) -> _Stretch:
    """Return the last stretch: of the last three numbers, each of those before which there is."""
    numbered, last = _numbered(present, prediction.id), NUM_CHECK_INS
    while last + 1 in numbered and last + 1 - NUM_CHECK_INS in numbered:
        last += 1
    return _from(numbered, last + 1 - NUM_CHECK_INS, prediction, event)


def _stretch_after(present: Mapping[str, Milestone], prediction: Prediction, event: Milestone) -> _Stretch:
    """Return the stretch that begins with the last settled check-in."""
    numbered = _numbered(present, prediction.id)
    settled = max(number for number, check_in in numbered.items() if _is_settled(check_in))
    return _from(numbered, settled + 1, prediction, event)


def _from(numbered: Mapping[int, Milestone], first: int, prediction: Prediction, event: Milestone) -> _Stretch:
    before = [expected_day(numbered[number]) for number in numbered if number < first]
    start = max(before, default=window_start_day(prediction))
    return _Stretch(prediction.id, first, check_in_dates(start, expected_day(event)))


def _problems(
    stated: Sequence[MilestoneAtPath], days: Mapping[str, date], present: Mapping[str, Milestone], first: int
) -> Iterator[Problem]:
    """Yield what is wrong with check-ins that are stated: their ids, or their days."""
    earlier = {f"{check_in.prediction_id}:check-in-{n}" for check_in in present.values() for n in range(1, first)}
    for path, milestone in stated:
        if milestone.id in earlier:
            continue
        if milestone.id not in days:
            ids = f"one of {', '.join(days)}" if days else "no check-in in so short a window"
            yield Problem(f"{path}.id", f"expected {ids}, got {milestone.id!r}")
        elif milestone.expected_date != days[milestone.id]:
            message = (
                f"expected {days[milestone.id]}, which follows from the window's start and the event, "
                f"got {milestone.expected_date}"
            )
            yield Problem(f"{path}.expected_date", message)


def expected_day(milestone: Milestone) -> date:
    """Return the expected date of a milestone, which has been filled in."""
    if milestone.expected_date is None:
        message = f"the expected date of {milestone.id} has not been filled in"
        raise AssertionError(message)
    return milestone.expected_date
