"""
Derived values of whole ledgers: verified, rebuilt, and refreshed as time passes.

`verify` reports each stored value that does not equal, bit for bit, the one recomputed from its ledger; `rebuild`
corrects it. Posteriors change with time alone, so `refresh_posteriors` recomputes them for the moment, in batches that
do not hold up other writers.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np

from graph.database.paging import pages, side_by_side, slices
from graph.database.revisions import UNKNOWN_CHANGES, Changes, EventKind, add_events, raise_revision
from graph.database.sessions import Database, Unit
from graph.inference.basis import Basis
from graph.inference.evidence import POLICY
from graph.inference.log_odds import FloatArray, logit, optional_numbers, sigmoids
from graph.inference.policies import FOREGRAPH_1
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY, ledger_step, posteriors
from graph.inference.statements import DAY, StatedClaims
from graph.inference.time import microseconds_of, moments_of, utc_moments, window_of, windows_of
from graph.ledger.claim_state import (
    ClaimState,
    DerivedRow,
    as_mapping,
    derive_rows,
    outside_view,
    past_name,
    views_of,
)
from graph.ledger.effects import Effects
from graph.ledger.pasts import LedgerSum, PastKey, list_finals, list_pasts, stored_pasts
from graph.ledger.predictor_records import list_records, refresh_records
from graph.ledger.settings import Setting, get_setting, learn_again, list_settings, set_policy
from graph.ledger.standings import set_kind_keys, set_status_keys
from graph.ledger.stored_claims import StoredClaim, StoredRow, list_stored_claims
from graph.ledger.versions import record_versions
from graph.model.kinds import VersionSubject
from graph.model.page_keys import (
    AFTER_MARK,
    CHANGE_DAYS,
    MARK,
    moment_text,
    observation_key,
    probability_key,
    stamp_text,
)
from graph.model.properties import with_moments_as_text
from graph.model.subjects import CLAIM_LISTS, ROW_LISTS, EdgeList
from graph.model.subjects import MARK as ROW_MARK
from graph.model.versions import VERSIONED_BY_LIST

PAGE_CLAIMS = 1_000
PAGES_AT_ONCE = 2
"""Pages rebuilt side by side: one is read and computed while the database writes the other."""

BARE: Mapping[str, Any] = dict.fromkeys(
    ("inside_log_odds", "num_evidence", "last_recorded_at", "final_log_odds", "check_in_log_odds")
)
"""What a claim's state before any evidence and outcome is read without."""

EFFECTS = ("intercept_effect", "slope_effect")
CLAIM_MOMENTS = ("last_recorded_at", "setting_at")
NOT_SENT = frozenset({*CLAIM_MOMENTS, "posterior_as_of"})
"""Moments, which cost a client a hundred times what a text does, so that they are sent as texts, or once."""

REFRESH_PAGE_CLAIMS = 5_000
REFRESH_BATCH_CLAIMS = 1_000
VERIFY_TRIES = 3
DERIVED_VERSION = 8
"""The version of the stored derived values; a graph with a lower one is brought to it at the next start."""

LAST_REBUILT = 3
"""The last version from which all is rebuilt; later ones lack some values and have all others as they are."""

PAGE_VERSIONS = 10_000

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

    def changes(self) -> dict[str, Any]:
        """Return the recomputed values that differ from the stored ones, by name."""
        stored = self.stored
        return {name: value for name, value in self.expected.items() if stored.get(name) != value}


class _StoredClaim(NamedTuple):
    """
    A claim as `ledger/list_claims` returns it; moments are microseconds since 1970 in UTC.

    Attributes:
        recorded_at: Where the claim or its class has had other values before, since when the present ones are recorded;
            None otherwise.
        past_sums: For each number of days, the sums after the last ledger row by then, if it is not the latest one;
            None otherwise, and where there is no row by then.
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
    final_log_odds: float | None
    final_base_rate: float | None
    final_trf: float | None
    final_policy: str | None
    final_silence: float | None
    intercept_effect: float | None
    slope_effect: float | None
    check_ins: float | None
    predictor_id: str | None
    deadline: int | None
    recorded_at: Sequence[int | None] | None
    past_sums: Sequence[Sequence[float] | None]

    def is_present(self, moment: int) -> bool:
        """Whether the present values, apart from the ledger, are those of a moment in the past."""
        return self.recorded_at is None or all(at is None or at <= moment for at in self.recorded_at)

    def is_newly_due(self, now: int) -> bool:
        """Whether its outcome counts in its predictor's record since the posterior was stored."""
        if self.resolved_at is None or self.predictor_id is None:
            return False
        counted_at = max(self.resolved_at, self.deadline or self.resolved_at)
        return (self.posterior_as_of or 0) < counted_at <= now


async def rebuild_claims(
    unit: Unit, claim_ids: Iterable[str], moment: datetime, effects: Effects | None = None
) -> None:
    """
    Recompute the derived values of some claims and their ledgers, under the graph's policy; locks the claims.

    Args:
        unit: The transaction.
        claim_ids: The claims.
        moment: The moment of the posteriors.
        effects: What is known of the effects of predictors; to be read when absent.
    """
    ids = sorted(set(claim_ids))
    if not ids:
        return
    setting, effects = await get_setting(unit), effects or Effects()
    for part in slices(ids, PAGE_CLAIMS):
        await unit.run("ledger/lock_claims", ids=part)
        claims = await list_stored_claims(unit, part)
        if setting.since is not None:
            found = await effects.of(unit, [claim.stored for claim in claims]) if setting.is_calibrated else {}
            claims = [_under(claim, setting, found.get(claim.id, (0.0, 0.0)), moment) for claim in claims]
        await _set_claims(unit, await _derive(unit, claims, moment), moment)
        revised = [claim.id for claim in claims if claim.properties["versioned_at"] != claim.stored["versioned_at"]]
        await record_versions(unit, CLAIM_LISTS[0], revised, moment)


def _under(claim: StoredClaim, setting: Setting, effects: tuple[float, float], moment: datetime) -> StoredClaim:
    """Return a claim under the graph's setting and with its predictor's effects, which new ones are a version of."""
    own = claim.stored
    window = window_of(own["from_year"], own["window_start"], own["window_end"])
    properties = {**own, **setting.rules(window, effects).properties()}
    if any(properties[name] != own[name] for name in EFFECTS):
        properties |= {"versioned_at": moment, "num_versions": (own["num_versions"] or 0) + 1}
    return replace(claim, properties=properties)


async def verify(database: Database, *, on_progress: OnProgress | None = None) -> AsyncIterator[Difference]:
    """Yield each stored value that differs from the recomputed one; posteriors are compared as of their own moment."""
    async for ids in _claim_id_pages(database):
        for difference in await _verify_claims(database, ids):
            yield difference
        if on_progress is not None:
            on_progress(len(ids))
    async for ids in _predictor_id_pages(database):

        async def records(unit: Unit, ids: Sequence[str] = ids) -> list[Difference]:
            return [difference for node in await _derive_records(unit, ids, None) for difference in node.differences()]

        for difference in await database.read(records):
            yield difference


async def _verify_claims(database: Database, ids: Sequence[str]) -> list[Difference]:
    """Return the differences that remain on a second reading, since a claim may be written between two statements."""
    differences: list[Difference] = []
    remaining_ids = list(ids)
    for _ in range(VERIFY_TRIES):

        async def work(unit: Unit, ids: list[str] = remaining_ids) -> list[_Derived]:
            return await _derive(unit, await list_stored_claims(unit, ids), None)

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
    effects = Effects()

    async def rebuild_page(ids: Sequence[str]) -> None:
        nonlocal num_claims

        async def work(unit: Unit) -> None:
            await rebuild_claims(unit, ids, moment or datetime.now(UTC), effects)
            await set_status_keys(unit, ids)
            await set_kind_keys(unit, ids)
            await raise_revision(unit, Changes(ids))

        await database.write(work)
        num_claims += len(ids)
        if on_progress is not None:
            on_progress(len(ids))

    await side_by_side(_claim_id_pages(database), rebuild_page, PAGES_AT_ONCE)
    await _rebuild_records(database, moment)
    await note_derived(database)
    return num_claims


async def _rebuild_records(database: Database, moment: datetime | None = None) -> None:
    """Recompute and store all predictors' records as of a moment; the current one when absent."""
    async for ids in _predictor_id_pages(database):

        async def records(unit: Unit, ids: Sequence[str] = ids) -> None:
            await unit.run("ledger/lock_predictors", ids=ids)
            await _set_records(unit, await _derive_records(unit, ids, moment or datetime.now(UTC)))

        await database.write(records)


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
    settings, has_changed = await database.write(partial(_settings_by, now=now))
    due: set[str] = set()
    async for page in _claim_pages(database, now):
        due |= {str(claim.predictor_id) for claim in page if claim.is_newly_due(microseconds_of(now))}
        entries = _refreshed(page, now, settings, await _read_others(database, page, now))
        for part in slices(entries, REFRESH_BATCH_CLAIMS):

            async def work(unit: Unit, part: Sequence[dict[str, Any]] = part) -> int:
                (row,) = await unit.run("ledger/set_posteriors", claims=part, moment=now)
                await add_events(unit, EventKind.BELIEFS, belief_ids=row["ids"])
                return len(row["ids"])

            num_set += await database.write(work)
            if on_progress is not None:
                on_progress(len(part))
    if due:
        await database.write(partial(refresh_records, predictor_ids=due, moment=now))
    if has_changed:  # only now do all claims have what was learned
        await database.write(partial(raise_revision, changes=UNKNOWN_CHANGES))
    return num_set


async def _settings_by(unit: Unit, now: datetime) -> tuple[list[Setting], bool]:
    """Learn the timing anew; return the graph's setting now and on the days counted back, and whether it is new."""
    before = await get_setting(unit)
    setting = await learn_again(unit, now)
    if setting.since is None:
        return [setting] * (1 + len(CHANGE_DAYS)), False
    return [
        setting,
        *await list_settings(unit, [now - timedelta(days=days) for days in CHANGE_DAYS]),
    ], setting != before


async def adopt_policy(
    database: Database, policy: str, *, moment: datetime | None = None, on_progress: OnProgress | None = None
) -> int:
    """
    Set the graph's policy from now on, and recompute all that is stored; returns the number of claims.

    Args:
        database: The database.
        policy: The name of a policy.
        moment: The moment of recording; the current one when absent.
        on_progress: Called with the number of claims after each page.
    """
    await database.write(partial(set_policy, policy=policy, moment=moment or datetime.now(UTC)))
    return await rebuild(database, on_progress=on_progress)


async def ensure_rebuilt(database: Database) -> bool:
    """
    Bring a graph whose derived values are of an older version to this one.

    Nodes without versions get their first before.

    Returns:
        Whether all its values were rebuilt, and it had any claims.
    """
    version = await read_derived_version(database)
    if version >= DERIVED_VERSION:
        return False
    if version <= LAST_REBUILT:
        await record_first_versions(database)
        await _add_class_records(database)
        return await rebuild(database) > 0
    for introduced, add in _ADDED.items():
        if version < introduced:
            await add(database)
    await note_derived(database)
    return False


async def read_derived_version(database: Database) -> int:
    """Read the version of the stored derived values; 0 where none is noted."""

    async def read(unit: Unit) -> int:
        rows = await unit.run("ledger/get_derived_version")
        return rows[0]["version"] if rows else 0

    return await database.read(read, unknown_names_are_fine=True)


async def _add_records(database: Database) -> None:
    """Store first versions of exposures, and predictors' local records."""
    await record_first_versions(database)
    await _rebuild_records(database)


async def _add_standings(database: Database) -> None:
    """Store the standings of all milestones."""
    await _set_keys(database, set_status_keys)


async def _add_kinds(database: Database) -> None:
    """Store the kinds of all claims."""
    await _set_keys(database, set_kind_keys)


async def _add_class_records(database: Database) -> None:
    """Set the keys of claims' versions by which outcomes of a class's members are found."""

    async def write(after: str) -> list[str]:
        async def work(unit: Unit) -> list[str]:
            (page,) = await unit.run("ledger/set_class_record_keys", after=after, limit=PAGE_VERSIONS)
            ids: list[str] = page["ids"]
            return ids

        return await database.write(work)

    async for _ in pages(write, str, PAGE_VERSIONS, after=VersionSubject.CLAIM + MARK):
        pass


_ADDED: Final = {5: _add_records, 6: _add_standings, 7: _add_kinds, 8: _add_class_records}
"""Adds what a version has beyond the one before."""


async def _set_keys(database: Database, set_some: Callable[[Unit, Sequence[str]], Awaitable[None]]) -> None:
    """Store page keys of all claims or their milestones."""

    async def set_page(ids: Sequence[str]) -> None:
        async def work(unit: Unit) -> None:
            await unit.run("ledger/lock_claims", ids=ids)
            await set_some(unit, ids)

        await database.write(work)

    await side_by_side(_claim_id_pages(database), set_page, PAGES_AT_ONCE)


async def record_first_versions(database: Database) -> None:
    """
    Record what answers depend on of all nodes and exposures that have no versions: a graph of an older version.

    Before that moment the same values serve, said to be reconstructed. Of a closed claim the ledger may tell when the
    outcome was recorded; before then it was open.
    """
    now = datetime.now(UTC)
    for name in VERSIONED_BY_LIST:
        await _record_first_of(database, name, now)


async def _record_first_of(database: Database, name: str, now: datetime) -> None:
    """Record the first versions of the rows of a list."""
    listed = ROW_LISTS[name]
    order = listed.export_key if isinstance(listed, EdgeList) else listed.key[0]

    async def read(after: str) -> list[Mapping[str, Any]]:
        async def work(unit: Unit) -> list[Mapping[str, Any]]:
            (page,) = await unit.run(f"export/{name}", after=after, limit=PAGE_CLAIMS)
            rows: list[Mapping[str, Any]] = page["rows"]
            return rows

        return await database.read(work, unknown_names_are_fine=True)

    async for rows in pages(read, itemgetter(order), PAGE_CLAIMS):
        keys = [ROW_MARK.join(row[part] for part in listed.key) for row in rows]

        async def work(unit: Unit, ids: Sequence[str] = keys) -> None:
            if name in CLAIM_LISTS:
                await unit.run("ledger/reconstruct_versions", ids=ids, at=int(stamp_text(now)))
            await record_versions(unit, name, ids, now, is_reconstructed=True)

        await database.write(work)


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


def _claim_id_pages(database: Database) -> AsyncIterator[Sequence[str]]:
    """Read the ids of all claims, in order, page by page."""

    async def read(after: str) -> list[str]:
        async def work(unit: Unit) -> list[str]:
            (page,) = await unit.run("ledger/list_claim_ids", after=after, limit=PAGE_CLAIMS)
            ids: list[str] = page["ids"]
            return ids

        return await database.read(work)

    return pages(read, str, PAGE_CLAIMS)


def _predictor_id_pages(database: Database) -> AsyncIterator[Sequence[str]]:
    """Read the ids of all predictors, in order, page by page."""
    asked = {"subject": "Predictor", "properties": ["id"], "limit": PAGE_CLAIMS}

    async def read(after: str) -> list[str]:
        async def work(unit: Unit) -> list[str]:
            return [row["properties"][0] for row in await unit.run("reading/list_nodes", after=after, **asked)]

        return await database.read(work)

    return pages(read, str, PAGE_CLAIMS)


class _Ledger(NamedTuple):
    """A claim, its state with all evidence, and the derived values of its ledger."""

    claim: StoredClaim
    state: ClaimState
    derived: Sequence[DerivedRow]

    @classmethod
    def of(cls, claim: StoredClaim) -> "_Ledger":
        state = ClaimState.from_properties(claim.subject, {**claim.properties, **BARE}, claim.reference_class)
        derived = derive_rows(claim.rows, inside_log_odds=state.inside_log_odds)
        return cls(claim, state.after(claim.rows, derived), derived)

    def sums(self) -> list[tuple[datetime, LedgerSum]]:
        return [(row.recorded_at, own.sums()) for row, own in zip(self.claim.rows, self.derived, strict=True)]

    def derived_rows(self) -> Iterator[_Derived]:
        for row, own in zip(self.claim.rows, self.derived, strict=True):
            key = observation_key(row.claim_id, row.document_id, row.url, row.observed_at)
            expected = own.properties() | _figures(row, own) | {"observation_key": key}
            yield _Derived("Evidence", row.id, row.claim_id, row.stored, expected)


async def _derive(unit: Unit, claims: Sequence[StoredClaim], moment: datetime | None) -> list[_Derived]:
    """Recompute claims and their ledger rows, posteriors as of a moment, or where it is None as of their stored one."""
    ledgers = [_Ledger.of(claim) for claim in claims]
    sums = {ledger.claim.id: ledger.sums() for ledger in ledgers}
    finals = await list_finals(unit, [ledger.state for ledger in ledgers], sums)
    states = [
        ledger.state if final is None else replace(ledger.state, final=final)
        for ledger, final in zip(ledgers, finals, strict=True)
    ]
    # Those of another moment are not kept up by single writes, so they are not compared.
    pasts = {} if moment is None else await stored_pasts(unit, states, sums, moment)
    as_of = [moment or claim.stored["posterior_as_of"] or datetime.now(UTC) for claim in claims]
    views = views_of([state.ask(at) for state, at in zip(states, as_of, strict=True)])
    derived: list[_Derived] = []
    for ledger, state, at, view in zip(ledgers, states, as_of, views, strict=True):
        derived += ledger.derived_rows()
        expected = state.stored(at, view) | pasts.get(state.claim_id, {})
        derived.append(_Derived("Claim", state.claim_id, state.claim_id, ledger.claim.stored, expected))
    return derived


def _figures(row: StoredRow, own: DerivedRow) -> dict[str, Any]:
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


async def _derive_records(unit: Unit, ids: Sequence[str], moment: datetime | None) -> list[_Derived]:
    """Recompute records as of a moment, or where it is None as of when each was stored."""
    return [
        _Derived("Predictor", found.predictor["id"], "", found.predictor, found.properties())
        for found in await list_records(unit, ids, moment)
    ]


async def _set_claims(unit: Unit, derived: Sequence[_Derived], moment: datetime) -> None:
    """Store what differs of claims and their ledger rows, posteriors as of a moment."""
    rows = [{"id": node.node_id, "properties": node.changes()} for node in derived if node.subject == "Evidence"]
    rows = [row for row in rows if row["properties"]]
    if rows:
        await unit.run("ledger/set_evidence", rows=rows)
    claims = {node.node_id: node.changes() for node in derived if node.subject == "Claim"}
    moved = [
        {"id": node.node_id, **with_moments_as_text({name: node.expected[name] for name in CLAIM_MOMENTS})}
        for node in derived
        if not claims.get(node.node_id, {}).keys().isdisjoint(CLAIM_MOMENTS)
    ]
    entries = [
        {"id": claim_id, "properties": {name: value for name, value in changes.items() if name not in NOT_SENT}}
        for claim_id, changes in claims.items()
    ]
    await unit.run("ledger/set_claims", claims=entries, moment=moment)
    if moved:
        await unit.run("ledger/set_claim_moments", claims=moved)


async def _set_records(unit: Unit, derived: Sequence[_Derived]) -> None:
    """Store records of predictors that differ."""
    changed = [{"id": node.node_id, "properties": dict(node.expected)} for node in derived if any(node.differences())]
    if changed:
        await unit.run("ledger/set_records", predictors=changed)


def _refreshed(
    page: Sequence[_StoredClaim],
    now: datetime,
    settings: Sequence[Setting],
    others: Mapping[PastKey, float | None],
) -> list[dict[str, Any]]:
    """
    Compute the posteriors of a page of claims at once, as entries of their statement's parameter.

    Args:
        page: The claims.
        now: The moment.
        settings: The graph's setting, now and on the days counted back.
        others: The posteriors of the past that do not follow from present values.
    """
    claims = [claim for claim in page if claim.inside_log_odds is not None]
    if not claims:
        return []
    stated = _stated(claims)
    present = [(claim.inside_log_odds or 0.0, claim.check_ins or 0.0) for claim in claims]
    beliefs = _posteriors(claims, stated, present, now, settings[0])
    pasts = {}
    for place, days in enumerate(CHANGE_DAYS):
        then = now - timedelta(days=days)
        sums = [_sum_by(claim, then, place) for claim in claims]
        computed = _posteriors(claims, stated, sums, then, settings[1 + place])
        keys = [PastKey(claim.id, then, then) for claim in claims]
        pasts[past_name(days)] = [others.get(key, value) for key, value in zip(keys, computed, strict=True)]
    rules = _rules(settings[0], stated)
    entries = []
    for place, (claim, probability) in enumerate(zip(claims, beliefs, strict=True)):
        properties: dict[str, Any] = {"posterior": probability}
        properties |= {name: past[place] for name, past in pasts.items()}
        properties["probability_key"] = probability_key(claim.id, probability)
        entries.append(
            {"id": claim.id, "as_of": claim.posterior_as_of, "properties": properties | (rules[place] if rules else {})}
        )
    return entries


def _rules(setting: Setting, stated: StatedClaims) -> list[dict[str, Any]]:
    """Return the properties of claims that follow from the graph's setting; empty for a graph without one."""
    if setting.since is None:
        return []
    shares: list[float | None] = [None] * stated.stated.size
    if setting.is_calibrated:
        shares = list(setting.timing.of_windows((stated.deadlines - stated.starts) / DAY).tolist())
    return [{"policy": setting.policy, "setting_at": setting.since, "timing_share": share} for share in shares]


def _stated(claims: Sequence[_StoredClaim]) -> StatedClaims:
    starts, deadlines = windows_of(
        [claim.from_year for claim in claims],
        [claim.window_start for claim in claims],
        [claim.window_end for claim in claims],
    )
    return StatedClaims(
        np.array([claim.stated_probability for claim in claims], np.float64),
        np.full(len(claims), np.datetime64("NaT"), "datetime64[us]"),
        starts,
        deadlines,
        optional_numbers([claim.base_rate for claim in claims]),
        np.array([claim.intercept_effect or 0.0 for claim in claims]),
        np.array([claim.slope_effect or 0.0 for claim in claims]),
    )


async def _read_others(database: Database, page: Sequence[_StoredClaim], now: datetime) -> dict[PastKey, float | None]:
    """Compute the posteriors that claims store of the past where these do not follow from present values."""
    asked = [
        PastKey(claim.id, then, then)
        for then in (now - timedelta(days=days) for days in CHANGE_DAYS)
        for claim in page
        if not claim.is_present(microseconds_of(then))
    ]
    if not asked:
        return {}
    pasts = await database.read(partial(list_pasts, asked=asked))
    beliefs = [None if past is None else past.belief() for past in pasts]
    return {key: None if found is None else found.probability for key, found in zip(asked, beliefs, strict=True)}


def _sum_by(claim: _StoredClaim, then: datetime, place: int) -> LedgerSum:
    """Return the sums over the evidence that had been recorded then."""
    if claim.last_recorded_at is not None and claim.last_recorded_at > microseconds_of(then):
        found = claim.past_sums[place]
        return (logit(claim.stated_probability or 0.5), 0.0) if found is None else (found[0], found[1])
    return claim.inside_log_odds or 0.0, claim.check_ins or 0.0


def _posteriors(
    claims: Sequence[_StoredClaim],
    stated: StatedClaims,
    sums: Sequence[LedgerSum],
    now: datetime,
    setting: Setting,
) -> list[float]:
    """Compute posteriors as of a moment; those of claims with an outcome by then are final."""
    (moment,) = utc_moments([now])
    ledger, check_ins = np.array(sums, np.float64).T
    shares = setting.timing.of_windows((stated.deadlines - stated.starts) / DAY)
    is_calibrated = np.full(len(claims), setting.is_calibrated)
    found = Basis(stated, ledger, check_ins, shares, is_calibrated).beliefs(np.full(len(claims), moment))
    is_final = (moments_of([claim.resolved_at for claim in claims]) <= moment) & np.array(
        [claim.final_log_odds is not None for claim in claims]
    )
    if is_final.any():
        found[is_final] = _final_posteriors([claims[place] for place in np.flatnonzero(is_final).tolist()])
    listed: list[float] = found.tolist()
    return listed


def _final_posteriors(claims: Sequence[_StoredClaim]) -> FloatArray:
    """Compute the posteriors of claims with an outcome, each by the policy at its moment."""
    log_odds = np.array([claim.final_log_odds for claim in claims], np.float64)
    blended = posteriors(
        log_odds,
        base_rates=optional_numbers([claim.final_base_rate for claim in claims]),
        trfs=optional_numbers([claim.final_trf for claim in claims]),
    )
    silences = np.array([claim.final_silence or 0.0 for claim in claims])
    calibrated = np.clip(sigmoids(log_odds + silences), LEAST_PROBABILITY, GREATEST_PROBABILITY)
    is_blended = [claim.final_policy in {None, FOREGRAPH_1.name} for claim in claims]
    return np.where(is_blended, blended, calibrated)
