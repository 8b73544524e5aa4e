"""
Weighted sums of claims' probabilities as they are stored, followed for subscribers: of each sum once for all of them.

A sum's weights are read when the first subscriber comes, and again after an event that may have changed them; after
that each event adds what the claims that it moved contribute, so a poll costs by what has moved and not by the sums.
"""

import math
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from graph.database.sessions import Database, Unit
from graph.errors import BusyError, InvalidError
from graph.feed.beliefs import Baseline, Belief, Change
from graph.feed.events import Event, EventId
from graph.model.kinds import ClaimStatus

MOST_SUMS: Final = 200
"""Sums that a process follows at a time, of up to 10,000 claims each, some 1 MB."""

MOST_STEPS: Final = 100
"""The latest events of a sum that are told one by one; what earlier ones did is told as one figure."""

MOST_NAMED: Final = 20
"""Claims that an event of a sum names."""

Weights = Mapping[str, float]
"""Weight by claim."""


@dataclass(frozen=True, slots=True)
class WeightedSum:
    """
    A sum that is followed.

    Attributes:
        name: Identifies it: subscribers of one name share its computation.
        load: Reads the weights; None where there is no such sum any more.
        is_changed_by: Whether an event may have changed the weights.
    """

    name: str
    load: Callable[[Unit], Awaitable[Weights | None]]
    is_changed_by: Callable[[Event], bool]


class Step(NamedTuple):
    """
    An event's part of a sum's change.

    Attributes:
        event_id: The event.
        delta: What it changed; 0 where the sum came or went.
        claim_ids: Claims that moved the sum, those that moved it most first, at most MOST_NAMED.
        has_new_weights: Whether weights were read again.
    """

    event_id: EventId
    delta: float
    claim_ids: tuple[str, ...]
    has_new_weights: bool


@dataclass(frozen=True, slots=True)
class SumMoved:
    """
    A sum that is told.

    Attributes:
        before: The value that the change is measured from; None if there was none or it is not known.
        after: The value now; None if there is no such sum any more.
        steps: The events that moved it, at most MOST_STEPS.
        rest: What earlier ones did.
        is_resumed: Whether it is told because it may have moved while nobody listened.
    """

    before: float | None
    after: float | None
    steps: tuple[Step, ...] = ()
    rest: float = 0.0
    is_resumed: bool = False


@dataclass(slots=True)
class SumMeasure:
    """
    A subscriber's measure of a sum's changes.

    Attributes:
        threshold: The least change that is told, above 0.
        baseline: The values from which it is measured.
        value: That value; None if there was none.
        since: Number of the sum's steps when it was that.

    Raises:
        InvalidError: The threshold is not above 0, or no finite number.
    """

    threshold: float
    baseline: Baseline = Baseline.LAST_TOLD
    value: float | None = None
    since: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.threshold < math.inf):
            raise InvalidError(f"expected a finite threshold above 0, got {self.threshold:g}", path="threshold")

    def begin(self, followed: "FollowedSum") -> None:
        """Take a sum's present value as the one to measure from."""
        self.value, self.since = followed.value, followed.num_steps

    def move(self, followed: "FollowedSum") -> SumMoved | None:
        """Take a sum's new value after a step; returns what is to be told of it, if anything."""
        before, after = self.value, followed.value
        if before is None or after is None:
            if before is after:
                return None
        elif abs(after - before) < self.threshold:
            return None
        moved = followed.moved_from(before, self.since)
        if self.baseline is Baseline.LAST_TOLD or before is None or after is None:
            self.begin(followed)
        return moved

    def resume(self, followed: "FollowedSum") -> SumMoved:
        """Take a sum's value that may have moved while nobody listened, and tell it."""
        self.begin(followed)
        return SumMoved(None, followed.value, is_resumed=True)


@dataclass(slots=True, eq=False)
class FollowedSum:
    """
    A sum and its latest steps.

    Attributes:
        asked: The sum.
        weights: Its weights; None where there is no such sum.
        value: Its value; None likewise.
        num_steps: Number of steps so far.
        steps: The latest of them.
    """

    asked: WeightedSum
    weights: dict[str, float] | None
    value: float | None
    num_steps: int = 0
    steps: deque[Step] = field(default_factory=lambda: deque(maxlen=MOST_STEPS))

    def take(self, step: Step, value: float | None) -> None:
        """Take a step and the value after it."""
        self.steps.append(step)
        self.value, self.num_steps = value, self.num_steps + 1

    def moved_from(self, before: float | None, num_steps: int) -> SumMoved:
        """Return what has moved since it had a value after a number of steps; the parts add up to the difference."""
        num_kept = min(self.num_steps - num_steps, len(self.steps))
        kept = tuple(self.steps)[len(self.steps) - num_kept :]
        rest = 0.0
        if num_kept < self.num_steps - num_steps and before is not None and self.value is not None:
            rest = self.value - before - math.fsum(step.delta for step in kept)
        return SumMoved(before, self.value, kept, rest)


class FollowedSums:
    """
    The sums that a process follows.

    Args:
        database: The database to read.
        find: Finds the belief in a claim as it is known after the last poll.
    """

    def __init__(self, database: Database, find: Callable[[str], Belief | None]) -> None:
        self._database, self._find = database, find
        self._followed: dict[str, FollowedSum] = {}
        self._names_of: defaultdict[str, set[str]] = defaultdict(set)

    async def get(self, asked: WeightedSum) -> FollowedSum:
        """
        Return a sum, whose weights are read if it is not followed yet.

        Raises:
            BusyError: As many are followed as may be.
        """
        known = self._followed.get(asked.name)
        if known is not None:
            return known
        if len(self._followed) >= MOST_SUMS:
            raise BusyError(f"{MOST_SUMS} sums are followed, which is the most; try again later")
        weights = await self._database.read(asked.load)
        followed = self._followed[asked.name] = FollowedSum(asked, None, None)
        self._put(followed, weights)
        followed.value = self._value(followed, {})
        return followed

    def drop(self, name: str) -> None:
        """Follow a sum no longer."""
        followed = self._followed.pop(name, None)
        if followed is not None:
            self._put(followed, None)

    def clear(self) -> None:
        """Follow no sums."""
        self._followed.clear()
        self._names_of.clear()

    async def read_again(self, events: Sequence[Event]) -> dict[str, tuple[EventId, Weights | None]]:
        """Read weights that events may have changed; returns by name those of now, and the last of these events."""
        found: dict[str, tuple[EventId, Weights | None]] = {}
        for name, followed in tuple(self._followed.items()):
            changing = [event.id for event in events if followed.asked.is_changed_by(event)]
            if changing:
                found[name] = changing[-1], await self._database.read(followed.asked.load)
        return found

    def take(
        self,
        event: Event,
        changes: Sequence[Change],
        again: Mapping[str, tuple[EventId, Weights | None]],
        later: Mapping[str, Belief | None],
    ) -> list[FollowedSum]:
        """
        Take an event; returns the sums that it has moved.

        Args:
            event: The event.
            changes: The beliefs that it has changed.
            again: Weights that were read again, by name, each with the event after which they hold.
            later: Beliefs before changes by later events of the same poll.
        """
        deltas: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for claim_id, before, now in changes:
            step = probability_of(now) - probability_of(before)
            for name in tuple(self._names_of.get(claim_id, ())) if step or now is None else ():
                weights = self._followed[name].weights or {}
                deltas[name][claim_id] = weights.get(claim_id, 0.0) * step
                if now is None:  # another claim of this id would have exposures of its own
                    self._names_of[claim_id].discard(name)
                    weights.pop(claim_id, None)
        renewed = {
            name: weights
            for name, (event_id, weights) in again.items()
            if event_id == event.id and name in self._followed
        }
        moved: list[FollowedSum] = []
        for name in dict.fromkeys((*deltas, *renewed)):
            followed, parts = self._followed[name], deltas[name]
            last = followed.value
            value = None if last is None else last + math.fsum(parts.values())
            if name in renewed:
                self._put(followed, renewed[name])
                value = self._value(followed, later)
            if value != last:
                delta = 0.0 if last is None or value is None else value - last
                followed.take(Step(event.id, delta, _name_largest(parts), name in renewed), value)
                moved.append(followed)
        return moved

    def _put(self, followed: FollowedSum, weights: Weights | None) -> None:
        name = followed.asked.name
        for claim_id in followed.weights or ():
            self._names_of[claim_id].discard(name)
            if not self._names_of[claim_id]:
                del self._names_of[claim_id]
        followed.weights = None if weights is None else dict(weights)
        for claim_id in followed.weights or ():
            self._names_of[claim_id].add(name)

    def _value(self, followed: FollowedSum, later: Mapping[str, Belief | None]) -> float | None:
        if followed.weights is None:
            return None
        return math.fsum(
            weight * probability_of(later[claim_id] if claim_id in later else self._find(claim_id))
            for claim_id, weight in followed.weights.items()
        )


@dataclass(frozen=True, slots=True)
class SumInterest:
    """
    The sum of a subscription.

    Attributes:
        asked: The sum.
        measure: The changes that are told.
    """

    asked: WeightedSum
    measure: SumMeasure


def _name_largest(parts: Mapping[str, float]) -> tuple[str, ...]:
    """Return the claims with the largest parts, without those that have none."""
    moved = (claim_id for claim_id, part in parts.items() if part)
    return tuple(sorted(moved, key=lambda claim_id: (-abs(parts[claim_id]), claim_id))[:MOST_NAMED])


def probability_of(belief: Belief | None) -> float:
    """
    Return the stored probability that counts in sums.

    That is 1 or 0 of a claim with an outcome, else the marginal, else the posterior; 0 where there is none, and of an
    annulled claim.
    """
    if belief is None:
        return 0.0
    settled = ClaimStatus(belief.status).known_value
    if settled is not None:
        return settled
    stored = belief.posterior if belief.marginal is None else belief.marginal
    return 0.0 if stored is None else stored
