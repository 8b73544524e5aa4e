"""Imports bundles: checked as a whole, then written in one transaction, or above a size in several."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TypeGuard, TypeVar

from graph.bundles.batches import Batch, check_size, fits_transaction, halved, in_batches, transactions
from graph.bundles.checked import Checked, Job, OnProgress, check_bundle
from graph.bundles.drafts import Draft, read_draft
from graph.bundles.unfinished import end_import, note_import
from graph.bundles.writing import Written, write_batches
from graph.database.sessions import Database, MemoryLimitError, Unit
from graph.inference.policies import FOREGRAPH_1
from graph.ledger.settings import restore_setting, take_policy
from graph.model.bundle import LISTS, Bundle
from graph.model.kinds import VersionSubject
from graph.model.rows import Evidence, Milestone, Row, Version
from graph.model.subjects import CLAIM_LISTS, row_id
from graph.model.versions import VERSIONS

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The numbers of rows created, updated and left unchanged, by list; a dry run reports them and writes nothing."""

    created: Mapping[str, int]
    updated: Mapping[str, int]
    unchanged: Mapping[str, int]
    is_dry_run: bool = False

    def num_changed(self) -> int:
        """Count the rows created or updated."""
        return sum(self.created.values()) + sum(self.updated.values())

    def summary(self) -> str:
        """Format the report in one line."""
        would = "would be " if self.is_dry_run else ""
        counts = ((would + "created", self.created), (would + "updated", self.updated), ("unchanged", self.unchanged))
        return ", ".join(f"{sum(by_list.values())} {word}" for word, by_list in counts)


def sum_reports(reports: Sequence[ImportReport]) -> ImportReport:
    """Add up the numbers of several imports."""
    return ImportReport(
        created={name: sum(report.created[name] for report in reports) for name in LISTS},
        updated={name: sum(report.updated[name] for report in reports) for name in LISTS},
        unchanged={name: sum(report.unchanged[name] for report in reports) for name in LISTS},
        is_dry_run=any(report.is_dry_run for report in reports),
    )


class _DryRunError(Exception):
    """Rolls back the transaction of a dry run."""


async def import_text(
    database: Database,
    text: str | bytes,
    *,
    on_progress: OnProgress | None = None,
    dry_run: bool = False,
    today: date | None = None,
) -> ImportReport:
    """
    Import a bundle's text; a bundle with problems changes nothing.

    A bundle of up to `TRANSACTION_BYTES` is written in one transaction. A larger one, or one that needs more memory
    than the database gives to a transaction, is checked as a whole before its first row is written, then written in
    several transactions of up to that size, halved until they have enough, while other imports wait. The graph
    is consistent after each of them; if they are interrupted, the written part stays, and importing the bundle again
    completes it.

    Args:
        database: The database to write to.
        text: The bundle as JSON.
        on_progress: Called with the number of rows written and the number of all rows.
        dry_run: Whether to check the bundle, compute the report and roll back.
        today: The day of the import; today in UTC when absent.

    Raises:
        BundleError: The text, its rows together or its rows and the graph have problems; the error lists all of them.
        InvalidError: The bundle has more than `MAX_ROWS` rows.
        UnavailableError: The database cannot be reached.
    """
    draft = await asyncio.to_thread(read_draft, text)
    check_size(sum(len(rows) for rows in draft.rows.values()))
    fits = await asyncio.to_thread(fits_transaction, draft, len(text))
    digest = await asyncio.to_thread(_digest, text)
    return await import_draft(
        database, draft, fits=fits, digest=digest, on_progress=on_progress, dry_run=dry_run, today=today
    )


async def import_draft(
    database: Database,
    draft: Draft,
    *,
    fits: bool,
    digest: str | None = None,
    on_progress: OnProgress | None = None,
    dry_run: bool = False,
    today: date | None = None,
) -> ImportReport:
    """
    Import a draft; otherwise as `import_text`.

    Args:
        database: The database to write to.
        draft: The rows.
        fits: Whether one transaction can hold all of them, as far as sizes tell.
        digest: The SHA-256 of what is imported, under which an import in several transactions is noted until it ends;
            None if the caller notes it.
        on_progress: Called with the number of rows written and the number of all rows.
        dry_run: Whether to check the bundle, compute the report and roll back.
        today: The day of the import; today in UTC when absent.
    """
    day = today or datetime.now(UTC).date()
    job = Job(draft, day, on_progress or _ignore_progress, is_dry_run=dry_run, digest=digest)
    if fits:
        with suppress(MemoryLimitError):  # it was rolled back
            return await _import_in_one_transaction(database, job)
    return await _import_in_parts(database, job)


def _digest(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


async def import_bundle(
    database: Database,
    bundle: Bundle,
    *,
    on_progress: OnProgress | None = None,
    dry_run: bool = False,
    today: date | None = None,
) -> ImportReport:
    """Import a bundle that has been read; otherwise as `import_text`."""
    return await import_text(database, bundle.to_json(), on_progress=on_progress, dry_run=dry_run, today=today)


async def import_rows(unit: Unit, rows: Mapping[str, Sequence[Row]], *, today: date | None = None) -> ImportReport:
    """
    Import rows in the caller's transaction, which takes the lock that all imports take.

    Args:
        unit: The transaction.
        rows: The rows by list.
        today: The day of the import; today in UTC when absent.

    Raises:
        BundleError: The rows have problems; each has a path such as `predictions[0].deadline`.
    """
    given = {name: tuple(enumerate(rows.get(name, ()))) for name in LISTS}
    named = {name: frozenset(row_id(row) for row in rows.get(name, ())) for name in LISTS}
    day = today or datetime.now(UTC).date()
    job = Job(Draft(given, named, problems=()), day, _ignore_progress, is_dry_run=False)
    await unit.run("database/lock_graph")
    await _lock_claims(unit, job.draft)
    checked = await check_bundle(unit, job)
    written = Written()
    await write_batches(
        unit, checked, await asyncio.to_thread(_listed, checked.batches()), written, _progress(job, checked)
    )
    return _report(checked, written, job)


async def is_empty(database: Database) -> bool:
    """Whether the graph has no claims."""

    async def work(unit: Unit) -> bool:
        return not await unit.run("bundles/find_any_claim")

    return await database.read(work)


def _listed(parts: Iterable[T]) -> tuple[T, ...]:
    """Make all of what is made on demand, in a thread: the sizes of all rows are estimated."""
    return tuple(parts)


def _ignore_progress(_done: int, _total: int) -> None:
    return


async def _import_in_one_transaction(database: Database, job: Job) -> ImportReport:
    written = Written()

    async def work(unit: Unit) -> ImportReport:
        nonlocal written
        written = Written()
        await unit.run("database/lock_graph")
        await _lock_claims(unit, job.draft)
        checked = await check_bundle(unit, replace(job, draft=await _take_setting(unit, job.draft)))
        await write_batches(
            unit, checked, await asyncio.to_thread(_listed, checked.batches()), written, _progress(job, checked)
        )
        report = _report(checked, written, job)
        if job.is_dry_run:
            raise _DryRunError(report)
        return report

    try:
        return await database.write(work)
    except _DryRunError as outcome:
        report: ImportReport = outcome.args[0]
        return report


async def _take_setting(unit: Unit, draft: Draft) -> Draft:
    """
    Have an empty graph take on the policy of a draft, and its past; return the draft without what is not taken.

    A graph with claims keeps its own.
    """
    if draft.policy is None and not draft.rows[VERSIONS]:
        return draft
    settings = [row for _, row in draft.rows[VERSIONS] if _is_setting(row)]
    is_new = not await unit.run("bundles/find_any_claim")
    if is_new and settings:
        await restore_setting(unit, settings)
        return draft
    # A graph that was exported with its past, and without a setting, has followed foregraph-1.
    policy = FOREGRAPH_1.name if draft.policy is None and draft.rows[VERSIONS] else draft.policy
    if is_new and policy is not None and not draft.problems:
        await take_policy(unit, policy, datetime.now(UTC))
    kept = [entry for entry in draft.rows[VERSIONS] if not _is_setting(entry[1])]
    return replace(draft, rows={**draft.rows, VERSIONS: kept})


async def _adopt_setting(database: Database, job: Job) -> Draft:
    """Take on the draft's setting in a transaction of its own, which a dry run rolls back."""
    draft = job.draft
    if draft.policy is None and not draft.rows[VERSIONS]:
        return draft  # without a transaction

    async def work(unit: Unit) -> None:
        nonlocal draft
        draft = await _take_setting(unit, job.draft)
        if job.is_dry_run:
            raise _DryRunError

    with suppress(_DryRunError):
        await database.write(work)
    return draft


def _is_setting(row: Row) -> TypeGuard[Version]:
    return isinstance(row, Version) and row.subject is VersionSubject.GRAPH


async def _lock_claims(unit: Unit, draft: Draft) -> None:
    """
    Lock the claims whose milestones and ledgers are read and written, as every write of beliefs does.

    An import in parts does not: it overwrites milestones that others write between its check and their part.
    """
    ids = {row_id(row) for name in CLAIM_LISTS for _, row in draft.rows[name]}
    ids |= {row.prediction_id for _, row in draft.rows["milestones"] if isinstance(row, Milestone)}
    ids |= {row.claim_id for _, row in draft.rows["evidence"] if isinstance(row, Evidence)}
    for part in in_batches(sorted(ids)):
        await unit.run("ledger/lock_claims", ids=part)


async def _import_in_parts(database: Database, job: Job) -> ImportReport:
    written = Written()
    async with database.holding("database/lock_graph") as lock:
        draft = await _adopt_setting(database, job)
        checked = await check_bundle(lock, replace(job, draft=draft))
        progress = _progress(job, checked)
        is_noted = job.digest is not None and not job.is_dry_run
        if is_noted:
            await note_import(database, str(job.digest), checked.num_rows(), 0)
        for part in await asyncio.to_thread(_listed, transactions(checked.batches())):
            await lock.run("database/lock_graph")  # raises if the lock was lost, as when the server has restarted
            written.add(await _write_part(database, job, checked, part, progress))
        if is_noted:
            await end_import(database, str(job.digest))
    return _report(checked, written, job)


async def _write_part(
    database: Database,
    job: Job,
    checked: Checked,
    part: Sequence[Batch],
    progress: Callable[[int], None],
) -> Written:
    """
    Write one part of a bundle in a transaction of its own, or of two halves where that needs too much memory.

    A dry run rolls it back, so it counts relationships of new nodes as created without writing them.
    """
    written = Written()

    async def work(unit: Unit) -> None:
        nonlocal written
        written = Written()
        await write_batches(unit, checked, part, written, progress)
        if job.is_dry_run:
            raise _DryRunError

    assumed = Written()
    whole = part
    if job.is_dry_run:
        for batch in part:
            assumed.note(batch.name, [row_id(row) for _, row in batch.rows if not checked.has_ends(row)], [])
        part = [batch._replace(rows=[entry for entry in batch.rows if checked.has_ends(entry[1])]) for batch in part]
    try:
        await database.write(work)
    except _DryRunError:
        written.add(assumed)
    except MemoryLimitError:
        if sum(len(batch.rows) for batch in whole) == 1:
            raise
        written = Written()
        for half in halved(whole):
            written.add(await _write_part(database, job, checked, half, progress))
    return written


def _progress(job: Job, checked: Checked) -> Callable[[int], None]:
    total, done = checked.num_rows(), 0

    def progress(num_rows: int) -> None:
        nonlocal done
        done = min(total, done + num_rows)
        job.on_progress(done, total)

    return progress


def _report(checked: Checked, written: Written, job: Job) -> ImportReport:
    created = {name: len(written.created.get(name, ())) for name in LISTS}
    updated = {name: len(written.updated.get(name, ())) for name in LISTS}
    unchanged = {name: len(checked.rows[name]) - created[name] - updated[name] for name in LISTS}
    return ImportReport(created=created, updated=updated, unchanged=unchanged, is_dry_run=job.is_dry_run)
