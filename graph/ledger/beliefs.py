"""Every claim's belief as of a moment, as a table: what a back-test compares with what happened."""

import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np

from graph.database.paging import pages
from graph.database.sessions import Database, Unit
from graph.inference.log_odds import logit, optional_numbers
from graph.inference.policies import FOREGRAPH_1
from graph.inference.posterior import OutsideView, posteriors
from graph.inference.time import (
    EPOCH,
    microseconds_of,
    moments_of,
    time_remaining_fractions,
    window_of,
    windows_of,
)
from graph.ledger.claim_state import FinalView, Ground
from graph.ledger.pasts import Past, PastKey, list_pasts
from graph.ledger.settings import Setting, check_policy, list_settings, rules_under
from graph.model.kinds import ClaimStatus
from graph.model.page_keys import AFTER_MARK, MARK, moment_text

COLUMNS: Final = ("key", "kind", "title", "status", "stated", "inside", "posterior", "marginal", "is_reconstructed")

NO_VIEW: Final = FinalView(0.0, None, None)
"""View of a claim without a stated probability, of which nothing is shown."""

PAGE_CLAIMS: Final = 1_000
"""Claims that are read and computed at a time, in some ten milliseconds."""


class _StoredClaim(NamedTuple):
    """
    A claim as `ledger/list_beliefs` returns it; moments are microseconds since 1970 in UTC.

    Attributes:
        ledger: Sums after the last ledger row recorded by the moment asked for; None before any.
        recorded_at: Since when the present values of the claim and of its class are recorded, None where unknown.
        has_earlier: Whether one of them had other values before.
    """

    id: str
    kind: str
    title: str
    status: str
    stated_probability: float | None
    ledger: Sequence[float] | None
    base_rate: float | None
    from_year: int | None
    window_start: int | None
    window_end: int | None
    resolved_at: int | None
    final_log_odds: float | None
    final_base_rate: float | None
    final_trf: float | None
    final_policy: str | None
    final_silence: float | None
    intercept_effect: float | None
    slope_effect: float | None
    recorded_at: Sequence[int | None]
    has_earlier: bool | None
    marginal: float | None

    def is_present(self, moment: int) -> bool:
        """Whether the present values, apart from the ledger, are those of a moment in the past."""
        return not self.has_earlier or not self.is_reconstructed(moment)

    def is_reconstructed(self, moment: int) -> bool:
        """Whether one of the present values was recorded after a moment."""
        return any(at is not None and at > moment for at in self.recorded_at)


class _Row(NamedTuple):
    """A claim as it was at a moment: its status, its stated probability, and what its belief follows from, if any."""

    status: str
    stated: float | None
    view: FinalView
    is_reconstructed: bool


class BeliefTable:
    """
    Every claim's belief as of a moment, by key; as if nothing had been recorded later.

    A status is that of the moment, too. A marginal is the stored one, where it was stored by then; earlier ones are not
    kept.

    Args:
        database: Where the claims are.
        moment: The moment.
        known_at: The moment by which what the beliefs follow from was recorded.
        revision: The graph's revision before the first page is read.
        policy: The name of the policy to compute beliefs by; the one in force at the moment when absent.

    Attributes:
        columns: The key, the kind, the title, the status, and the probabilities: as stated, of the inside view, of the
            posterior, and of the marginal; and whether the beliefs follow from what was recorded later.
        revision: The graph's revision before the first page was read.
        is_truncated: False.
    """

    columns: tuple[str, ...] = COLUMNS
    is_truncated: bool = False

    def __init__(
        self, database: Database, moment: datetime, known_at: datetime, revision: int, policy: str | None = None
    ) -> None:
        self._database, self._moment, self._known_at, self._policy = database, moment, known_at, policy
        self.revision = revision
        self._started = time.monotonic()

    @property
    def elapsed_seconds(self) -> float:
        """Time since its start, in seconds."""
        return time.monotonic() - self._started

    async def batches(self) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Give the rows in batches, each read in a transaction of its own."""
        bounds = {
            "mark": MARK,
            "until": MARK + moment_text(self._moment) + AFTER_MARK,
            "at": microseconds_of(min(self._moment, self._known_at)),
        }

        async def read(after: str) -> list[tuple[_StoredClaim, _Row]]:
            async def work(unit: Unit) -> list[tuple[_StoredClaim, _Row]]:
                (page,) = await unit.run("ledger/list_beliefs", after=after, limit=PAGE_CLAIMS, **bounds)
                claims = [_StoredClaim(*claim) for claim in page["claims"]]
                return list(zip(claims, await self._list_rows(unit, claims), strict=True))

            return await self._database.read(work)

        async for page in pages(read, lambda entry: entry[0].id, PAGE_CLAIMS):
            yield _lines(page)

    async def _list_rows(self, unit: Unit, claims: Sequence[_StoredClaim]) -> list[_Row]:
        """List what claims were, from their present values where these were recorded by then."""
        at = microseconds_of(self._moment)
        (setting,) = await list_settings(unit, [min(self._moment, self._known_at)])
        earlier = [claim.id for claim in claims if not self._is_present(claim, at)]
        asked = [PastKey(claim_id, self._moment, self._known_at) for claim_id in earlier]
        found = await list_pasts(unit, asked) if asked else []
        pasts = {claim_id: past for claim_id, past in zip(earlier, found, strict=True) if past is not None}
        trfs = _trfs(claims, at)
        return [
            self._past_row(claim, pasts[claim.id]) if claim.id in pasts else self._present_row(claim, setting, trf)
            for claim, trf in zip(claims, trfs, strict=True)
        ]

    def _is_present(self, claim: _StoredClaim, at: int) -> bool:
        """Whether a claim's present values tell what it was."""
        is_final = claim.resolved_at is not None and claim.resolved_at <= at
        is_other = self._policy is not None and self._policy != (claim.final_policy or FOREGRAPH_1.name)
        return self._moment == self._known_at and claim.is_present(at) and not (is_final and is_other)

    def _present_row(self, claim: _StoredClaim, setting: Setting, trf: float | None) -> _Row:
        """Return what a claim was from its present values."""
        at = microseconds_of(self._moment)
        is_early = claim.is_reconstructed(at)
        if claim.resolved_at is not None and claim.resolved_at <= at and claim.final_log_odds is not None:
            outside = _outside(claim.final_base_rate)
            policy, silence = claim.final_policy or FOREGRAPH_1.name, claim.final_silence or 0.0
            view = FinalView(claim.final_log_odds, outside, claim.final_trf, policy, silence)
            return _Row(claim.status, claim.stated_probability, view, is_early)
        status = claim.status if claim.resolved_at is None or claim.resolved_at <= at else ClaimStatus.OPEN.value
        stated = claim.stated_probability
        if stated is None:
            return _Row(status, None, NO_VIEW, is_early)
        log_odds, check_ins = claim.ledger or (logit(stated), 0.0)
        view = FinalView(log_odds, _outside(claim.base_rate), trf)
        if (self._policy or setting.policy) != FOREGRAPH_1.name:
            window = window_of(claim.from_year, _moment(claim.window_start), _moment(claim.window_end))
            effects = claim.intercept_effect or 0.0, claim.slope_effect or 0.0
            rules = rules_under(self._policy, setting.rules(window, effects), window)
            view = Ground(stated, log_odds, check_ins, window, view.outside_view, rules).final_view(self._moment)
        return _Row(status, stated, view, is_early)

    def _past_row(self, claim: _StoredClaim, past: Past) -> _Row:
        """Return what a claim was from what was recorded of it."""
        ground = past.terms.ground()
        if ground is None:
            return _Row(past.status.value, None, NO_VIEW, past.is_reconstructed)
        rules = rules_under(self._policy, ground.rules, ground.window)
        view = replace(ground, rules=rules).final_view(past.moment)
        return _Row(past.status.value, ground.stated_probability, view, past.is_reconstructed)


@asynccontextmanager
async def open_beliefs(
    database: Database, moment: datetime, known_at: datetime | None = None, *, policy: str | None = None
) -> AsyncIterator[BeliefTable]:
    """
    Open the table of every claim's belief as of a moment.

    Args:
        database: Where the claims are.
        moment: The moment.
        known_at: The moment by which what they follow from was recorded; the same one when absent.
        policy: The name of the policy to compute them by; the one in force at the moment when absent.

    Raises:
        InvalidError: No policy has the name.
        UnavailableError: The database cannot be reached.
    """
    if policy is not None:
        check_policy(policy)

    async def read(unit: Unit) -> int:
        rows = await unit.run("database/get_revision")
        return rows[0]["revision"] if rows else 0

    revision = await database.read(read, unknown_names_are_fine=True)
    yield BeliefTable(database, moment, known_at or moment, revision, policy)


def _outside(base_rate: float | None) -> OutsideView | None:
    return None if base_rate is None else OutsideView(base_rate, "")


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


def _trfs(claims: Sequence[_StoredClaim], at: int) -> list[float | None]:
    """Compute claims' time-remaining fractions at a moment in microseconds."""
    starts, deadlines = windows_of(
        [claim.from_year for claim in claims],
        [claim.window_start for claim in claims],
        [claim.window_end for claim in claims],
    )
    trfs = time_remaining_fractions(starts, deadlines, moments_of([at] * len(claims)))
    return [None if math.isnan(trf) else trf for trf in trfs.tolist()]


def _lines(page: Sequence[tuple[_StoredClaim, _Row]]) -> list[tuple[Any, ...]]:
    """Return the table's rows; of no probability where none was stated."""
    rows = [row for _, row in page]
    log_odds = np.array([row.view.log_odds for row in rows])
    nothing = np.full(len(rows), np.nan)
    insides = posteriors(log_odds, base_rates=nothing, trfs=nothing)
    # Under foregraph-2 nothing is blended, and silence is added.
    is_blended = [row.view.policy == FOREGRAPH_1.name for row in rows]
    outsides = [row.view.outside_view if blends else None for row, blends in zip(rows, is_blended, strict=True)]
    blended = posteriors(
        np.where(is_blended, log_odds, log_odds + np.array([row.view.silence for row in rows])),
        base_rates=optional_numbers([None if outside is None else outside.base_rate for outside in outsides]),
        trfs=optional_numbers([row.view.trf for row in rows]),
    )
    return [
        (
            claim.id,
            claim.kind,
            claim.title,
            row.status,
            row.stated,
            None if row.stated is None else inside,
            None if row.stated is None else posterior,
            claim.marginal,
            row.is_reconstructed,
        )
        for (claim, row), inside, posterior in zip(page, insides.tolist(), blended.tolist(), strict=True)
    ]
