"""The application's own addresses, and what it opens and closes."""

import asyncio
from typing import Any, cast

import pytest
from graphql import get_introspection_query
from starlette.applications import Starlette

from api.app import create_app
from api.settings import Settings
from cypher import list_migrations
from graph.database.sessions import Database
from graph.errors import ConfigurationError, MigrationDriftError, UnavailableError
from tests.helpers.service_fakes import build_app, build_schema, codes, open_client


class FakeDatabase:
    """Stands where the database would, as far as readiness asks it."""

    def __init__(self, *, applied: list[str] | None = None, error: Exception | None = None, seconds: float = 0) -> None:
        self.applied, self.error, self.seconds = applied, error, seconds

    async def read(self, work: object, **options: object) -> list[str]:
        """The applied migrations, or what goes wrong."""
        await asyncio.sleep(self.seconds)
        if self.error:
            raise self.error
        return self.applied or []


def all_applied() -> list[str]:
    """As a migrated database has them."""
    return [f"{migration.name}:{migration.checksum}" for migration in list_migrations()]


async def ask_readiness(database: FakeDatabase) -> tuple[int, dict[str, Any]]:
    """Status and body of /readyz."""
    async with open_client(build_app(database)) as client:
        response = await client.get("/readyz")
    return response.status_code, response.json()


async def test_the_process_is_healthy_whatever_the_database_does() -> None:
    async with open_client(build_app(FakeDatabase(error=UnavailableError("gone")))) as client:
        response = await client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_it_is_ready_when_the_database_answers_with_every_migration() -> None:
    assert await ask_readiness(FakeDatabase(applied=all_applied())) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("database", "reason"),
    [
        (FakeDatabase(), "migrations are not applied yet"),
        (FakeDatabase(error=UnavailableError("the database is unavailable now")), "the database is unavailable now"),
        (FakeDatabase(error=MigrationDriftError("0001.cypher has changed")), "0001.cypher has changed"),
        (FakeDatabase(seconds=60), "the database did not answer within 3 seconds"),
    ],
)
async def test_it_is_not_ready_for_a_reason_that_it_tells(database: FakeDatabase, reason: str) -> None:
    assert await ask_readiness(database) == (503, {"status": "not ready", "reason": reason})


async def test_a_browser_at_the_root_is_sent_to_graphiql() -> None:
    async with open_client(build_app()) as client:
        browser = await client.get("/", headers={"accept": "text/html"})
        program = await client.get("/")

    assert (browser.status_code, browser.headers["location"]) == (307, "/graphql")
    assert program.json()["graphql"] == "/graphql"


async def test_an_unknown_path_and_a_wrong_method_are_answered_in_json() -> None:
    async with open_client(build_app()) as client:
        absent = await client.get("/nothing/here")
        wrong = await client.delete("/healthz")

    assert (absent.status_code, codes(absent)) == (404, ["NOT_FOUND"])
    assert absent.json()["errors"][0]["message"] == "There is nothing at /nothing/here."
    assert (wrong.status_code, codes(wrong)) == (405, ["METHOD_NOT_ALLOWED"])
    assert "GET" in wrong.headers["allow"]


async def test_graphiql_may_ask_for_the_whole_schema_within_the_default_limits() -> None:
    app = create_app(Settings(), cast("Database", FakeDatabase()))

    async with open_client(app) as client:
        response = await client.post("/graphql", json={"query": get_introspection_query(input_value_deprecation=True)})

    assert "errors" not in response.json()
    assert len(response.json()["data"]["__schema"]["types"]) > 20


async def test_the_schema_can_be_kept_from_being_asked_for() -> None:
    app = create_app(Settings(introspection=False), cast("Database", FakeDatabase()))

    async with open_client(app) as client:
        response = await client.post("/graphql", json={"query": "{ __schema { types { name } } }"})

    assert "introspection has been disabled" in response.json()["errors"][0]["message"]


async def test_the_limits_are_the_settings() -> None:
    app = create_app(Settings(max_depth=3), cast("Database", FakeDatabase()))
    document = "{ predictions { edges { node { id } } } }"

    async with open_client(app) as client:
        response = await client.post("/graphql", json={"query": document})

    assert response.json()["errors"][0]["message"] == "The document has 4 levels of fields, at most 3 are allowed."
    assert codes(response) == ["TOO_DEEP"]


async def test_without_a_database_the_lifespan_opens_the_one_that_the_settings_name() -> None:
    settings = Settings(neo4j_uri="bolt://127.0.0.1:1", neo4j_password="not-used-here")
    app = create_app(settings, schema=build_schema())

    async with _lifespan(app):
        assert app.state.service.database is not None
        # The driver leaves the socket of an attempt that is cancelled to the garbage collector, so this one is refused.
        await asyncio.sleep(0.2)


async def test_without_a_database_or_its_address_the_application_does_not_start() -> None:
    app = create_app(Settings(), schema=build_schema())

    with pytest.raises(ConfigurationError, match="FOREGRAPH_NEO4J_URI"):
        async with _lifespan(app):
            pass


def _lifespan(app: Starlette) -> Any:
    return app.router.lifespan_context(app)
