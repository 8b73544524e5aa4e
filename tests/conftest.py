"""One embedded Neo4j for the whole run, in a place of its own; each test that writes starts from an empty graph."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from api.collector import freeze_survivors, pace_collector
from graph.database.address import DatabaseAddress
from graph.database.migrations import migrate
from graph.database.sessions import Database
from graph.sample.training import TRAINING
from graph.server import DEFAULT_RELEASE, EmbeddedServer, Software
from tests.helpers.database import StatementCounter, empty, introduce_names
from tests.helpers.live import NIGHT, NIGHT_EXAMPLES
from tests.helpers.processes import OF_SHORT_LIVED_JAVA
from tests.helpers.stores import PATIENCE_SECONDS, copy_migrated_store

# An example that takes long on a busy machine is no failure.
settings.register_profile("any-machine", settings(), deadline=None)
settings.register_profile(NIGHT, settings(), deadline=None, max_examples=NIGHT_EXAMPLES)
settings.load_profile("any-machine")

SETTINGS = {
    "dbms.cypher.min_replan_interval": "1d",
    "internal.cypher.use_parameter_size": "false",
}
"""
A plan is made once for a statement. Each test empties the graph and hands in lists of other lengths, which a planner
takes as reasons to plan again: that was half of a run's plans, and planning is most of what Neo4j does here.
"""


pace_collector()


def pytest_collection_finish() -> None:
    """Keep modules and collected tests from being visited by each full collection of garbage."""
    freeze_survivors()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The release of Neo4j to test against; how long to go on with what takes long."""
    parser.addoption("--neo4j-release", default=DEFAULT_RELEASE, help="the embedded Neo4j's release, such as 5.26")
    parser.addoption("--kills", default=2, type=int, help="how many processes the test of kills during intake kills")
    parser.addoption("--documents", default=16, type=int, help="how many random documents are answered in both ways")


@pytest.fixture(scope="session")
def database_address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseAddress]:
    """Where the run's own Neo4j listens; FOREGRAPH_TEST_NEO4J_URI names another one, which will be emptied."""
    if uri := os.environ.get("FOREGRAPH_TEST_NEO4J_URI"):
        yield DatabaseAddress(uri=uri, user="neo4j", password=os.environ.get("FOREGRAPH_TEST_NEO4J_PASSWORD", ""))
        return
    release = request.config.getoption("--neo4j-release")
    java_home = os.environ.get("FOREGRAPH_JAVA_HOME")
    java = Path(java_home) if java_home else None
    folder = tmp_path_factory.mktemp("neo4j")
    if release == DEFAULT_RELEASE:  # one run makes several servers of it; to make a store for one alone takes longer
        copy_migrated_store(folder)
    server = EmbeddedServer(
        folder,
        software=Software(release, java, TRAINING),
        settings=SETTINGS,
        startup_timeout_seconds=PATIENCE_SECONDS,
    )
    # A run on another release plans many statements and ends. Neo4j alone inherits it, and not what trains Java later.
    environment = {} if release == DEFAULT_RELEASE else OF_SHORT_LIVED_JAVA
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        endpoint = server.start()
    with server:
        yield DatabaseAddress(endpoint.uri, endpoint.user, endpoint.password, endpoint.database)


@pytest.fixture(scope="session")
def num_documents(request: pytest.FixtureRequest) -> int:
    """Number of random documents for each seed."""
    num: int = request.config.getoption("--documents")
    return num


@pytest.fixture(scope="session")
def statements() -> StatementCounter:
    """Counts the statements of `database`."""
    return StatementCounter()


@pytest.fixture(scope="session")
async def migrated_database(database_address: DatabaseAddress, statements: StatementCounter) -> AsyncIterator[Database]:
    """The run's database with its schema; any notification of the server's is a failure."""
    async with Database.open(database_address, observer=statements, warns=True) as database:
        await migrate(database)
        await introduce_names(database)
        yield database


@pytest.fixture
async def database(migrated_database: Database, statements: StatementCounter) -> Database:
    """An empty graph."""
    await empty(migrated_database)
    statements.reset()
    return migrated_database
