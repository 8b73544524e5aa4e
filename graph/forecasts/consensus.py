"""Consensus of the forecasters of claims, as of a moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from graph.database.sessions import Unit
from graph.inference.consensus import pool, pooled_log_odds
from graph.inference.policies import FOREGRAPH_2
from graph.inference.posterior import probability_of
from graph.inference.statements import stated_claim
from graph.inference.time import window_of
from graph.model.kinds import PredictorKind
from graph.model.properties import from_properties
from graph.model.rows import Forecast

LEAST_PROBABILITY = 0.01
"""What a forecast of 0 counts as, and the complement of what 1 does; calibrated priors go no further either."""


@dataclass(frozen=True, slots=True)
class ClaimForecasts:
    """
    A claim's forecasts recorded by a moment.

    Attributes:
        claim_id: The claim's id.
        stated_probability: Its stated probability, which is its maker's first forecast; None without one.
        maker_id: The id of its predictor; None without one.
        window: Start and deadline; None without a window.
        forecasts: Forecasts and retractions.
        markets: The ids of those predictors who are markets.
    """

    claim_id: str
    stated_probability: float | None
    maker_id: str | None
    window: tuple[datetime, datetime] | None
    forecasts: tuple[Forecast, ...]
    markets: frozenset[str] = frozenset()

    def with_row(self, row: Forecast) -> "ClaimForecasts":
        """Return them with one more row."""
        forecasts = (*self.forecasts, row)
        return ClaimForecasts(
            self.claim_id, self.stated_probability, self.maker_id, self.window, forecasts, self.markets
        )

    def standing(self, moment: datetime) -> list[Forecast]:
        """Return each predictor's latest forecast stated by a moment that was not retracted, in order of time."""
        retracted = {row.retracts for row in self.forecasts}
        stated = [
            row
            for row in self.forecasts
            if row.probability is not None and row.id not in retracted and row.stated_at <= moment
        ]
        latest = {row.predictor_id: row for row in sorted(stated, key=_order)}
        return sorted(latest.values(), key=_order)

    def market_price(self, moment: datetime) -> float | None:
        """Return the newest forecast by a market; None without one."""
        prices = [row.probability for row in self.standing(moment) if row.predictor_id in self.markets]
        return prices[-1] if prices else None


@dataclass(frozen=True, slots=True)
class Member:
    """
    One forecaster's part in a consensus.

    Attributes:
        predictor_id: The predictor's id; None for the stated probability of a claim without a predictor.
        probability: Latest forecast, in [0, 1].
        weight: Weight, above 0 and up to 1.
        share: Share of all weight; all shares add up to 1 exactly.
        stated_at: Moment of the forecast; None for the claim's stated probability.
    """

    predictor_id: str | None
    probability: float
    weight: float
    share: float
    stated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Consensus:
    """
    Consensus of a claim's forecasters.

    Attributes:
        probability: Calibrated probability, strictly between 0 and 1.
        num_voices: Number of forecasters, each cluster as one.
        spread: Weighted standard deviation of the members' probabilities.
        members: In order of time.
        policy: Name of the policy that it is computed by.
    """

    probability: float
    num_voices: int
    spread: float
    members: tuple[Member, ...]
    policy: str


async def list_forecasts(unit: Unit, asked: Sequence[tuple[str, datetime]]) -> list[ClaimForecasts | None]:
    """List the forecasts of claims recorded by moments; None for an id that no claim has."""
    claims = [{"id": claim_id, "moment": moment} for claim_id, moment in asked]
    rows = await unit.run("forecasts/list_of_claims", claims=claims)
    found = {row["index"]: _read(row["claim"], row["forecasts"]) for row in rows}
    return [found.get(index) for index in range(len(asked))]


async def list_market_prices(unit: Unit, claim_ids: Sequence[str], moment: datetime) -> dict[str, float]:
    """List the newest price of a market, recorded and stated by a moment, of the claims that have one."""
    rows = await unit.run("forecasts/list_of_markets", ids=list(claim_ids), moment=moment)
    found = [_read(row["claim"], row["forecasts"]) for row in rows]
    prices = {claim.claim_id: claim.market_price(moment) for claim in found}
    return {claim_id: price for claim_id, price in prices.items() if price is not None}


def _read(claim: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> ClaimForecasts:
    window = window_of(claim.get("from_year"), claim.get("window_start"), claim.get("window_end"))
    named = [(from_properties(Forecast, row), row) for row in rows]
    return ClaimForecasts(
        claim_id=claim["id"],
        stated_probability=claim.get("stated_probability"),
        maker_id=claim.get("predictor_id"),
        window=window,
        forecasts=tuple(sorted((forecast for forecast, _ in named), key=_order)),
        markets=frozenset(row["predictor_id"] for _, row in named if row["predictor_kind"] == PredictorKind.MARKET),
    )


def _order(row: Forecast) -> tuple[datetime, datetime, str]:
    return row.stated_at, row.recorded_at, row.id


def consensus_of(found: ClaimForecasts, moment: datetime) -> Consensus | None:
    """
    Compute the consensus of a claim's forecasters as of a moment.

    The stated probability is the maker's forecast, and the first of all, until the maker makes another one.

    Args:
        found: Forecasts recorded by the moment.
        moment: Forecasts stated later do not count.

    Returns:
        None for a claim without any forecast.
    """
    standing = found.standing(moment)
    members: list[tuple[str | None, float, datetime | None, str]] = [
        (row.predictor_id, float(row.probability or 0.0), row.stated_at, row.cluster or f"{row.predictor_id}|")
        for row in standing
    ]
    is_restated = any(row.predictor_id == found.maker_id for row in standing)
    if found.stated_probability is not None and not is_restated:
        members.insert(0, (found.maker_id, found.stated_probability, None, f"{found.maker_id}|"))
    if not members:
        return None
    numbers = {name: number for number, name in enumerate(dict.fromkeys(name for *_, name in members))}
    pooled = pool(np.array([numbers[name] for *_, name in members]))
    probabilities = np.array([probability for _, probability, *_ in members])
    bent = FOREGRAPH_2.bent(np.clip(probabilities, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY))
    newest = stated_claim(0.5, stated_at=members[-1][2], window=found.window)
    trfs, days = FOREGRAPH_2.horizons(newest)
    log_odds = pooled_log_odds(np.array([pooled.mean(bent)]), np.array([pooled.num_voices]), trfs, days)
    weights, shares = pooled.weights.tolist(), pooled.shares.tolist()
    return Consensus(
        probability=probability_of(float(log_odds[0])),
        num_voices=pooled.num_voices,
        spread=pooled.spread(probabilities),
        members=tuple(
            Member(predictor, probability, weight, share, stated_at)
            for (predictor, probability, stated_at, _), weight, share in zip(members, weights, shares, strict=True)
        ),
        policy=FOREGRAPH_2.name,
    )
