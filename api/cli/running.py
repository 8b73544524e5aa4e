"""The database of a command, with a schema of this version."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from api import service
from api.cli.configuring import configure
from api.preparing import require_not_newer
from graph.database.address import DatabaseAddress
from graph.database.migrations import is_migrated
from graph.database.sessions import Database, Unit
from graph.errors import ConfigurationError

T = TypeVar("T")


async def require_migrated(database: Database) -> None:
    """
    Check that the graph has this version's schema, and nothing of a newer version.

    Raises:
        ConfigurationError: It lacks migrations.
        MigrationDriftError: A newer version has written it, or an applied migration's file has changed.
    """
    await require_not_newer(database)
    if not await is_migrated(database):
        raise ConfigurationError("the database does not have this version's schema; run `foregraph migrate` first")


def moment_of(as_of: datetime | None) -> datetime:
    """Return the moment that an option gives, in UTC; now without one."""
    return datetime.now(UTC) if as_of is None else as_of.replace(tzinfo=UTC)


def run_reading(work: Callable[[Unit], Awaitable[T]]) -> T:
    """Run one read transaction on a graph that has this version's schema."""

    async def read(database: Database) -> T:
        await require_migrated(database)
        return await database.read(work)

    return run_with_database(read)


def run_with_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """Run something on the database of the settings, once it can be reached."""

    async def run(address: DatabaseAddress) -> T:
        async with Database.open(address) as database:
            await database.verify()
            return await work(database)

    return run_with_address(run)


def run_with_address(work: Callable[[DatabaseAddress], Coroutine[Any, Any, T]]) -> T:
    """Run something on the address of the database of the settings, which is started and stopped if need be."""
    chosen = configure()
    with service.stopping_on_signals(), service.find_database(chosen) as address:
        return asyncio.run(work(address))


def tell(text: str) -> None:
    """Print a line for the user beside what the command's output is."""
    click.echo(f"foregraph: {text}", err=True)
