"""The data's version rises with every write before it is acknowledged, and is never read too early."""

import asyncio

import pytest

from graph.database.address import DatabaseAddress
from graph.database.sessions import Database, join_bookmarks
from graph.database.versions import Versions
from graph.errors import UnavailableError


class Gate:
    """A database whose version is read when the test lets it; each read tells the number of writes before its start."""

    def __init__(self) -> None:
        self.num_writes = 0
        self.doors: list[asyncio.Event] = []
        self.fails = False

    async def read_version(self) -> str:
        """Wait for the door of this read."""
        seen = self.num_writes
        self.doors.append(asyncio.Event())
        await self.doors[-1].wait()
        if self.fails:
            raise UnavailableError("it is away")
        return str(seen)


async def settle() -> None:
    """Let all tasks run until they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_come_while_a_version_is_read_share_the_next_read() -> None:
    """The one under way may have begun before a write that they know of."""
    gate = Gate()
    versions = Versions(gate)
    first = [asyncio.create_task(versions.read()) for _ in range(3)]
    await settle()
    gate.num_writes = 1
    later = [asyncio.create_task(versions.read()) for _ in range(4)]
    await settle()
    assert len(gate.doors) == 1
    gate.doors[0].set()
    await settle()
    gate.num_writes = 2
    last = asyncio.create_task(versions.read())
    await settle()
    assert len(gate.doors) == 2
    gate.doors[1].set()
    await settle()
    gate.doors[2].set()

    assert [await task for task in (*first, *later, last)] == ["0"] * 3 + ["1"] * 4 + ["2"]
    assert (versions.num_reads, versions.latest) == (3, "2")


async def test_an_error_reaches_all_who_wait_and_none_who_come_later() -> None:
    gate = Gate()
    gate.fails = True
    versions = Versions(gate)
    waiting = [asyncio.create_task(versions.read()) for _ in range(2)]
    await settle()
    gate.doors[0].set()
    errors = await asyncio.gather(*waiting, return_exceptions=True)
    gate.fails = False
    later = asyncio.create_task(versions.read())
    await settle()
    gate.doors[1].set()

    assert [type(error) for error in errors] == [UnavailableError] * 2
    assert await later == "0"


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    gate = Gate()
    versions = Versions(gate)
    leaving, staying = (asyncio.create_task(versions.read()) for _ in range(2))
    await settle()
    leaving.cancel()
    await settle()
    gate.doors[0].set()

    assert await staying == "0"
    assert leaving.cancelled()


@pytest.mark.statements
async def test_every_write_raises_the_version_for_everybody(
    database: Database, database_address: DatabaseAddress
) -> None:
    """Writes of any connection, by hand too; reading does not."""
    async with Database.open(database_address) as other:
        seen = [await database.read_version()]
        for number in range(20):
            writer = (database, other)[number % 2]
            async with writer.open_session() as session:
                await (await session.run("CREATE (:Scenario {id: 'S_' + $n})", n=str(number))).consume()
            versions = {await reader.read_version() for reader in (database, other) for _ in range(3)}
            assert len(versions) == 1
            seen += versions

    assert len(set(seen)) == 21


@pytest.mark.statements
async def test_a_version_is_raised_before_its_write_is_acknowledged(
    database: Database, database_address: DatabaseAddress
) -> None:
    """With many writers at a time, each finds another version after its write than before."""

    async def write(connection: Database, reader: Database, name: str) -> None:
        for number in range(40):
            before = await reader.read_version()
            async with connection.open_session() as session:
                await (await session.run("CREATE (:Scenario {id: $id})", id=f"S_{name}_{number}")).consume()
            assert await reader.read_version() != before, (name, number)

    async with Database.open(database_address) as other:
        pairs = (database, other), (other, database), (other, other)
        await asyncio.gather(*(write(*pair, str(number)) for number, pair in enumerate(pairs)))


def test_bookmarks_are_joined() -> None:
    assert join_bookmarks(None, None) is None
    assert join_bookmarks("a", None) == "a"
    assert join_bookmarks("a", "b|c") == "a|b|c"
