"""Stored portfolios as sums that the feed follows: each prediction's weight is what it adds if it comes true."""

import math
from collections import defaultdict
from typing import Final

from graph.database.sessions import Unit
from graph.exposure.book import read_holdings
from graph.exposure.history import effects_of
from graph.exposure.positions import Positions
from graph.exposure.store import Holder, find_portfolio
from graph.feed.events import Event
from graph.feed.sums import WeightedSum, Weights
from graph.model.subjects import MARK

_ANYONE: Final = Holder("", sees_all=True)
"""Whoever subscribes was let in before, and a portfolio's owner never changes."""


def follow_portfolio(name: str) -> WeightedSum:
    """Make the sum of a portfolio's latest positions: its expected signed relevance by stored beliefs."""
    portfolio = _FollowedPortfolio(name)
    return WeightedSum(name, portfolio.load, portfolio.is_changed_by)


class _FollowedPortfolio:
    """A portfolio with the symbols that it had when it was read last."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._symbols: frozenset[str] = frozenset()

    async def load(self, unit: Unit) -> Weights | None:
        """Read what each prediction adds if it comes true; None where there is no such portfolio any more."""
        found = await find_portfolio(unit, self._name, _ANYONE)
        if found is None:
            return None
        holdings = await read_holdings(unit, Positions.stored(found))
        self._symbols = frozenset(holding.symbol for holding in holdings)
        parts: dict[str, list[float]] = defaultdict(list)
        for holding in holdings:
            for claim_id, effect in effects_of(holding).items():
                parts[claim_id].append(holding.weight * effect)
        return {claim_id: math.fsum(own) for claim_id, own in parts.items()}

    def is_changed_by(self, event: Event) -> bool:
        """Whether an event may have changed positions, or exposures of the tickers held."""
        return event.is_partial or any(map(self._is_own, event.row_ids))

    def _is_own(self, note: str) -> bool:
        list_name, _, row_id = note.partition(":")
        if list_name == "portfolios":
            return row_id.startswith(f"{self._name}@")
        return list_name in {"exposures", "tickers"} and not self._symbols.isdisjoint(row_id.split(MARK))
