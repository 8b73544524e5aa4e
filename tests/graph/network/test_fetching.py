"""Reading the network: page by page, and what writes have changed since."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, LiteralString, TypeVar

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graph.database.revisions import MAX_NOTED, UNKNOWN_CHANGES, Changes, changes_of_claims, raise_revision
from graph.database.sessions import Database, Reading, Unit
from graph.errors import BusyError, OversizeError
from graph.network import fetching as fetching_module
from graph.network.fetching import fetch_snapshot, fetch_state, update_snapshot
from graph.network.view import Snapshot, State
from graph.subjects.upserts import Change, upsert
from tests.helpers.copies import import_once
from tests.helpers.diamond import diamond
from tests.helpers.snapshots import Rows

T = TypeVar("T")

Note = Sequence[Any]
COLUMNS = (
    "stated",
    "inside",
    "base_rates",
    "statuses",
    "starts",
    "deadlines",
    "resolved",
    "final_rates",
    "final_trfs",
    "calibrations",
)


def assert_same(found: Snapshot, expected: Snapshot) -> None:
    """Equal bit for bit, the state included."""
    assert found.state == expected.state
    assert (found.ids, dict(found.indices)) == (expected.ids, dict(expected.indices))
    for name in COLUMNS:
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert ours.dtype == theirs.dtype
        assert_array_equal(ours, theirs)
    assert found.influences.rows() == expected.influences.rows()
    assert list(found.families) == list(expected.families)


def stored(revision: int = 1) -> Rows:
    """Two claims with an influence, one a page, of a graph that nobody writes to."""

    def claim(name: str, class_id: str | None, year: int | None) -> list[Any]:
        return [name, 0.5, None, "OPEN", class_id, year, None, None, None, None, None, None]

    pages: list[list[Any]] = [[claim("A", None, None)], [claim("B", "such", 2026)], []]
    influences: list[list[Any]] = [[["A", "B", "KILLS", 0.1, 0.6]], [["B", "Z", "KILLS", 0.1, 0.6]], []]
    return Rows(
        lock_revision=[[]],
        list_claims=[[{"claims": page}] for page in pages],
        list_influences=[[{"influences": page}] for page in influences],
        list_nodes=[[{"properties": ["such", 0.2]}], []],
        list_families=[[]],
        get_revision=[[{"revision": revision, "revised_at": 1}]],
    )


async def test_a_snapshot_is_read_page_by_page() -> None:
    """An influence on a claim that does not exist is left out; a year is a window, an absent number NaN."""
    rows = stored()
    found = await fetch_snapshot(rows, page_claims=1)

    assert found.ids == ("A", "B")
    assert found.influences.rows() == [(0, 1, "KILLS", 0.1, 0.6)]
    assert_array_equal(found.base_rates, [np.nan, 0.2])
    assert_array_equal(np.isnat(found.starts), [True, False])
    assert_array_equal(found.inside, [np.nan, np.nan])
    assert [parameters["after"] for name, parameters in rows.asked if name == "network/list_claims"] == ["", "A", "B"]


async def test_a_network_beyond_the_limits_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second claim is one too many."""
    monkeypatch.setattr(fetching_module, "MAX_CLAIMS", 1)
    rows = stored()

    with pytest.raises(OversizeError, match="at most 1 claims") as refused:
        await fetch_snapshot(rows, page_claims=1)
    assert (refused.value.size, refused.value.limit) == (2, 1)
    assert sum(name == "network/list_claims" for name, _ in rows.asked) == 2


@pytest.mark.parametrize(
    ("notes", "is_enough"),
    [
        ([[1, 1, None, None, []], [2, 7, [], [], []], [3, 9, [], [], []]], True),
        ([[2, 7, [], [], []], [3, 9, [], [], []]], False),
        ([[1, 1, [], [], []], [3, 9, [], [], []]], False),
        ([[1, 1, [], [], []], [2, 7, [], [], []]], False),
        ([[1, 2, [], [], []], [2, 7, [], [], []], [3, 9, [], [], []]], False),
        ([[1, 1, [], [], []], [2, 7, [], [], []], [3, 8, [], [], []]], False),
        ([[1, 1, [], [], []], [2, 7, None, None, []], [3, 9, [], [], []]], False),
        ([[1, 1, [], [], []], [2, 7, ["A"], ["B"], []], [3, 9, ["C"], ["D"], []]], False),
        ([], False),
    ],
)
async def test_notes_must_be_whole_and_of_the_same_graph(
    monkeypatch: pytest.MonkeyPatch, notes: list[Note], *, is_enough: bool
) -> None:
    """From the snapshot's own revision to the graph's, by number and moment; none unknown, and not too many."""
    monkeypatch.setattr(fetching_module, "MAX_CHANGED", 3)
    before = await fetch_snapshot(stored(), page_claims=1)
    rows = Rows(
        lock_revision=[[]],
        get_revision=[[{"revision": 3, "revised_at": 9}]],
        list_changes=[[{"changes": notes}]],
        list_changed=[[{"claims": [], "influences": []}]],
    )

    found = await update_snapshot(rows, before)

    assert (found is not None) is is_enough
    assert found is None or found.state == State(3, 9)


class Interrupted:
    """A reading during which, before it reads the second page of claims, somebody writes."""

    def __init__(self, reading: Reading, write: Callable[[], Awaitable[object]]) -> None:
        self._reading, self._write = reading, write

    async def run(self, name: str, /, **parameters: object) -> list[dict[str, Any]]:
        """Run a statement, the write before it where that is due."""
        if name == "network/list_claims" and parameters["after"]:
            await self._reading.read_after(None)  # a transaction that is open would expire on a slow machine
            await self._write()
        return await self._reading.run(name, **parameters)

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """Run a write transaction."""
        return await self._reading.write(work)


async def test_a_snapshot_holds_what_was_written_while_it_was_read(database: Database) -> None:
    """Before the page that it is on, and behind it; as if it had been read afterwards."""
    await import_once(database, diamond())

    async def write() -> None:
        values = {"kind": "KILLS", "parent_id": "P_B", "child_id": "S_NEW", "p_if_true": 0.2, "p_if_false": 0.4}
        await upsert(database, Change("scenarios", {"id": "S_NEW", "title": "New", "stated_probability": 0.3}))
        await upsert(database, Change("influences", values))

    async with database.reading() as reading:
        during = await fetch_snapshot(Interrupted(reading, write), page_claims=2)
        after = await fetch_snapshot(reading)

    assert "S_NEW" in during.ids
    assert_same(during, after)


async def test_writes_that_never_pause_nor_tell_what_they_change_are_reported(database: Database) -> None:
    """After the last attempt."""
    await import_once(database, diamond())

    async def write() -> None:
        await database.write(lambda unit: raise_revision(unit, UNKNOWN_CHANGES))

    async with database.reading() as reading:
        with pytest.raises(BusyError, match="interrupted all 5 attempts"):
            await fetch_snapshot(Interrupted(reading, write), page_claims=2)


async def test_a_write_that_does_not_tell_what_it_changes_has_all_read_again(database: Database) -> None:
    """Whoever forgets costs time, and nothing is wrong."""
    await import_once(database, diamond())
    async with database.reading() as reading:
        before = await fetch_snapshot(reading)
        await database.write(lambda unit: raise_revision(unit, UNKNOWN_CHANGES))

        assert await update_snapshot(reading, before) is None
        assert (await fetch_snapshot(reading)).state == await fetch_state(reading)


def test_a_write_of_many_claims_notes_none_of_them() -> None:
    """All is read again; so it is where nobody says which."""
    many = [f"P_{number}" for number in range(MAX_NOTED)]

    noted = {"claim_ids": sorted(many), "child_ids": [], "row_ids": [], "entry_ids": []}
    assert Changes(many).parameters() == {**noted, "parts": []}
    unknown = UNKNOWN_CHANGES.parameters()
    assert Changes(many, ["P_X"]).parameters() == {
        **unknown,
        "parts": [{"claim_ids": sorted(many)}, {"child_ids": ["P_X"]}],
    }
    assert unknown == {"claim_ids": None, "child_ids": None, "row_ids": None, "entry_ids": [], "parts": []}
    assert changes_of_claims([]) is UNKNOWN_CHANGES


async def test_a_thousand_notes_are_kept(database: Database) -> None:
    """A snapshot that is further behind is read anew; what the notes take stays the same."""
    await import_once(database, diamond())
    async with database.reading() as reading:
        first = await fetch_snapshot(reading)

        await run(
            database,
            "MATCH (graph:Graph {id: 'graph'}) SET graph.revision = 999 WITH graph UNWIND range(2, 999) AS revision "
            "CREATE (:Change {revision: revision, revised_at: graph.revised_at, claim_ids: [], child_ids: []})",
        )
        await database.write(lambda unit: raise_revision(unit, Changes()))
        updated = await update_snapshot(reading, first)
        await database.write(lambda unit: raise_revision(unit, Changes()))
        too_late = await update_snapshot(reading, first)

    assert updated is not None
    assert_same(updated, in_state(first, updated.state))
    assert too_late is None
    assert await run(database, "MATCH (change:Change) RETURN count(change) AS num") == [{"num": 1_000}]


async def run(database: Database, text: LiteralString) -> list[dict[str, Any]]:
    """Run a statement of the test's own."""
    async with database.open_session() as session:
        return await (await session.run(text)).data()


def in_state(snapshot: Snapshot, state: State) -> Snapshot:
    """The same claims and influences in another state."""
    columns = {name: getattr(snapshot, name) for name in COLUMNS}
    return Snapshot(state, snapshot.ids, snapshot.indices, influences=snapshot.influences, **columns)


async def test_a_reader_waits_for_a_write_under_way(database: Database) -> None:
    """It never sees a revision of which a part is still to come."""
    await import_once(database, diamond())
    async with database.reading() as reading:
        before = await fetch_snapshot(reading)
        async with database.holding("database/lock_revision") as writer:
            update = asyncio.create_task(update_snapshot(reading, before))
            await asyncio.sleep(0.2)
            is_waiting = not update.done()
            await raise_revision(writer, Changes(["P_B"]))
        found = await update

    assert is_waiting
    assert found is not None
    assert found.state.revision == before.state.revision + 1
