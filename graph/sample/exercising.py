"""The work of the training run: typical work of a client, so that a fresh server is quick at it."""

from collections.abc import Iterator
from typing import Final, LiteralString, TypeVar

from cypher import list_migrations
from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.database.statements import list_statements, statement
from graph.model.bundle import BUNDLE_FORMAT, LISTS, Bundle
from graph.model.rows import Row
from graph.reading.warming import warm
from graph.sample.loading import load_sample
from graph.server import Endpoint

RowT = TypeVar("RowT", bound=Row)

_COPIES: Final = 40  # some 5,000 rows: enough for Java to find the hot methods
_NAMES: Final = frozenset({"id", "symbol", "idempotency_key"})

_STATEMENTS: Final = (
    "CREATE CONSTRAINT training IF NOT EXISTS FOR (n:Training) REQUIRE n.id IS UNIQUE",
    "CREATE INDEX training_number IF NOT EXISTS FOR (n:Training) ON (n.number)",
    "CREATE FULLTEXT INDEX training_text IF NOT EXISTS FOR (n:Training) ON EACH [n.text]",
    "CALL db.awaitIndexes(60)",
    "UNWIND range(1, 500) AS i MERGE (n:Training {id: toString(i)}) SET n.number = i / 500.0, n.text = 'claim ' + i",
    "MATCH (a:Training), (b:Training) WHERE a.number < b.number WITH a, b LIMIT 500 CREATE (a)-[:BEFORE]->(b)",
    "MATCH (n:Training) RETURN n {.*, next: COLLECT { MATCH (n)-->(m) RETURN m.id }} ORDER BY n.number LIMIT 20",
    "MATCH path = (:Training {id: '1'})-[:BEFORE*1..3]->(:Training) RETURN count(path), avg(length(path))",
    "CALL db.index.fulltext.queryNodes('training_text', 'claim') YIELD node, score RETURN node.id, score LIMIT 5",
    "EXPLAIN MATCH (n:Training) RETURN n.text, datetime() LIMIT 1",
    "MATCH (n:Training) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 100 ROWS",
)


async def exercise(endpoint: Endpoint) -> None:
    """
    Apply the schema, plan every statement, import many copies of the sample, and plan what clients read.

    The cache keeps Java's profiles of the methods that ran often, so that a fresh server compiles them at once.
    """
    address = DatabaseAddress(endpoint.uri, endpoint.user, endpoint.password, endpoint.database)
    async with Database.open(address) as database:
        for text in (*_STATEMENTS, *_project_statements()):
            async with database.open_session() as session:
                await (await session.run(text)).consume()
        await import_bundle(database, _training_bundle())
        await warm(database)


def _project_statements() -> Iterator[LiteralString]:
    """Yield the schema, then each statement to plan; a cold planner takes half of a first query's time."""
    for migration in list_migrations():
        yield from migration.statements
    for name in list_statements():
        yield f"EXPLAIN {statement(name)}"


def _training_bundle() -> Bundle:
    """Make a bundle of copies of the sample, each with ids of its own."""
    rows = load_sample().rows()
    copies = {name: [renamed(row, number) for number in range(_COPIES) for row in rows[name]] for name in LISTS}
    return Bundle(format=BUNDLE_FORMAT, **{name: tuple(listed) for name, listed in copies.items()})


def renamed(row: RowT, number: int) -> RowT:
    """Copy a row, with a number before its id and before all ids that it names."""
    names = (name for name in type(row).model_fields if name in _NAMES or name.endswith("_id"))
    given = {name: getattr(row, name) for name in names}
    return row.model_copy(update={name: f"{number}.{value}" for name, value in given.items() if value is not None})
