"""Expected price changes of tickers that shifts of claims imply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from graph.database.sessions import Unit
from graph.inference.network.compounding import Exposures, PriceChanges
from graph.model.signs import find_faults
from graph.network.contradictions import make_exposure
from graph.network.engine import Engine
from graph.network.questions import WhatIf

MOST_CLAIMS: Final = 5_000
"""Claims that are included, by decreasing |shift|; the others shift less than all of these."""


@dataclass(frozen=True, slots=True)
class TickerShift:
    """
    Expected price change of one ticker.

    Attributes:
        symbol: Symbol of the ticker.
        delta: Expected fractional change of its price, -1 or more: of the product of 1 + impact over the claims that
            come true.
        standard_error: Of the change, the estimated error of LBP included; None where it is exact.
        num_claims: Number of claims that are included.
        num_contradictory: Number of shifted claims that are not, since their exposures contradict themselves.
    """

    symbol: str
    delta: float
    standard_error: float | None
    num_claims: int
    num_contradictory: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """A ticker's exposures as they are read: the impact of each claim, and the number of claims left out."""

    symbol: str
    impacts: Mapping[str, float]
    num_contradictory: int


async def list_ticker_shifts(unit: Unit, engine: Engine, found: WhatIf) -> list[TickerShift]:
    """
    List expected price changes of tickers from exposures with a stated impact, by decreasing |delta|, ties by symbol.

    The price is the product of 1 + impact over the claims that shift and come true. Its change is the ratio of its
    expectations with and without the supposed outcomes, less 1. Exposures whose impact contradicts their sign, and
    those of both signs to one claim, are left out.

    Args:
        unit: Unit of work to read in.
        engine: Engine that answered.
        found: The answer.

    Raises:
        OversizeError: Joint samples are needed, and the network is too large for them.
        BusyError: No thread became free in time.
    """
    deltas = found.all_deltas
    ids = sorted(deltas, key=lambda claim_id: (-abs(deltas[claim_id]), claim_id))[:MOST_CLAIMS]
    listed = [_read(row["symbol"], row["exposures"]) for row in await unit.run("network/list_exposures", ids=ids)]
    tickers = [ticker for ticker in listed if ticker.impacts]
    changes = await engine.compound(found, _exposures(tickers, found.question.view.indices))
    return sorted(_shifts(tickers, changes), key=lambda shift: (-abs(shift.delta), shift.symbol))


def _read(symbol: str, exposures: Sequence[tuple[str, Sequence[tuple[str, float | None]]]]) -> _Listed:
    impacts: dict[str, float] = {}
    num_contradictory = 0
    for claim_id, entries in exposures:
        rows = [make_exposure(sign, claim_id, symbol, impact) for sign, impact in entries]
        if any(find_faults(rows)):
            num_contradictory += 1
            continue
        impacts[claim_id] = next(impact for _, impact in entries if impact is not None)
    return _Listed(symbol, impacts, num_contradictory)


def _exposures(tickers: Sequence[_Listed], indices: Mapping[str, int]) -> Exposures:
    rows = [
        (indices[claim_id], number, impact)
        for number, ticker in enumerate(tickers)
        for claim_id, impact in ticker.impacts.items()
    ]
    claims, prices, impacts = zip(*rows, strict=True) if rows else ((),) * 3
    return Exposures(
        claims=np.array(claims, np.int64),
        prices=np.array(prices, np.int64),
        impacts=np.array(impacts, np.float64),
        num_prices=len(tickers),
    )


def _shifts(tickers: Sequence[_Listed], changes: PriceChanges) -> list[TickerShift]:
    columns = zip(tickers, changes.changes.tolist(), changes.standard_errors.tolist(), strict=True)
    return [
        TickerShift(
            symbol=ticker.symbol,
            delta=change,
            standard_error=error or None,
            num_claims=len(ticker.impacts),
            num_contradictory=ticker.num_contradictory,
        )
        for ticker, change, error in columns
    ]
