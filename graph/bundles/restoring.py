"""Imports of streams, part by part, and restores of whole graphs from them."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby, islice
from typing import Any, BinaryIO, Final

from graph.bundles.batches import fits_transaction
from graph.bundles.checked import OnProgress
from graph.bundles.cuts import take_cut
from graph.bundles.drafts import Draft
from graph.bundles.importing import ImportReport, import_draft, sum_reports
from graph.bundles.moments import MOMENT_LISTS, RowMoments, set_moments
from graph.bundles.spool import DELIVERIES, HOOKS, KEPT_ASIDE, RECEIPTS, SCHEDULES, Spool
from graph.bundles.streams import (
    STREAM_LISTS,
    Digests,
    Manifest,
    StreamRow,
    check_stream,
    is_exposure_version,
    read_aside,
    read_moments,
    read_row,
    stream_rows,
)
from graph.bundles.streams import Checked as CheckedStream
from graph.bundles.unfinished import end_import, find_unfinished, note_import
from graph.database.paging import slices
from graph.database.sessions import Database, Unit
from graph.errors import BundleError, ConflictError, InvalidError, Problem
from graph.model.bundle import LISTS
from graph.model.kinds import VersionSubject
from graph.model.rows import Row
from graph.model.subjects import NODE_LISTS, row_id
from graph.model.versions import VERSIONS
from graph.saved.holding import hold_deliveries

PART_ROWS: Final = 20_000
"""Rows that are checked and written at once; each part needs only rows of those before it."""

PART_BYTES: Final = 64_000_000
ASIDE_AT_ONCE: Final = 500
"""Rows of lists that no bundle has, in a transaction; a delivery's body may have some 100,000 characters."""

_RESTORING: Final = {
    RECEIPTS: "database/restore_receipts",
    SCHEDULES: "saved/restore_schedules",
    HOOKS: "saved/restore_hooks",
    DELIVERIES: "saved/restore_deliveries",
}
"""Statements that write rows of lists that no bundle has."""

FEW: Final = 100
"""Rows among which one is looked for that is not a version of the graph's setting; an empty graph has one of those."""

MOMENTS_AT_ONCE: Final = 5_000
_KEYS: Final = {listed.name: listed.key[0] for listed in NODE_LISTS}
_MOST_DIFFERENCES_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class _Target:
    """
    A graph that a stream is imported into.

    Attributes:
        database: Its database.
        digest: The SHA-256 of the stream.
        num_rows: The number of all of its rows.
        on_progress: Called with the number of rows written and the number of all rows.
        is_dry_run: Whether nothing is kept.
        is_restore: Whether it was empty when this began, so that it becomes what the stream was made of.
        has_moments: Whether it takes on moments of rows.
    """

    database: Database
    digest: str
    num_rows: int
    on_progress: OnProgress | None
    is_dry_run: bool
    is_restore: bool
    has_moments: bool


async def import_stream(
    database: Database,
    file: BinaryIO,
    *,
    on_progress: OnProgress | None = None,
    dry_run: bool = False,
    part_rows: int = PART_ROWS,
) -> ImportReport:
    """
    Import a stream of any length, part by part; one that was interrupted goes on where it was.

    The stream is read as a whole before its first row is written, so one that is cut off or changed writes nothing. A
    part with problems stops the import; the parts before it stay, and are noted until the import is completed. A graph
    that is empty takes on the moments of the rows, schedules, webhooks and deliveries too, and delivers nothing until
    `graph.saved.holding.release_deliveries`.

    Args:
        database: The database to write to.
        file: The stream, which can be read from its beginning again.
        on_progress: Called with the number of rows written and the number of all rows.
        dry_run: Whether to compute the report and roll back; for a stream of one part.
        part_rows: The rows of a part.

    Returns:
        The numbers of rows by list; those that an interrupted import wrote before count as unchanged.

    Raises:
        BundleError: The stream is not whole, or a part has problems.
        InvalidError: A dry run of a stream that takes several parts.
    """
    checked = await asyncio.to_thread(check_stream, file)
    digest, total = checked.manifest.sha256_of_all, checked.manifest.num_rows()
    if dry_run:
        _check_dry_run(total, part_rows)
    before = None if dry_run else await find_unfinished(database, digest)
    is_restore = not dry_run and (await _find_rows(database) is None if before is None else before.is_restore)
    target = _Target(
        database,
        digest,
        total,
        on_progress,
        is_dry_run=dry_run,
        is_restore=is_restore,
        has_moments=is_restore and checked.header.has_moments,
    )
    file.seek(0)
    parts, reports, done = _parts(stream_rows(file), part_rows), [_no_rows(dry_run=dry_run)], 0
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        if before is not None and done + len(part) <= before.num_rows_done:
            reports.append(_unchanged(part))
        else:
            if not dry_run:
                await note_import(database, digest, total, done, is_restore=is_restore)
            reports.append(await _import_part(target, part, done))
        done += len(part)
    if target.has_moments:
        await _set_all_moments(database, file)
    if not dry_run:
        await end_import(database, digest)
    return sum_reports(reports)


def _check_dry_run(num_rows: int, part_rows: int) -> None:
    """Refuse a dry run of a stream that takes several parts."""
    if num_rows > part_rows:
        message = (
            f"a dry run takes at most {part_rows} lines of rows, since later parts need the rows of those before them; "
            f"got {num_rows}"
        )
        raise InvalidError(message)


async def restore(
    database: Database, file: BinaryIO, *, on_progress: OnProgress | None = None, part_rows: int = PART_ROWS
) -> ImportReport:
    """
    Restore a graph from a backup into an empty one, and compare what was restored with the backup's checksums.

    Beliefs, records and keys are computed from the rows; marginals by the next propagation. A restore that was
    interrupted goes on.

    Raises:
        BundleError: The backup is not whole.
        ConflictError: The graph is not empty, or differs from the backup afterwards.
    """
    checked = await asyncio.to_thread(check_stream, file)
    manifest = checked.manifest
    file.seek(0)
    if await find_unfinished(database, manifest.sha256_of_all) is None and (found := await _find_rows(database)):
        message = (
            f"a backup is restored into an empty graph, and this one has {found}; restore it into a data directory of "
            "its own, or `foregraph import` it to merge the two"
        )
        raise ConflictError(message)
    report = await import_stream(database, file, on_progress=on_progress, part_rows=part_rows)
    restored = await _sums(database, checked)
    differing = [name for name in STREAM_LISTS if restored.get(name) != manifest.sha256.get(name)]
    if differing:
        shown = ", ".join(differing[:_MOST_DIFFERENCES_SHOWN])
        message = f"what was restored differs from the backup in {shown}; was the graph written meanwhile?"
        raise ConflictError(message)
    return report


async def _find_rows(database: Database) -> str | None:
    """Find a list of which the graph has rows; the setting that a graph is made with is none, and gives way."""

    async def work(unit: Unit) -> str | None:
        # Versions and receipts stand first in a stream, but people know of the nodes that they are of.
        for name in sorted((*LISTS, RECEIPTS), key=lambda name: name in {VERSIONS, RECEIPTS}):
            statement = "database/list_receipts" if name == RECEIPTS else f"export/{name}"
            (page,) = await unit.run(statement, after="", limit=FEW)
            if any(row.get("subject") != VersionSubject.GRAPH for row in page["rows"]):
                return name
        aside = await unit.run("saved/list_stored")
        return next((found["list"] for found in aside if found["rows"]), None)

    return await database.read(work)


async def _sums(database: Database, checked: CheckedStream) -> Mapping[str, str]:
    """Compute the checksums of all lists as they are stored, as far as a stream has them."""
    with Spool.temporary() as spool:
        await take_cut(database, spool)
        return await asyncio.to_thread(_sums_of, spool, checked)


def _sums_of(spool: Spool, checked: CheckedStream) -> Mapping[str, str]:
    digests = Digests()
    for name in spool.counts():
        for text, moments in spool.texts_with_moments(name):
            if checked.has_exposure_versions or not is_exposure_version(name, text.encode()):
                digests.count(name, text.encode(), moments.encode() if checked.header.has_moments else b"")
    return Manifest.model_validate(digests.manifest()).sha256


def _parts(rows: Iterator[StreamRow], part_rows: int) -> Iterator[list[StreamRow]]:
    """Cut a stream into parts; a chain of milestones is not divided, since an import completes it."""
    part: list[StreamRow] = []
    size = 0
    for row in rows:
        is_full = len(part) >= part_rows or size >= PART_BYTES
        if is_full and not (row.name == "milestones" == part[-1].name and _owner(row) == _owner(part[-1])):
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row.text)
    if part:
        yield part


def _owner(row: StreamRow) -> Any:
    return json.loads(row.text).get("prediction_id")


async def _import_part(target: _Target, part: Sequence[StreamRow], done: int) -> ImportReport:
    """Import a part, before which so many rows of the stream have been imported."""
    rows = [row for row in part if row.name not in KEPT_ASIDE]
    draft = await asyncio.to_thread(_draft, rows, with_moments=target.has_moments)
    draft = replace(draft, is_restore=target.is_restore)
    fits = await asyncio.to_thread(fits_transaction, draft, sum(len(row.text) for row in rows))

    def progress(num_rows: int, _of_part: int) -> None:
        if target.on_progress is not None:
            target.on_progress(min(target.num_rows, done + num_rows), target.num_rows)

    try:
        report = await import_draft(target.database, draft, fits=fits, on_progress=progress, dry_run=target.is_dry_run)
    except BundleError as error:  # it wrote nothing, and so did no part before it if it is the first
        if not done and not target.is_dry_run:
            await end_import(target.database, target.digest)
        raise BundleError([_at_line(problem, rows) for problem in error.problems]) from error
    if not target.is_dry_run:
        names = KEPT_ASIDE if target.is_restore else {RECEIPTS}
        for name in names:
            await _restore_aside(target.database, name, [row for row in part if row.name == name])
    return report


def _draft(rows: Sequence[StreamRow], *, with_moments: bool) -> Draft:
    by_list: dict[str, list[tuple[int, Row]]] = {name: [] for name in LISTS}
    moments: dict[str, dict[str, RowMoments]] = {}
    for found in rows:
        row = read_row(found)
        by_list[found.name].append((found.number, row))
        if with_moments and found.name in MOMENT_LISTS:
            moments.setdefault(found.name, {})[row_id(row)] = read_moments(found)
    named = {name: frozenset(row_id(row) for _, row in entries) for name, entries in by_list.items()}
    return Draft(by_list, named, problems=(), moments=moments, is_part=True)


async def _set_all_moments(database: Database, file: BinaryIO) -> None:
    """Set the moments of all rows of a stream, since later rows have changed what follows from earlier ones."""
    file.seek(0)
    rows = (row for row in stream_rows(file) if row.name in MOMENT_LISTS)
    while part := await asyncio.to_thread(_moments_of, rows):
        await database.write(partial(set_moments, moments=part))


def _moments_of(rows: Iterator[StreamRow]) -> dict[str, dict[str, RowMoments]]:
    """Read the moments of the next rows, by list and key."""
    found: dict[str, dict[str, RowMoments]] = {}
    for row in islice(rows, MOMENTS_AT_ONCE):
        key = str(json.loads(row.text)[_KEYS[row.name]])
        found.setdefault(row.name, {})[key] = read_moments(row)
    return found


def _at_line(problem: Problem, rows: Sequence[StreamRow]) -> Problem:
    """Name the line of a problem too."""
    place, bracket, inner = problem.path.partition("]")
    line = next((row.line for row in rows if f"{row.name}[{row.number}" == place), None)
    return problem if line is None else Problem(f"line {line}, {place}{bracket}{inner}", problem.message)


async def _restore_aside(database: Database, name: str, rows: Sequence[StreamRow]) -> None:
    for part in slices(rows, ASIDE_AT_ONCE):
        given = [read_aside(row).model_dump(mode="json") for row in part]
        await database.write(partial(_write_aside, name=name, rows=given))


async def _write_aside(unit: Unit, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if name != RECEIPTS:
        await hold_deliveries(unit, datetime.now(UTC))
    await unit.run(_RESTORING[name], rows=rows)


def _no_rows(*, dry_run: bool) -> ImportReport:
    nothing = dict.fromkeys(LISTS, 0)
    return ImportReport(created=nothing, updated=nothing, unchanged=nothing, is_dry_run=dry_run)


def _unchanged(part: Sequence[StreamRow]) -> ImportReport:
    nothing: Mapping[str, int] = dict.fromkeys(LISTS, 0)
    counts = {name: len(list(rows)) for name, rows in groupby(row.name for row in part)}
    return ImportReport(created=nothing, updated=nothing, unchanged={**nothing, **counts})
