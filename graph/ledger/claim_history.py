"""Claims' beliefs over time, from their whole ledgers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from graph.database.sessions import Unit
from graph.inference.history import Curve, Trail, belief_curve, beliefs_at
from graph.inference.log_odds import logit
from graph.inference.time import utc_moments
from graph.ledger.claim_state import ClaimState
from graph.model.page_keys import ranges


@dataclass(frozen=True, slots=True)
class ClaimHistory:
    """
    A claim with a stated probability, and its whole ledger.

    Attributes:
        state: The claim's state.
        rows: The properties of its ledger's rows, in the ledger's order.
    """

    state: ClaimState
    rows: Sequence[Mapping[str, Any]]

    @property
    def base_rate(self) -> float | None:
        """The outside view; None without a reference class."""
        return None if self.state.outside_view is None else self.state.outside_view.base_rate

    def belief_at(self, moment: datetime) -> float:
        """Compute the belief at a moment from what was recorded by then; after an outcome it no longer changes."""
        (capped,) = utc_moments([self.state.capped_at_outcome(moment)])
        return float(beliefs_at(self._trail(), np.array([capped]))[0])

    def curve(self, start: datetime, end: datetime, *, max_points: int) -> Curve:
        """Compute the curve of the belief from one moment to another, or to the outcome where that is earlier."""
        last = self.state.capped_at_outcome(end)
        return belief_curve(self._trail(), min(start, last), last, max_points=max_points)

    def _trail(self) -> Trail:
        stated = self.state.stated_probability
        assert stated is not None  # noqa: S101 - `load_histories` leaves out claims without one
        return Trail(
            log_odds_before=logit(stated),
            moments=utc_moments([row["recorded_at"] for row in self.rows]),
            log_odds=np.array([row["inside_log_odds"] for row in self.rows], dtype=np.float64),
            window=self.state.window,
            base_rate=self.base_rate,
        )


async def load_histories(unit: Unit, claim_ids: Iterable[str]) -> dict[str, ClaimHistory]:
    """Load the histories of claims by id; ids without a claim and claims without a stated probability are left out."""
    ids = sorted(set(claim_ids))
    claims = await unit.run("ledger/list_claim_states", ids=ids)
    ledgers = {row["id"]: row["rows"] for row in await unit.run("ledger/list_ledgers", claims=ranges(ids))}
    states = [ClaimState.from_row(row) for row in claims]
    return {
        state.claim_id: ClaimHistory(state, ledgers[state.claim_id])
        for state in states
        if state.stated_probability is not None
    }
