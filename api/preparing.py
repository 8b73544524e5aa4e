"""Brings a graph into the state that requests need: its schema, its beliefs, and the sample where it is empty."""

from datetime import UTC, datetime
from functools import partial

import click

from cypher import list_migrations
from graph.bundles.importing import import_bundle, is_empty
from graph.bundles.unfinished import list_unfinished
from graph.database.migrations import migrate as apply_migrations
from graph.database.sessions import Database
from graph.errors import MigrationDriftError
from graph.inference.policies import FOREGRAPH_2
from graph.ledger.contributions import convert_contributions
from graph.ledger.derived import DERIVED_VERSION, ensure_rebuilt, note_derived, read_derived_version
from graph.ledger.settings import set_policy
from graph.sample import Sample
from graph.sample.loading import load_samples
from graph.subjects.search_words import SEARCH_VERSION, ensure_searchable, read_search_version


async def prepare_graph(database: Database, sample: Sample) -> None:
    """Migrate a graph, recompute beliefs that an older version wrote, and load the sample if it is empty."""
    await migrate_graph(database)
    if await ensure_rebuilt(database):
        click.echo("This graph was written by an older version: recomputed its beliefs from the ledger", err=True)
    for unfinished in await list_unfinished(database):
        click.echo(f"foregraph: {unfinished}", err=True)
    if sample is not Sample.NONE and await is_empty(database):
        bundle = load_samples(sample)
        click.echo(f"The database is empty: loading the sample ({bundle.num_rows()} rows)", err=True)
        await import_bundle(database, bundle)


async def require_not_newer(database: Database) -> None:
    """
    Check that no newer version has computed what is stored, which this one would neither keep up nor compute again.

    Raises:
        MigrationDriftError: One has.
    """
    derived, search = await read_derived_version(database), await read_search_version(database)
    for name, found, known in (
        ("derived values", derived, DERIVED_VERSION),
        ("words of search", search, SEARCH_VERSION),
    ):
        if found > known:
            message = (
                f"the graph's {name} are of version {found}, and this version of Foregraph knows none after {known}; "
                "run the version that wrote this graph, or a newer one, or restore an earlier backup"
            )
            raise MigrationDriftError(message)


async def migrate_graph(database: Database) -> tuple[str, ...]:
    """
    Apply pending migrations, and make the words of search where an older version wrote the graph; returns names.

    A graph that gets its schema here is new, so nothing in it is of an older version.

    Raises:
        MigrationDriftError: A newer version has written the graph, or an applied migration's file has changed.
    """
    await require_not_newer(database)
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
