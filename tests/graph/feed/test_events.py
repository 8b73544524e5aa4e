"""The feed has every write, once and in order, and says so when it has not."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.adhoc.running import Adhoc
from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.revisions import MAX_NOTED, PLACES, EventKind
from graph.database.sessions import Database
from graph.errors import GoneEventError, InvalidError, NotFoundError
from graph.feed.events import Event, EventId, Page, read_latest_id, read_page
from graph.feed.purging import KEPT_REVISIONS, Retention, is_purge_due, purge_events
from graph.ledger.derived import refresh_posteriors
from graph.model.bundle import LISTS
from graph.model.kinds import ClaimStatus
from graph.model.subjects import ROW_LISTS, row_id
from graph.model.versions import VERSION_LISTS
from graph.network.engine import Engine
from graph.network.propagation import Request, propagate
from graph.outcomes.resolution import Outcome, resolve
from graph.saved.queries import Draft
from graph.saved.store import delete_query, save_query
from tests.graph.bundles.test_exporting import rows_of, stream_of
from tests.helpers.bundles import bundle, evidence
from tests.helpers.copies import import_once
from tests.helpers.graph_dump import ask
from tests.helpers.writes import SMALL, WRITES, submitted

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

A_WEEK = timedelta(days=7)


async def follow(database: Database, after: EventId | None, limit: int = 1_000) -> list[Event]:
    """All events after one, in pages."""
    events: list[Event] = []
    while True:
        page: Page = await database.read(lambda unit: read_page(unit, after, limit))  # noqa: B023 - awaited at once
        events += page.events
        after = page.last_id
        if not page.has_more:
            return events


async def latest(database: Database) -> EventId:
    """The id of the latest event."""
    return await database.read(read_latest_id)


async def changed_rows(database: Database, before: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The rows of exports that differ: made, changed or deleted, each with its list."""
    texts = [
        {(name, json.dumps(row, sort_keys=True)) for name, row in rows} for rows in (before, await export(database))
    ]
    return [(name, json.loads(text)) for name, text in sorted(texts[0] ^ texts[1])]


async def export(database: Database) -> list[tuple[str, Any]]:
    """The rows of an export, and their lists."""
    return [(name, row) for name, row in rows_of(await stream_of(database)) if name in LISTS]


def is_noted(name: str, row: Any, noted: dict[str, set[str]]) -> bool:
    """Whether events name a row, or the claim that it belongs to."""
    if name in {"predictions", "killers", "scenarios"}:
        return row["id"] in noted["claim_ids"]
    if name == "influences":
        return row["child_id"] in noted["child_ids"]
    if name == "evidence":
        return row["id"] in noted["entry_ids"] and row["claim_id"] in noted["claim_ids"]
    if name == "versions":  # it is what its node has become
        owners = {row["subject_id"], row.get("owner_id")}
        others = {f"{found}:{row['subject_id']}" for found in VERSION_LISTS.values()}
        return bool(owners & noted["claim_ids"] or others & noted["row_ids"])
    owner = row.get("prediction_id", row.get("claim_id"))
    named = f"{name}:{row_id(ROW_LISTS[name].row.model_validate(row))}" in noted["row_ids"]
    return named or (name in {"milestones", "exposures", "document_links"} and owner in noted["claim_ids"])


def all_noted(events: Sequence[Event]) -> dict[str, set[str]]:
    """The ids that events name, by kind."""
    names = ("claim_ids", "child_ids", "row_ids", "entry_ids")
    return {name: {row for event in events for row in getattr(event, name)} for name in names}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.one_release
async def test_a_write_is_in_the_feed_with_all_rows_that_it_changed(database: Database, name: str) -> None:
    """What differs between an export before it and one after it."""
    await import_once(database, SMALL)
    before, known = await export(database), await latest(database)

    await WRITES[name](database)

    events = await follow(database, known)
    noted = all_noted(events)
    changed = await changed_rows(database, before)
    assert [entry for entry in changed if not is_noted(*entry, noted)] == []
    assert noted["entry_ids"] == {row["id"] for list_name, row in changed if list_name == "evidence"}
    assert {event.kind for event in events} == {EventKind.WRITE}
    if name == "beliefs rebuilt":
        assert noted["claim_ids"] == {
            row["id"] for found, row in before if found in {"predictions", "killers", "scenarios"}
        }


async def test_what_a_large_write_changed_is_in_several_events(database: Database) -> None:
    """An event names a thousand rows of a kind; those of a write follow each other, and name each row once."""
    await import_once(database, SMALL)
    known = await latest(database)
    rows = [evidence(f"L_{n:04}", "P_3", recorded_at=f"2026-05-20T00:00:00.{n:06}Z") for n in range(2 * MAX_NOTED + 1)]

    await import_bundle(database, bundle(evidence=rows))

    events = await follow(database, known)
    entry_ids = [entry for event in events for entry in event.entry_ids]
    assert sorted(entry_ids) == [row["id"] for row in rows]
    assert max(len(event.entry_ids) for event in events) <= MAX_NOTED
    assert [event.is_partial for event in events] == [True] + [False] * (len(events) - 1)
    assert {event.claim_ids for event in events} == {("P_3",), ()}
    assert [event.id.position - events[0].id.position for event in events] == list(range(len(events)))
    assert {event.id.revision for event in events} == {known.revision + 1}


async def test_what_moves_beliefs_without_a_write_is_in_the_feed(database: Database) -> None:
    """A propagation run: the marginals that it has stored, and its end; and posteriors that drift with time."""
    await import_once(database, SMALL)
    known, engine = await latest(database), Engine()

    answered = await propagate(database, engine, Request())
    moved = [row[0] for row in await ask(database, "MATCH (c:Claim) WHERE c.marginal IS NOT NULL RETURN c.id")]
    await refresh_posteriors(database, datetime.now(UTC) + A_WEEK)
    engine.close()

    beliefs, ended, drifted = await follow(database, known)
    assert (beliefs.kind, ended.kind, drifted.kind) == (EventKind.BELIEFS, EventKind.PROPAGATION, EventKind.BELIEFS)
    assert sorted(beliefs.belief_ids) == sorted(moved)
    assert ended.run_id == answered.payload["run"]["id"]
    everyone = [row[0] for row in await ask(database, "MATCH (c:Claim) RETURN c.id")]
    assert sorted(drifted.belief_ids) == sorted(everyone)


async def test_a_saved_query_is_in_the_feed(database: Database, database_address: DatabaseAddress) -> None:
    """Each version of it, the deletion included."""
    known = await latest(database)
    async with Adhoc(database_address) as adhoc:
        await save_query(database, adhoc, Draft("mine", "RETURN 1 AS one"), caller="")
    await delete_query(database, "mine")

    assert [(event.kind, event.row_ids) for event in await follow(database, known)] == [
        (EventKind.ROWS, ("saved_queries:mine@1",)),
        (EventKind.ROWS, ("saved_queries:mine@2",)),
    ]


async def test_events_of_concurrent_writers_come_in_one_order(database: Database) -> None:
    """A reader that goes on from its last id while they write sees each event once, and none is left out."""
    await import_once(database, SMALL)
    seen: list[Event] = []
    known, is_over = await latest(database), False

    async def write_on(number: int) -> list[str]:
        answers = [await submitted(f"P_{number}", f"{number} {n}")(database) for n in range(20)]
        return [item["evidence_id"] for answer in answers for item in answer.payload["items"]]

    async def read_on() -> None:
        after = known
        while not is_over or after != await latest(database):
            page = await database.read(lambda unit: read_page(unit, after, 3))  # noqa: B023 - awaited at once
            seen.extend(page.events)
            after = page.last_id

    reading = asyncio.create_task(read_on())
    written = await asyncio.gather(*(write_on(number) for number in range(4)))
    is_over = True
    await reading

    positions = [event.id.position for event in seen]
    assert positions == list(range(known.position + PLACES, positions[-1] + 1, PLACES))
    told = [entry for event in seen for entry in event.entry_ids]
    assert sorted(told) == sorted(entry for entries in written for entry in entries)


async def test_a_refused_write_and_a_dry_run_leave_no_event(database: Database) -> None:
    """Events are of the write's own transaction."""
    await import_once(database, SMALL)
    known = await latest(database)

    await resolve(database, "P_0", Outcome(status=ClaimStatus.RESOLVED_TRUE), is_dry_run=True)
    with pytest.raises(NotFoundError):
        await submitted("NOT_A_CLAIM")(database)

    assert await follow(database, known) == []
    assert await latest(database) == known


async def test_old_events_go_and_a_reader_behind_them_is_told(database: Database) -> None:
    """By age, and by number; the latest revisions stay in any case, and a reader who is not behind goes on."""
    await fill(database, KEPT_REVISIONS + 10)
    ids = [event.id for event in await follow(database, None)]
    now = datetime.now(UTC)

    assert await purge_events(database, Retention(A_WEEK, 10 * KEPT_REVISIONS), now) == 0
    assert not await is_purge_due(database, Retention(A_WEEK, 10 * KEPT_REVISIONS), now)
    assert await is_purge_due(database, Retention(A_WEEK, KEPT_REVISIONS + 5), now)
    assert await purge_events(database, Retention(A_WEEK, KEPT_REVISIONS + 5), now) == 5
    with pytest.raises(GoneEventError, match="removed by its age"):
        await follow(database, ids[3])
    assert [event.id for event in await follow(database, ids[4])] == ids[5:]
    assert await purge_events(database, Retention(A_WEEK, 10 * KEPT_REVISIONS), now + 2 * A_WEEK) == 4

    assert [event.id for event in await follow(database, None)] == ids[9:]
    assert not await is_purge_due(database, Retention(A_WEEK, 1), now + 2 * A_WEEK)
    with pytest.raises(GoneEventError, match=str(ids[-1])):
        await follow(database, ids[7])


async def fill(database: Database, num_events: int) -> None:
    """Write a number of revisions that change nothing."""
    async with database.open_session() as session:
        text = (
            "UNWIND range(1, $num) AS n MERGE (graph:Graph {id: 'graph'}) SET graph.revision = n, "
            "graph.feed_place = 0, graph.feed_began_at = coalesce(graph.feed_began_at, datetime.realtime()) "
            "CREATE (:FeedEvent {position: n * 1000000, kind: 'WRITE', revised_at: datetime.realtime()})"
        )
        await (await session.run(text, num=num_events)).consume()


async def test_an_id_of_another_graph_is_refused(database: Database) -> None:
    """One that was emptied, and one that was set back to an earlier state."""
    await import_once(database, SMALL)
    known = await latest(database)

    with pytest.raises(GoneEventError, match="another graph"):
        await follow(database, EventId(known.feed + 1, known.position))
    with pytest.raises(GoneEventError, match="another graph, or of a later state"):
        await follow(database, EventId(known.feed, known.position + 1))


async def test_a_reader_of_an_empty_graph_goes_on_with_its_first_event(database: Database) -> None:
    """Its id is one of a feed that has not begun."""
    known = await latest(database)
    assert (str(known), await follow(database, known)) == ("0-0-0", [])

    await import_once(database, SMALL)

    assert [event.id.revision for event in await follow(database, known)] == [1]
    assert await follow(database, known) == await follow(database, None)


@pytest.mark.parametrize("text", ["", "1", "1-2", "1-2-3-4", "a-1-0", "1-1-0 ", "\uff11-1-0", "1" * 40 + "-1-0"])
@pytest.mark.one_release
def test_a_text_that_is_no_id_is_refused(text: str) -> None:
    """With an example of one."""
    with pytest.raises(InvalidError, match="such as 1764158400123-17-0"):
        EventId.parse(text)


@pytest.mark.parametrize("make", [lambda: EventId(1764158400123, 17 * PLACES + 4), lambda: EventId(0, 0)])
@pytest.mark.one_release
def test_an_id_is_read_back(make: Callable[[], EventId]) -> None:
    """Its text is all that a client keeps."""
    assert EventId.parse(str(make())) == make()
