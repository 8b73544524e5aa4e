"""Imports of streams, part by part, and restores of whole graphs from them."""

import asyncio
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, BinaryIO, Final

from graph.bundles.batches import fits_transaction
from graph.bundles.checked import OnProgress
from graph.bundles.cuts import take_cut
from graph.bundles.drafts import Draft
from graph.bundles.importing import ImportReport, import_draft, sum_reports
from graph.bundles.spool import RECEIPTS, Spool, shown_time
from graph.bundles.streams import STREAM_LISTS, StreamRow, check_stream, read_receipt, read_row, stream_rows
from graph.bundles.unfinished import end_import, find_unfinished, note_import
from graph.database.sessions import Database, Unit
from graph.errors import BundleError, ConflictError, InvalidError, Problem
from graph.model.bundle import LISTS
from graph.model.rows import Row
from graph.model.subjects import row_id

PART_ROWS: Final = 20_000
"""Rows that are checked and written at once; each part needs only rows of those before it."""

PART_BYTES: Final = 64_000_000
RECEIPTS_AT_ONCE: Final = 1_000

_MOST_DIFFERENCES_SHOWN: Final = 5


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
    part with problems stops the import; the parts before it stay, and are noted until the import is completed.

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
    manifest = (await asyncio.to_thread(check_stream, file)).manifest
    digest, total = manifest.sha256_of_all, manifest.num_rows()
    if dry_run and total > part_rows:
        message = (
            f"a dry run takes at most {part_rows} lines of rows, since later parts need the rows of those before them; "
            f"got {total}"
        )
        raise InvalidError(message)
    before = None if dry_run else await find_unfinished(database, digest)
    file.seek(0)
    parts, reports, done = _parts(stream_rows(file), part_rows), [_no_rows(dry_run=dry_run)], 0
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        if before is not None and done + len(part) <= before.num_rows_done:
            reports.append(_unchanged(part))
        else:
            if not dry_run:
                await note_import(database, digest, total, done)
            reports.append(await _import_part(database, part, digest, done, total, on_progress, dry_run=dry_run))
        done += len(part)
    if not dry_run:
        await end_import(database, digest)
    return sum_reports(reports)


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
    manifest = (await asyncio.to_thread(check_stream, file)).manifest
    file.seek(0)
    if await find_unfinished(database, manifest.sha256_of_all) is None and (found := await _find_rows(database)):
        message = (
            f"a backup is restored into an empty graph, and this one has {found}; restore it into a data directory of "
            "its own, or `foregraph import` it to merge the two"
        )
        raise ConflictError(message)
    report = await import_stream(database, file, on_progress=on_progress, part_rows=part_rows)
    restored = await _sums(database)
    differing = [name for name in STREAM_LISTS if restored.get(name) != manifest.sha256.get(name)]
    if differing:
        shown = ", ".join(differing[:_MOST_DIFFERENCES_SHOWN])
        message = f"what was restored differs from the backup in {shown}; was the graph written meanwhile?"
        raise ConflictError(message)
    return report


async def _find_rows(database: Database) -> str | None:
    """Find a list of which the graph has rows."""

    async def work(unit: Unit) -> str | None:
        for name in STREAM_LISTS:
            statement = "database/list_receipts" if name == RECEIPTS else f"export/{name}"
            (page,) = await unit.run(statement, after="", limit=1)
            if page["rows"]:
                return name
        return None

    return await database.read(work)


async def _sums(database: Database) -> dict[str, str]:
    """Compute the checksums of all lists as they are stored."""
    with Spool.temporary() as spool:
        await take_cut(database, spool)
        return await asyncio.to_thread(_sums_of, spool)


def _sums_of(spool: Spool) -> dict[str, str]:
    found = {}
    for name in spool.counts():
        digest = hashlib.sha256()
        for text in spool.texts(name):
            digest.update(f"{text}\n".encode())
        found[name] = digest.hexdigest()
    return found


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


async def _import_part(
    database: Database,
    part: Sequence[StreamRow],
    digest: str,
    done: int,
    total: int,
    on_progress: OnProgress | None,
    *,
    dry_run: bool,
) -> ImportReport:
    rows = [row for row in part if row.name != RECEIPTS]
    draft = await asyncio.to_thread(_draft, rows)
    fits = await asyncio.to_thread(fits_transaction, draft, sum(len(row.text) for row in rows))

    def progress(num_rows: int, _of_part: int) -> None:
        if on_progress is not None:
            on_progress(min(total, done + num_rows), total)

    try:
        report = await import_draft(database, draft, fits=fits, on_progress=progress, dry_run=dry_run)
    except BundleError as error:  # it wrote nothing, and so did no part before it if it is the first
        if not done and not dry_run:
            await end_import(database, digest)
        raise BundleError([_at_line(problem, rows) for problem in error.problems]) from error
    if not dry_run:
        await _restore_receipts(database, [row for row in part if row.name == RECEIPTS])
    return report


def _draft(rows: Sequence[StreamRow]) -> Draft:
    by_list: dict[str, list[tuple[int, Row]]] = {name: [] for name in LISTS}
    for row in rows:
        by_list[row.name].append((row.number, read_row(row)))
    named = {name: frozenset(row_id(row) for _, row in entries) for name, entries in by_list.items()}
    return Draft(by_list, named, problems=())


def _at_line(problem: Problem, rows: Sequence[StreamRow]) -> Problem:
    """Name the line of a problem too."""
    place, bracket, inner = problem.path.partition("]")
    line = next((row.line for row in rows if f"{row.name}[{row.number}" == place), None)
    return problem if line is None else Problem(f"line {line}, {place}{bracket}{inner}", problem.message)


async def _restore_receipts(database: Database, rows: Sequence[StreamRow]) -> None:
    for start in range(0, len(rows), RECEIPTS_AT_ONCE):
        receipts = [read_receipt(row) for row in rows[start : start + RECEIPTS_AT_ONCE]]
        given = [{**receipt.model_dump(), "recorded_at": shown_time(receipt.recorded_at)} for receipt in receipts]
        await database.write(partial(_write_receipts, rows=given))


async def _write_receipts(unit: Unit, rows: Sequence[Mapping[str, Any]]) -> None:
    await unit.run("database/restore_receipts", rows=rows)


def _no_rows(*, dry_run: bool) -> ImportReport:
    nothing = dict.fromkeys(LISTS, 0)
    return ImportReport(created=nothing, updated=nothing, unchanged=nothing, is_dry_run=dry_run)


def _unchanged(part: Sequence[StreamRow]) -> ImportReport:
    nothing: Mapping[str, int] = dict.fromkeys(LISTS, 0)
    counts = {name: len(list(rows)) for name, rows in groupby(row.name for row in part)}
    return ImportReport(created=nothing, updated=nothing, unchanged={**nothing, **counts})
