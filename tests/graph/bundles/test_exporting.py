"""Exports are one state of the graph, whatever is written meanwhile, and come back as they were."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import given as given_any

from graph.bundles.cuts import Pauses, take_cut
from graph.bundles.exporting import export_bundle, export_json, write_stream
from graph.bundles.importing import import_bundle
from graph.bundles.restoring import import_stream, restore
from graph.bundles.spool import Spool
from graph.bundles.streams import Digests
from graph.bundles.unfinished import list_unfinished
from graph.database.revisions import MAX_NOTED
from graph.database.sessions import Database
from graph.errors import BundleError, ConflictError, InvalidError, KeyReusedError
from graph.inference.evidence import Direction, Strength
from graph.ledger.derived import rebuild, verify
from graph.ledger.items import EvidenceItem
from graph.model.bundle import STREAM_FORMAT, Bundle
from graph.model.kinds import ClaimStatus
from graph.outcomes.milestones import Observation, record_milestone
from graph.outcomes.resolution import Outcome, annul, resolve, unresolve
from graph.outcomes.sweep import sweep
from graph.subjects.deletions import delete_subject, remove_edge
from graph.subjects.upserts import Change, add_validation, upsert
from tests.helpers.asking import service_of
from tests.helpers.bundles import bundle, bundles, claim, event, evidence, killing, prediction, requiring
from tests.helpers.database import empty
from tests.helpers.graph_dump import STAMPS, ask

Write = Callable[[Database], Awaitable[Any]]

pytestmark = pytest.mark.statements

MOMENT = datetime(2026, 5, 30, 22, 15, tzinfo=UTC)
LIVE = settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# What follows from the moment of the last computation, and not from what was written.
OF_THE_MOMENT = (
    "marginal",
    "marginal_as_of",
    "marginal_run_id",
    "marginal_revision",
    "marginal_key",
    "disagreement_key",
)
KEPT = "NOT n:Graph AND NOT n:Change AND NOT n:Job AND NOT (n:Receipt AND n.expiry_key IS NOT NULL)"
SMALL = bundle(
    domains=[{"id": "chips"}],
    predictors=[{"id": "ada", "name": "Ada"}],
    tickers=[{"symbol": "NVDA"}, {"symbol": "BHP:XASX"}],
    documents=[{"id": "doc", "title": "A paper"}],
    predictions=[prediction(f"P_{n}", predictor_id="ada") for n in range(6)],
    killers=[claim("TK_1")],
    scenarios=[claim("S_1")],
    milestones=[event(f"P_{n}") for n in range(6)],
    evidence=[evidence(f"E_{n}", f"P_{n % 2}", recorded_at=f"2026-05-{n + 10}T00:00:00Z") for n in range(4)],
    validations=[{"id": "V_1", "prediction_id": "P_0", "observed_at": "2026-03-01", "status": "partial"}],
    influences=[killing("TK_1", f"P_{n}") for n in range(6)] + [requiring("S_1", "P_0")],
    exposures=[{"sign": "BENEFITS", "prediction_id": f"P_{n}", "symbol": "NVDA", "relevance": 0.5} for n in range(3)],
    document_links=[{"document_id": "doc", "claim_id": f"P_{n}"} for n in range(3)],
    saved_queries=[{"name": "overdue", "version": n, "statement": "RETURN 1"} for n in (1, 2)],
)


async def dump(database: Database) -> list[str]:
    """All nodes and relationships with all properties, but for what depends on the moment of a computation."""
    nodes = await ask(database, f"MATCH (n) WHERE {KEPT} RETURN labels(n), properties(n)")
    edges = await ask(
        database,
        f"MATCH (n)-[r]->(m) WHERE {KEPT} "
        "RETURN coalesce(n.id, n.symbol), type(r), coalesce(m.id, m.symbol), properties(r)",
    )
    return sorted(
        repr((*ends, sorted((name, value) for name, value in found.items() if _is_lasting(name))))
        for *ends, found in (*nodes, *edges)
    )


def _is_lasting(name: str) -> bool:
    is_computed = name.startswith(("posterior", "change_")) or name.endswith("probability_key")
    return not (is_computed or name in OF_THE_MOMENT or name in STAMPS)


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


def given(name: str, *rows: Any) -> Write:
    """An import of rows of one list."""
    return lambda database: import_bundle(database, bundle(**{name: list(rows)}))


def submitted(claim_id: str, key: str | None = None) -> Write:
    """Evidence."""
    item = EvidenceItem(claim_id, Direction.FOR, Strength.WEAK, note=key)
    return lambda database: service_of(database).intake.submit([item], idempotency_key=key)


def deleted(subject: str, key: str) -> Write:
    """A deletion."""
    return lambda database: delete_subject(database, subject, key)


def settled(claim_id: str, status: ClaimStatus) -> Write:
    """An outcome."""
    write = {ClaimStatus.ANNULLED: annul, ClaimStatus.OPEN: unresolve}.get(status, resolve)
    return lambda database: write(database, claim_id, Outcome(status=status))


def removed(name: str, **ends: str) -> Write:
    """A relationship that is taken away."""
    return lambda database: remove_edge(database, Change(name, ends), f"remove {name}")


def upserted(list_name: str, /, **values: Any) -> Write:
    """A row as a mutation writes it."""
    return lambda database: upsert(database, Change(list_name, values))


WRITES: Mapping[str, Write] = {
    "evidence": submitted("P_3"),
    "evidence under a key": submitted("P_3", "a key"),
    "a new prediction": given("predictions", prediction("A_NEW", predictor_id="ada")),
    "a changed prediction": given("predictions", prediction("P_0", predictor_id="ada", title="Another")),
    "a new ticker": given("tickers", {"symbol": "AAA"}),
    "a changed ticker": upserted("tickers", symbol="NVDA", name="Nvidia"),
    "a changed document": upserted("documents", id="doc", title="Another", published_at=MOMENT),
    "a document": given("documents", {"id": "another", "title": "Another"}),
    "a saved query": given("saved_queries", {"name": "overdue", "version": 3, "statement": "RETURN 3"}),
    "an exposure": given("exposures", {"sign": "BENEFITS", "prediction_id": "P_0", "symbol": "NVDA", "relevance": 0.9}),
    "a new exposure": given("exposures", {"sign": "HARMS", "prediction_id": "P_5", "symbol": "BHP:XASX"}),
    "a link": given("document_links", {"document_id": "doc", "claim_id": "P_5"}),
    "an influence": upserted("influences", **killing("TK_1", "P_0", p_if_true=0.02)),
    "a milestone": upserted("milestones", id="P_0:event", label="Another"),
    "an earlier event": given("milestones", event("P_0", "2026-08-01")),
    "a validation": lambda database: add_validation(
        database, {"prediction_id": "P_2", "observed_at": date(2026, 3, 2), "status": "late"}
    ),
    "an outcome": settled("P_0", ClaimStatus.RESOLVED_TRUE),
    "an annulment": settled("P_1", ClaimStatus.ANNULLED),
    "an event": lambda database: record_milestone(database, "P_4:event", Observation(is_hit=True)),
    "a sweep": sweep,
    "a claim deleted": deleted("Prediction", "P_2"),
    "a killer deleted": deleted("Killer", "TK_1"),
    "a ticker deleted": deleted("Ticker", "BHP:XASX"),
    "a milestone deleted": deleted("Milestone", "P_0:event"),
    "an exposure removed": removed("exposures", sign="BENEFITS", prediction_id="P_1", symbol="NVDA"),
    "a link removed": removed("document_links", document_id="doc", claim_id="P_1"),
    "an influence removed": removed("influences", kind="KILLS", parent_id="TK_1", child_id="P_1"),
    "beliefs rebuilt": rebuild,
    "too much to be noted": given("tickers", *({"symbol": f"T{n}"} for n in range(MAX_NOTED + 1))),
}


LAST_PAGE = 16  # each list has one, but those that are read last


@pytest.mark.parametrize(
    ("name", "page"), [*((name, LAST_PAGE) for name in WRITES), ("a claim deleted", 2), ("an outcome", 8)]
)
@pytest.mark.one_release
async def test_what_is_written_between_two_pages_is_in_the_cut(database: Database, name: str, page: int) -> None:
    """Whether its rows have been read already or not: the cut is what a fresh look finds."""
    await import_bundle(database, SMALL)
    num_pages = 0

    async def after_page() -> None:
        nonlocal num_pages
        num_pages += 1
        if num_pages == page:
            await WRITES[name](database)

    before = await stream_of(database)
    stream = await stream_of(database, pauses=Pauses(after_page=after_page))

    assert rows_of(stream) == rows_of(await stream_of(database))
    assert (rows_of(stream) == rows_of(before)) == (name == "beliefs rebuilt")


async def test_a_backup_under_writers_restores_to_the_graph_at_its_cut(database: Database) -> None:
    """Bit for bit: what the writers had written by then, all of it, and nothing of what came later."""
    await import_bundle(database, SMALL)
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
    await import_bundle(database, SMALL)
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


# Streams that are read


async def test_an_interrupted_import_goes_on_where_it_was(database: Database) -> None:
    """What was written stays noted until the same file has been imported whole."""
    await import_bundle(database, SMALL)
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
        (lambda text: _without_line(text, 4), "expected 2 rows in tickers, got 1"),
        (lambda text: text.replace(b"foregraph-bundle/2", b"foregraph-bundle/3"), "line 1.format: "),
        (lambda text: text + b"{}\n", "expected nothing after the checksums"),
        (lambda text: text.replace(b'{"list": "documents"', b'{"list": "papers"'), "expected one of the lists"),
        (lambda text: text.replace(b'"revision": ', b'"revision": 1'), "the checksum of all lines differs"),
    ],
)
@pytest.mark.one_release
async def test_a_damaged_stream_writes_nothing(
    database: Database, damage: Callable[[bytes], bytes], message: str
) -> None:
    """It is read as a whole before its first row is written."""
    await import_bundle(database, SMALL)
    stream = await stream_of(database)
    await empty(database)

    for read in (import_stream, restore):
        with pytest.raises(BundleError) as refused:
            await read(database, io.BytesIO(damage(stream)))
        assert message in str(refused.value)
    assert await dump(database) == []
    assert await list_unfinished(database) == []


def _without_line(text: bytes, number: int) -> bytes:
    lines = text.splitlines(keepends=True)
    return b"".join(lines[: number - 1] + lines[number:])


async def test_a_restore_wants_an_empty_graph(database: Database) -> None:
    """Nobody overwrites a graph by a slip; an import merges the two."""
    await import_bundle(database, SMALL)
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
    await import_bundle(database, SMALL)
    stream = await stream_of(database)
    await empty(database)

    report = await import_stream(database, io.BytesIO(stream), dry_run=True)

    assert report.num_changed() == len(rows_of(stream))
    assert await dump(database) == []
    with pytest.raises(InvalidError, match="a dry run takes at most 10 lines"):
        await import_stream(database, io.BytesIO(stream), part_rows=10, dry_run=True)
