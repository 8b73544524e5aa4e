"""Queries over portfolios."""

import inspect
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from operator import attrgetter, itemgetter
from typing import Annotated, Any, Final, TypeVar

import numpy as np
import strawberry
from strawberry.types import Info

from graph.errors import (
    ClosedClaimError,
    ConflictError,
    DuplicateError,
    InvalidError,
    NotFoundError,
    NotOwnedError,
    OversizeError,
)
from graph.exposure.history import Part, Record, read_record
from graph.exposure.measuring import (
    Candidates,
    Change,
    Contribution,
    Exposure,
    Grouping,
    Scope,
    count_independent,
    find_surprise,
    list_contributions,
    list_drivers,
    list_groups,
    list_hedges,
    measure,
    suppose,
)
from graph.exposure.past import Reconstructed, count_reconstructed, read_past, recall_joint
from graph.exposure.positions import MOST_POSITIONS, Positions
from graph.exposure.propagating import MOST_SOURCES, Source, split_propagation
from graph.exposure.store import (
    MOST_PORTFOLIOS,
    Versions,
    check_holder,
    count_versions,
    find_portfolio,
    get_portfolio,
    list_portfolios,
    list_versions,
)
from graph.forecasts.consensus import list_market_prices
from graph.inference.network.hedging import Hedges
from graph.inference.network.portfolio import LEVELS, Distribution, Drivers
from graph.model.page_keys import join, moment_text
from graph.network.engine import Engine, Joint
from graph.network.questions import MOST_OBSERVATIONS, WhatIf, basis_of
from graph.reading.following import get
from resolvers.base.answers import ArgumentGroup, Shown, question
from resolvers.base.context import Context
from resolvers.base.described import enum_type, field, input_type, object_type
from resolvers.base.drift import belongs_to_caller, drifts
from resolvers.base.enums import SortOrder
from resolvers.base.extents import (
    INFERENCE_POINTS,
    Arguments,
    Extent,
    extent,
    given_length,
    length,
    number,
    one_row,
    whole_list,
)
from resolvers.base.extents import page as page_extent
from resolvers.base.fields import shown
from resolvers.base.figures import figure, figures
from resolvers.base.keyed import KeyedList, KeyedPage, Row, read_values
from resolvers.base.ranked import Ranked
from resolvers.base.relay import DEFAULT_PAGE_SIZE, First, page_size
from resolvers.base.scalars import Day, Moment
from resolvers.base.selection import selects, wants_total
from resolvers.queries.network import observation, shown_basis, state_of
from resolvers.types.beliefs import PolicyName
from resolvers.types.network import SupposedOutcome
from resolvers.types.portfolio import (
    PAST_ROWS,
    STORED_ROWS,
    ExposureChange,
    ExposureHistory,
    Portfolio,
    PortfolioEntry,
    PortfolioExposureResult,
    PositionInput,
    hedging_points,
    holder_of,
    read_positions,
    shown_portfolio,
    sources_points,
)

T = TypeVar("T")

PortfolioName = Annotated[str, strawberry.argument(description="The portfolio's name, such as `growth`.")]
HeldAt = Annotated[
    Moment | None, strawberry.argument(description="The moment at which positions are held; the latest if omitted.")
]
KnownAt = Annotated[
    Moment | None,
    strawberry.argument(description="By when the positions were recorded; `asOf` if omitted, so that answers stay."),
]


Positioned = Annotated[
    list[PositionInput] | None,
    strawberry.argument(
        description=f"Up to {MOST_POSITIONS} positions; weights of a ticker that is given several times add up."
    ),
]
Named = Annotated[str | None, strawberry.argument(description="Name of a stored portfolio, in place of `positions`.")]
From = Annotated[Moment, strawberry.argument(name="from", description="The first moment.")]
To = Annotated[Moment | None, strawberry.argument(description="The last moment, in the past; now if omitted.")]
MeasuredAt = Annotated[
    Moment | None,
    strawberry.argument(
        description="A moment in the past to measure at, by what was recorded by then; see `basis`. Now if omitted."
    ),
]
PositionsKnownAt = Annotated[
    Moment | None,
    strawberry.argument(
        description="By when positions were recorded; if omitted, those of each moment by what was recorded by then."
    ),
]
MOST_POINTS = 1_000
DEFAULT_POINTS = 100


POINTS_A_PRICE = 200
"""Points of a history that take as long as an inference, with as many claims as are read at most."""


def _history_extent(arguments: Arguments) -> Extent:
    num_inferences = 1 + number(arguments, "max_points", MOST_POINTS) // POINTS_A_PRICE
    return Extent(rows=STORED_ROWS + PAST_ROWS, points=INFERENCE_POINTS * num_inferences)


def _change_extent(arguments: Arguments) -> Extent:
    num_ends = 2 * bool(arguments.get("propagated"))
    return Extent(rows=STORED_ROWS + PAST_ROWS * (1 + num_ends), points=INFERENCE_POINTS * (1 + 2 * num_ends))


def _extent(arguments: Arguments) -> Extent:
    """Each ticker is read, and its exposures with it; a list of the answer has no more items than a page."""
    num_rows = length(arguments, "what_if", MOST_OBSERVATIONS) + given_length(arguments, "change", MOST_POSITIONS)
    num_rows += STORED_ROWS if arguments.get("portfolio") else length(arguments, "positions", MOST_POSITIONS)
    is_past = arguments.get("as_of") is not None
    return Extent(rows=num_rows + PAST_ROWS * is_past, points=INFERENCE_POINTS * (1 + is_past))


@enum_type
class PortfolioSortKey(StrEnum):
    """Orders of stored portfolios."""

    NAME = "NAME"


@input_type
class PortfolioFilterInput:
    """Conditions on stored portfolios; all that are given must hold."""

    owner: list[str] | None = strawberry.field(default=None, description="Of any of these owners, by name.")


_PORTFOLIOS: Final = KeyedList(
    PortfolioEntry, "portfolios", PortfolioFilterInput, (PortfolioSortKey.NAME, SortOrder.ASCENDING)
)


@enum_type
class PortfolioVersionSortKey(StrEnum):
    """Orders of a portfolio's rows: by since when they are held, or by when they were recorded."""

    HELD = "HELD"
    RECORDED = "RECORDED"


@input_type
class PortfolioVersionFilterInput:
    """Conditions on a portfolio's rows; all that are given must hold."""

    held_from: Moment | None = strawberry.field(default=None, description="Held since this moment or later.")
    held_to: Moment | None = strawberry.field(default=None, description="Held since this moment or earlier.")
    recorded_from: Moment | None = strawberry.field(default=None, description="Recorded at this moment or later.")
    recorded_to: Moment | None = strawberry.field(default=None, description="Recorded at this moment or earlier.")
    is_deleted: bool | None = strawberry.field(
        default=None, description="Whether it marks that the portfolio was deleted."
    )


_VERSIONS: Final = KeyedList(
    Portfolio,
    "rows",
    PortfolioVersionFilterInput,
    (PortfolioVersionSortKey.HELD, SortOrder.DESCENDING),
    is_whole=False,
)


def _read_versions(given: PortfolioVersionFilterInput | None) -> Versions:
    every = Versions()
    if given is None:
        return every
    return Versions(
        given.held_from or every.held_from,
        given.held_to or every.held_to,
        given.recorded_from or every.recorded_from,
        given.recorded_to or every.recorded_to,
        given.is_deleted,
    )


def _check_source(positions: list[PositionInput] | None, portfolio: str | None) -> None:
    if (positions is None) == (portfolio is None):
        told = "neither" if positions is None else "both"
        raise InvalidError(f"expected either positions or a portfolio, got {told}", path="positions")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span(ArgumentGroup):
    """A portfolio from one moment to another."""

    from_: From
    to: To = None
    positions: Positioned = None
    portfolio: Named = None
    known_at: PositionsKnownAt = None
    policy: PolicyName = None

    async def read(self, context: Context) -> Record:
        """Read what the portfolio's expectation followed from."""
        _check_source(self.positions, self.portfolio)
        held = self.portfolio if self.portfolio is not None else Positions.of(read_positions(self.positions or []))
        return await read_record(
            context.unit,
            held,
            holder_of(context),
            self.from_.replace(fold=0),
            context.moment if self.to is None else self.to.replace(fold=0),
            known_at=self.known_at,
            policy=self.policy,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked(ArgumentGroup):
    """A portfolio, and how it is measured."""

    positions: Positioned = None
    portfolio: Named = None
    as_of: MeasuredAt = None
    active: Annotated[
        bool,
        strawberry.argument(
            description="Whether to measure active weights, what each position has more than the benchmark."
        ),
    ] = False
    horizon_on: Annotated[
        Day | None,
        strawberry.argument(
            description="The last day on which an effect may be due, by deadline and lag; all count without it."
        ),
    ] = None

    @property
    def scope(self) -> Scope:
        """The part of the portfolio that counts."""
        return Scope(self.horizon_on, self.active)

    async def read(self, context: Context, held_at: datetime | None) -> Positions:
        """
        Read the positions, or those that the stored portfolio had at a moment.

        Raises:
            InvalidError: Neither or both are given, or active weights are asked for without a benchmark.
        """
        _check_source(self.positions, self.portfolio)
        if self.portfolio is None:
            found = Positions.of(read_positions(self.positions or []))
        else:
            row = await get_portfolio(context.unit, self.portfolio, holder_of(context), held_at=held_at)
            found = Positions.stored(row)
        if self.active and not found.benchmark:
            raise InvalidError("expected false, as no position has a benchmark's weight, got true", path="active")
        return found

    def key(self, summed: Positions) -> tuple[Any, ...]:
        """Return what tells the lists of one measurement from those of another; the horizon comes last."""
        return tuple(summed.weights.items()), tuple(summed.benchmark.items()), self.active, self.horizon_on


@dataclass(frozen=True, slots=True, kw_only=True)
class _Supposed(ArgumentGroup):
    """Outcomes that are supposed."""

    what_if: Annotated[
        list[SupposedOutcome] | None,
        strawberry.argument(description=f"Supposed outcomes of up to {MOST_OBSERVATIONS} claims."),
    ] = None
    intervene: Annotated[
        bool,
        strawberry.argument(
            description="Whether the supposed outcomes are brought about instead of observed; see `whatIf`."
        ),
    ] = False


@object_type
class PortfolioQueries:
    """Queries over portfolios."""

    @field(metadata={**extent(one_row), **belongs_to_caller()})
    async def portfolio(
        self, info: Info[Context, Any], name: PortfolioName, *, as_of: HeldAt = None, known_at: KnownAt = None
    ) -> Portfolio | None:
        """
        The stored portfolio with this name, one's own or for an operator anyone's. An unknown name returns null, and so
        does one without positions at the moment.
        """
        context = info.context
        found = await find_portfolio(context.unit, name, holder_of(context), held_at=as_of, known_at=known_at)
        return shown(None if found is None else shown_portfolio(found))

    @_PORTFOLIOS.field({**extent(whole_list(MOST_PORTFOLIOS)), **belongs_to_caller()})
    async def portfolios(
        self,
        info: Info[Context, Any],
        page: KeyedPage,
        wanted: PortfolioFilterInput | None,
    ) -> Any:
        """The caller's stored portfolios; for an operator all of them."""
        owners = read_values(None if wanted is None else wanted.owner, "filter.owner")
        rows: list[Row] = [
            (listed.name, {"name": listed.name, "owner": listed.owner})
            for listed in await list_portfolios(info.context.unit, holder_of(info.context))
            if owners is None or listed.owner in owners
        ]
        return page.connection(page.cut(rows), len(rows))

    @_VERSIONS.field({**extent(page_extent), **belongs_to_caller()})
    async def portfolio_versions(
        self, info: Info[Context, Any], page: KeyedPage, wanted: PortfolioVersionFilterInput | None, name: PortfolioName
    ) -> Any:
        """The rows of a stored portfolio, with those that mark a deletion."""
        unit, asked = info.context.unit, _read_versions(wanted)
        await check_holder(unit, name, holder_of(info.context))
        by_recording = page.key is PortfolioVersionSortKey.RECORDED
        found = await list_versions(
            unit,
            name,
            asked,
            page.size + 1,
            by_recording=by_recording,
            between=page.places,
            reads_down=page.reads_down,
        )
        rows = [
            (join(moment_text(row.recorded_at if by_recording else row.held_at), row.id), shown_portfolio(row))
            for row in found
        ]
        return page.connection(rows, await count_versions(unit, name, asked) if wants_total(info) else None)

    @question(
        ExposureHistory,
        refused_by=(NotFoundError, NotOwnedError, InvalidError, OversizeError),
        answer="The history, or the reason for the refusal.",
        metadata={**extent(_history_extent), **drifts()},
    )
    async def exposure_history(
        self,
        info: Info[Context, Any],
        *,
        span: _Span,
        max_points: Annotated[
            int, strawberry.argument(description=f"Number of points, 2 to {MOST_POINTS}.")
        ] = DEFAULT_POINTS,
    ) -> Shown:
        """
        Expected signed relevance of a portfolio over time, by what was recorded by each moment. Positions without a
        name are held all the time.
        """
        if not 2 <= max_points <= MOST_POINTS:  # noqa: PLR2004 - both ends
            raise InvalidError(f"expected 2 to {MOST_POINTS} points, got {max_points}", path="maxPoints")
        record = await span.read(info.context)
        step = (record.end - record.start) / (max_points - 1)
        moments = [record.start + index * step for index in range(max_points - 1)] + [record.end]
        values = await _compute(info.context, partial(record.expectations, moments), record, max_points)
        points = zip(moments, values, strict=True)
        return {
            "points": [{"at": moment, "expected_relevance": figure(value)} for moment, value in points],
            **_shown_ends(info.context, record),
        }

    @question(
        ExposureChange,
        refused_by=(NotFoundError, NotOwnedError, InvalidError, OversizeError),
        answer="The change, or the reason for the refusal.",
        metadata={**extent(_change_extent), **drifts()},
    )
    async def exposure_change(
        self,
        info: Info[Context, Any],
        *,
        span: _Span,
        first: First = DEFAULT_PAGE_SIZE,
        propagated: Annotated[
            bool,
            strawberry.argument(
                description="Whether to measure by the network's marginals of both moments, as "
                "`portfolioExposure(asOf:)` does, and not by the claims' own beliefs; PROPAGATION is a cause then."
            ),
        ] = False,
    ) -> Shown:
        """
        Reasons why a portfolio's expected signed relevance moved: evidence, outcomes, restatements, time, changed
        positions and exposures, and propagation, with parts that add up to the change.
        """
        size = page_size(first)
        if propagated and span.policy is not None:
            message = "expected none with propagated, as marginals follow the policy of each moment, got one"
            raise InvalidError(message, path="policy")
        context, record = info.context, await span.read(info.context)
        ends = await _read_ends(context, record) if propagated else None
        split = record.split if ends is None else partial(record.split_marginals, *(joint.by_id() for joint in ends))
        moved = await _compute(context, split, record, 2)
        shown_parts = moved.parts[:size]
        titles = await _read_titles(context, [part.claim_id for part in shown_parts])
        return {
            **figures({"before": moved.before, "after": moved.after, "delta": moved.after - moved.before}),
            "totals": [{"cause": cause, "delta": figure(delta)} for cause, delta in moved.totals().items()],
            "num_parts": len(moved.parts),
            "rest_delta": figure(math.fsum(part.delta for part in moved.parts[size:])),
            "parts": [_shown_cause(part, titles) for part in shown_parts],
            "propagation": None if ends is None else partial(_split_propagation, context, record, ends),
            **_shown_ends(context, record, *ends or ()),
        }

    @question(
        PortfolioExposureResult,
        refused_by=(
            NotFoundError,
            NotOwnedError,
            InvalidError,
            ConflictError,
            DuplicateError,
            ClosedClaimError,
            OversizeError,
        ),
        answer="The exposure, or the reason for the refusal.",
        metadata={**extent(_extent), **drifts()},
    )
    async def portfolio_exposure(
        self,
        info: Info[Context, Any],
        *,
        asked: _Asked,
        change: Annotated[
            list[PositionInput] | None,
            strawberry.argument(description="Positions to add, as a what-if; a negative weight takes away."),
        ] = None,
        supposed: _Supposed,
    ) -> Shown:
        """
        Gains and losses of a portfolio by predictions that come true: expectation, distribution, contributions,
        and the claims that it hangs on. Never stale.
        """
        context, moment = info.context, None if asked.as_of is None else asked.as_of.replace(fold=0)
        engine, unit = context.take_engine(INFERENCE_POINTS * (1 if moment is None else 2)), context.unit
        past = None if moment is None else await recall_joint(unit, engine, moment)
        summed = await asked.read(context, moment)
        measured = partial(measure, unit, engine, scope=asked.scope, past=past)
        measured = partial(measured, kept=context.service.tickers, now=context.moment)
        found = await measured(summed, wants_value=selects(info, "valueChange"))
        changed = None
        if change:
            changed = await measured(summed.changed(Positions.of(read_positions(change, "change"))))
        shift = None
        if supposed.what_if:
            observed = [observation(given, f"whatIf[{index}]") for index, given in enumerate(supposed.what_if)]
            shift = await suppose(
                unit, engine, found, observed, is_intervention=supposed.intervene, past=past, now=context.moment
            )
        arguments = asked.key(summed)
        return {
            **_shown_figures(found),
            **_computed_when_asked(context, found, arguments, moment or context.moment),
            "duplicate_symbols": list(summed.duplicates),
            "change": None if changed is None else _shown_changed(found, changed),
            "what_if": None if shift is None else _shown_shift(found, (*arguments, supposed.intervene), *shift),
        }


async def _read_ends(context: Context, record: Record) -> tuple[Joint, Joint]:
    """Read the network as it was at both ends of a record, and draw its samples, both at the same time."""
    engine, unit = context.take_engine(4 * INFERENCE_POINTS), context.unit
    asked = ((record.start, "from"), (record.end, "to"))
    pasts = [await read_past(unit, engine, moment, path=path) for moment, path in asked]
    await unit.read_after(None)  # the samples of a large network take longer than a transaction may
    before, after = await engine.draw_pasts(pasts)
    return before, after


async def _split_propagation(context: Context, record: Record, ends: tuple[Joint, Joint], most: int) -> Shown:
    if not 1 <= most <= MOST_SOURCES:
        raise InvalidError(f"expected 1 to {MOST_SOURCES} claims, got {most}", path="sources")
    engine = context.take_engine(sources_points(most))
    found = await split_propagation(context.unit, engine, record, *ends, most=most)
    await context.unit.read_after(None)  # it may have taken longer than a transaction may
    titles = await _read_titles(context, [source.claim_id for source in found.sources])
    return {
        "delta": figure(math.fsum(source.delta for source in found.sources)),
        "num_claims": found.num_claims,
        "num_told": found.num_told,
        "is_approximate": found.is_approximate,
        "sources": [_shown_source(source, titles) for source in found.sources],
    }


async def _read_titles(context: Context, claim_ids: Iterable[str | None]) -> dict[str, str]:
    """Read the titles of claims by id."""
    ids = list(dict.fromkeys(claim_id for claim_id in claim_ids if claim_id is not None))
    nodes = await get(context.unit, [("Claim", claim_id, ("title",)) for claim_id in ids])
    return {key: node[1]["title"] for key, node in zip(ids, nodes, strict=True) if node is not None}


async def _compute(context: Context, compute: Callable[[], T], record: Record, num_points: int) -> T:
    """Compute off the event loop, unless it is little."""
    found = context.compute_curve(compute, num_points * (1 + len(record.claims.ids)))
    return await found if inspect.isawaitable(found) else found


def _shown_cause(part: Part, titles: Mapping[str, str]) -> Shown:
    return {
        "cause": part.cause,
        "delta": figure(part.delta),
        "claim_key": part.claim_id,
        "title": None if part.claim_id is None else titles.get(part.claim_id),
        "symbol": part.symbol,
        "at": part.at,
        "entry_ids": list(part.entry_ids),
    }


def _shown_source(source: Source, titles: Mapping[str, str]) -> Shown:
    return {
        "kind": source.kind,
        **figures({"delta": source.delta, "standard_error": source.standard_error}),
        "claim_key": source.claim_id,
        "title": None if source.claim_id is None else titles.get(source.claim_id),
        "num_claims": source.num_claims,
        "records": [
            {"cause": recorded.cause, "at": recorded.at, "entry_ids": list(recorded.entry_ids)}
            for recorded in source.recorded
        ],
    }


async def _shown_groups(engine: Engine, found: Exposure, by: Grouping) -> list[Shown]:
    rows = (
        {"group_key": group.key, "expected_relevance": group.expected, "risk_share": group.risk_share}
        for group in await list_groups(engine, found, by)
    )
    return [figures(row) for row in rows]


def _shown_figures(found: Exposure) -> Shown:
    book, view, joint = found.book, found.joint.view, found.joint
    exposed = book.exposed
    return {
        "revision": view.snapshot.state.revision,
        "as_of": view.moment,
        "expected_relevance": figure(found.expected),
        "gross_relevance": figure(found.gross),
        "benchmark_relevance": figure(found.benchmark),
        "active_relevance": figure(found.active),
        "relevance": _shown_distribution(found.relevance),
        "value_change": None if found.value is None else _shown_distribution(found.value),
        "exposed_weight_share": figure(book.share(exposed)),
        "impact_weight_share": figure(book.share(book.with_impact)),
        "silent_symbols": [holding.symbol for n, holding in enumerate(book.holdings) if n not in exposed],
        "unknown_symbols": [holding.symbol for holding in book.holdings if not holding.ticker.is_known],
        "num_beyond": book.num_beyond,
        "num_unstated": book.num_unstated,
        "num_contradictory": book.num_contradictory,
        "diagnostics": shown_basis(view, basis_of(view, joint.beliefs.diagnostics)),
    }


def _computed_when_asked(context: Context, found: Exposure, arguments: tuple[Any, ...], measured_at: datetime) -> Shown:
    """The parts of an exposure that are computed, or read, for those who select them."""
    engine = context.service.engine
    return {
        "basis": _shown_taken(found, measured_at, context.moment),
        "independent_drivers": partial(count_independent, engine, found),
        "groups": partial(_shown_groups, engine, found),
        "contributions": partial(_rank_contributions, context, found, arguments),
        "drivers": partial(_rank_drivers, context, found, arguments),
        "surprise": partial(_find_surprise, context, found, measured_at),
        "hedges": partial(_rank_hedges, context, found, arguments),
    }


def _shown_taken(found: Exposure, measured_at: datetime, now: datetime) -> Shown:
    """The moments of what an exposure follows from."""
    recorded = Reconstructed(found.joint.num_reconstructed, found.book.num_reconstructed)
    return _shown_moments(
        (measured_at, found.joint.view.moment, found.recalled_at or now), recorded, influences_as_of=now
    )


def _shown_ends(
    context: Context, record: Record, before: Joint | None = None, after: Joint | None = None
) -> dict[str, Callable[[], Awaitable[Shown]]]:
    """The bases of both ends of a record, read for those who select them; with marginals where there are any."""
    return {
        "basis_before": partial(_shown_end, context, record, before, is_last=False),
        "basis_after": partial(_shown_end, context, record, after, is_last=True),
    }


async def _shown_end(context: Context, record: Record, joint: Joint | None, *, is_last: bool) -> Shown:
    """The moments of what the expectation at an end of a record follows from."""
    moment = record.end if is_last else record.start
    symbols = record.stretches[-1 if is_last else 0].weights
    recorded = await count_reconstructed(context.unit, moment, symbols, joint or record.claims.ids)
    influences_as_of = None if joint is None else context.moment
    return _shown_moments((moment, moment, moment), recorded, influences_as_of=influences_as_of)


def _shown_moments(
    moments: tuple[datetime, datetime, datetime], recorded: Reconstructed, *, influences_as_of: datetime | None
) -> Shown:
    """Moments of positions, beliefs and exposures, of influences where there are any, and what was recorded later."""
    return {
        **dict(zip(("positions_as_of", "beliefs_as_of", "exposures_as_of"), moments, strict=True)),
        "influences_as_of": influences_as_of,
        "is_reconstructed": recorded.num_claims + recorded.num_exposures > 0,
        "num_reconstructed": recorded.num_claims,
        "num_reconstructed_exposures": recorded.num_exposures,
    }


def _shown_distribution(found: Distribution) -> Shown:
    errors = [None] * len(LEVELS) if found.quantile_errors is None else found.quantile_errors.tolist()
    rows = zip(LEVELS, found.quantiles.tolist(), errors, strict=True)
    return figures(
        {
            "mean": found.mean,
            "mean_error": found.mean_error,
            "standard_deviation": found.standard_deviation,
            "standard_deviation_error": found.deviation_error,
            "quantiles": [
                figures({"level": level, "value": value, "standard_error": error}) for level, value, error in rows
            ],
            "shortfall": found.shortfall,
            "shortfall_error": found.shortfall_error,
            "negative_probability": found.negative_probability,
        }
    )


async def _rank_contributions(context: Context, found: Exposure, arguments: tuple[Any, ...]) -> Ranked:
    listed = await list_contributions(context.service.engine, found)
    state = state_of(found.joint.view)
    return Ranked(arguments, state, listed, attrgetter("claim_id"), _PART_MEASURES, show=_shown_part)


_PART_MEASURES: Final[Mapping[str, Callable[[Contribution], Any]]] = {
    "prediction": attrgetter("claim_id"),
    "absolute_expected_relevance": lambda part: abs(part.expected),
    "expected_relevance": attrgetter("expected"),
    "coefficient": attrgetter("coefficient"),
    "probability": attrgetter("probability"),
    "risk_share": attrgetter("risk_share"),
    "worst_lift": lambda part: _shown_part(part)["worst_lift"],
}


def _shown_part(part: Contribution) -> Shown:
    row = {
        "prediction_id": part.claim_id,
        "probability": part.probability,
        "coefficient": part.coefficient,
        "expected_relevance": part.expected,
        "risk_share": part.risk_share,
        "worst_probability": min(1.0, part.worst_probability),
        "worst_lift": part.worst_probability / part.probability if part.probability else None,
    }
    return figures(row)


async def _rank_drivers(context: Context, found: Exposure, arguments: tuple[Any, ...]) -> Ranked:
    drivers = await list_drivers(context.service.engine, found)
    view = found.joint.view
    show = partial(_shown_driver, found, drivers, float(found.totals.var()))
    measures = {"claim": view.ids.__getitem__, **_measures_of(show, _DRIVER_FIGURES)}
    return Ranked(arguments, state_of(view), drivers.ranked().tolist(), view.ids.__getitem__, measures, show=show)


_DRIVER_FIGURES: Final = ("variance_share", "probability", "expected_if_true", "expected_if_false")
_HEDGE_FIGURES: Final = ("variance_share_per_unit", "variance_share", "size")


def _measures_of(show: Callable[[Any], Shown], names: Iterable[str]) -> dict[str, Callable[[Any], Any]]:
    """Measures that are figures of items' rows."""

    def measure(name: str) -> Callable[[Any], Any]:
        return lambda item: show(item)[name]

    return {name: measure(name) for name in names}


def _shown_driver(found: Exposure, drivers: Drivers, variance: float, index: int) -> Shown:
    errors, if_true, if_false = drivers.standard_errors, drivers.if_true_errors, drivers.if_false_errors
    row = {
        "claim_id": found.joint.view.ids[index],
        "probability": float(found.joint.beliefs.marginals[index]),
        "expected_if_true": _known(drivers.if_true[index]),
        "expected_if_false": _known(drivers.if_false[index]),
        "expected_if_true_error": None if if_true is None else float(if_true[index]),
        "expected_if_false_error": None if if_false is None else float(if_false[index]),
        "variance_share": float(drivers.reductions[index]) / variance,
        "standard_error": None if errors is None else float(errors[index]) / variance,
    }
    return figures(row)


async def _find_surprise(context: Context, found: Exposure, moment: datetime) -> Shown | None:
    edges, view = found.book.edges, found.joint.view
    ids = {view.ids[claim] for claim in edges.claims[~np.isnan(edges.impacts)].tolist()}
    prices = await list_market_prices(context.unit, sorted(ids), moment) if ids else {}
    surprise = await find_surprise(context.service.engine, found, prices)
    if surprise is None:
        return None
    row = {
        "edge": surprise.edge,
        "priced_change": surprise.priced,
        "gross_change": surprise.gross,
        "distribution": _shown_distribution(surprise.distribution),
        "priced_weight_share": surprise.priced_share,
        "num_priced": surprise.num_priced,
    }
    return figures(row)


async def _rank_hedges(context: Context, found: Exposure, arguments: tuple[Any, ...], candidates: Candidates) -> Ranked:
    ids = [("ticker_id", symbol) for symbol in candidates.symbols]
    ids += [("claim_id", claim_id) for claim_id in candidates.claim_ids]
    if not ids:
        raise InvalidError("expected tickers or claims to look at, got neither", path="tickers")
    context.count_points(hedging_points(len(ids)))
    service, horizon = context.service, arguments[-1]
    hedges = await list_hedges(context.unit, service.engine, found, candidates, horizon, kept=service.tickers)
    items = [(name, key, n) for n, (name, key) in enumerate(ids)]
    show = partial(_shown_hedge, hedges, float(found.totals.var()))
    return Ranked(
        (*arguments, tuple(ids)),
        state_of(found.joint.view),
        items,
        key=lambda item: f"{item[0]}{item[1]}",
        measures=_measures_of(show, _HEDGE_FIGURES),
        show=show,
    )


def _shown_hedge(hedges: Hedges, variance: float, item: tuple[str, str, int]) -> Shown:
    name, key, n = item
    errors, whole = hedges.standard_errors, variance or math.inf  # of a sum that does not vary nothing is taken away
    row = {
        "size": float(hedges.sizes[n]),
        "variance_share": float(hedges.reductions[n]) / whole,
        "variance_share_per_unit": float(hedges.reductions_per_unit[n]) / whole,
        "standard_error": None if errors is None else float(errors[n]) / whole,
    }
    return {"ticker": None, "ticker_id": None, "claim": None, "claim_id": None, **figures(row), name: key}


def _shown_changed(before: Exposure, after: Exposure) -> Shown:
    row = {
        "expected_relevance": after.expected,
        "delta": after.expected - before.expected,
        "gross_relevance": after.gross,
        "relevance": _shown_distribution(after.relevance),
        "value_change": None if after.value is None else _shown_distribution(after.value),
    }
    return figures(row)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _shown_shift(
    found: Exposure, arguments: tuple[Any, ...], change: Change, tickers: Mapping[str, Change], answer: WhatIf
) -> Shown:
    outcomes = tuple(sorted((shift.claim_id, shift.after) for shift in answer.supposed))
    ranked = Ranked(
        (*arguments, outcomes),
        state_of(found.joint.view),
        list(tickers.items()),
        key=itemgetter(0),
        measures=_CHANGE_MEASURES,
        show=lambda item: {"ticker_id": item[0], **_shown_change(item[1])},
    )
    basis = shown_basis(answer.question.view, answer.basis)
    return {**_shown_change(change), "tickers": ranked, "diagnostics": basis}


_CHANGE_MEASURES: Final[Mapping[str, Callable[[tuple[str, Change]], Any]]] = {
    "ticker": itemgetter(0),
    "symbol": itemgetter(0),
    "absolute_delta": lambda item: abs(item[1].delta),
    "delta": lambda item: item[1].delta,
    "expected_before": lambda item: item[1].before,
    "expected_after": lambda item: item[1].after,
}


def _shown_change(change: Change) -> Shown:
    return figures({"before": change.before, "after": change.after, "delta": change.delta})
