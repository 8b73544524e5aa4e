"""Statements by which checked rows are written, over a graph in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any, cast

import pytest

from graph.bundles.checked import Checked, Job, check_bundle
from graph.bundles.drafts import read_draft
from graph.bundles.importing import import_bundle
from graph.bundles.writing import Written, write_batches
from graph.database.sessions import Database, Row, Unit
from graph.errors import ConflictError, UnavailableError
from graph.model.bundle import BUNDLE_FORMAT, LISTS, Bundle
from graph.model.rows import Influence, Killer
from graph.model.subjects import CLAIM, CLAIM_LISTS, ROW_LISTS, NodeList, references_of
from graph.model.versions import VERSION_LISTS
from tests.helpers.bundles import bundle, claim, event, killing, prediction
from tests.helpers.fake_store import FakeStore
from tests.helpers.fake_unit import Answer, FakeUnit

EMPTY = bundle()
SOME = bundle(
    domains=[{"id": "chips"}],
    predictors=[{"id": "ada", "name": "Ada"}],
    documents=[{"id": "doc", "title": "A paper"}],
    predictions=[prediction(predictor_id="ada", domain_id="chips"), prediction("P_2")],
    killers=[claim("K_1")],
    milestones=[event()],
    influences=[killing("K_1", "P_1")],
    document_links=[{"document_id": "doc", "claim_id": "P_1"}],
)


def key_of(row: Mapping[str, Any]) -> str:
    """The id in a row's parameter; of a relationship, both ends."""
    properties = row.get("row", row)
    ends = ("parent_id", "child_id", "document_id", "claim_id", "prediction_id", "symbol")
    found = properties.get("id") or "-".join(str(properties[name]) for name in ends if name in properties)
    return str(found)


def unit_of(*, writes: bool) -> FakeUnit:
    """A graph in which every row is new, or none differs."""

    def upserted(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        return [{"created": [key_of(row) for row in rows] if writes else [], "updated": []}]

    answers: dict[str, Answer] = {f"upsert/{name}": upserted for name in LISTS}
    answers |= {f"create/{name}": lambda rows: [{"num_created": len(rows)}] for name in LISTS}
    answers |= {f"link/{name}": lambda ids: [] for name in LISTS}
    answers |= {f"record_versions/{name}": lambda **_: [{"revised": []}] for name in VERSION_LISTS.values()}
    answers |= {name: lambda **_: [] for name in ("ledger/get_setting", "bundles/find_any_claim")}
    for name in ("ledger/lock_predictors", "ledger/list_records", "database/raise_revision", "bundles/note_import"):
        answers[name] = lambda **_: []
    return FakeUnit(answers)


async def check(given: Bundle, stored: Bundle) -> Checked:
    """A bundle checked over a graph."""
    job = Job(read_draft(given.to_json()), date(2026, 4, 29), lambda _done, _total: None, is_dry_run=False)
    return await check_bundle(FakeStore(stored), job)


async def complete(given: Bundle) -> Bundle:
    """A bundle with what an import derives, as a graph has it afterwards."""
    rows = (await check(given, EMPTY)).rows
    return Bundle(format=BUNDLE_FORMAT, **{name: tuple(row for _, row in listed) for name, listed in rows.items()})


async def write(given: Bundle, unit: FakeUnit, stored: Bundle = EMPTY) -> tuple[Written, list[int]]:
    """The ids written of a bundle over a graph, and the progress."""
    checked = await check(given, stored)
    written, progress = Written(), list[int]()
    await write_batches(unit, checked, tuple(checked.batches()), written, progress.append)
    assert sum(progress) == checked.num_rows()
    return written, progress


async def test_rows_are_written_before_what_refers_to_them() -> None:
    """A relationship needs both its ends, and a milestone its prediction."""
    unit = unit_of(writes=True)
    written, _ = await write(SOME, unit)
    order = [name.partition("/")[2] for name in unit.names if name.startswith(("create/", "upsert/"))]
    subjects = {listed.label: name for name, listed in ROW_LISTS.items() if isinstance(listed, NodeList)}

    assert sorted(order) == sorted({name for name in LISTS if SOME.rows()[name]})
    for name in order:
        for reference in references_of(ROW_LISTS[name]):
            targets = CLAIM_LISTS if reference.target == CLAIM else [subjects[reference.target]]
            assert all(order.index(target) < order.index(name) for target in targets if target in order)
    assert written.created["predictions"] == ["P_1", "P_2"]
    assert written.created["milestones"] == ["P_1:check-in-1", "P_1:check-in-2", "P_1:check-in-3", "P_1:event"]


WRITING = frozenset(f"{verb}/{name}" for verb in ("create", "upsert") for name in LISTS)
"""Statements that write rows."""


async def test_new_rows_are_created_and_stored_ones_compared() -> None:
    """A look for a row that cannot be there costs the database as much as its writing."""
    everywhere, more = unit_of(writes=True), unit_of(writes=True)
    await write(SOME, everywhere)
    killers = [*SOME.rows()["killers"], Killer(id="K_2", title="K_2", stated_probability=0.5)]
    edges = [*SOME.rows()["influences"], Influence.model_validate(killing("K_2", "P_1"))]
    await write(
        SOME.model_copy(update={"killers": tuple(killers), "influences": tuple(edges)}), more, await complete(SOME)
    )

    verbs = {name.partition("/")[2]: name.partition("/")[0] for name in everywhere.names if name in WRITING}
    created = {"predictions", "killers", "milestones", "influences", "document_links"}
    assert {name for name, verb in verbs.items() if verb == "create"} == created
    rows = {name: list(map(key_of, given["rows"])) for name, given in more.calls if name.startswith("create/")}
    assert rows == {"create/killers": ["K_2"], "create/influences": ["K_2-P_1"]}
    compared = {name: list(map(key_of, given["rows"])) for name, given in more.calls if name.startswith("upsert/")}
    assert compared["upsert/killers"] == ["K_1"]
    assert compared["upsert/influences"] == ["K_1-P_1"]


async def test_a_new_row_leaves_absent_properties_out() -> None:
    """They would be sent, compared and forgotten; what is stored besides its own properties goes with it."""
    unit = unit_of(writes=True)
    await write(bundle(predictions=[prediction(predictor_id="ada")], predictors=[{"id": "ada", "name": "Ada"}]), unit)
    (row,) = next(given["rows"] for name, given in unit.calls if name == "create/predictions")

    assert None not in row.values()
    assert {"id", "predictor_id", "posterior", "predictor_deadline_key", "probability_key"} <= set(row)
    assert {"domain_id", "domain_deadline_key", "last_recorded_at"} & set(row) == set()


async def test_a_graph_that_changed_during_the_check_is_refused() -> None:
    """A row that finds no node to be tied to would be lost in silence."""
    unit = FakeUnit({"create/killers": lambda rows: [{"num_created": len(rows) - 1}]})

    with pytest.raises(ConflictError, match="import the bundle again"):
        await write(bundle(killers=[claim("K_1")]), unit)


async def test_rows_are_linked_as_soon_as_they_are_written() -> None:
    """Only those of lists that refer to other nodes, and by the ids that have changed."""
    unit = unit_of(writes=True)
    await write(SOME, unit, await complete(SOME))
    linked = {name: given["ids"] for name, given in unit.calls if name.startswith("link/")}

    assert linked == {"link/predictions": ["P_1", "P_2"], "link/killers": ["K_1"]}
    for name in linked:
        assert unit.names[unit.names.index(name) - 1] == name.replace("link/", "upsert/")


async def test_rows_that_change_nothing_cost_their_own_statements_alone() -> None:
    """Nothing is linked, recomputed or counted as a revision."""
    unit = unit_of(writes=False)
    written, _ = await write(SOME, unit, await complete(SOME))

    assert {name.partition("/")[0] for name in unit.names} == {"upsert"}
    assert not any([*written.created.values(), *written.updated.values()])


async def test_a_revision_is_raised_once_and_last() -> None:
    """Readers compare it to see whether what they have kept still holds."""
    unit = unit_of(writes=True)
    await write(SOME, unit)

    assert unit.names.index("database/raise_revision") == len(unit.names) - 1


async def test_records_follow_their_predictors_and_outcomes() -> None:
    """Of a new predictor, and of one whose prediction comes with an outcome; an open one counts for nothing."""
    ada, bob, eve = ({"id": name, "name": name} for name in ("ada", "bob", "eve"))
    resolved = {"status": "RESOLVED_TRUE", "resolved_at": "2026-03-01T00:00:00Z"}
    predictions = [prediction("P_2", predictor_id="ada", **resolved), prediction(predictor_id="bob")]
    unit = unit_of(writes=True)
    await write(bundle(predictors=[eve], predictions=predictions), unit, stored=bundle(predictors=[ada, bob]))

    assert [given["ids"] for name, given in unit.calls if name == "ledger/lock_predictors"] == [["ada", "eve"]]


async def test_an_empty_bundle_asks_for_nothing() -> None:
    """It has no rows, and so no progress either."""
    unit = unit_of(writes=True)
    _, progress = await write(EMPTY, unit)

    assert (unit.calls, progress) == ([], [])


def test_what_several_transactions_have_written_adds_up() -> None:
    """List by list; a list that one did not touch counts for nothing."""
    total, first, second = Written(), Written(), Written()
    first.note("predictions", ["P_1"], ["P_2"])
    first.note("predictions", ["P_3"], [])
    second.note("predictions", ["P_4"], [])
    second.note("domains", [], ["chips"])
    for part in (first, second):
        total.add(part)

    assert {name: ids for name, ids in total.created.items() if ids} == {"predictions": ["P_1", "P_3", "P_4"]}
    assert {name: ids for name, ids in total.updated.items() if ids} == {"predictions": ["P_2"], "domains": ["chips"]}


class LosesItsLock:
    """A database that ends the transaction that holds a lock while a number of others are written."""

    def __init__(self, num_writes: int) -> None:
        self._num_writes = num_writes
        self.num_written = 0

    @asynccontextmanager
    async def holding(self, name: str) -> AsyncIterator[Unit]:
        """Take a lock."""
        store = FakeStore(EMPTY)
        store.answer(name, self._hold)
        yield store

    def _hold(self) -> list[Row]:
        if self.num_written == self._num_writes:
            raise UnavailableError("the transaction was terminated")
        return []

    async def write(self, work: Callable[[Unit], Awaitable[None]]) -> None:
        """Write in another transaction."""
        await work(unit_of(writes=True))
        self.num_written += 1


@pytest.mark.parametrize("num_writes", [1, 2])
async def test_an_import_in_parts_ends_where_its_lock_is_lost(num_writes: int) -> None:
    """Whoever gets the lock next may write what the parts still to come take for absent."""
    long = {"raw_metadata": "x" * 5_000_000}
    database = LosesItsLock(num_writes)

    with pytest.raises(UnavailableError, match="terminated"):
        await import_bundle(
            cast("Database", database), bundle(predictions=[prediction(f"P_{n}", **long) for n in range(12)])
        )

    assert database.num_written == num_writes
