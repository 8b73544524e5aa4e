"""Figures of a portfolio: expectation, distribution, shares of risk and drivers, over one state of the network."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import Final, NamedTuple

import numpy as np

from graph.errors import InvalidError, NotFoundError
from graph.exposure.book import Book, lay_out, read_holdings
from graph.exposure.positions import Positions
from graph.exposure.tickers import KeptTickers, Ticker
from graph.inference.log_odds import FloatArray
from graph.inference.network.errors import ShouldStop
from graph.inference.network.hedging import Hedges, Payoffs, find_hedges
from graph.inference.network.portfolio import (
    Distribution,
    Drivers,
    count_drivers,
    describe,
    find_drivers,
    regress,
    sum_samples,
    tail_probabilities,
    value_samples,
)
from graph.inference.network.structure import IntArray
from graph.network.engine import Engine, Joint
from graph.network.fetching import LockingUnit
from graph.network.questions import Observation, WhatIf


class Grouping(StrEnum):
    """By what contributions are added up."""

    TICKER = "TICKER"
    DOMAIN = "DOMAIN"
    SECTOR = "SECTOR"
    EXCHANGE = "EXCHANGE"
    COUNTRY = "COUNTRY"
    CURRENCY = "CURRENCY"
    YEAR = "YEAR"


class Contribution(NamedTuple):
    """
    A prediction's part in a portfolio.

    Attributes:
        claim_id: Its id.
        probability: Its marginal.
        coefficient: Sum over its tickers of weight, sign and relevance.
        expected: Their product; those of all predictions add up to the portfolio's expected signed relevance.
        risk_share: Share of the variance; those of all predictions add up to 1.
        worst_probability: Its probability in the worst 5%.
    """

    claim_id: str
    probability: float
    coefficient: float
    expected: float
    risk_share: float
    worst_probability: float


@dataclass(frozen=True, slots=True)
class Group:
    """
    A part of a portfolio.

    Attributes:
        key: Symbol, domain, sector, exchange, country, currency or year; None where that is not known.
        expected: Its part of the expected signed relevance.
        risk_share: Its share of the variance.
    """

    key: str | None
    expected: float
    risk_share: float


@dataclass(frozen=True, slots=True)
class Scope:
    """
    Part of a portfolio that is measured.

    Attributes:
        horizon: The last day on which an effect may be due; all effects count when absent.
        is_active: Whether to measure what each weight has more than the benchmark's.
    """

    horizon: date | None = None
    is_active: bool = False


WHOLE: Final = Scope()
"""All effects of the positions themselves."""


@dataclass(frozen=True, eq=False)
class Exposure:
    """
    A portfolio as measured over one state of the network.

    Attributes:
        book: The positions over the network.
        joint: Marginals and joint samples.
        expected: Expected signed relevance.
        gross: Sum of the contributions' sizes.
        benchmark: Expected signed relevance by the benchmark's weights; None without any.
        active: The same by what each weight has more than the benchmark's; None without a benchmark.
        relevance: Distribution of the signed relevance.
        value: Distribution of the change of value by stated impacts, in the weights' unit; None without any impact.
        coefficients: What each claim adds if it comes true, shape (n,).
        totals: The signed relevance of each sample, shape (replicates, samples).
        recalled_at: The moment in the past that it holds for; None for the present.
    """

    book: Book
    joint: Joint
    expected: float
    gross: float
    benchmark: float | None
    active: float | None
    relevance: Distribution
    value: Distribution | None
    coefficients: FloatArray = field(repr=False)
    totals: FloatArray = field(repr=False)
    recalled_at: datetime | None = None

    @cached_property
    def claims(self) -> IntArray:
        """Indices of the k predictions that count, in the network's order, shape (k,)."""
        return np.flatnonzero(np.bincount(self.book.edges.claims))

    @cached_property
    def slopes(self) -> FloatArray:
        """Share of the variance that a unit of each claim has, shape (n,); takes milliseconds."""
        return regress(self.joint.bank, self.totals, self.coefficients)

    def contributions(self, worst: FloatArray) -> list[Contribution]:
        """
        List the contributions of all predictions that count.

        Args:
            worst: Their probabilities in the worst 5%, in the order of `claims`, shape (k,).
        """
        claims = self.claims
        probabilities, coefficients = self.joint.beliefs.marginals[claims], self.coefficients[claims]
        columns = (probabilities, coefficients, coefficients * probabilities, coefficients * self.slopes[claims], worst)
        ids = map(self.joint.view.ids.__getitem__, claims.tolist())
        return list(map(Contribution, ids, *(column.tolist() for column in columns)))

    def groups(self, by: Grouping) -> list[Group]:
        """Add contributions up by a property of their tickers or predictions, largest expectation first."""
        edges, marginals = self.book.edges, self.joint.beliefs.marginals
        own = edges.weights[edges.tickers] * edges.relevances
        keys, codes = _number_keys(self.book, by)
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=len(keys))).tolist()
        expected = (own * marginals[edges.claims])[order].tolist()
        shares = (own * self.slopes[edges.claims])[order].tolist()
        groups = [
            Group(key, math.fsum(expected[start:end]), math.fsum(shares[start:end]))
            for key, start, end in zip(keys, [0, *ends], ends, strict=False)
            if start < end
        ]
        return sorted(groups, key=lambda group: (-abs(group.expected), group.key or ""))


_TICKER_KEYS: Final[Mapping[Grouping, Callable[[Ticker], str | None]]] = {
    Grouping.TICKER: attrgetter("symbol"),
    Grouping.SECTOR: attrgetter("sector"),
    Grouping.EXCHANGE: attrgetter("exchange"),
    Grouping.COUNTRY: attrgetter("country"),
    Grouping.CURRENCY: attrgetter("currency"),
}


def _number_keys(book: Book, by: Grouping) -> tuple[Sequence[str | None], IntArray]:
    """Return keys by which exposures are added up, some perhaps of none, and the place of each one's among them."""
    if by is Grouping.YEAR:
        years, codes = np.unique(book.dues.astype("datetime64[Y]"), return_inverse=True)
        return [None if np.isnat(year) else str(year) for year in years], codes
    own = book.domain_ids if by is Grouping.DOMAIN else [_TICKER_KEYS[by](holding.ticker) for holding in book.holdings]
    numbers: dict[str | None, int] = {}
    codes = np.array([numbers.setdefault(key, len(numbers)) for key in own], np.int64)
    return list(numbers), codes if by is Grouping.DOMAIN else codes[book.edges.tickers]


async def measure(
    unit: LockingUnit,
    engine: Engine,
    positions: Positions,
    *,
    scope: Scope = WHOLE,
    wants_value: bool = True,
    past: Joint | None = None,
    kept: KeptTickers | None = None,
    now: datetime | None = None,
) -> Exposure:
    """
    Measure a portfolio.

    Args:
        unit: The transaction to read in.
        engine: Knows the network.
        positions: The portfolio.
        scope: What of it counts.
        wants_value: Whether to compute the change of value, for which each exposure with an impact is gone through.
        past: Marginals and samples of a moment in the past, by which the exposures were recorded too; the present when
            absent.
        kept: The tickers that the process keeps.
        now: The current moment; that of the system's clock when absent.

    Raises:
        NotFoundError: The graph has no ticker of a symbol.
        OversizeError: The network is too large for joint samples.
        BusyError: No thread became free in time.
    """
    recalled_at = None if past is None else past.view.moment
    holdings = await read_holdings(unit, positions.active() if scope.is_active else positions, kept, at=recalled_at)
    joint = past or await engine.joint(unit, now=now)

    def work(should_stop: ShouldStop) -> Exposure:
        book = lay_out(holdings, joint.view, scope.horizon)
        coefficients = book.edges.coefficients(len(joint.view.ids))
        totals = sum_samples(joint.bank, coefficients)
        contributions = coefficients * joint.beliefs.marginals
        benchmark, active = _compare(positions, book, joint)
        values = None
        if wants_value and book.with_impact:
            values = describe(value_samples(joint.bank, book.edges, book.edges.weights, should_stop=should_stop))
        return Exposure(
            book=book,
            joint=joint,
            expected=math.fsum(contributions.tolist()),
            gross=math.fsum(np.abs(contributions).tolist()),
            benchmark=benchmark,
            active=active,
            relevance=describe(totals),
            value=values,
            coefficients=coefficients,
            totals=totals,
            recalled_at=recalled_at,
        )

    return await engine.run(work)


def _compare(positions: Positions, book: Book, joint: Joint) -> tuple[float | None, float | None]:
    """Compute the expectations by the benchmark's weights and by active weights; None without a benchmark."""
    if not positions.benchmark:
        return None, None
    each = book.edges.relevances * joint.beliefs.marginals[book.edges.claims]

    def expect(weights: Mapping[str, float]) -> float:
        own = np.array([weights.get(holding.symbol, 0.0) for holding in book.holdings])
        return math.fsum((own[book.edges.tickers] * each).tolist())

    return expect(positions.benchmark), expect(positions.active().weights)


async def list_contributions(engine: Engine, exposure: Exposure) -> list[Contribution]:
    """
    List the contributions of all predictions that count, with what is true in the worst 5%.

    Raises:
        BusyError: No thread became free in time.
    """
    bank, totals = exposure.joint.bank, exposure.totals
    return await engine.run(lambda _: exposure.contributions(tail_probabilities(bank, totals, exposure.claims)))


async def list_groups(engine: Engine, exposure: Exposure, by: Grouping) -> list[Group]:
    """
    Add the contributions up by a property of their tickers or predictions, largest expectation first.

    Raises:
        BusyError: No thread became free in time.
    """
    return await engine.run(lambda _: exposure.groups(by))


async def list_drivers(engine: Engine, exposure: Exposure) -> Drivers:
    """
    Find the claims of the whole network that tell most about a portfolio.

    Raises:
        BusyError: No thread became free in time.
    """
    bank, totals = exposure.joint.bank, exposure.totals
    return await engine.run(lambda stop: find_drivers(bank, totals, exposure.claims, should_stop=stop))


@dataclass(frozen=True, slots=True, eq=False)
class Surprise:
    """
    Change of a portfolio's value that markets do not expect, linear in the stated impacts, in the weights' unit.

    Attributes:
        gross: Expected change of value: the sum of weight, impact and probability over exposures with an impact.
        priced: The same over those whose prediction has a price of a market.
        edge: The same with the probability less the price in place of the probability.
        distribution: Of the sum of weight, impact and outcome less the price, whose mean the edge is.
        priced_share: Share of the weights' sizes on tickers with an exposure that has both an impact and a price.
        num_priced: Number of these exposures.
    """

    gross: float
    priced: float
    edge: float
    distribution: Distribution
    priced_share: float
    num_priced: int


async def find_surprise(engine: Engine, exposure: Exposure, prices: Mapping[str, float]) -> Surprise | None:
    """
    Compute what a portfolio gains or loses beyond what markets expect.

    Args:
        engine: Knows the network.
        exposure: The portfolio.
        prices: Probability by a market, by the id of its claim.

    Returns:
        None where no exposure has both an impact and a price.

    Raises:
        BusyError: No thread became free in time.
    """
    return await engine.run(lambda _: _find_surprise(exposure, prices))


def _find_surprise(exposure: Exposure, prices: Mapping[str, float]) -> Surprise | None:
    edges, book, bank = exposure.book.edges, exposure.book, exposure.joint.bank
    marginals = exposure.joint.beliefs.marginals[edges.claims]
    ids = exposure.joint.view.ids
    each = np.array([prices.get(ids[claim], np.nan) for claim in edges.claims.tolist()], np.float64)
    amounts = np.nan_to_num(edges.weights[edges.tickers] * edges.impacts)
    is_priced = ~np.isnan(each) & ~np.isnan(edges.impacts)
    if not is_priced.any():
        return None
    own, expected = amounts[is_priced], float(amounts[is_priced] @ each[is_priced])
    coefficients = np.zeros(len(exposure.joint.view.ids))
    np.add.at(coefficients, edges.claims[is_priced], own)
    return Surprise(
        gross=math.fsum((amounts * marginals).tolist()),
        priced=math.fsum((own * marginals[is_priced]).tolist()),
        edge=math.fsum((own * (marginals - each)[is_priced]).tolist()),
        distribution=describe(sum_samples(bank, coefficients) - expected),
        priced_share=book.share(set(edges.tickers[is_priced].tolist())),
        num_priced=int(is_priced.sum()),
    )


MOST_CANDIDATES = 1_000
"""Instruments among which a hedge is looked for."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """
    Instruments that may hedge a portfolio.

    Attributes:
        symbols: Symbols of tickers, each with where it was given first; one unit of one pays its signed relevance.
        claim_ids: Ids of claims, likewise; one unit of a claim's contract pays 1 if the claim comes true.
    """

    symbols: Mapping[str, str]
    claim_ids: Mapping[str, str]


async def list_hedges(
    unit: LockingUnit,
    engine: Engine,
    exposure: Exposure,
    candidates: Candidates,
    horizon: date | None,
    *,
    kept: KeptTickers | None = None,
) -> Hedges:
    """
    Find how each of some instruments would hedge a portfolio; the tickers come first.

    Args:
        unit: The transaction to read in.
        engine: Knows the network.
        exposure: The portfolio.
        candidates: The instruments.
        horizon: The last day on which a ticker's effect may be due; all effects count when absent.
        kept: The tickers that the process keeps.

    Raises:
        InvalidError: There are too many.
        NotFoundError: The graph has no ticker of a symbol, or the network no claim of an id.
        BusyError: No thread became free in time.
    """
    num_symbols, num_all = len(candidates.symbols), len(candidates.symbols) + len(candidates.claim_ids)
    if num_all > MOST_CANDIDATES:
        raise InvalidError(f"expected at most {MOST_CANDIDATES} candidates, got {num_all}", path="claims")
    view = exposure.joint.view
    for claim_id, path in candidates.claim_ids.items():
        if claim_id not in view.indices:
            raise NotFoundError(f"the network has no claim {claim_id}, or it has no probability", path=path)
    units = Positions(dict.fromkeys(candidates.symbols, 1.0), (), dict(candidates.symbols), {})
    holdings = await read_holdings(unit, units, kept, at=exposure.recalled_at) if candidates.symbols else ()
    edges = lay_out(holdings, view, horizon).edges
    claims = np.array([view.indices[claim_id] for claim_id in candidates.claim_ids], np.int64)
    payoffs = Payoffs(
        claims=np.concatenate((edges.claims, claims)),
        instruments=np.concatenate((edges.tickers, np.arange(num_symbols, num_all))),
        amounts=np.concatenate((edges.relevances, np.ones(claims.size))),
        num_instruments=num_all,
    )
    bank, totals = exposure.joint.bank, exposure.totals
    return await engine.run(lambda stop: find_hedges(bank, totals, exposure.claims, payoffs, should_stop=stop))


async def count_independent(engine: Engine, exposure: Exposure) -> float:
    """
    Count a portfolio's independent drivers.

    Raises:
        BusyError: No thread became free in time.
    """
    return await engine.run(lambda _: count_drivers(exposure.joint.bank, exposure.coefficients))


@dataclass(frozen=True, slots=True)
class Change:
    """
    An expectation before and after a supposition.

    Attributes:
        before: Expected signed relevance without it.
        after: The same with it.
    """

    before: float
    after: float

    @property
    def delta(self) -> float:
        """After minus before."""
        return self.after - self.before


async def suppose(
    unit: LockingUnit,
    engine: Engine,
    exposure: Exposure,
    observations: Sequence[Observation],
    *,
    is_intervention: bool,
    past: Joint | None = None,
    now: datetime | None = None,
) -> tuple[Change, dict[str, Change], WhatIf]:
    """
    Compute a portfolio's expectation under supposed outcomes, from the shifts that the network's what-if answers.

    Args:
        unit: The transaction to read in.
        engine: Knows the network.
        exposure: The portfolio.
        observations: The supposed outcomes.
        is_intervention: Whether they are brought about.
        past: As of `measure`.
        now: As of `measure`.

    Returns:
        The change of the whole, those of the tickers by symbol, and the answer that they follow from.

    Raises:
        RefusedError: As `Engine.what_if`.
        BusyError: No thread became free in time.
    """
    if past is None:
        found = await engine.what_if(unit, observations, is_intervention=is_intervention, now=now)
    else:
        found = await engine.what_if_then(past, observations, is_intervention=is_intervention)
    edges, shifts = exposure.book.edges, found.question.shifts
    own = edges.weights[edges.tickers] * edges.relevances
    before, after = own * shifts.before[edges.claims], own * shifts.after[edges.claims]
    changes = {}
    for number, holding in enumerate(exposure.book.holdings):
        rows = edges.tickers == number
        if rows.any():
            changes[holding.symbol] = Change(math.fsum(before[rows].tolist()), math.fsum(after[rows].tolist()))
    return Change(math.fsum(before.tolist()), math.fsum(after.tolist())), changes, found
