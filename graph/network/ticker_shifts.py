"""Expected price changes of tickers that shifts of claims imply."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graph.database.sessions import Unit

MOST_CLAIMS: Final = 5_000
"""Claims that are included, by decreasing |shift|; the others shift less than all of these."""


@dataclass(frozen=True, slots=True)
class TickerShift:
    """
    Expected price change of one ticker.

    Attributes:
        symbol: Symbol of the ticker.
        delta: Expected fractional change of its price: the sum of impact times shift.
        num_claims: Number of claims in that sum.
    """

    symbol: str
    delta: float
    num_claims: int


async def list_ticker_shifts(unit: Unit, deltas: Mapping[str, float]) -> list[TickerShift]:
    """
    List expected price changes of tickers from exposures with a stated impact, by decreasing |delta|, ties by symbol.

    Args:
        unit: Unit of work to read in.
        deltas: Shifts of claims by id.
    """
    ids = sorted(deltas, key=lambda claim_id: (-abs(deltas[claim_id]), claim_id))[:MOST_CLAIMS]
    rows = await unit.run("network/list_exposures", ids=ids)
    shifts = [
        TickerShift(
            symbol=row["symbol"],
            delta=math.fsum(deltas[claim_id] * impact for claim_id, impact in row["impacts"]),
            num_claims=len({claim_id for claim_id, _ in row["impacts"]}),
        )
        for row in rows
    ]
    return sorted(shifts, key=lambda shift: (-abs(shift.delta), shift.symbol))
