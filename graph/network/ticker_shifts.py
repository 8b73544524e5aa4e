"""What shifts of claims do to tickers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graph.database.sessions import Unit

MOST_CLAIMS: Final = 5_000
"""Of those that move: the largest shifts. What is left out moves less than all of them."""


@dataclass(frozen=True, slots=True)
class TickerShift:
    """
    What shifts of claims do to a ticker.

    Attributes:
        symbol: The ticker's.
        delta: The expected fractional change of its price: the sum of impact times shift.
        num_claims: How many claims that is summed over.
    """

    symbol: str
    delta: float
    num_claims: int


async def list_ticker_shifts(unit: Unit, deltas: Mapping[str, float], limit: int) -> list[TickerShift]:
    """
    What shifts of claims do to tickers, the largest first, ties by symbol, by exposures whose impact is stated.

    Args:
        unit: Where to read.
        deltas: Of claims by id.
        limit: How many tickers to return.
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
    return sorted(shifts, key=lambda shift: (-abs(shift.delta), shift.symbol))[:limit]
