"""Exports the graph: as a bundle, or as a stream of lines that may have any length."""

import asyncio
import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, TypeVar

from graph.bundles.batches import MAX_ROWS
from graph.bundles.cuts import Cut, OnProgress, take_cut
from graph.bundles.spool import Spool, shown_time
from graph.bundles.streams import STREAM_LISTS, Digests
from graph.database.sessions import Database
from graph.errors import InvalidError
from graph.model.bundle import BUNDLE_FORMAT, LISTS, STREAM_FORMAT, Bundle
from graph.model.subjects import ROW_LISTS

LINES_AT_ONCE: Final = 1_000
"""Lines written in one step, between which other threads run."""

Write = Callable[[bytes], object]
ItemT = TypeVar("ItemT")


async def export_bundle(database: Database) -> Bundle:
    """
    Export the graph as a bundle, each list sorted by id.

    Raises:
        BusyError: The graph was replaced during each attempt to read it.
    """
    with Spool.temporary() as spool:
        await take_cut(database, spool)
        lists = {
            name: tuple(
                ROW_LISTS[name].row.model_validate_json(text, strict=True) for text in spool.texts(name, by_key=True)
            )
            for name in LISTS
        }
    return Bundle(format=BUNDLE_FORMAT, **lists)


async def export_json(database: Database, write: Write, on_progress: OnProgress | None = None) -> int:
    """
    Export the graph as one JSON text, the bundle that is written by hand too; returns the number of rows.

    Args:
        database: The database to read.
        write: Takes the text in parts, once all rows have been read.
        on_progress: Called with the number of rows read and about how many there are.

    Raises:
        InvalidError: The graph has more rows than a bundle may have.
    """
    with Spool.temporary() as spool:
        await take_cut(database, spool, on_progress)
        counts = {name: number for name, number in spool.counts().items() if name in LISTS}
        num_rows = sum(counts.values())
        if num_rows > MAX_ROWS:
            message = (
                f"the graph has {num_rows} rows, and a bundle in one JSON text at most {MAX_ROWS}; export it to a file "
                "whose name ends in .ndjson"
            )
            raise InvalidError(message)
        await _write_all(_json_parts(spool, [name for name in LISTS if name in counts]), write)
    return num_rows


async def export_stream(database: Database, write: Write, on_progress: OnProgress | None = None) -> int:
    """
    Export the graph and the receipts as lines of JSON, of which `graph.bundles.streams` tells; returns their number.

    Args:
        database: The database to read.
        write: Takes the lines in parts, once all rows have been read.
        on_progress: Called with the number of rows read and about how many there are.
    """
    with Spool.temporary() as spool:
        cut = await take_cut(database, spool, on_progress)
        return await write_stream(spool, cut, write)


async def write_stream(spool: Spool, cut: Cut, write: Write) -> int:
    """Write the rows of a spool as lines of JSON; returns their number."""
    await _write_all(_stream_parts(spool, cut), write)
    return sum(spool.counts().values())


async def _write_all(parts: Iterator[bytes], write: Write) -> None:
    """Write parts, each in a thread."""
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        await asyncio.to_thread(write, part)


def _json_parts(spool: Spool, names: list[str]) -> Iterator[bytes]:
    yield f'{{\n  "format": {json.dumps(BUNDLE_FORMAT)}'.encode()
    for name in names:
        yield f',\n  "{name}": [\n'.encode()
        is_first = True
        for texts in _batches(spool.texts(name, by_key=True)):
            lines = ",\n".join(f"    {text}" for text in texts)
            yield (lines if is_first else f",\n{lines}").encode()
            is_first = False
        yield b"\n  ]"
    yield b"\n}\n"


def _batches(items: Iterator[ItemT]) -> Iterator[list[ItemT]]:
    while batch := list(islice(items, LINES_AT_ONCE)):
        yield batch


def _stream_parts(spool: Spool, cut: Cut) -> Iterator[bytes]:
    found = spool.counts()
    counts = {name: found[name] for name in STREAM_LISTS if name in found}
    digests = Digests()
    header = {"format": STREAM_FORMAT, "revision": cut.revision, "cut_at": shown_time(cut.at), "has_moments": True}
    yield digests.add_line(json.dumps({**header, "rows": counts}))
    for name in counts:
        for rows in _batches(spool.texts_with_moments(name)):
            yield b"".join(digests.add_row(name, text, moments) for text, moments in rows)
    yield f"{json.dumps({'end': digests.manifest()})}\n".encode()
