"""A document's share of the service: one transaction, opened when it is needed, and loaders that batch."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count

import pytest

from graph.network.storing import Held, RunKey
from resolvers.base.context import Context, Service
from tests.helpers.fake_database import FakeDatabase
from tests.helpers.fake_unit import FakeUnit

RUNS = {"R_1": {"id": "R_1", "method": "LBP"}, "R_2": {"id": "R_2", "method": "SAMPLE"}}

HELD = {"run_id": "R_2", "run_revision": 8, "as_of": datetime(2026, 1, 1, 1, tzinfo=UTC)}
WRITER, LATER = (
    RunKey("R_1", 7, datetime(2026, 1, 1, tzinfo=UTC)),
    RunKey("R_2", 8, datetime(2026, 1, 1, 1, tzinfo=UTC)),
)


class Asked:
    """A context over a graph with two runs, whose revision rises each time that it is read."""

    def __init__(self) -> None:
        revisions = count(7)
        self.unit = FakeUnit(
            {
                "network/list_runs": lambda ids: [{"run": RUNS[name]} for name in ids if name in RUNS],
                "database/get_revision": lambda: [{"revision": 7, "revised_at": None}],
                "network/get_held": lambda: [{"revision": next(revisions), **HELD}],
                "network/list_writers": lambda ids: [{"writers": [(name, "R_1") for name in ids]}],
            }
        )
        self.fake = FakeDatabase(self.unit)
        self.service = Service.make(self.fake.database)
        self.context = Context(self.service, request_id="r-1")


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    """A document of its own for each test."""
    asked = Asked()
    yield asked
    asked.service.close()


async def test_runs_asked_for_together_are_read_together(asked: Asked) -> None:
    """Claims next to each other were mostly propagated by the same run; it is asked for once."""
    load = asked.context.runs.load
    found = await asyncio.gather(load("R_2"), load("R_1"), load("R_2"), load("R_9"))

    assert list(found) == [RUNS["R_2"], RUNS["R_1"], RUNS["R_2"], None]
    assert asked.unit.calls == [("network/list_runs", {"ids": ["R_1", "R_2", "R_9"]})]


async def test_runs_that_marginals_hold_for_are_read_together(asked: Asked) -> None:
    """Answers of one moment agree, and cost two statements however many fields and claims ask."""
    load = asked.context.held.load

    assert await asyncio.gather(*(load((name, WRITER)) for name in ("P", "P", "Q"))) == [Held(LATER, is_stale=True)] * 3
    assert asked.unit.calls == [("network/get_held", {}), ("network/list_writers", {"ids": ["P", "Q"]})]


async def test_nothing_is_remembered_between_statements(asked: Asked) -> None:
    """A mutation of the same document may have come in between."""
    assert await asked.context.held.load(("P", WRITER)) == Held(LATER, is_stale=True)
    assert await asked.context.held.load(("P", WRITER)) == Held(LATER, is_stale=False)
    await asked.context.runs.load("R_1")
    await asked.context.runs.load("R_1")

    assert asked.unit.names == ["network/get_held", "network/list_writers"] * 2 + ["network/list_runs"] * 2


async def test_a_document_that_reads_nothing_opens_nothing(asked: Asked) -> None:
    """Such as one that is only about the schema."""
    await asked.context.close()

    assert (asked.fake.num_sessions, asked.context.num_statements) == (0, 0)


async def test_all_statements_of_a_document_share_one_session(asked: Asked) -> None:
    """Which ends with the document."""
    load, unit = asked.context.runs.load, asked.context.unit
    await asyncio.gather(load("R_1"), unit.run("database/get_revision"), unit.run("database/get_revision"))
    assert (asked.fake.num_sessions, asked.fake.num_open, asked.context.num_statements) == (1, 1, 3)

    await asked.context.close()
    await asked.context.close()

    assert asked.fake.num_open == 0


async def test_documents_share_the_service_and_no_transaction(asked: Asked) -> None:
    """Each has an id and a moment of its own."""
    before = datetime.now(UTC)
    other = Context(asked.service, request_id="r-2")
    await asyncio.gather(other.runs.load("R_1"), asked.context.runs.load("R_1"))

    assert asked.fake.num_sessions == 2
    assert other.database is asked.context.database is asked.service.database
    assert asked.context.moment <= before <= other.moment
    assert (asked.context.request_id, other.request_id) == ("r-1", "r-2")
