"""A change of a weighted sum, split into parts, against a walk from moment to moment."""

import math
from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pytest

from graph.inference.changes import split_sum
from graph.inference.coefficients import Held
from graph.inference.time import datetime_of, utc_moments
from tests.graph.inference.test_courses import START, Claim, join, some_claim, some_moments, value_at

FIRST, LAST = START + timedelta(days=40), START + timedelta(days=300)
TICK = timedelta(microseconds=1)
NUM_CLAIMS, NUM_TICKERS = 6, 3

Effects = list[tuple[datetime, float]]


class Book(NamedTuple):
    """Weights of tickers since moments, and effects of claims on some of the tickers, since moments too."""

    stretches: list[tuple[datetime, list[float]]]
    edges: list[dict[int, Effects]]

    def weight(self, ticker: int, moment: datetime) -> float:
        """The weight of a ticker at a moment."""
        return self.stretches[bisect_right([since for since, _ in self.stretches], moment) - 1][1][ticker]

    def effect(self, claim: int, ticker: int, moment: datetime) -> float:
        """The effect of a claim on a ticker at a moment."""
        own = self.edges[claim][ticker]
        number = bisect_right([since for since, _ in own], moment)
        return own[number - 1][1] if number else 0.0

    def coefficient(self, claim: int, moment: datetime) -> float:
        """What a claim adds if it comes true, at a moment."""
        terms = [self.weight(ticker, moment) * self.effect(claim, ticker, moment) for ticker in self.edges[claim]]
        return math.fsum(terms)

    def held(self) -> Held:
        """The same as arrays."""
        edges = [(ticker, own) for claim in self.edges for ticker, own in claim.items()]
        return Held(
            edge_starts=np.cumsum([0, *map(len, self.edges)]),
            tickers=np.array([ticker for ticker, _ in edges]),
            effect_starts=np.cumsum([0, *(len(own) for _, own in edges)]),
            effect_sinces=utc_moments([since for _, own in edges for since, _ in own]),
            effects=np.array([effect for _, own in edges for _, effect in own]),
            sinces=utc_moments([since for since, _ in self.stretches]),
            weights=np.array([weights for _, weights in self.stretches]),
        )


def some_book(generator: np.random.Generator) -> Book:
    """A book that is changed up to three times, with effects that are changed up to twice."""
    later = [at for at in some_moments(generator, 4) if FIRST < at <= LAST]
    stretches = [(since, generator.normal(size=NUM_TICKERS).tolist()) for since in [FIRST, *later]]
    edges: list[dict[int, Effects]] = []
    for _ in range(NUM_CLAIMS):
        tickers = generator.choice(NUM_TICKERS, generator.integers(1, NUM_TICKERS + 1), replace=False).tolist()
        edges.append({})
        for ticker in tickers:
            begun = [FIRST] if generator.random() < 0.7 else []
            moments = sorted({*begun, *(at for at in some_moments(generator, 2) if FIRST < at <= LAST)}) or [LAST]
            edges[-1][ticker] = [(since, float(generator.normal())) for since in moments]
    return Book(stretches, edges)


def walk(claims: list[Claim], book: Book) -> dict[Any, list[float]]:
    """All parts, by claim and record, claim, claim and ticker and moment, or ticker and moment; from day to day."""
    courses = join(claims)
    records = courses.records(*utc_moments([FIRST, LAST]))
    recorded = {(c, datetime_of(at)) for c, at in zip(records.claims.tolist(), records.moments, strict=True)}
    parts: dict[Any, list[float]] = defaultdict(list)
    for number, claim in enumerate(claims):
        at, before = FIRST, value_at(claim, FIRST)
        while at < LAST:
            then, at = at, at + timedelta(days=1)
            just_before, after = value_at(claim, at - TICK), value_at(claim, at)
            coefficient = book.coefficient(number, then)
            parts["time", number].append(coefficient * (just_before - before))
            has_record = (number, at) in recorded
            key: Any = ("record", number, at) if has_record else ("time", number)
            changed = {
                ticker: (book.weight(ticker, at), book.effect(number, ticker, at)) for ticker in book.edges[number]
            }
            is_changed = any(
                own != (book.weight(ticker, then), book.effect(number, ticker, then)) for ticker, own in changed.items()
            )
            # A changed coefficient counts from what was recorded at its moment on, by the belief just before that.
            parts[key].append((book.coefficient(number, at) if is_changed else coefficient) * (after - just_before))
            for ticker, (weight, effect) in changed.items():
                weight_before, effect_before = book.weight(ticker, then), book.effect(number, ticker, then)
                parts["weight", ticker, at].append((weight - weight_before) * effect_before * just_before)
                parts["effect", number, ticker, at].append(weight * (effect - effect_before) * just_before)
            before = after
    return parts


@pytest.mark.parametrize("seed", range(12))
def test_parts_are_those_of_a_walk_through_time(seed: int) -> None:
    """Each by itself; together they are the change."""
    generator = np.random.default_rng(seed)
    claims, book = [some_claim(generator) for _ in range(NUM_CLAIMS)], some_book(generator)
    courses, bounds = join(claims), utc_moments([FIRST, LAST])
    records = courses.records(*bounds)
    found = split_sum(courses, records, book.held(), *bounds)
    parts: dict[Any, float] = {("time", claim): delta for claim, delta in enumerate(found.drifts.tolist())}
    for place, delta in enumerate(found.recorded.tolist()):
        parts["record", int(records.claims[place]), datetime_of(records.moments[place])] = delta
    for place, delta in enumerate(found.effects.deltas.tolist()):
        own = found.effects
        parts["effect", int(own.claims[place]), int(own.tickers[place]), datetime_of(own.moments[place])] = delta
    for place, delta in enumerate(found.weights.deltas.tolist()):
        parts["weight", int(found.weights.tickers[place]), datetime_of(found.weights.moments[place])] = delta

    expected = {key: math.fsum(own) for key, own in walk(claims, book).items()}
    for key in expected.keys() | parts.keys():
        assert parts.get(key, 0.0) == pytest.approx(expected.get(key, 0.0), abs=1e-12), key
    ends = [
        math.fsum(book.coefficient(number, at) * value_at(claim, at) for number, claim in enumerate(claims))
        for at in (FIRST, LAST)
    ]
    assert math.fsum(parts.values()) == pytest.approx(ends[1] - ends[0], abs=1e-12)


def test_steps_are_the_same_however_many_claims_are_laid_out_at_once() -> None:
    """One by one, some, or all."""
    held = some_book(np.random.default_rng(0)).held()
    (whole,) = held.laid_out()

    for most_pairs in (1, 12):
        parts = list(held.laid_out(most_pairs))
        assert 1 < len(parts) <= NUM_CLAIMS
        assert np.concatenate([part.coefficients for part in parts]).tolist() == whole.coefficients.tolist()
        assert np.concatenate([part.sinces for part in parts]).tolist() == whole.sinces.tolist()
