"""
The network as it was at a moment, as far as it was recorded by then: beliefs of then, influences of now.

And how much of what a portfolio's past follows from was recorded later.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from graph.database.paging import slices
from graph.database.sessions import Unit
from graph.errors import InvalidError, OversizeError
from graph.exposure.tickers import count_later
from graph.families.store import list_families
from graph.inference.time import utc_moments
from graph.ledger.claim_state import Window
from graph.ledger.pasts import Past, PastKey, list_pasts
from graph.model.kinds import ClaimStatus
from graph.model.rows import ClaimFamily
from graph.network.engine import Engine, Joint, PastNetwork, Recalled
from graph.network.fetching import LockingUnit
from graph.network.view import ClaimRow, Snapshot, with_rows

MOST_CLAIMS: Final = 20_000
"""Claims that are read as they were for one answer, some five seconds."""

PAGE_CLAIMS: Final = 500
"""Claims whose records are taken in between two moments at which others are answered, some 20 ms."""


async def recall_joint(unit: LockingUnit, engine: Engine, as_of: datetime, *, path: str = "as_of") -> Joint:
    """
    Return every claim's marginal at a moment in the past, and joint samples, by what was recorded by then.

    Stated probabilities, windows, classes, policies, outcomes, evidence and families are those of the moment.
    Influences have no versions: those that the graph has now serve, over the claims that it has now.

    Args:
        unit: The transaction to read in.
        engine: Knows the network.
        as_of: The moment.
        path: Where the moment was given, for refusals.

    Raises:
        InvalidError: The moment is yet to come, or nothing was recorded of the network by then.
        OversizeError: The network is too large.
        BusyError: No thread became free in time.
    """
    (joint,) = await engine.draw_pasts([await read_past(unit, engine, as_of, path=path)])
    return joint


async def read_past(unit: LockingUnit, engine: Engine, as_of: datetime, *, path: str = "as_of") -> PastNetwork:
    """
    Read the network as it was at a moment, for `Engine.draw_pasts`; otherwise as `recall_joint`.

    Args:
        unit: The transaction to read in.
        engine: Knows the network.
        as_of: The moment.
        path: Where the moment was given, for refusals.
    """
    if as_of > (now := datetime.now(UTC)):
        message = f"expected a moment that has come, got {as_of.isoformat()}, which is after {now.isoformat()}"
        raise InvalidError(message, path=path)

    async def recall(snapshot: Snapshot) -> Recalled:
        if len(snapshot.ids) > MOST_CLAIMS:
            message = f"the network has {len(snapshot.ids):,} claims, and the past of at most {MOST_CLAIMS:,} is read"
            raise OversizeError(message, size=len(snapshot.ids), limit=MOST_CLAIMS, path=path)
        pasts = await _list_pasts(unit, snapshot.ids, as_of)
        counted = _counted(pasts)
        if counted and all(past.is_reconstructed and past.terms.log_odds is None for past in counted):
            message = f"expected a moment by which something of the network was recorded, got {as_of.isoformat()}"
            raise InvalidError(message, path=path)
        families = await list_families(unit, known_at=as_of)
        past_snapshot = await asyncio.to_thread(_with_pasts, snapshot, pasts, families)
        return past_snapshot, sum(past.is_reconstructed for past in counted)

    return await engine.read_past(unit, as_of, recall)


@dataclass(frozen=True, slots=True)
class Reconstructed:
    """
    Numbers of what was first recorded after a moment at which it is applied.

    Attributes:
        num_claims: Claims whose beliefs are applied.
        num_exposures: Exposures of the portfolio.
    """

    num_claims: int
    num_exposures: int


async def count_reconstructed(
    unit: Unit, moment: datetime, symbols: Collection[str], claims: Collection[str] | Joint
) -> Reconstructed:
    """
    Count what was first recorded after a moment.

    Args:
        unit: The transaction to read in.
        moment: The moment.
        symbols: The tickers that are held then.
        claims: The claims whose own beliefs are applied; or the network as it was then, which knows of all.
    """
    num_exposures = await count_later(unit, symbols, moment)
    if isinstance(claims, Joint):
        num_claims = claims.num_reconstructed
    else:
        found = _counted(await _list_pasts(unit, sorted(claims), moment))
        num_claims = sum(past.is_reconstructed for past in found)
    return Reconstructed(num_claims, num_exposures)


async def _list_pasts(unit: Unit, claim_ids: Sequence[str], as_of: datetime) -> list[Past | None]:
    """Return claims as they were at a moment, by what was recorded by then, a page after the other."""
    pasts: list[Past | None] = []
    for part in slices(claim_ids, PAGE_CLAIMS):
        pasts += await list_pasts(unit, [PastKey(claim_id, as_of, as_of) for claim_id in part])
    return pasts


def _counted(pasts: Iterable[Past | None]) -> list[Past]:
    """Leave out claims that nobody has stated a probability of."""
    return [past for past in pasts if past is not None and past.terms.stated_probability is not None]


def _with_pasts(snapshot: Snapshot, pasts: Sequence[Past | None], families: Sequence[ClaimFamily]) -> Snapshot:
    return with_rows(snapshot, [_row(*pair) for pair in zip(snapshot.ids, pasts, strict=True)], families)


def _row(claim_id: str, past: Past | None) -> ClaimRow:
    """Return a claim as it was as a row of the network; without a probability where none was stated."""
    ground = None if past is None else past.terms.ground()
    if past is None or ground is None:
        return (claim_id, None, None, ClaimStatus.OPEN.value, *(None,) * 9)
    outside = ground.outside_view
    base_rate = None if outside is None else outside.base_rate
    is_open, rules = past.status is ClaimStatus.OPEN, ground.rules
    final = None if is_open else ground.final_view(past.moment)
    calibration = (rules.share, *rules.effects, ground.check_ins, None if final is None else final.silence)
    return (
        claim_id,
        ground.stated_probability,
        ground.log_odds,
        past.status.value,
        None,
        None,
        *_micros(ground.window),
        None if is_open else _micro(past.moment),
        None if is_open else base_rate,
        None if final is None else final.trf,
        calibration if rules.is_calibrated else None,
        base_rate,
    )


def _micros(window: Window | None) -> tuple[int | None, int | None]:
    return (None, None) if window is None else (_micro(window[0]), _micro(window[1]))


def _micro(moment: datetime) -> int:
    return int(utc_moments([moment])[0].astype("int64"))
