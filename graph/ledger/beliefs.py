"""Every claim's belief as of a moment, as a table: what a back-test compares with what happened."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np

from graph.database.paging import pages
from graph.database.sessions import Database, Unit
from graph.inference.log_odds import FloatArray, logits
from graph.inference.posterior import posteriors
from graph.inference.time import moments_of, time_remaining_fractions, utc_moments, windows_of
from graph.model.kinds import ClaimStatus
from graph.model.page_keys import AFTER_MARK, MARK, moment_text

COLUMNS: Final = ("key", "kind", "title", "status", "stated", "inside", "posterior", "marginal")

PAGE_CLAIMS: Final = 1_000
"""Claims that are read and computed at a time, in some ten milliseconds."""


class _StoredClaim(NamedTuple):
    """A claim as `ledger/list_beliefs` returns it; moments are microseconds since 1970 in UTC."""

    id: str
    kind: str
    title: str
    status: str
    stated_probability: float | None
    inside_log_odds: float | None
    base_rate: float | None
    from_year: int | None
    window_start: int | None
    window_end: int | None
    resolved_at: int | None
    marginal: float | None


class BeliefTable:
    """
    Every claim's belief as of a moment, by key; as if nothing had been recorded later.

    A status is that of the moment, too. A marginal is the stored one, where it was stored by then; earlier ones are not
    kept.

    Args:
        database: Where the claims are.
        moment: The moment.
        revision: The graph's revision before the first page is read.

    Attributes:
        columns: The key, the kind, the title, the status, and the probabilities: as stated, of the inside view, of the
            posterior, and of the marginal.
        revision: The graph's revision before the first page was read.
        is_truncated: False.
    """

    columns: tuple[str, ...] = COLUMNS
    is_truncated: bool = False

    def __init__(self, database: Database, moment: datetime, revision: int) -> None:
        self._database, self._moment = database, moment
        self.revision = revision
        self._started = time.monotonic()

    @property
    def elapsed_seconds(self) -> float:
        """Time since its start, in seconds."""
        return time.monotonic() - self._started

    async def batches(self) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Give the rows in batches, each read in a transaction of its own."""
        at = int(utc_moments([self._moment])[0].astype(np.int64))
        bounds = {"mark": MARK, "until": MARK + moment_text(self._moment) + AFTER_MARK, "at": at}

        async def read(after: str) -> list[_StoredClaim]:
            async def work(unit: Unit) -> list[_StoredClaim]:
                (page,) = await unit.run("ledger/list_beliefs", after=after, limit=PAGE_CLAIMS, **bounds)
                return [_StoredClaim(*claim) for claim in page["claims"]]

            return await self._database.read(work)

        async for page in pages(read, attrgetter("id"), PAGE_CLAIMS):
            yield _rows(page, at)


@asynccontextmanager
async def open_beliefs(database: Database, moment: datetime) -> AsyncIterator[BeliefTable]:
    """
    Open the table of every claim's belief as of a moment.

    Raises:
        UnavailableError: The database cannot be reached.
    """

    async def read(unit: Unit) -> int:
        rows = await unit.run("database/get_revision")
        return rows[0]["revision"] if rows else 0

    yield BeliefTable(database, moment, await database.read(read, unknown_names_are_fine=True))


def _rows(claims: Sequence[_StoredClaim], at: int) -> list[tuple[Any, ...]]:
    """The table's rows for some claims, as of a moment in microseconds."""
    insides, blended = _beliefs(claims, at)
    return [
        (
            claim.id,
            claim.kind,
            claim.title,
            claim.status if claim.resolved_at is None or claim.resolved_at <= at else ClaimStatus.OPEN.value,
            claim.stated_probability,
            None if claim.stated_probability is None else inside,
            None if claim.stated_probability is None else posterior,
            claim.marginal,
        )
        for claim, inside, posterior in zip(claims, insides.tolist(), blended.tolist(), strict=True)
    ]


def _beliefs(claims: Sequence[_StoredClaim], at: int) -> tuple[FloatArray, FloatArray]:
    """
    Compute the inside views and the posteriors of claims.

    Args:
        claims: The n claims.
        at: A moment in microseconds; a belief does not change after its claim's outcome.

    Returns:
        Probabilities of both, shape (n,); of no meaning for claims without a stated probability.
    """
    stated = logits(np.array([0.5 if c.stated_probability is None else c.stated_probability for c in claims]))
    after_rows = np.array([np.nan if claim.inside_log_odds is None else claim.inside_log_odds for claim in claims])
    log_odds = np.where(np.isnan(after_rows), stated, after_rows)
    starts, deadlines = windows_of(
        [claim.from_year for claim in claims],
        [claim.window_start for claim in claims],
        [claim.window_end for claim in claims],
    )
    moments = moments_of([at if claim.resolved_at is None else min(at, claim.resolved_at) for claim in claims])
    nothing = np.full(len(claims), np.nan)
    base_rates = np.array([np.nan if claim.base_rate is None else claim.base_rate for claim in claims])
    return (
        posteriors(log_odds, base_rates=nothing, trfs=nothing),
        posteriors(log_odds, base_rates=base_rates, trfs=time_remaining_fractions(starts, deadlines, moments)),
    )
