"""Surroundings of a command: its settings, its database, and a schema of this version."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import click

from api import service
from api.logging import configure_logging
from api.settings import Settings, load_settings
from api.telemetry import list_log_processors
from cypher import list_migrations
from graph.database.migrations import is_migrated
from graph.database.migrations import migrate as apply_migrations
from graph.database.sessions import Database, DatabaseAddress, Unit
from graph.errors import ConfigurationError
from graph.inference.policies import FOREGRAPH_2
from graph.ledger.contributions import convert_contributions
from graph.ledger.derived import note_derived
from graph.ledger.settings import set_policy
from graph.subjects.search_words import ensure_searchable

T = TypeVar("T")


def configure(**overrides: object) -> Settings:
    """Load the settings, and set the log up by them; values that are given come before those of the environment."""
    chosen = load_settings(**overrides)
    more = list_log_processors(chosen)
    configure_logging(log_format=chosen.log_format, log_level=chosen.log_level, more=more)
    return chosen


async def migrate_graph(database: Database) -> tuple[str, ...]:
    """
    Apply pending migrations, and make the words of search where an older version wrote the graph; returns names.

    A graph that gets its schema here is new, so nothing in it is of an older version.
    """
    await convert_contributions(database)
    applied = await apply_migrations(database)

    def tell(num_nodes: int) -> None:
        click.echo(f"Made {num_nodes:,} nodes of an older version searchable", err=True)

    is_new = len(applied) == len(list_migrations())
    await ensure_searchable(database, is_new=is_new, on_progress=tell)
    if is_new:
        await note_derived(database)
        await database.write(partial(set_policy, policy=FOREGRAPH_2.name, moment=datetime.now(UTC)))
    return applied


async def require_migrated(database: Database) -> None:
    """
    Check that the graph has this version's schema.

    Raises:
        ConfigurationError: It has not.
    """
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
