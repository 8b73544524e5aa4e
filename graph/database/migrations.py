"""Schema migrations: ordered files, each applied once, under a lock."""

from collections.abc import Sequence

from cypher import Migration, list_migrations
from graph.database.sessions import Database, Unit
from graph.errors import MigrationDriftError

POPULATION_SECONDS = 3600
"""The most seconds that indexes take to be made; a graph of a million claims needs some minutes."""

# The lock needs its node to be unique before anything else; harmless to repeat.
LOCK_CONSTRAINT = "CREATE CONSTRAINT graph_id IF NOT EXISTS FOR (n:Graph) REQUIRE n.id IS UNIQUE"


async def migrate(database: Database) -> tuple[str, ...]:
    """
    Apply pending migrations, and wait until all indexes can be read; returns the migrations' names.

    A second process waits for the first and then finds nothing to do. A process that is killed half-way leaves its
    migrations unrecorded, and since each is harmless to repeat the next process applies them again.

    Raises:
        MigrationDriftError: An applied migration's file has changed or is missing.
    """
    applied = await _apply_pending(database)
    await database.read(_await_indexes, timeout_seconds=POPULATION_SECONDS)
    return applied


async def _apply_pending(database: Database) -> tuple[str, ...]:
    if not await pending_migrations(database):
        return ()
    await database.run_schema(LOCK_CONSTRAINT)
    async with database.holding("database/lock_migrations", unknown_names_are_fine=True) as lock:
        # Read with the lock, and where the lock is: on a cluster another member may be behind.
        pending = _pending(await _list_applied(lock))
        for migration in pending:
            for text in migration.statements:
                await database.run_schema(text)
            await lock.run("database/record_migration", entry=f"{migration.name}:{migration.checksum}")
    return tuple(migration.name for migration in pending)


async def _await_indexes(unit: Unit) -> None:
    """Wait for indexes, as no plan may use one that is still being made, and making many holds up statements."""
    await unit.run("database/await_indexes", timeout_seconds=POPULATION_SECONDS)


async def is_migrated(database: Database) -> bool:
    """Whether no migration is pending."""
    return not await pending_migrations(database)


async def pending_migrations(database: Database) -> tuple[Migration, ...]:
    """
    List the migrations that have not been applied yet, in order.

    Raises:
        MigrationDriftError: An applied migration's file has changed or is missing, or an earlier one was skipped.
    """
    return _pending(await database.read(_list_applied, unknown_names_are_fine=True))


def _pending(applied: Sequence[str]) -> tuple[Migration, ...]:
    migrations = list_migrations()
    for position, entry in enumerate(applied):
        name, _, checksum = entry.partition(":")
        found = migrations[position] if position < len(migrations) else None
        if found is None or found.name != name:
            raise MigrationDriftError(_missing_message(name, found))
        if found.checksum != checksum:
            raise MigrationDriftError(_changed_message(name, checksum, found.checksum))
    return migrations[len(applied) :]


async def _list_applied(unit: Unit) -> list[str]:
    rows = await unit.run("database/list_migrations")
    return list(rows[0]["applied"]) if rows else []


def _missing_message(name: str, found: Migration | None) -> str:
    instead = f"found {found.name}.cypher in its place" if found else "found no such file"
    return (
        f"the database was migrated with {name}.cypher, {instead}; "
        "run the version of Foregraph that made this database, or a newer one, or restore an earlier backup"
    )


def _changed_message(name: str, applied: str, found: str) -> str:
    return (
        f"{name}.cypher has changed since it was applied (checksum then {applied[:12]}, now {found[:12]}); "
        "restore the file and make the change in a new migration"
    )
