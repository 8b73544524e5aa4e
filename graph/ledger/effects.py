"""Effects of predictors on the calibrated priors of their claims, by the outcomes known when each was stated."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from graph.database.sessions import Unit
from graph.inference.policies import FOREGRAPH_2
from graph.inference.time import microseconds_of, window_of
from graph.ledger.predictor_outcomes import Outcomes, list_outcomes

NONE = (0.0, 0.0)


@dataclass(slots=True)
class Effects:
    """
    Effects learned so far, for one pass over a graph.

    Attributes:
        outcomes: Outcomes of predictors by id.
        fitted: Effects by predictor and number of outcomes.
        counted: When each outcome of a predictor counts, ascending, in microseconds.
    """

    outcomes: dict[str, Outcomes] = field(default_factory=dict)
    fitted: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)
    counted: dict[str, list[int]] = field(default_factory=dict)

    async def of(self, unit: Unit, claims: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
        """
        Return the effects a and b of claims' predictors by the ids of the claims.

        Args:
            unit: The transaction to read in.
            claims: The properties of each.
        """
        await self._load(unit, (claim["predictor_id"] for claim in claims))
        return {claim["id"]: self._of_one(claim) for claim in claims}

    async def _load(self, unit: Unit, predictor_ids: Iterable[str | None]) -> None:
        missing = {name for name in predictor_ids if name is not None} - set(self.outcomes)
        if missing:
            found = await list_outcomes(unit, missing, with_rates=True)
            self.outcomes |= {predictor["id"]: outcomes for predictor, outcomes in found}
            self.counted |= {
                predictor["id"]: np.sort(outcomes.counted_at).astype(np.int64).tolist() for predictor, outcomes in found
            }

    def _of_one(self, claim: Mapping[str, Any]) -> tuple[float, float]:
        predictor_id, at = claim["predictor_id"] or "", stated_at(claim)
        if at is None or predictor_id not in self.outcomes:
            return NONE
        key = predictor_id, bisect_right(self.counted[predictor_id], microseconds_of(at) or 0)
        if key not in self.fitted:
            learned = FOREGRAPH_2.effects(self.outcomes[predictor_id].by(at))
            self.fitted[key] = learned.intercept, learned.slope
        return self.fitted[key]


def stated_at(claim: Mapping[str, Any]) -> datetime | None:
    """
    Return when a claim was stated, as far as that is known: the start of its window, or when it came in if earlier.

    Args:
        claim: Its `from_year`, `window_start`, `window_end` and `created_at`.
    """
    window = window_of(claim["from_year"], claim["window_start"], claim["window_end"])
    known = [
        moment for moment in (claim.get("created_at"), None if window is None else window[0]) if moment is not None
    ]
    return min(known, default=None)
