"""The README's examples do what it says."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.cypher import Asked
from graph.adhoc.running import Adhoc
from graph.bundles.importing import import_bundle
from graph.database.sessions import Database, DatabaseAddress
from graph.sample import load_sample
from resolvers.base.context import Service
from tests.helpers.asking import ask
from tests.helpers.database import empty

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The README's blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(scope="module")
async def sample(migrated_database: Database) -> AsyncIterator[Database]:
    """A database with the sample in it, as `make run` makes it."""
    await empty(migrated_database)
    await import_bundle(migrated_database, load_sample())
    yield migrated_database
    await empty(migrated_database)


async def test_the_first_query_has_the_answer_shown(sample: Database) -> None:
    """The body is what the shell sends, the answer what comes back."""
    (command,) = [block for block in blocks("sh") if "<<'END'" in block]
    body = json.loads(command.split("<<'END'\n")[1].split("\nEND")[0])
    (answer,) = blocks("json")

    assert {"data": (await ask(sample, body["query"])).data} == json.loads(answer)


@pytest.mark.parametrize("document", blocks("graphql"))
async def test_the_other_queries_bring_something(
    sample: Database, database_address: DatabaseAddress, document: str
) -> None:
    """Each kind of user's first query has rows on the sample."""
    async with Adhoc(database_address) as adhoc:
        (found,) = (await ask(Service.make(sample, adhoc=adhoc), document)).data.values()

    text = json.dumps(found)
    assert '": [{' in text or '"recorded": {' in text


async def test_the_cypher_of_analysts_brings_something(sample: Database) -> None:
    """Analysts' names are the graph's names."""
    (statement,) = blocks("cypher")
    async with sample.open_session() as session:
        rows = [record async for record in await session.run(statement)]

    assert len(rows) > 1


async def test_the_statements_of_the_command_line_bring_something(sample: Database) -> None:
    """Both as arguments of the command and as bodies of requests."""
    (block,) = [block for block in blocks("sh") if "/cypher" in block]
    (statement,) = re.findall(r"foregraph cypher '(.*?)' --param least=0\.8", block)
    (body,) = re.findall(r"-d '(.*?)'", block, flags=re.DOTALL)
    asked = Asked.read(json.loads(body), None)

    async with sample.open_session() as session:
        by_command = [record async for record in await session.run(statement, least=0.1)]
        by_request = [record async for record in await session.run(asked.statement, dict(asked.parameters))]

    assert by_command
    assert by_request


def test_every_make_target_that_is_named_exists() -> None:
    """The two commands, and those for maintainers."""
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`?make ([a-z]+)", README))

    assert {"run", "test"} <= named
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in named)
