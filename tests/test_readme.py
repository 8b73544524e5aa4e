"""The README's examples do what it says."""

import json
import re
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api.app import create_app
from api.cli import cli
from api.cypher import Asked
from api.evidence.files import Source, add_all
from api.settings import Settings
from graph.adhoc.running import Adhoc
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.model.catalogue import draw_mermaid
from graph.sample import Sample
from graph.sample.loading import load_samples
from resolvers.base.context import Service
from tests.helpers.asking import ask
from tests.helpers.copies import import_once
from tests.helpers.database import empty

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The README's blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def sent_to(path: str) -> str:
    """The body that the one command to a path sends."""
    (command,) = [block for block in blocks("sh") if f"{path} " in block and "<<'END'" in block]
    return command.split("<<'END'\n")[1].split("\nEND")[0]


@pytest.fixture(scope="module")
async def sample(migrated_database: Database) -> AsyncIterator[Database]:
    """A database with both samples in it, as `make run` makes it."""
    await empty(migrated_database)
    await import_once(migrated_database, load_samples(Sample.ALL))
    yield migrated_database
    await empty(migrated_database)


async def test_the_first_query_has_the_answer_shown(sample: Database) -> None:
    """The body is what the shell sends, the answer what comes back."""
    body = json.loads(sent_to("/graphql"))
    answer, *_ = blocks("json")

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


async def test_the_lines_are_answered_as_told(sample: Database) -> None:
    """Two are recorded; the third has two faults."""
    app = create_app(Settings(), sample)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        content = sent_to("/evidence").encode()
        answer = await client.post("/evidence", content=content, headers={"content-type": "application/x-ndjson"})
    lines = [json.loads(line) for line in answer.text.splitlines()]

    assert [line["status"] for line in lines] == ["RECORDED", "RECORDED", "REFUSED", "DONE"]
    assert [error["path"] for error in lines[2]["errors"]] == [["direction"], ["confidence"]]


async def test_the_table_is_recorded(sample: Database) -> None:
    """Each row, and each once."""
    (table,) = blocks("csv")
    counts = [
        await add_all(sample, Source.open(BytesIO(table.encode()), "csv"), key_prefix=None, is_dry_run=is_dry_run)
        for is_dry_run in (True, False, False)
    ]

    assert [(found["RECORDED"], found["REPLAYED"], found["REFUSED"]) for found in counts] == [
        (2, 0, 0),
        (2, 0, 0),
        (0, 2, 0),
    ]


async def test_the_cypher_of_analysts_brings_something(sample: Database) -> None:
    """Analysts' names are the graph's names, in notebooks too."""
    statements = blocks("cypher") + re.findall(r'"(MATCH .*?)"', "".join(blocks("python")))
    assert len(statements) > 2
    for statement in statements:
        async with sample.open_session() as session:
            rows = [record async for record in await session.run(statement)]
        assert len(rows) > 1


def test_the_diagram_is_that_of_the_graph() -> None:
    """As `foregraph schema graph --mermaid` draws it."""
    assert blocks("mermaid") == [f"{draw_mermaid()}\n"]


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


def test_agents_programs_start_a_command_that_exists_or_ask_a_path_that_does() -> None:
    """The snippets for their settings."""
    _, *snippets = blocks("json")
    started, asked = (json.loads(snippet)["mcpServers"]["foregraph"] for snippet in snippets)
    paths = {getattr(route, "path", "") for route in create_app(Settings()).routes}

    assert started["command"].endswith("/.venv/bin/foregraph")
    assert started["args"][0] in cli.commands
    assert urlsplit(asked["url"]).path in paths


def test_every_make_target_that_is_named_exists() -> None:
    """The two commands, and those for maintainers."""
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`?make ([a-z]+)", README))

    assert {"run", "test"} <= named
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in named)
