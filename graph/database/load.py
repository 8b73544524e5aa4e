"""Load of the database's server, as far as the Community edition tells it."""

from collections.abc import Mapping
from typing import Final

from neo4j.exceptions import Neo4jError

from graph.database.sessions import Database, Unit
from graph.errors import ForegraphError

STATEMENTS: Final = ("database/get_load", "database/count_transactions", "database/count_nodes")
"""Each returns one row of figures by name."""


async def find_load(database: Database) -> Mapping[str, float] | None:
    """
    Find the server's load: bytes of heap, processor seconds, open files, open transactions and stored nodes.

    None where the server does not answer, or does not tell, as a managed one may not.
    """
    try:
        return await database.read(_get_load)
    except (ForegraphError, Neo4jError):
        return None


async def _get_load(unit: Unit) -> Mapping[str, float]:
    load: dict[str, float] = {}
    for name in STATEMENTS:
        (row,) = await unit.run(name)
        load |= row
    return load
