"""The schema is brought up to date once, in order, by whoever comes first, and drift is named."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from cypher import list_migrations
from graph.database.address import DatabaseAddress
from graph.database.migrations import is_migrated, migrate, pending_migrations
from graph.database.sessions import Database
from graph.errors import MigrationDriftError
from tests.helpers.database import StatementCounter
from tests.helpers.stored import read

pytestmark = pytest.mark.statements

NAMES = tuple(migration.name for migration in list_migrations())
ENTRIES = [f"{migration.name}:{migration.checksum}" for migration in list_migrations()]


async def applied(database: Database) -> list[str]:
    """What the database has noted."""
    async with database.open_session() as session:
        result = await session.run("MATCH (g:Graph {id: 'migrations'}) RETURN g.applied AS applied")
        return list((await result.single(strict=True))["applied"])


async def note(database: Database, entries: Sequence[str]) -> None:
    """Have the database believe that these were applied."""
    async with database.open_session() as session:
        await (
            await session.run("MATCH (g:Graph {id: 'migrations'}) SET g.applied = $entries", entries=list(entries))
        ).consume()


async def schema(database: Database) -> set[tuple[str, str]]:
    """The names and kinds of all indexes and constraints."""
    async with database.open_session() as session:
        indexes = await session.run("SHOW INDEXES YIELD name, type RETURN name, type")
        found = {(record["name"], record["type"]) async for record in indexes}
        constraints = await session.run("SHOW CONSTRAINTS YIELD name, type RETURN name, type")
        return found | {(record["name"], record["type"]) async for record in constraints}


@pytest.fixture
async def migrated(migrated_database: Database, statements: StatementCounter) -> AsyncIterator[Database]:
    """The run's database, whose notes and indexes are put right again whatever a test did to them."""
    whole = await schema(migrated_database)
    statements.reset()
    yield migrated_database
    if await schema(migrated_database) == whole:
        await note(migrated_database, ENTRIES)
        return
    await note(migrated_database, ENTRIES[:1])
    await migrate(migrated_database)


async def test_all_migrations_apply_in_order_and_once(migrated: Database, statements: StatementCounter) -> None:
    """The second call asks what was applied, and does nothing."""
    await note(migrated, [])
    statements.reset()

    first = await migrate(migrated)
    noted, ran = await applied(migrated), list(statements.names)
    statements.reset()
    second = await migrate(migrated)

    assert first == NAMES
    assert noted == ENTRIES
    assert ran.count("database/record_migration") == len(NAMES)
    assert second == ()
    assert statements.names == ["database/list_migrations", "database/await_indexes"]
    assert await is_migrated(migrated)


async def test_only_what_is_missing_applies(migrated: Database) -> None:
    """A newer Foregraph adds its own to what an older one has applied."""
    await note(migrated, ENTRIES[:2])
    assert not await is_migrated(migrated)
    assert [migration.name for migration in await pending_migrations(migrated)] == list(NAMES[2:])

    assert await migrate(migrated) == NAMES[2:]
    assert await applied(migrated) == ENTRIES


async def test_a_starter_killed_half_way_is_made_good(migrated: Database) -> None:
    """What it did but did not note is done again harmlessly, and what it did not do is done."""
    whole = await schema(migrated)
    await migrated.run_schema("DROP INDEX about_claim_key")
    await migrated.run_schema("DROP INDEX search_words")
    assert await schema(migrated) < whole
    await note(migrated, ENTRIES[:1])

    assert await migrate(migrated) == NAMES[1:]
    assert await schema(migrated) == whole
    assert await applied(migrated) == ENTRIES


async def test_all_indexes_can_be_read_afterwards(migrated: Database) -> None:
    """Those of a graph with 30,000 claims are not made at once."""
    await migrated.run_schema("UNWIND range(1, 30000) AS at CREATE (:Claim {kind_key: 'Killer', id: 'K' + at})")
    try:
        await migrated.run_schema("DROP INDEX claim_kind_id")
        await note(migrated, ENTRIES[: NAMES.index("0027_kinds")])

        await migrate(migrated)

        rows = await read(migrated, "SHOW INDEXES YIELD state RETURN DISTINCT state")
        assert rows == [{"state": "ONLINE"}]
    finally:
        await migrated.run_schema("MATCH (n:Claim) DETACH DELETE n")


async def test_two_starters_at_once_apply_once(database_address: DatabaseAddress, migrated: Database) -> None:
    """The later one waits for the lock and then finds nothing to do."""
    await note(migrated, [])

    async with Database.open(database_address) as one, Database.open(database_address) as other:
        outcomes = await asyncio.gather(migrate(one), migrate(other))

    assert sorted(outcomes) == [(), NAMES]
    assert await applied(migrated) == ENTRIES


async def test_a_changed_file_is_refused_by_name(migrated: Database) -> None:
    """The operator learns which file to put back; nothing is applied meanwhile."""
    changed = [ENTRIES[0], f"{NAMES[1]}:{'0' * 64}"]
    await note(migrated, changed)

    with pytest.raises(MigrationDriftError, match=rf"{NAMES[1]}\.cypher has changed .*checksum then 000000000000"):
        await migrate(migrated)

    assert await applied(migrated) == changed


async def test_a_file_that_is_gone_is_refused_by_name(migrated: Database) -> None:
    """A database that a newer Foregraph migrated is not for this one to run."""
    await note(migrated, [*ENTRIES, "9999_later:abc"])

    with pytest.raises(MigrationDriftError, match=r"9999_later\.cypher, found no such file; .* or a newer one"):
        await migrate(migrated)


async def test_a_migration_that_was_left_out_is_refused_by_name(migrated: Database) -> None:
    """Order is part of what was applied."""
    await note(migrated, ENTRIES[1:])

    with pytest.raises(MigrationDriftError, match=rf"{NAMES[1]}\.cypher, found {NAMES[0]}\.cypher in its place"):
        await is_migrated(migrated)


@pytest.mark.parametrize(
    ("noted", "named", "instead"),
    [
        ([ENTRIES[0], "0002_other:abc", *ENTRIES[2:]], "0002_other", f"found {NAMES[1]}.cypher in its place"),
        ([ENTRIES[0], ENTRIES[0]], NAMES[0], f"found {NAMES[1]}.cypher in its place"),
    ],
    ids=["renamed file", "noted twice"],
)
async def test_notes_that_these_files_cannot_have_left_are_refused(
    migrated: Database, noted: list[str], named: str, instead: str
) -> None:
    """What an unknown step did is not to be guessed; the message says which program knows."""
    await note(migrated, noted)

    with pytest.raises(MigrationDriftError) as refused:
        await migrate(migrated)
    assert str(refused.value) == (
        f"the database was migrated with {named}.cypher, {instead}; "
        "run the version of Foregraph that made this database, or a newer one, or restore an earlier backup"
    )
    assert await applied(migrated) == noted


async def test_starters_meet_on_a_database_without_the_lock(
    database_address: DatabaseAddress, migrated: Database
) -> None:
    """A new database lacks even the constraint that makes the lock one node; those who make it at once may deadlock."""
    whole = await schema(migrated)
    # No more than that is dropped: an index made anew has other statistics, and the tests after this one other plans.
    await migrated.run_schema("DROP CONSTRAINT graph_id")
    await note(migrated, [])
    try:
        async with (
            Database.open(database_address) as one,
            Database.open(database_address) as other,
            Database.open(database_address) as third,
        ):
            outcomes = await asyncio.gather(*map(migrate, (one, other, third)))
    finally:
        await migrated.run_schema("CREATE CONSTRAINT graph_id IF NOT EXISTS FOR (n:Graph) REQUIRE n.id IS UNIQUE")

    assert sorted(outcomes) == [(), (), NAMES]
    assert await applied(migrated) == ENTRIES
    assert await schema(migrated) == whole
