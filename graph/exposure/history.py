"""
A portfolio's expected signed relevance over time, and why it moved, from ledgers, stored positions and exposures.

Beliefs are those of the claims themselves, by what was recorded by each moment, and so are exposures; a claim with a
known outcome counts as 1 or 0. Joint marginals of the past are not kept: where a change of marginals is asked for, they
are computed for both its ends.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Final

import numpy as np

from graph.database.sessions import Unit
from graph.errors import InvalidError, OversizeError
from graph.exposure.book import Holding, refuse_absent
from graph.exposure.positions import Positions
from graph.exposure.store import Holder, get_portfolio, list_held
from graph.exposure.tickers import Course, read_courses
from graph.inference.changes import Moves, split_sum
from graph.inference.coefficients import Held
from graph.inference.courses import EVIDENT, RESTATED, SETTLED, PlaceArray, Records, count_by
from graph.inference.log_odds import FloatArray
from graph.inference.time import MomentArray, datetime_of, moments_of, utc_moments
from graph.ledger.claim_courses import ClaimCourses, load_courses

MOST_CLAIMS: Final = 20_000
"""Claims whose ledgers are read for one answer, some five seconds."""

MOST_STRETCHES: Final = 400
"""Rows of a portfolio that hold one after the other in one answer."""

MOST_VALUES: Final = 250_000
"""Beliefs of claims at moments that are computed at once, some 50 MB."""


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


_CAUSES: Final = {RESTATED: Cause.RESTATEMENT, EVIDENT: Cause.EVIDENCE, SETTLED: Cause.RESOLUTION}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Positions that are held since a moment: weights by symbol."""

    since: datetime
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    Something that was recorded of a claim.

    Attributes:
        cause: Its kind.
        at: When it was recorded.
        entry_ids: Rows of the ledger.
    """

    cause: Cause
    at: datetime
    entry_ids: tuple[str, ...]


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


@dataclass(frozen=True, eq=False)
class Record:
    """
    All that a portfolio's expectation followed from between two moments.

    Attributes:
        start: The first moment.
        end: The last.
        stretches: The positions, of which the first are held at the start.
        symbols: Symbols of all tickers that are held at any time.
        held: The weights of these, and sign times relevance of each claim from the start on.
        claims: The claims' histories.
    """

    start: datetime
    end: datetime
    stretches: tuple[Stretch, ...]
    symbols: tuple[str, ...]
    held: Held
    claims: ClaimCourses

    def expectations(self, moments: Sequence[datetime]) -> list[float]:
        """Compute the expected signed relevance at each of some moments from the start to the end."""
        num_claims, asked = len(self.claims.ids), utc_moments(moments)
        size = max(1, MOST_VALUES // max(1, num_claims))
        parts = (self._contributions(asked[first : first + size]) for first in range(0, asked.size, size))
        return [math.fsum(column) for part in parts for column in part.T.tolist()]

    def split(self) -> Moved:
        """Split the change from the start to the end by its causes."""
        before, after = self.expectations([self.start, self.end])
        return Moved(before, after, _in_order(self._list_parts()))

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
        return Moved(start, end, _in_order([*_in_order(self._list_parts()), *parts]))

    def ends(self) -> dict[str, Ends]:
        """Compute what each prediction adds if it comes true, and the belief in it by itself, at both ends; by id."""
        starts, _, coefficients = self._steps
        columns = coefficients[starts[:-1]], coefficients[starts[1:] - 1], *self._values(self._bounds).T
        return dict(zip(self.claims.ids, map(Ends, *(column.tolist() for column in columns)), strict=True))

    def _list_parts(self) -> Iterable[Part]:
        """List the parts of the change from the start to the end by their causes, one claim's after the other's."""
        first, last = self._bounds
        records = self.claims.courses.records(first, last)
        found = split_sum(self.claims.courses, records, self.held, first, last)
        num_claims, num_records = found.drifts.size, found.recorded.size
        claims = np.concatenate([records.claims, np.arange(num_claims), found.effects.claims])
        deltas = np.concatenate([found.recorded, found.drifts, found.effects.deltas])
        order = np.argsort(claims, kind="stable")
        for place in order[deltas[order] != 0.0].tolist():
            claim_id, delta = self.claims.ids[claims[place]], float(deltas[place])
            if place < num_records:
                own = recorded_of(self.claims, records, place)
                yield Part(own.cause, delta, claim_id, at=own.at, entry_ids=own.entry_ids)
            elif place < num_records + num_claims:
                yield Part(Cause.TIME, delta, claim_id)
            else:
                yield self._part(Cause.EXPOSURES, found.effects, place - num_records - num_claims, claim_id)
        for place in range(found.weights.deltas.size):
            yield self._part(Cause.POSITIONS, found.weights, place)

    def _part(self, cause: Cause, moves: Moves, place: int, claim_id: str | None = None) -> Part:
        symbol = self.symbols[moves.tickers[place]]
        return Part(cause, float(moves.deltas[place]), claim_id, symbol, datetime_of(moves.moments[place]))

    @property
    def _bounds(self) -> MomentArray:
        return utc_moments([self.start, self.end])

    @cached_property
    def _steps(self) -> tuple[PlaceArray, MomentArray, FloatArray]:
        """The place of each claim's first step, the start of each step, and the claim's coefficient in it."""
        laid_out = list(self.held.laid_out())
        counts = [np.diff(steps.starts) for steps in laid_out]
        starts = np.concatenate([np.zeros(1, np.int64), *counts]).cumsum()
        sinces = np.concatenate([np.zeros(0, "datetime64[us]"), *(steps.sinces for steps in laid_out)])
        return starts, sinces, np.concatenate([np.zeros(0), *(steps.coefficients for steps in laid_out)])

    def _values(self, moments: MomentArray) -> FloatArray:
        """Compute what each claim counts as at each moment, shape (claims, moments)."""
        num_claims = len(self.claims.ids)
        claims, asked = np.repeat(np.arange(num_claims), moments.size), np.tile(moments, num_claims)
        return self.claims.courses.values(claims, asked).reshape(num_claims, moments.size)

    def _contributions(self, moments: MomentArray) -> FloatArray:
        """Compute what each claim adds to the expectation at each moment, shape (claims, moments)."""
        starts, sinces, coefficients = self._steps
        values = self._values(moments)
        claims, asked = np.repeat(np.arange(len(values)), moments.size), np.tile(moments, len(values))
        steps = starts[claims] + count_by(starts, sinces, claims, asked) - 1
        found: FloatArray = coefficients[steps].reshape(values.shape) * values
        return found


def recorded_of(claims: ClaimCourses, records: Records, place: int) -> Recorded:
    """Return one of the records of claims."""
    entry_ids = claims.entry_ids[records.first_rows[place] : records.end_rows[place]]
    return Recorded(_CAUSES[records.kinds[place]], datetime_of(records.moments[place]), tuple(entry_ids))


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
    symbols = tuple(dict.fromkeys(symbol for stretch in stretches for symbol in stretch.weights))
    effects = await read_courses(unit, symbols, start, end)
    if isinstance(portfolio, Positions):
        refuse_absent(portfolio, effects)
    claim_ids = {claim_id for own in effects.values() for claim_id, course in own.items() if course}
    if len(claim_ids) > MOST_CLAIMS:
        message = (
            f"the tickers are exposed to {len(claim_ids):,} claims, and histories of at most {MOST_CLAIMS:,} are read"
        )
        raise OversizeError(message, size=len(claim_ids), limit=MOST_CLAIMS, path="portfolio")
    # A claim that nobody has stated a probability of, or that was deleted since, adds nothing.
    claims = await load_courses(unit, claim_ids, policy)
    held = await asyncio.to_thread(_hold, stretches, symbols, effects, claims.ids)
    return Record(start, end, stretches, symbols, held, claims)


def _hold(
    stretches: Sequence[Stretch],
    symbols: Sequence[str],
    effects: Mapping[str, Mapping[str, Course]],
    claim_ids: Sequence[str],
) -> Held:
    """Lay out what is held as arrays; `effects` are by symbol and claim."""
    courses: dict[str, list[tuple[int, Course]]] = {claim_id: [] for claim_id in claim_ids}
    for ticker, symbol in enumerate(symbols):
        for claim_id, course in effects.get(symbol, {}).items():
            if course and claim_id in courses:
                courses[claim_id].append((ticker, course))
    edges = [edge for own in courses.values() for edge in own]
    changes = [change for _, course in edges for change in course]
    weights = [[stretch.weights.get(symbol, 0.0) for symbol in symbols] for stretch in stretches]
    return Held(
        edge_starts=np.cumsum([0, *map(len, courses.values())]),
        tickers=np.array([ticker for ticker, _ in edges], np.int64),
        effect_starts=np.cumsum([0, *(len(course) for _, course in edges)]),
        effect_sinces=moments_of([since for since, _ in changes]),
        effects=np.array([effect for _, effect in changes], np.float64),
        sinces=utc_moments([stretch.since for stretch in stretches]),
        weights=np.array(weights, np.float64).reshape(len(stretches), len(symbols)),
    )


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
