"""
A portfolio's expected signed relevance over time, and why it moved, from ledgers, stored positions and exposures.

Beliefs are those of the claims themselves, by what was recorded by each moment, and so are exposures; a claim with a
known outcome counts as 1 or 0. Joint marginals of the past are not kept: where a change of marginals is asked for, they
are computed for both its ends.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from operator import itemgetter
from typing import Final

import numpy as np

from graph.database.sessions import Unit
from graph.errors import InvalidError, OversizeError
from graph.exposure.book import Holding, refuse_absent
from graph.exposure.positions import Positions
from graph.exposure.store import Holder, get_portfolio, list_held
from graph.exposure.tickers import Course, read_courses
from graph.inference.history import course_beliefs_at
from graph.inference.log_odds import FloatArray
from graph.inference.time import utc_moments
from graph.ledger.claim_history import ClaimHistory, load_histories
from graph.model.kinds import ClaimStatus

MOST_CLAIMS: Final = 5_000
"""Claims whose ledgers are read for one answer."""

MOST_STRETCHES: Final = 400
"""Rows of a portfolio that hold one after the other in one answer."""

_TICK: Final = timedelta(microseconds=1)
"""The time between a moment and the one just before it, as moments are kept."""

_OUTCOMES: Final = {ClaimStatus.RESOLVED_TRUE: 1.0, ClaimStatus.RESOLVED_FALSE: 0.0, ClaimStatus.ANNULLED: 0.0}


class Cause(StrEnum):
    """
    Causes of a change.

    Attributes:
        EVIDENCE: Rows of a claim's ledger.
        RESOLUTION: A claim's outcome, or that it was annulled.
        RESTATEMENT: A claim's stated probability, window or class, or its class's base rate, was changed.
        TIME: A claim's window runs out.
        POSITIONS: The portfolio's positions were changed.
        EXPOSURES: An exposure of a ticker was added, changed or removed.
        PROPAGATION: A claim's marginal moved by more than the belief that follows from the claim itself.
    """

    EVIDENCE = "EVIDENCE"
    RESOLUTION = "RESOLUTION"
    RESTATEMENT = "RESTATEMENT"
    TIME = "TIME"
    POSITIONS = "POSITIONS"
    EXPOSURES = "EXPOSURES"
    PROPAGATION = "PROPAGATION"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Positions that are held since a moment: weights by symbol."""

    since: datetime
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Step:
    """
    Weights and effects by which a claim counts if it comes true, since a moment.

    Attributes:
        since: The moment.
        held: The weight and the effect of each ticker that is exposed to it at any time, by symbol.
    """

    since: datetime
    held: Mapping[str, tuple[float, float]]

    @property
    def coefficient(self) -> float:
        """The sum of weights times effects."""
        return math.fsum(weight * effect for weight, effect in self.held.values())


@dataclass(frozen=True, slots=True)
class Ends:
    """
    A prediction at the first moment and at the last.

    Attributes:
        first: What it adds if it comes true at the first.
        last: The same at the last.
        belief_before: The belief in it by itself at the first.
        belief_after: The same at the last.
    """

    first: float
    last: float
    belief_before: float
    belief_after: float


@dataclass(frozen=True, slots=True)
class Part:
    """
    A part of a change.

    Attributes:
        cause: The cause.
        delta: Its part of the change of the expected signed relevance.
        claim_id: The claim; None for positions.
        symbol: The ticker of a position or of an exposure; None for a claim.
        at: When it happened; None for time.
        entry_ids: Rows of the ledger.
    """

    cause: Cause
    delta: float
    claim_id: str | None = None
    symbol: str | None = None
    at: datetime | None = None
    entry_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """
    A change of the expected signed relevance, and its parts, which add up to it.

    Attributes:
        before: The expectation at the first moment.
        after: That at the last.
        parts: The parts, the largest first.
    """

    before: float
    after: float
    parts: tuple[Part, ...]

    def totals(self) -> dict[Cause, float]:
        """Add the parts up by cause; propagation is among these where it has parts."""
        causes = {part.cause for part in self.parts} | set(Cause) - {Cause.PROPAGATION}
        return {
            cause: math.fsum(part.delta for part in self.parts if part.cause is cause)
            for cause in Cause
            if cause in causes
        }


@dataclass(frozen=True, slots=True)
class Record:
    """
    All that a portfolio's expectation followed from between two moments.

    Attributes:
        start: The first moment.
        end: The last.
        stretches: The positions, of which the first are held at the start.
        effects: Sign times relevance from the start on, by claim and symbol; 0 before the first moment of each.
        histories: The claims' histories by id.
    """

    start: datetime
    end: datetime
    stretches: tuple[Stretch, ...]
    effects: Mapping[str, Mapping[str, Course]]
    histories: Mapping[str, ClaimHistory]

    def steps(self, claim_id: str) -> list[Step]:
        """List what a claim adds if it comes true, from the start on, with a step wherever that may change."""
        courses = self.effects.get(claim_id, {})
        held_since = [stretch.since for stretch in self.stretches]
        changes = {since for course in courses.values() for since, _ in course if since > self.start}
        return [
            Step(
                moment,
                {
                    symbol: (stretch.weights.get(symbol, 0.0), _effect_at(course, moment))
                    for symbol, course in courses.items()
                },
            )
            for moment in sorted({*held_since, *changes})
            for stretch in [self.stretches[bisect_right(held_since, moment) - 1]]
        ]

    def expectations(self, moments: Sequence[datetime]) -> list[float]:
        """Compute the expected signed relevance at each of some moments from the start to the end."""
        asked = utc_moments(moments)
        parts = np.zeros((len(self.histories), len(moments)))
        for row, (claim_id, history) in zip(parts, self.histories.items(), strict=True):
            steps = self.steps(claim_id)
            numbers = np.searchsorted(utc_moments([step.since for step in steps]), asked, side="right") - 1
            row[:] = np.array([step.coefficient for step in steps])[numbers] * _beliefs(history, moments)
        return [math.fsum(column) for column in parts.T.tolist()]

    def split(self) -> Moved:
        """Split the change from the start to the end by its causes."""
        before, after = self.expectations([self.start, self.end])
        parts: list[Part] = []
        moves: dict[tuple[datetime, str], list[float]] = defaultdict(list)
        for claim_id, history in self.histories.items():
            steps = self.steps(claim_id)
            found, beliefs = _split_claim(self, history, steps)
            parts += found
            for (left, right), belief in zip(pairwise(steps), beliefs, strict=True):
                for symbol, (weight, effect) in right.held.items():
                    weight_before, effect_before = left.held[symbol]
                    moves[right.since, symbol].append((weight - weight_before) * effect_before * belief)
                    delta = weight * (effect - effect_before) * belief
                    parts.append(Part(Cause.EXPOSURES, delta, claim_id, symbol, right.since))
        parts += [Part(Cause.POSITIONS, math.fsum(own), None, symbol, at) for (at, symbol), own in moves.items()]
        return Moved(before, after, _in_order(parts))

    def split_marginals(self, before: Mapping[str, float], after: Mapping[str, float]) -> Moved:
        """
        Split the change of the expectation by marginals: as `split` does, and by what propagation added to each belief.

        With c_p what a prediction adds if it comes true, m_p its marginal and b_p the belief by itself, propagation's
        part is c_p (m_p - b_p) at the end less the same at the start.

        Args:
            before: Marginals at the start by claim; a claim without one adds nothing.
            after: Marginals at the end, likewise.
        """
        parts: list[Part] = []
        sums: list[tuple[float, float]] = []
        for claim_id, own in self.ends().items():
            marginal_before, marginal_after = before.get(claim_id, 0.0), after.get(claim_id, 0.0)
            delta = own.last * (marginal_after - own.belief_after) - own.first * (marginal_before - own.belief_before)
            parts.append(Part(Cause.PROPAGATION, delta, claim_id))
            sums.append((own.first * marginal_before, own.last * marginal_after))
        start, end = (math.fsum(own[place] for own in sums) for place in (0, 1))
        return Moved(start, end, _in_order([*self.split().parts, *parts]))

    def ends(self) -> dict[str, Ends]:
        """Compute what each prediction adds if it comes true, and the belief in it by itself, at both ends; by id."""
        found: dict[str, Ends] = {}
        for claim_id, history in self.histories.items():
            steps = self.steps(claim_id)
            beliefs = _beliefs(history, [self.start, self.end]).tolist()
            found[claim_id] = Ends(steps[0].coefficient, steps[-1].coefficient, *beliefs)
        return found


def _effect_at(course: Course, moment: datetime) -> float:
    """Return sign times relevance at a moment."""
    number = bisect_right(course, moment, key=itemgetter(0))
    return course[number - 1][1] if number else 0.0


def _in_order(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return the parts that are not 0, the largest first."""
    return tuple(sorted((part for part in parts if part.delta), key=lambda part: -abs(part.delta)))


async def read_record(
    unit: Unit,
    portfolio: Positions | str,
    holder: Holder,
    start: datetime,
    end: datetime,
    *,
    known_at: datetime | None = None,
    policy: str | None = None,
) -> Record:
    """
    Read what a portfolio's expectation followed from between two moments.

    Args:
        unit: A transaction.
        portfolio: Positions that are held all the time, or the name of a stored portfolio.
        holder: Who asks.
        start: The first moment.
        end: The last.
        known_at: By when positions were recorded; None for each moment by what was recorded by then.
        policy: The name of the policy to compute beliefs by; None for the one in force at each moment.

    Raises:
        InvalidError: The moments are not in order, the last one has not come, or no policy has the name.
        NotFoundError: There is no such portfolio, or it had no positions at the start yet.
        NotOwnedError: It belongs to another.
        OversizeError: There are too many claims or changes of positions.
    """
    if end > (now := datetime.now(UTC)):
        raise InvalidError(f"expected a moment that has come, got {end.isoformat()}, which is after {now}", path="to")
    if start >= end:
        raise InvalidError(f"expected a moment before {end.isoformat()}, got {start.isoformat()}", path="from")
    if isinstance(portfolio, Positions):
        stretches: tuple[Stretch, ...] = (Stretch(start, portfolio.weights),)
    else:
        stretches = await _read_stretches(unit, portfolio, holder, start, end, known_at)
    symbols = dict.fromkeys(symbol for stretch in stretches for symbol in stretch.weights)
    courses = await read_courses(unit, symbols, start, end)
    if isinstance(portfolio, Positions):
        refuse_absent(portfolio, courses)
    effects: dict[str, dict[str, Course]] = defaultdict(dict)
    for symbol in symbols:
        for claim_id, course in courses.get(symbol, {}).items():
            if course:
                effects[claim_id][symbol] = course
    claim_ids = set(effects)
    if len(claim_ids) > MOST_CLAIMS:
        message = (
            f"the tickers are exposed to {len(claim_ids):,} claims, and histories of at most {MOST_CLAIMS:,} are read"
        )
        raise OversizeError(message, size=len(claim_ids), limit=MOST_CLAIMS, path="portfolio")
    histories = await load_histories(unit, claim_ids, policy)
    # A claim that nobody has stated a probability of, or that was deleted since, adds nothing.
    return Record(start, end, stretches, effects, histories)


async def _read_stretches(
    unit: Unit, name: str, holder: Holder, start: datetime, end: datetime, known_at: datetime | None
) -> tuple[Stretch, ...]:
    await get_portfolio(unit, name, holder, held_at=start, known_at=known_at)
    rows = await list_held(unit, name, end, known_at or end, limit=MOST_STRETCHES + 1)
    if len(rows) > MOST_STRETCHES:
        message = f"the portfolio has more than {MOST_STRETCHES} rows until then, which is the most"
        raise OversizeError(message, size=len(rows), limit=MOST_STRETCHES, path="portfolio")
    moments = {start, *(row.held_at for row in rows)}
    if known_at is None:
        moments |= {row.recorded_at for row in rows}
    stretches: list[Stretch] = []
    for moment in sorted(moment for moment in moments if start <= moment <= end):
        by = known_at or moment
        fitting = [row for row in rows if row.held_at <= moment and row.recorded_at <= by]
        held = max(fitting, key=lambda row: (row.held_at, row.id), default=None)
        weights = {} if held is None else {position.symbol: position.weight for position in held.positions}
        if not stretches or stretches[-1].weights != weights:
            stretches.append(Stretch(moment, weights))
    return tuple(stretches)


def effects_of(holding: Holding) -> dict[str, float]:
    """Add up sign times relevance of a ticker's exposures by prediction; those without a relevance are left out."""
    parts: dict[str, list[float]] = defaultdict(list)
    edges = holding.ticker.edges
    for claim_id, relevance in zip(edges.claim_ids, edges.relevances.tolist(), strict=True):
        if not math.isnan(relevance):
            parts[claim_id].append(relevance)
    return {claim_id: math.fsum(own) for claim_id, own in parts.items()}


def _beliefs(history: ClaimHistory, moments: Sequence[datetime]) -> FloatArray:
    """Compute the belief in a claim at each moment: 1 or 0 once an outcome is known, and 0 before one was stated."""
    found = np.nan_to_num(course_beliefs_at(history.course, utc_moments(moments)), nan=0.0)
    outcome = _OUTCOMES.get(history.state.status)
    if outcome is not None:
        for index, moment in enumerate(moments):
            settled = history.settled_at(moment)
            if settled is not None and settled <= moment:
                found[index] = outcome
    return found


def _split_claim(record: Record, history: ClaimHistory, steps: Sequence[Step]) -> tuple[list[Part], list[float]]:
    """
    Split what a claim did to the expectation.

    Args:
        record: All that the expectation followed from.
        history: The claim's history.
        steps: What it adds if it comes true.

    Returns:
        The parts, and the belief just before each step but the first.
    """
    causes = dict(list_causes(history, record.start, record.end))
    own = [step.coefficient for step in steps]
    changes = {step.since: number for number, step in enumerate(steps) if number}
    moments = sorted({*causes, *changes})
    points = [record.start, *(point for moment in moments for point in (moment - _TICK, moment)), record.end]
    beliefs = _beliefs(history, points).tolist()
    claim_id, number, drifts = history.state.claim_id, 0, list[float]()
    parts: list[Part] = []
    before_changes: list[float] = []
    for index, moment in enumerate(moments):
        previous, before, after = beliefs[2 * index : 2 * index + 3]
        drifts.append(own[number] * (before - previous))
        if moment in changes:
            number = changes[moment]
            before_changes.append(before)
        jump = own[number] * (after - before)
        if moment in causes:
            cause, entry_ids = causes[moment]
            parts.append(Part(cause, jump, claim_id, at=moment, entry_ids=entry_ids))
        else:
            drifts.append(jump)
    drifts.append(own[number] * (beliefs[-1] - beliefs[-2]))
    return [*parts, Part(Cause.TIME, math.fsum(drifts), claim_id)], before_changes


def list_causes(
    history: ClaimHistory, start: datetime, end: datetime
) -> Iterable[tuple[datetime, tuple[Cause, tuple[str, ...]]]]:
    """List the moments at which something was recorded of a claim; of several at one moment the last one counts."""
    found: list[tuple[datetime, tuple[Cause, tuple[str, ...]]]] = []
    found += [(piece.since, (Cause.RESTATEMENT, ())) for piece in history.course[1:]]
    entries: dict[datetime, list[str]] = defaultdict(list)
    for row in history.rows:
        entries[row["recorded_at"].astimezone(UTC)].append(row["id"])
    found += [(moment, (Cause.EVIDENCE, tuple(ids))) for moment, ids in entries.items()]
    if history.state.status in _OUTCOMES:
        ends = [(piece.since, piece.until) for piece in history.course if piece.until is not None]
        found += [(max(ends_at), (Cause.RESOLUTION, ())) for ends_at in ends]
    return [(moment, cause) for moment, cause in found if start < moment <= end]
