"""Answers of queries over portfolios."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

import strawberry
from strawberry.types import Info

from graph.exposure.history import Cause as ExposureCause
from graph.exposure.measuring import MOST_CANDIDATES, Candidates
from graph.exposure.measuring import Grouping as ExposureGrouping
from graph.exposure.positions import Position
from graph.exposure.propagating import MOST_SOURCES, OTHER_STATES
from graph.exposure.propagating import SourceKind as ExposureSourceKind
from graph.exposure.store import Holder
from graph.model.rows import Portfolio as PortfolioRow
from graph.model.subjects import CLAIM_SUBJECTS
from resolvers.base.context import Context
from resolvers.base.described import enum_type, field, input_type, object_type
from resolvers.base.enums import SortOrder
from resolvers.base.extents import INFERENCE_POINTS, Arguments, Extent, extent, given_length, number
from resolvers.base.fields import prop, shown
from resolvers.base.keyed import KeyedList, KeyedPage, read_values
from resolvers.base.ranked import Ranked, RankedList
from resolvers.base.relay import parse_key
from resolvers.base.roles import Role
from resolvers.base.scalars import Int64, Moment, Probability
from resolvers.types.claims import Claim
from resolvers.types.network import Answer, NetworkDiagnostics
from resolvers.types.predictions import Prediction
from resolvers.types.rankings import (
    ExposureContributionFilterInput,
    ExposureContributionSortKey,
    ExposureDriverFilterInput,
    ExposureDriverSortKey,
    ExposureHedgeFilterInput,
    ExposureHedgeSortKey,
    TickerExposureShiftFilterInput,
    TickerExposureShiftSortKey,
)
from resolvers.types.tickers import Ticker

enum_type(ExposureGrouping, name="ExposureGrouping")
enum_type(ExposureCause, name="ExposureCause")
enum_type(ExposureSourceKind, name="ExposureSourceKind")

STORED_ROWS = 500
"""Price of a stored portfolio's positions, whose number is not known before they are read, in rows."""

PAST_ROWS = 2_000
"""Price of claims as they were, whose number is not known before they are read, in rows."""

SAMPLING_POINTS = INFERENCE_POINTS // 10
"""Price of one pass over all samples, in points."""


PRICES_ROWS = 500
"""Price of the markets' forecasts on a portfolio's predictions, whose number is not known before, in rows."""


def _pass_extent(_arguments: Arguments) -> Extent:
    return Extent(points=SAMPLING_POINTS)


@input_type
class PositionInput:
    """A position of a portfolio."""

    ticker: strawberry.ID = strawberry.field(description="Symbol or id of the ticker.")
    weight: float = strawberry.field(
        description="Its weight, negative for a short position, in any unit: shares of the portfolio or an amount of "
        "money; weights need not add up to 1."
    )
    benchmark_weight: float | None = strawberry.field(
        default=None, description="The weight that the benchmark has, in the same unit."
    )


@object_type
class PortfolioPosition:
    """A position of a stored portfolio."""

    symbol: str = prop("The ticker's symbol, whether the graph has the ticker or not.")
    weight: float = prop("The weight, negative for a short position, in the portfolio's own unit.")
    benchmark_weight: float | None = prop("The weight that the benchmark has, in the same unit.")


@enum_type
class PortfolioPositionSortKey(StrEnum):
    """Orders of a portfolio's positions."""

    SYMBOL = "SYMBOL"


@input_type
class PortfolioPositionFilterInput:
    """Conditions on a portfolio's positions; all that are given must hold."""

    symbol: list[str] | None = strawberry.field(default=None, description="Of any of these symbols.")


_POSITIONS: Final = KeyedList(
    PortfolioPosition,
    "positions",
    PortfolioPositionFilterInput,
    (PortfolioPositionSortKey.SYMBOL, SortOrder.ASCENDING),
)


@object_type
class Portfolio:
    """Positions of a stored portfolio since a moment, as they were recorded at one."""

    key: str = prop("Key of the row, which never changes.")
    name: str = prop("Name of the portfolio.")
    owner: str | None = prop("Name of the key or token that saved it first; null if nobody in particular did.")
    held_at: Moment = prop("Since when the positions are held.")
    recorded_at: Moment = prop("When they were recorded.")
    note: str | None = prop("Remarks.")
    is_deleted: bool = prop("Whether the row marks that the portfolio was deleted.")

    @_POSITIONS.field()
    async def positions(
        self: Any, info: Info[Context, Any], page: KeyedPage, wanted: PortfolioPositionFilterInput | None
    ) -> Any:
        """The positions, each symbol once."""
        symbols = read_values(None if wanted is None else wanted.symbol, "filter.symbol")
        found = [row for row in self["positions"] if symbols is None or row.symbol in symbols]
        read = page.cut((row.symbol, row) for row in found)
        return page.connection([(symbol, row.model_dump()) for symbol, row in read], len(found))


@object_type
class PortfolioEntry:
    """A stored portfolio among others."""

    name: str = prop("Name of the portfolio.")
    owner: str | None = prop("Name of the key or token that saved it first; null if nobody in particular did.")


def holder_of(context: Context) -> Holder:
    """The caller as one who holds portfolios."""
    return Holder(context.caller.name, sees_all=Role.OPERATOR in context.caller.roles)


def read_positions(given: Sequence[PositionInput], path: str = "positions") -> list[Position]:
    """Read the positions of an input at a path."""
    return [_read_position(position, f"{path}[{index}]") for index, position in enumerate(given)]


def _read_position(given: PositionInput, path: str) -> Position:
    symbol = parse_key(given.ticker, "Ticker", path=f"{path}.ticker")
    return Position(symbol, given.weight, path, given.benchmark_weight)


def shown_portfolio(row: PortfolioRow) -> dict[str, Any]:
    """A stored portfolio in the response's shape."""
    return {
        "key": row.id,
        "name": row.name,
        "owner": row.owner,
        "held_at": row.held_at,
        "recorded_at": row.recorded_at,
        "positions": row.positions,
        "note": row.note,
        "is_deleted": bool(row.is_deleted),
    }


@object_type
class ExposureQuantile:
    """A quantile of an exposure's distribution."""

    level: float = prop("Probability of this value or a lower one, such as 0.05.")
    value: float = prop("The least value with at least that probability.")
    standard_error: float | None = prop("Standard error of the value, between replicates.")


@object_type
class ExposureDistribution:
    """Distribution of an exposure over joint samples of the network."""

    mean: float = prop("Mean over the samples.")
    mean_error: float | None = prop("Standard error of `mean`, between replicates.")
    standard_deviation: float = prop("Standard deviation over the samples.")
    standard_deviation_error: float | None = prop("Standard error of `standardDeviation`, between replicates.")
    quantiles: list[ExposureQuantile] = prop("Quantiles at 1, 5, 25, 50, 75, 95 and 99 %.")
    shortfall: float = prop("Expected shortfall: mean of the worst 5 %.")
    shortfall_error: float | None = prop("Standard error of `shortfall`, between replicates.")
    negative_probability: Probability = prop("Probability of a value below 0.")


@object_type
class ExposureContribution:
    """A prediction's part in a portfolio's exposure."""

    prediction: Prediction = prop("The prediction that bears on tickers of the portfolio.")
    probability: Probability = prop("Its marginal.")
    coefficient: float = prop("What it adds if it comes true: the sum over its tickers of weight, sign and relevance.")
    expected_relevance: float = prop("`probability` times `coefficient`.")
    risk_share: float = prop("Its share of the variance, negative for a hedge.")
    worst_probability: Probability = prop("Its probability in the worst 5 % of outcomes.")
    worst_lift: float | None = prop("`worstProbability` over `probability`; null where that is 0.")


@object_type
class ExposureGroup:
    """A part of a portfolio's exposure."""

    group_key: str | None = prop(
        "Symbol of the ticker, key of the domain, sector, exchange, country, currency, or year in which the effect is "
        "due; null where that is not known."
    )
    expected_relevance: float = prop("Its part of the expected signed relevance.")
    risk_share: float = prop("Its share of the variance.")


@object_type
class ExposureDriver:
    """A claim whose outcome would tell about a portfolio."""

    claim: Claim = prop("The claim, be it one of the portfolio's predictions or far upstream of them.")
    probability: Probability = prop("Its marginal.")
    expected_if_true: float | None = prop("Expected signed relevance if it comes true; null where it never does.")
    expected_if_false: float | None = prop(
        "Expected signed relevance if it does not come true; null where it always does."
    )
    expected_if_true_error: float | None = prop("Standard error of `expectedIfTrue`, between replicates.")
    expected_if_false_error: float | None = prop("Standard error of `expectedIfFalse`, between replicates.")
    variance_share: float = prop("Share of the variance that learning its outcome takes away in expectation.")
    standard_error: float | None = prop("Standard error of `varianceShare`, between replicates.")


@object_type
class TickerExposureShift:
    """Effect of supposed outcomes on a ticker's part."""

    ticker: Ticker = prop("A ticker of the portfolio with an exposure that counts.")
    before: float = prop("Its part of the expected signed relevance without them.", name="expectedBefore")
    after: float = prop("The same with them.", name="expectedAfter")
    delta: float = prop("`expectedAfter` minus `expectedBefore`.")


_TICKERS: Final = RankedList(
    TickerExposureShift,
    "tickers with an exposure",
    TickerExposureShiftFilterInput,
    (TickerExposureShiftSortKey.ABSOLUTE_DELTA, SortOrder.DESCENDING),
    nodes={"ticker": "Ticker"},
)


@object_type
class ExposureShift:
    """Effect of supposed outcomes on a portfolio, from the same shifts that `whatIf` answers."""

    before: float = prop("Expected signed relevance without them.", name="expectedBefore")
    after: float = prop("The same with them.", name="expectedAfter")
    delta: float = prop("`expectedAfter` minus `expectedBefore`; those of the tickers add up to it.")
    diagnostics: NetworkDiagnostics = prop("Diagnostics of the what-if.")

    @_TICKERS.field()
    async def tickers(self: Any, _info: Info[Context, Any]) -> Ranked:
        """The tickers with an exposure, largest |delta| first."""
        found: Ranked = self["tickers"]
        return found


@object_type
class ExposureHedge:
    """An instrument that would take variance away from a portfolio's signed relevance X."""

    ticker: Ticker | None = prop("The ticker, of which one unit has its signed relevance; null for a claim.")
    claim: Claim | None = prop("The claim, of whose contract one unit pays 1 if it comes true; null for a ticker.")
    size: float = prop("Units to hold beside the portfolio so that X varies least, negative for a short position.")
    variance_share: float = prop("Share of the variance of X that this takes away.")
    variance_share_per_unit: float = prop("`varianceShare` over the size of `size`; 0 where that is 0.")
    standard_error: float | None = prop("Standard error of `varianceShare`, between replicates.")


@object_type
class ChangedExposure:
    """Exposure of a portfolio after changes of its positions, by the same joint samples as before them."""

    expected_relevance: float = prop("E[X] after the changes.")
    delta: float = prop("`expectedRelevance` minus that without the changes.")
    gross_relevance: float = prop("Sum of the contributions' sizes after the changes.")
    relevance: ExposureDistribution = prop("Distribution of X after the changes.")
    value_change: ExposureDistribution | None = prop(
        "Distribution of the change of value after the changes; null where no exposure has a stated impact."
    )


@object_type
class ExposureSurprise:
    """
    Part of a portfolio's change of value that markets do not expect: the sum of weight, `impact` and outcome less the
    price, over exposures with a stated impact whose prediction has a forecast by a market. It is linear in the impacts,
    and in the weights' unit.
    """

    edge: float = prop("Expected surprise: the sum of weight, `impact` and probability less the market's price.")
    priced_change: float = prop("Expected change of value over the same exposures, whatever the markets expect.")
    gross_change: float = prop("The same over all exposures with a stated impact.")
    distribution: ExposureDistribution = prop("Distribution of the surprise; its mean estimates `edge`.")
    priced_weight_share: float = prop(
        "Share of the weights' sizes on tickers with an exposure that has both an impact and a price."
    )
    num_priced: int = prop("Number of these exposures.", name="pricedCount")


def _surprise_extent(_arguments: Arguments) -> Extent:
    return Extent(rows=PRICES_ROWS, points=SAMPLING_POINTS)


def _hedges_extent(arguments: Arguments) -> Extent:
    num = sum(given_length(arguments, name, MOST_CANDIDATES) for name in ("tickers", "claims"))
    return Extent(rows=num, points=hedging_points(num))


def _read_keys(given: Sequence[strawberry.ID] | None, kinds: Sequence[str], name: str) -> dict[str, str]:
    """Read ids of nodes, each once, with the path at which it was given first."""
    paths: dict[str, str] = {}
    for place, node_id in enumerate(given or ()):
        path = f"{name}[{place}]"
        paths.setdefault(parse_key(node_id, *kinds, path=path), path)
    return paths


def hedging_points(num_candidates: int) -> int:
    """Price of hedges in points: a pass over all samples for every ten candidates."""
    return SAMPLING_POINTS * (1 + num_candidates // 10)


@object_type
class ExposureBasis:
    """
    Moments of what an exposure follows from.

    Positions, exposures with their predictions' deadlines, and the network's beliefs with stated probabilities,
    windows, base rates, outcomes and evidence, are those of the moment asked for, as they were recorded by then.
    Influences have no versions: those of now are applied, with the tickers' properties and the predictions' domains.
    Claims that were deleted since are left out, with their exposures.

    An exposure that came with its prediction, or from an older version of the service, stands for the time before it
    was recorded as well; any other one does not count before.
    """

    positions_as_of: Moment = prop("The moment at which the positions are held; given ones are held at any.")
    beliefs_as_of: Moment = prop("The moment of the network's beliefs.")
    exposures_as_of: Moment = prop("The moment of the exposures that are applied.")
    influences_as_of: Moment | None = prop(
        "The moment of the influences that are applied; null where beliefs are those of the claims themselves."
    )
    is_reconstructed: bool = prop("Whether beliefs or exposures follow from values that were recorded later.")
    num_reconstructed: int = prop(
        "Number of claims of which something was first recorded after the moment, so that this serves; of the network, "
        "or where no influences are applied of the portfolio's predictions at any moment."
    )
    num_reconstructed_exposures: int = prop(
        "Number of the portfolio's exposures that were first recorded after the moment, so that this serves.",
        name="reconstructedExposureCount",
    )


def _basis_extent(_arguments: Arguments) -> Extent:
    return Extent(rows=PAST_ROWS + STORED_ROWS)


@object_type
class ExposureSpan(Answer):
    """Bases of an answer about a portfolio from one moment to another, at both."""

    @field(metadata=extent(_basis_extent))
    async def basis_before(self: Any) -> ExposureBasis:
        """The moments of what the expectation at the first moment follows from, and what of it was recorded later."""
        return shown(await self["basis_before"]())

    @field(metadata=extent(_basis_extent))
    async def basis_after(self: Any) -> ExposureBasis:
        """The moments of what the expectation at the last moment follows from, and what of it was recorded later."""
        return shown(await self["basis_after"]())


_CONTRIBUTIONS: Final = RankedList(
    ExposureContribution,
    "contributions",
    ExposureContributionFilterInput,
    (ExposureContributionSortKey.ABSOLUTE_EXPECTED_RELEVANCE, SortOrder.DESCENDING),
    nodes={"prediction": "Prediction"},
)

_DRIVERS: Final = RankedList(
    ExposureDriver,
    "drivers",
    ExposureDriverFilterInput,
    (ExposureDriverSortKey.VARIANCE_SHARE, SortOrder.DESCENDING),
    nodes={"claim": "Claim"},
)

_HEDGES: Final = RankedList(
    ExposureHedge,
    "hedges",
    ExposureHedgeFilterInput,
    (ExposureHedgeSortKey.VARIANCE_SHARE_PER_UNIT, SortOrder.DESCENDING),
    nodes={"ticker": "Ticker", "claim": "Claim"},
)


@object_type
class PortfolioExposureResult(Answer):
    """
    Exposure of a portfolio: signed relevance X, the sum over tickers of weight times the sum over predictions that come
    true of sign times relevance. Its unit is relevance, not money.
    """

    revision: Int64 = prop("Revision of the graph that was read, always the latest.")
    as_of: Moment = prop("The moment that the beliefs hold for: the one asked for, else the last full hour.")
    basis: ExposureBasis = prop("The moments of what the figures follow from.")
    expected_relevance: float = prop(
        "E[X] by the marginals, to which the contributions add up. The mean of `relevance` estimates the same."
    )
    gross_relevance: float = prop("Sum of the contributions' sizes.")
    benchmark_relevance: float | None = prop("E[X] by the benchmark's weights; null without a benchmark.")
    active_relevance: float | None = prop(
        "E[X] by active weights, what each has more than the benchmark's; null without a benchmark."
    )
    relevance: ExposureDistribution = prop("Distribution of X.")
    value_change: ExposureDistribution | None = prop(
        "Distribution of the change of value, in the weights' unit: the sum over tickers of weight times the product "
        "of 1 + `impact` over the predictions that come true, less 1. Only exposures with a stated impact count; null "
        "where there is none."
    )
    exposed_weight_share: float = prop("Share of the weights' sizes on tickers with an exposure that counts.")
    impact_weight_share: float = prop("Share of the weights' sizes on tickers with a stated impact.")
    silent_symbols: list[str] = prop("Symbols of the tickers without an exposure that counts, in the order given.")
    unknown_symbols: list[str] = prop(
        "Symbols of a stored portfolio that the graph has no ticker of; they are silent, too."
    )
    duplicate_symbols: list[str] = prop("Symbols that were given several times; their weights were added up.")
    num_beyond: int = prop("Number of exposures left out since they are due after `horizonOn`.", name="beyondCount")
    num_unstated: int = prop(
        "Number of exposures left out since the prediction has no probability or was deleted since, or the exposure "
        "has no relevance.",
        name="unstatedCount",
    )
    num_contradictory: int = prop("Number of exposures left out since they contradict themselves; see `incoherence`.")
    diagnostics: NetworkDiagnostics = prop("Diagnostics of the inference.")

    @field(metadata=extent(_pass_extent))
    async def independent_drivers(self: Any, info: Info[Context, Any]) -> float:
        """
        Effective number of independent drivers: 1 / Σ share² over the principal components of the predictions' parts,
        of which the 256 that vary most are looked at.
        """
        info.context.count_points(SAMPLING_POINTS)
        return shown(await self["independent_drivers"]())

    @field
    async def groups(
        self: Any,
        by: Annotated[ExposureGrouping, strawberry.argument(description="What to add contributions up by.")],
    ) -> list[ExposureGroup]:
        """Contributions added up, largest expectation first."""
        return shown(await self["groups"](by))

    @_CONTRIBUTIONS.field()
    async def contributions(self: Any, _info: Info[Context, Any]) -> Ranked:
        """The predictions that count, largest |expectedRelevance| first."""
        found: Ranked = await self["contributions"]()
        return found

    @_DRIVERS.field()
    async def drivers(self: Any, _info: Info[Context, Any]) -> Ranked:
        """
        The claims of the whole network whose outcomes would tell most, largest `varianceShare` first, without those
        whose share noise explains.
        """
        found: Ranked = await self["drivers"]()
        return found

    @field(metadata=extent(_surprise_extent))
    async def surprise(self: Any, info: Info[Context, Any]) -> ExposureSurprise | None:
        """Gains and losses beyond what markets expect; null where no exposure has an impact and a market's price."""
        info.context.count_points(SAMPLING_POINTS)
        return shown(await self["surprise"]())

    @_HEDGES.field(extent(_hedges_extent))
    async def hedges(
        self: Any,
        _info: Info[Context, Any],
        tickers: Annotated[
            list[strawberry.ID] | None, strawberry.argument(description="Symbols or ids of tickers.")
        ] = None,
        claims: Annotated[list[strawberry.ID] | None, strawberry.argument(description="Keys or ids of claims.")] = None,
    ) -> Ranked:
        """
        Positions in single instruments, up to 1,000 tickers and claims, that would make X vary least; largest
        `varianceSharePerUnit` first.
        """
        candidates = Candidates(
            _read_keys(tickers, ("Ticker",), "tickers"), _read_keys(claims, CLAIM_SUBJECTS, "claims")
        )
        found: Ranked = await self["hedges"](candidates)
        return found

    what_if: ExposureShift | None = prop("Effect of the supposed outcomes; null where none are supposed.")
    change: ChangedExposure | None = prop("Exposure after the changes of positions; null where none are given.")


@object_type
class ExposurePoint:
    """A portfolio's expected signed relevance at a moment."""

    at: Moment = prop("The moment.")
    expected_relevance: float = prop("E[X] by the positions held then and the claims' own beliefs of then.")


@object_type
class ExposureHistory(ExposureSpan):
    """
    A portfolio's expected signed relevance over time, by what was recorded by each moment.

    It follows from ledgers: claims' own beliefs, and 1 or 0 for known outcomes. What propagates over the network is not
    in it, as joint marginals of the past are not kept. Exposures are those of each moment, as `ExposureBasis` has it;
    the later a moment, the less of it is reconstructed.
    """

    points: list[ExposurePoint] = prop("Points at equal distances, both ends included.")


@object_type
class ExposureCauseTotal:
    """Change of a portfolio's expectation by one kind of cause."""

    cause: ExposureCause = prop("The kind of cause.")
    delta: float = prop("Sum of its parts.")


@object_type
class ExposureChangePart:
    """A part of a change of a portfolio's expectation."""

    cause: ExposureCause = prop("The kind of event to which it is due.")
    delta: float = prop("Its part of the change.")
    claim_key: str | None = prop("Key of the claim; null for changed positions.")
    title: str | None = prop("The claim's title.")
    symbol: str | None = prop("Symbol of the position or the exposure that was changed; null otherwise.")
    at: Moment | None = prop("When it was recorded, or the positions changed; null for time.")
    entry_ids: list[str] = prop("Keys of the rows of the ledger.", name="evidenceKeys")


@object_type
class ExposureSourceRecord:
    """Something that was recorded of a claim."""

    cause: ExposureCause = prop("The kind of event.")
    at: Moment = prop("When it was recorded.")
    entry_ids: list[str] = prop("Keys of the rows of the ledger.", name="evidenceKeys")


@object_type
class ExposureSource:
    """A part of what the network did to a portfolio, by where it came from."""

    kind: ExposureSourceKind = prop("The kind of source.")
    delta: float = prop("Its part; those of all sources add up to that of PROPAGATION in `totals`.")
    standard_error: float | None = prop("Standard error of `delta`, between replicates; 0 where it is exact.")
    claim_key: str | None = prop("Key of the claim; null for other kinds than CLAIM.")
    title: str | None = prop("The claim's title.")
    num_claims: int = prop("Number of claims outside the portfolio of which something was recorded.")
    records: list[ExposureSourceRecord] = prop(
        "Evidence, outcomes and restatements of the claim that were recorded between both moments, the earliest first."
    )


@object_type
class ExposurePropagation:
    """
    Propagation's part of a portfolio's change between two moments, by source.

    With a the mean of a prediction's coefficients at both moments, m its marginal and b its own belief, the network
    adds the sum of a (m - b). Sources become as they were at the last moment one after the other: time, the claims
    that are not told apart, those that are, by when the first was recorded of each, and the portfolio's own
    predictions; and then once more in the reverse order. A source's `delta` is the mean of what it adds in both.
    HOLDINGS is the change of the coefficients times the mean of m - b at both moments.
    """

    delta: float = prop("The sum of the sources: what PROPAGATION has in `totals`.")
    num_claims: int = prop("Number of claims outside the portfolio of which something was recorded.")
    num_told: int = prop(
        "Number of these that are told apart, those first that moved it most by a rough estimate. They are fewer than "
        "`sources` asks for where there are no more, or where so many samples would take too long.",
        name="toldApartCount",
    )
    is_approximate: bool = prop(
        "Whether belief propagation stands in for samples of the states in between, which would take too long to draw. "
        "Parts have no standard errors then, and the source APPROXIMATION has what the samples of both moments say "
        "beyond it."
    )
    sources: list[ExposureSource] = prop("The sources whose part is not 0, largest |delta| first.")


DEFAULT_SOURCES: Final = 4


def sources_points(num_sources: int) -> int:
    """
    Price of a split by sources in points: two inferences for each, and those of the other kinds; a fifth of the usual
    price, as they need marginals alone, and samples of no more claims together than two large inferences do.
    """
    return INFERENCE_POINTS // 5 * (2 * num_sources + OTHER_STATES)


def _sources_extent(arguments: Arguments) -> Extent:
    num_sources = number(arguments, "sources", MOST_SOURCES)
    num_items = MOST_SOURCES + len(ExposureSourceKind)
    return Extent(items=num_items, rows=STORED_ROWS, points=sources_points(num_sources))


@object_type
class ExposureChange(ExposureSpan):
    """
    Change of a portfolio's expected signed relevance between two moments, split into parts that add up to it; by what
    was recorded by each moment, as `ExposureHistory` has it.

    With `propagated`, the expectations are those by marginals. Each prediction's part by PROPAGATION is the change of
    its coefficient times its marginal less its own belief: what the rest of the network did to it; `propagation`
    tells which claims that came from.
    """

    before: float = prop("Expected signed relevance at the first moment.", name="expectedBefore")
    after: float = prop("The same at the last.", name="expectedAfter")
    delta: float = prop("`expectedAfter` minus `expectedBefore`.")
    totals: list[ExposureCauseTotal] = prop("The parts added up by cause; they add up to `delta`.")
    num_parts: int = prop("Number of all parts.", name="partCount")
    rest_delta: float = prop("Sum of the parts that `parts` leaves out.")
    parts: list[ExposureChangePart] = prop("The parts, largest |delta| first, as many as `first` asks for.")

    @field(metadata=extent(_sources_extent))
    async def propagation(
        self: Any,
        sources: Annotated[
            int, strawberry.argument(description=f"The most claims to tell apart, 1 to {MOST_SOURCES}.")
        ] = DEFAULT_SOURCES,
    ) -> ExposurePropagation | None:
        """PROPAGATION by the claims that it came from; null without `propagated`."""
        split = self["propagation"]
        return shown(None if split is None else await split(sources))
