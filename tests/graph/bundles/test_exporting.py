"""Exports are one state of the graph, whatever is written meanwhile, and come back as they were."""

import asyncio
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given as given_any

from graph.bundles.cuts import Pauses, take_cut
from graph.bundles.exporting import export_bundle, export_json, write_stream
from graph.bundles.importing import import_bundle, import_text
from graph.bundles.restoring import import_stream, restore
from graph.bundles.spool import Spool
from graph.bundles.streams import Digests
from graph.bundles.unfinished import list_unfinished
from graph.database.sessions import Database
from graph.errors import BundleError, ConflictError, InvalidError, KeyReusedError
from graph.ledger.derived import verify
from graph.model.bundle import STREAM_FORMAT, Bundle
from graph.model.subjects import STAMPS
from graph.saved.holding import are_deliveries_held
from tests.helpers.bundles import bundle, bundles, killing
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.graph_dump import ask
from tests.helpers.live import live
from tests.helpers.writes import SMALL, WRITES, given, removed, submitted

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

LIVE = live(4)
# What follows from the moment of the last computation, and not from what was written.
OF_THE_MOMENT = (
    "marginal",
    "marginal_as_of",
    "marginal_run_id",
    "marginal_revision",
    "marginal_key",
    "disagreement_key",
)
KEPT = "NOT n:Graph AND NOT n:FeedEvent AND NOT n:Job AND NOT (n:Receipt AND n.expiry_key IS NOT NULL)"


async def dump(database: Database) -> list[str]:
    """All nodes and relationships with all properties, but for what depends on the moment of a computation."""
    nodes = await ask(database, f"MATCH (n) WHERE {KEPT} RETURN labels(n), properties(n)")
    edges = await ask(
        database,
        f"MATCH (n)-[r]->(m) WHERE {KEPT} "
        "RETURN coalesce(n.id, n.symbol), type(r), coalesce(m.id, m.symbol), properties(r)",
    )
    return sorted(
        repr((*ends, sorted((name, value) for name, value in found.items() if _is_lasting(name, ends))))
        for *ends, found in (*nodes, *edges)
    )


def _is_lasting(name: str, ends: list[Any]) -> bool:
    is_computed = name.startswith(("posterior", "change_")) or name.endswith("probability_key")
    if ends == [["Evidence"]] and name in {"created_key", "updated_key"}:  # rows that are appended have none
        return False
    return not (is_computed or name in OF_THE_MOMENT or name == "record_at")


async def stream_of(database: Database, **options: Any) -> bytes:
    """An export as lines."""
    parts: list[bytes] = []
    with Spool.temporary() as spool:
        await write_stream(spool, await take_cut(database, spool, **options), parts.append)
    return b"".join(parts)


def rows_of(stream: bytes) -> list[tuple[str, Any]]:
    """The lists and rows of a stream."""
    lines = [json.loads(line) for line in stream.splitlines()]
    return [(line["list"], line["row"]) for line in lines[1:-1]]


@pytest.mark.every_release
@LIVE
@given_any(bundles())
async def test_a_stream_restores_to_the_same_graph(migrated_database: Database, given_bundle: Bundle) -> None:
    """Node by node and edge by edge, with all that is derived."""
    await empty(migrated_database)
    await import_bundle(migrated_database, given_bundle)
    before, stream = await dump(migrated_database), await stream_of(migrated_database)
    exported = await export_bundle(migrated_database)

    await empty(migrated_database)
    await restore(migrated_database, io.BytesIO(stream))

    assert await dump(migrated_database) == before
    assert [str(found) async for found in verify(migrated_database)] == []
    parts: list[bytes] = []
    await export_json(migrated_database, parts.append)
    assert b"".join(parts).decode() == exported.to_json()
    assert (await import_stream(migrated_database, io.BytesIO(stream))).num_changed() == 0


# Writes meanwhile


LAST_PAGE = 16  # each list has one, but those that are read last


@pytest.mark.parametrize(
    ("name", "page"), [*((name, LAST_PAGE) for name in WRITES), ("a claim deleted", 2), ("an outcome", 8)]
)
async def test_what_is_written_between_two_pages_is_in_the_cut(database: Database, name: str, page: int) -> None:
    """Whether its rows have been read already or not: the cut is what a fresh look finds."""
    await import_once(database, SMALL)
    num_pages = 0

    async def after_page() -> None:
        nonlocal num_pages
        num_pages += 1
        if num_pages == page:
            await WRITES[name](database)

    before = await _revision(database)
    stream = await stream_of(database, pauses=Pauses(after_page=after_page))

    assert num_pages >= page
    assert await _revision(database) > before
    assert rows_of(stream) == rows_of(await stream_of(database))


async def _revision(database: Database) -> int:
    ((revision,),) = await ask(database, "MATCH (g:Graph {id: 'graph'}) RETURN g.revision")
    return int(revision)


async def test_a_backup_under_writers_restores_to_the_graph_at_its_cut(database: Database) -> None:
    """Bit for bit: what the writers had written by then, all of it, and nothing of what came later."""
    await import_once(database, SMALL)
    await ask(database, SET_UP, **SENT)
    is_over, num_written, at_cut, wrote = False, 0, list[str](), asyncio.Event()

    async def write_on(number: int) -> None:
        nonlocal num_written
        while not is_over:
            num_written += 1
            await submitted(f"P_{number}", f"key {number} {num_written}")(database)
            await given("tickers", {"symbol": f"T{num_written % 7}", "name": str(num_written)})(database)
            await given("document_links", {"document_id": "doc", "claim_id": f"P_{number + 3}"})(database)
            await removed("document_links", document_id="doc", claim_id=f"P_{number + 3}")(database)
            wrote.set()

    async def look() -> None:
        at_cut.extend(await dump(database))

    writers = [asyncio.create_task(write_on(number)) for number in range(3)]
    try:
        stream = await stream_of(database, page_rows=8, pauses=Pauses(at_cut=look))
        for _ in range(2 * len(writers)):  # so that one of them begins after the cut, and ends
            wrote.clear()
            await wrote.wait()
    finally:
        is_over = True
        await asyncio.gather(*writers)
    assert await dump(database) != at_cut

    await empty(database)
    await restore(database, io.BytesIO(stream))

    assert await dump(database) == at_cut
    assert [str(found) async for found in verify(database)] == []


async def test_a_request_repeated_after_a_restore_has_the_answer_that_it_had(database: Database) -> None:
    """The receipt travels, so that nothing counts twice; another request under the key is refused as before."""
    await import_once(database, SMALL)
    first = await submitted("P_3", "a key")(database)
    stream = await stream_of(database)

    await empty(database)
    await restore(database, io.BytesIO(stream))
    again = await submitted("P_3", "a key")(database)

    assert (again.payload, again.is_replayed) == (first.payload, True)
    with pytest.raises(KeyReusedError):
        await submitted("P_4", "a key")(database)
    assert await stream_of(database) != stream  # another moment
    assert rows_of(await stream_of(database)) == rows_of(stream)


SENT = {"sealed_url": "c2VhbGVk"}
SET_UP = """
CREATE (:QuerySchedule {name: 'weekly', query: 'overdue', parameters: '{}', sealed_url: $sealed_url, format: 'CSV',
  every_minutes: 60, next_at: datetime('2026-06-01T07:00:00Z')})
CREATE (:ChangeWebhook {name: 'desk', sealed_url: $sealed_url, kinds: ['ROWS'], claim_ids: [], since: '1-2-0'})
CREATE (:QueryDelivery {id: 'weekly@20260601T060000Z', schedule: 'weekly', query: 'overdue', parameters: '{"n": 1}',
  sealed_url: $sealed_url, format: 'CSV', due_at: datetime('2026-06-01T06:00:00Z'), status: 'DEAD', num_attempts: 6,
  last_error: 'the receiver answered 503'})
CREATE (:QueryDelivery {id: 'desk@1-2-0', schedule: 'desk', query: 'changes', parameters: '{}',
  sealed_url: $sealed_url, format: 'JSON', due_at: datetime('2026-06-01T06:30:00.123456Z'), status: 'PENDING',
  num_attempts: 2, next_attempt_at: datetime('2026-06-01T06:36:00Z'), body: '{"webhook": "desk", "changes": []}'})
"""
DELIVERIES = "MATCH (n:QueryDelivery) RETURN n.id ORDER BY n.id"
MOMENTS = "MATCH (n:Ticker) RETURN n.symbol, n.created_at, n.updated_at ORDER BY n.symbol"


async def test_only_an_empty_graph_takes_on_moments_schedules_webhooks_and_deliveries(database: Database) -> None:
    """Merged into another graph, rows are new there, and nothing is sent for that; a bundle cannot forge the past."""
    await import_once(database, SMALL)
    await ask(database, SET_UP, **SENT)
    before, moments, stream = await dump(database), await ask(database, MOMENTS), await stream_of(database)
    await empty(database)

    await import_stream(database, io.BytesIO(stream))
    assert await dump(database) == before

    await empty(database)
    await import_bundle(database, bundle(tickers=[{"symbol": "NVDA", "name": "Before"}]))
    await import_stream(database, io.BytesIO(stream))
    for merged, found in zip(await ask(database, MOMENTS), moments, strict=True):
        assert (merged[0], merged[1] > found[2], merged[2] > found[2]) == (found[0], True, True)
    assert await ask(database, "MATCH (n) WHERE n:QuerySchedule OR n:ChangeWebhook OR n:QueryDelivery RETURN n") == []
    assert not await are_deliveries_held(database)
    forged = {"format": "foregraph-bundle/1", "tickers": [{"symbol": "OLD", "created_at": "2001-01-01T00:00:00Z"}]}
    with pytest.raises(BundleError, match="created_at"):
        await import_text(database, json.dumps(forged))


async def test_a_backup_has_what_is_to_be_delivered_as_of_its_cut(database: Database) -> None:
    """Not what was taken already, nor what was made after the cut, be it by a schedule or by a webhook of then."""
    await import_once(database, SMALL)
    await ask(database, SET_UP, **SENT)
    more = [
        ("weekly@20260601T070000Z", "weekly", "PENDING", "2026-06-01T07:00:00Z", None),
        ("weekly@20260601T050000Z", "weekly", "DELIVERED", "2026-06-01T05:00:00Z", None),
        ("weekly@20260601T040000Z", "weekly", "PENDING", "2026-06-01T04:00:00Z", None),
        ("desk@1-2-1", "desk", "PENDING", "2026-06-01T06:00:00Z", "{}"),
        ("desk@0-9-0", "desk", "DEAD", "2026-06-01T06:00:00Z", "{}"),
        ("new@20260601T060000Z", "new", "PENDING", "2026-06-01T06:00:00Z", None),
        ("new@1-1-0", "new", "PENDING", "2026-06-01T06:00:00Z", "{}"),
    ]
    names = ("id", "schedule", "status", "due_at", "body")
    await ask(
        database,
        """
        UNWIND $rows AS row
        CREATE (n:QueryDelivery {query: 'q', parameters: '{}', sealed_url: 'a', format: 'JSON', num_attempts: 0})
        SET n += row, n.due_at = datetime(row.due_at)
        """,
        rows=[dict(zip(names, row, strict=True)) for row in more],
    )

    stream = await stream_of(database, page_rows=2)
    await empty(database)
    await restore(database, io.BytesIO(stream))

    kept = ["desk@0-9-0", "desk@1-2-0", "weekly@20260601T040000Z", "weekly@20260601T060000Z"]
    assert [key for (key,) in await ask(database, DELIVERIES)] == kept


async def test_addresses_that_a_version_of_before_stored_as_they_are_travel(database: Database) -> None:
    """They are sealed by the first service that delivers."""
    await import_once(database, SMALL)
    await ask(database, SET_UP.replace("sealed_url: $sealed_url", "url: 'https://example.org/hook'"))
    before, stream = await dump(database), await stream_of(database)

    await empty(database)
    await restore(database, io.BytesIO(stream))

    assert await dump(database) == before


async def test_a_backup_of_before_there_were_moments_is_restored(database: Database) -> None:
    """Its rows are new, and compared without them; lines may not have moments of which the header does not tell."""
    await import_once(database, SMALL)
    stream = await stream_of(database)
    await empty(database)

    with pytest.raises(BundleError, match="expected no moments of a row in domains"):
        await restore(database, io.BytesIO(_remade(stream, keeps_moments=True)))
    await restore(database, io.BytesIO(_remade(stream, keeps_moments=False)))

    assert rows_of(await stream_of(database)) == rows_of(stream)


def _remade(stream: bytes, *, keeps_moments: bool) -> bytes:
    """A stream whose header does not tell of moments."""
    header, *lines, _ = map(json.loads, stream.splitlines())
    del header["has_moments"]
    digests = Digests()
    parts = [digests.add_line(json.dumps(header))]
    for line in lines:
        told = json.dumps({name: line[name] for name in STAMPS if name in line})[1:-1] if keeps_moments else ""
        parts.append(digests.add_row(line["list"], json.dumps(line["row"], ensure_ascii=False), told))
    return b"".join((*parts, f"{json.dumps({'end': digests.manifest()})}\n".encode()))


# Streams that are read


async def test_an_interrupted_import_goes_on_where_it_was(database: Database) -> None:
    """What was written stays noted until the same file has been imported whole."""
    await import_once(database, SMALL)
    before, stream = await dump(database), await stream_of(database)
    await empty(database)
    num_rows = len(rows_of(stream))
    calls: list[int] = []

    class StopError(Exception):
        pass

    def stop(done: int, _total: int) -> None:
        calls.append(done)
        if done > num_rows // 2:
            raise StopError

    with pytest.raises(StopError):
        await import_stream(database, io.BytesIO(stream), part_rows=10, on_progress=stop)
    (unfinished,) = await list_unfinished(database)
    assert 0 < unfinished.num_rows_done <= num_rows // 2
    assert unfinished.num_rows == num_rows
    assert "import the same file again to complete it" in str(unfinished)
    with pytest.raises(ConflictError, match="this one has domains"):
        await restore(database, io.BytesIO(other()))

    calls.clear()
    report = await restore(database, io.BytesIO(stream), part_rows=10, on_progress=lambda done, _: calls.append(done))

    assert calls[0] > unfinished.num_rows_done
    assert calls[-1] == num_rows
    assert sum(report.created.values()) + sum(report.unchanged.values()) == num_rows
    assert await list_unfinished(database) == []
    assert await dump(database) == before


def other() -> bytes:
    """Another stream, of one row."""
    digests = Digests()
    header = {"format": STREAM_FORMAT, "revision": 1, "cut_at": "2026-01-01T00:00:00Z", "rows": {"domains": 1}}
    lines = [digests.add_line(json.dumps(header)), digests.add_row("domains", '{"id": "d"}')]
    return b"".join((*lines, f"{json.dumps({'end': digests.manifest()})}\n".encode()))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "line "),
        (lambda text: text[: text.rindex(b'{"end"')], "the last line, with the checksums, is missing"),
        (lambda text: text[:-20], "the last line is not whole"),
        (lambda text: text.replace(b'"A paper"', b'"A papex"'), "the checksum of documents differs"),
        (lambda text: _without_line(text, _line_of(text, "tickers")), "expected 2 rows in tickers, got 1"),
        (lambda text: text.replace(b"foregraph-bundle/2", b"foregraph-bundle/3"), "line 1.format: "),
        (lambda text: text + b"{}\n", "expected nothing after the checksums"),
        (lambda text: text.replace(b'{"list": "documents"', b'{"list": "papers"'), "expected one of the lists"),
        (lambda text: text.replace(b'"revision": ', b'"revision": 1'), "the checksum of all lines differs"),
    ],
)
async def test_a_damaged_stream_writes_nothing(
    database: Database, damage: Callable[[bytes], bytes], message: str
) -> None:
    """It is read as a whole before its first row is written."""
    await import_once(database, SMALL)
    stream = await stream_of(database)
    await empty(database)

    for read in (import_stream, restore):
        with pytest.raises(BundleError) as refused:
            await read(database, io.BytesIO(damage(stream)))
        assert message in str(refused.value)
    assert await dump(database) == []
    assert await list_unfinished(database) == []


def _line_of(text: bytes, name: str) -> int:
    """The number of the first line of a list."""
    lines = text.splitlines()
    return next(number for number, line in enumerate(lines, 1) if f'{{"list": "{name}"'.encode() in line)


def _without_line(text: bytes, number: int) -> bytes:
    lines = text.splitlines(keepends=True)
    return b"".join(lines[: number - 1] + lines[number:])


async def test_a_restore_wants_an_empty_graph(database: Database) -> None:
    """Nobody overwrites a graph by a slip; an import merges the two."""
    await import_once(database, SMALL)
    stream = await stream_of(database)
    before = await dump(database)

    with pytest.raises(ConflictError, match="a backup is restored into an empty graph"):
        await restore(database, io.BytesIO(stream))

    assert await dump(database) == before
    assert (await import_stream(database, io.BytesIO(stream))).num_changed() == 0


async def test_problems_of_a_part_name_the_line(database: Database) -> None:
    """And nothing is noted where nothing was written."""
    digests = Digests()
    header = {"format": STREAM_FORMAT, "revision": 1, "cut_at": "2026-01-01T00:00:00Z", "rows": {"influences": 1}}
    row = json.dumps(killing("TK_1", "P_1"))
    lines = [digests.add_line(json.dumps(header)), digests.add_row("influences", row)]
    stream = b"".join((*lines, f"{json.dumps({'end': digests.manifest()})}\n".encode()))

    with pytest.raises(BundleError) as refused:
        await import_stream(database, io.BytesIO(stream))

    assert [problem.path for problem in refused.value.problems] == [
        "line 2, influences[0].parent_id",
        "line 2, influences[0].child_id",
    ]
    assert await list_unfinished(database) == []


async def test_a_dry_run_of_a_stream_tells_and_changes_nothing(database: Database) -> None:
    """As long as it is one part; the second would need the rows of the first."""
    await import_once(database, SMALL)
    stream = await stream_of(database)
    await empty(database)

    report = await import_stream(database, io.BytesIO(stream), dry_run=True)

    assert report.num_changed() == len(rows_of(stream))
    assert await dump(database) == []
    with pytest.raises(InvalidError, match="a dry run takes at most 10 lines"):
        await import_stream(database, io.BytesIO(stream), part_rows=10, dry_run=True)
