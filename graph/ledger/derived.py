"""
Derived values of whole ledgers: verified, rebuilt, and refreshed as time passes.

`verify` reports each stored value that does not equal, bit for bit, the one recomputed from its ledger; `rebuild`
corrects it. Posteriors change with time alone, so `refresh_posteriors` recomputes them for the moment, in batches that
do not hold up other writers.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from graph.database.paging import pages, slices
from graph.database.revisions import Changes, raise_revision
from graph.database.sessions import Database, Unit
from graph.inference.evidence import POLICY
from graph.inference.log_odds import logit
from graph.inference.posterior import ledger_step, posteriors
from graph.inference.time import moments_of, time_remaining_fractions, utc_moments, windows_of
from graph.ledger.claim_state import ClaimState, DerivedRow, as_mapping, derive_rows, outside_view, past_name
from graph.ledger.predictor_records import list_records, stored_record
from graph.model.page_keys import (
    AFTER_MARK,
    CHANGE_DAYS,
    EPOCH,
    MARK,
    moment_text,
    observation_key_of,
    probability_key,
    ranges,
    record_keys,
)
from graph.model.properties import from_properties
from graph.model.rows import Evidence

PAGE_CLAIMS = 1_000
REFRESH_PAGE_CLAIMS = 5_000
REFRESH_BATCH_CLAIMS = 1_000
VERIFY_TRIES = 3
DERIVED_VERSION = 2
"""The version of the stored derived values; a graph with a lower one is rebuilt at the next start."""

OnProgress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """
    A stored value that differs from the one recomputed from the ledger.

    Attributes:
        subject: Claim, Evidence or Predictor.
        node_id: The node's id.
        name: The name of the property.
        stored: The stored value.
        expected: The recomputed value.
    """

    subject: str
    node_id: str
    name: str
    stored: Any
    expected: Any

    def __str__(self) -> str:
        return f"{self.subject} {self.node_id}: {self.name} is {self.stored!r}, the ledger says {self.expected!r}"


@dataclass(frozen=True, slots=True)
class _Derived:
    """A node's stored properties, and the recomputed values of those that are derived."""

    subject: str
    node_id: str
    claim_id: str
    stored: Mapping[str, Any]
    expected: Mapping[str, Any]

    def differences(self) -> Iterator[Difference]:
        for name, value in self.expected.items():
            if self.stored.get(name) != value:
                yield Difference(self.subject, self.node_id, name, self.stored.get(name), value)


class _StoredClaim(NamedTuple):
    """
    A claim as `ledger/list_claims` returns it; moments are microseconds since 1970 in UTC.

    Attributes:
        past_log_odds: For each number of days, the inside log-odds of the last ledger row by then, if it is not the
            latest one; None otherwise, and where there is no row by then.
    """

    id: str
    stated_probability: float | None
    inside_log_odds: float | None
    base_rate: float | None
    from_year: int | None
    window_start: int | None
    window_end: int | None
    resolved_at: int | None
    posterior_as_of: int | None
    last_recorded_at: int | None
    past_log_odds: Sequence[float | None]


async def rebuild_claims(unit: Unit, claim_ids: Iterable[str], moment: datetime) -> None:
    """Recompute the derived values of some claims and their ledgers, posteriors as of a moment; locks the claims."""
    for part in slices(sorted(set(claim_ids)), PAGE_CLAIMS):
        await unit.run("ledger/lock_claims", ids=part)
        rows = await unit.run("ledger/list_claim_states", ids=part)
        await _set(unit, await _derive(unit, rows, moment))


async def verify(database: Database, *, on_progress: OnProgress | None = None) -> AsyncIterator[Difference]:
    """Yield each stored value that differs from the recomputed one; posteriors are compared as of their own moment."""
    async for ids in _id_pages(database, "Claim"):
        for difference in await _verify_claims(database, ids):
            yield difference
        if on_progress is not None:
            on_progress(len(ids))
    async for ids in _id_pages(database, "Predictor"):

        async def records(unit: Unit, ids: Sequence[str] = ids) -> list[Difference]:
            return [difference for node in await _derive_records(unit, ids) for difference in node.differences()]

        for difference in await database.read(records):
            yield difference


async def _verify_claims(database: Database, ids: Sequence[str]) -> list[Difference]:
    """Return the differences that remain on a second reading, since a claim may be written between two statements."""
    differences: list[Difference] = []
    remaining_ids = list(ids)
    for _ in range(VERIFY_TRIES):

        async def work(unit: Unit, ids: list[str] = remaining_ids) -> list[_Derived]:
            rows = await unit.run("ledger/list_claim_states", ids=ids)
            return await _derive(unit, rows, None)

        wrong = [node for node in await database.read(work) if any(node.differences())]
        differences = [difference for node in wrong for difference in node.differences()]
        remaining_ids = sorted({node.claim_id for node in wrong})
        if not remaining_ids:
            break
    return differences


async def rebuild(database: Database, *, moment: datetime | None = None, on_progress: OnProgress | None = None) -> int:
    """
    Recompute and store all derived values, and note their version; returns the number of claims.

    Args:
        database: The database to rebuild.
        moment: The moment of the posteriors; the current one when absent.
        on_progress: Called with the number of claims after each page.
    """
    num_claims = 0
    async for ids in _id_pages(database, "Claim"):

        async def work(unit: Unit, ids: Sequence[str] = ids) -> None:
            await rebuild_claims(unit, ids, moment or datetime.now(UTC))
            await raise_revision(unit, Changes(ids))

        await database.write(work)
        num_claims += len(ids)
        if on_progress is not None:
            on_progress(len(ids))
    async for ids in _id_pages(database, "Predictor"):

        async def records(unit: Unit, ids: Sequence[str] = ids) -> None:
            await unit.run("ledger/lock_predictors", ids=ids)
            await _set(unit, await _derive_records(unit, ids))

        await database.write(records)
    await note_derived(database)
    return num_claims


async def refresh_posteriors(
    database: Database, moment: datetime | None = None, *, on_progress: OnProgress | None = None
) -> int:
    """
    Recompute every claim's stored posterior for a moment; returns how many were set.

    A claim that is written meanwhile keeps the posterior of that write.

    Args:
        database: The database to refresh.
        moment: The moment of the posteriors; the current one when absent.
        on_progress: Called with the number of claims after each batch.
    """
    now = moment or datetime.now(UTC)
    num_set = 0
    async for page in _claim_pages(database, now):
        entries = _refreshed(page, now)
        for part in slices(entries, REFRESH_BATCH_CLAIMS):

            async def work(unit: Unit, part: Sequence[dict[str, Any]] = part) -> int:
                (row,) = await unit.run("ledger/set_posteriors", claims=part, moment=now)
                return int(row["num_claims"])

            num_set += await database.write(work)
            if on_progress is not None:
                on_progress(len(part))
    return num_set


async def ensure_rebuilt(database: Database) -> bool:
    """Rebuild a graph whose derived values are of an older version; returns whether it had any claims."""

    async def read(unit: Unit) -> int:
        rows = await unit.run("ledger/get_derived_version")
        return rows[0]["version"] if rows else 0

    if await database.read(read, unknown_names_are_fine=True) >= DERIVED_VERSION:
        return False
    return await rebuild(database) > 0


async def note_derived(database: Database) -> None:
    """Note that all derived values are of this version, as those of an empty graph are."""

    async def note(unit: Unit) -> None:
        await unit.run("ledger/set_derived_version", version=DERIVED_VERSION)

    await database.write(note)


def _claim_pages(database: Database, now: datetime) -> AsyncIterator[Sequence[_StoredClaim]]:
    """Read all claims by id, page by page, with the values that their posteriors follow from, now and before."""
    pasts = [
        {"moment": then, "high": f"{MARK}{moment_text(then)}{AFTER_MARK}"}
        for then in (now - timedelta(days=days) for days in CHANGE_DAYS)
    ]

    async def read(after: str) -> list[_StoredClaim]:
        async def work(unit: Unit) -> list[_StoredClaim]:
            (row,) = await unit.run("ledger/list_claims", after=after, limit=REFRESH_PAGE_CLAIMS, pasts=pasts)
            return [_StoredClaim(*claim) for claim in row["claims"]]

        return await database.read(work)

    return pages(read, lambda claim: claim.id, REFRESH_PAGE_CLAIMS)


def _id_pages(database: Database, subject: str) -> AsyncIterator[Sequence[str]]:
    """Read the ids of all nodes of a subject, in order, page by page."""
    asked = {"subject": subject, "properties": ["id"], "limit": PAGE_CLAIMS}

    async def read(after: str) -> list[str]:
        async def work(unit: Unit) -> list[str]:
            return [row["properties"][0] for row in await unit.run("reading/list_nodes", after=after, **asked)]

        return await database.read(work)

    return pages(read, str, PAGE_CLAIMS)


async def _derive(unit: Unit, claims: Sequence[Mapping[str, Any]], moment: datetime | None) -> list[_Derived]:
    """Recompute claims and their ledger rows, posteriors as of a moment, or where it is None as of their stored one."""
    claim_ranges = ranges(row["claim"]["id"] for row in claims)
    ledgers = {row["id"]: row["rows"] for row in await unit.run("ledger/list_ledgers", claims=claim_ranges)}
    bare = dict.fromkeys(("inside_log_odds", "num_evidence", "last_recorded_at"))
    derived: list[_Derived] = []
    for claim_row in claims:
        claim = claim_row["claim"]
        stored_rows = ledgers[claim["id"]]
        state = ClaimState.from_row({**claim_row, "claim": {**claim, **bare}})
        rows = [from_properties(Evidence, stored) for stored in stored_rows]
        derived_rows = derive_rows(rows, inside_log_odds=state.inside_log_odds)
        for row, stored, own in zip(rows, stored_rows, derived_rows, strict=True):
            expected = own.properties() | _figures(row, own) | {"observation_key": observation_key_of(row)}
            derived.append(_Derived("Evidence", row.id, row.claim_id, stored, expected))
        as_of = moment or claim["posterior_as_of"] or datetime.now(UTC)
        expected = state.after(rows, derived_rows).stored(as_of)
        if moment is not None:  # those of another moment are not kept up by single writes, so they are not compared
            expected |= state.stored_past(rows, derived_rows, moment)
        derived.append(_Derived("Claim", claim["id"], claim["id"], claim, expected))
    return derived


def _figures(row: Evidence, own: DerivedRow) -> dict[str, Any]:
    """Recompute the figures of a row of this service's policy; empty for an imported row, which keeps its own."""
    if row.policy != POLICY.name or own.prior_inside_log_odds is None or row.kappa is None:
        return {}
    step = ledger_step(
        prior_logit=own.prior_inside_log_odds,
        total_llr=own.total_llr,
        total_adjusted_llr=own.total_adjusted_llr,
        kappa=row.kappa,
        trf=row.trf,
        outside_view=outside_view(row.reference_class_id, row.base_rate),
    )
    return as_mapping(step)


async def _derive_records(unit: Unit, ids: Sequence[str]) -> list[_Derived]:
    return [
        _Derived(
            "Predictor",
            properties["id"],
            "",
            properties,
            stored_record(in_use) | record_keys(properties["id"], stored_record(in_use)),
        )
        for properties, in_use in await list_records(unit, ids)
    ]


async def _set(unit: Unit, derived: Sequence[_Derived]) -> None:
    statements = {
        "Evidence": ("ledger/set_evidence", "rows"),
        "Claim": ("ledger/set_claims", "claims"),
        "Predictor": ("ledger/set_records", "predictors"),
    }
    for subject, (name, parameter) in statements.items():
        changed = [entry for entry in derived if entry.subject == subject and any(entry.differences())]
        entries = [{"id": entry.node_id, "properties": dict(entry.expected)} for entry in changed]
        if entries:
            await unit.run(name, **{parameter: entries})


def _refreshed(page: Sequence[_StoredClaim], now: datetime) -> list[dict[str, Any]]:
    """Compute the posteriors of a page of claims at once, as entries of their statement's parameter."""
    claims = [claim for claim in page if claim.inside_log_odds is not None]
    if not claims:
        return []
    beliefs = _posteriors(claims, [claim.inside_log_odds for claim in claims], now)
    pasts = {}
    for place, days in enumerate(CHANGE_DAYS):
        then = now - timedelta(days=days)
        pasts[past_name(days)] = _posteriors(claims, [_log_odds_by(claim, then, place) for claim in claims], then)
    entries = []
    for place, (claim, probability) in enumerate(zip(claims, beliefs, strict=True)):
        properties: dict[str, Any] = {"posterior": probability}
        properties |= {name: past[place] for name, past in pasts.items()}
        properties["probability_key"] = probability_key(claim.id, probability)
        entries.append({"id": claim.id, "as_of": claim.posterior_as_of, "properties": properties})
    return entries


def _log_odds_by(claim: _StoredClaim, then: datetime, place: int) -> float:
    """Return the inside log-odds by the evidence that had been recorded then."""
    if claim.last_recorded_at is not None and claim.last_recorded_at > _micros(then):
        found = claim.past_log_odds[place]
        return logit(claim.stated_probability or 0.5) if found is None else found
    return claim.inside_log_odds or 0.0


def _posteriors(claims: Sequence[_StoredClaim], log_odds: Sequence[float | None], now: datetime) -> list[float]:
    """Compute posteriors as of a moment, or of each claim's outcome where that is earlier."""
    resolved = moments_of([claim.resolved_at for claim in claims])
    (moment,) = utc_moments([now])
    trfs = time_remaining_fractions(
        *windows_of(
            [claim.from_year for claim in claims],
            [claim.window_start for claim in claims],
            [claim.window_end for claim in claims],
        ),
        np.where(np.isnat(resolved), moment, np.minimum(resolved, moment)),
    )
    found = posteriors(
        np.array(log_odds, np.float64),
        base_rates=np.array([np.nan if claim.base_rate is None else claim.base_rate for claim in claims]),
        trfs=trfs,
    )
    listed: list[float] = found.tolist()
    return listed


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
