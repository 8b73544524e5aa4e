"""The page on which people try queries: its parts come from jars, and it loads nothing from elsewhere."""

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, print_ast

from api.graphiql.page import LOCK, POLICY, GraphiQL, list_tabs
from graph.errors import ConfigurationError
from graph.sample import Sample
from graph.sample.loading import load_samples
from graph.server.artifacts import Artifact, fetch_from_maven, find_cache_folder, read_lock
from tests.helpers.service_fakes import build_app, open_client

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


async def test_the_page_and_its_parts_come_from_here() -> None:
    """A browser gets the page, and each part that it names, of its own type; the policy allows no other origin."""
    async with open_client(build_app()) as client:
        page = await client.get("/graphql", headers=BROWSER)
        names = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        parts = {name: await client.get(name) for name in names if name != "data:,"}

    assert page.status_code == 200
    assert page.headers["content-security-policy"] == POLICY
    assert "http" not in POLICY
    assert "frame-ancestors 'none'" in POLICY
    assert len(parts) == 6
    for name, part in parts.items():
        assert part.status_code == 200, name
        assert part.headers["content-type"].startswith("text/css" if name.endswith(".css") else "text/javascript")
        assert part.headers["x-content-type-options"] == "nosniff"
        assert "max-age" in part.headers["cache-control"]
    assert len(parts["/graphiql/graphiql.js"].content) > 500_000
    assert not re.search(r"<script(?! type=\"application/json\"| src=)", page.text)


@pytest.fixture
async def jars() -> dict[str, Path]:
    """The jars in this user's cache, by name; downloaded if they are not there."""
    await GraphiQL(find_cache_folder, fetch_from_maven).prefetch()
    folder = find_cache_folder() / "graphiql"
    return {artifact.name: folder / artifact.file_name for artifact in read_lock(LOCK)}


def test_the_jars_are_those_of_the_lock(jars: dict[str, Path]) -> None:
    """Each by its checksum."""
    found = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in jars.items()}

    assert found == {artifact.name: artifact.sha256 for artifact in read_lock(LOCK)}


def test_the_tabs_are_the_queries_of_the_readme() -> None:
    """All of them, in order, under names that the tabs show; the first is on one line there."""
    commands = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    (command,) = [block for block in commands if "/graphql " in block and "<<'END'" in block]
    first = json.loads(command.split("<<'END'\n")[1].split("\nEND")[0])["query"]

    own, *others = list_tabs()
    assert own == "query Prediction " + print_ast(parse(first)) + "\n"
    assert others == re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)
    assert all(re.match(r"(query|mutation|subscription) [A-Z]", text) for text in others)
    assert any(f'prediction(id: "{row.id}")' in own for row in load_samples(Sample.ALL).predictions)


async def test_the_page_holds_its_tabs_as_data() -> None:
    """Nothing in a query ends the element that holds it."""
    async with open_client(build_app()) as client:
        page = await client.get("/graphql", headers=BROWSER)
    (data,) = re.findall(r'<script type="application/json" id="tabs">(.*?)</script>', page.text, re.DOTALL)

    assert [tab["query"] for tab in json.loads(data)] == list_tabs()
    assert "<" not in data


async def test_what_is_no_part_is_not_there() -> None:
    """No other file can be had by a name."""
    async with open_client(build_app()) as client:
        found = [await client.get(f"/graphiql/{name}") for name in ("x.js", "page.py", "..%2f..%2fREADME.md")]

    assert [answer.status_code for answer in found] == [404, 404, 404]


async def test_without_the_page_there_are_no_parts() -> None:
    """Both are switched off together."""
    async with open_client(build_app(graphiql=False)) as client:
        assert (await client.get("/graphiql/react.js")).status_code == 404
        assert (await client.get("/graphql", headers=BROWSER)).status_code == 400


class Away:
    """A repository that cannot be reached, and then can."""

    def __init__(self) -> None:
        self.is_there = False

    def __call__(self) -> Any:
        """Find what fetches."""
        if not self.is_there:
            raise ConfigurationError("there is no line")
        return fetch_from_maven()


async def test_parts_that_cannot_be_had_are_told(tmp_path: Path) -> None:
    """The page says why; the service goes on, and the next who asks tries again."""
    away = Away()
    page = GraphiQL(lambda: tmp_path, away)
    await page.prefetch()

    refused = await page.answer_page()

    assert refused.status_code == 503
    told = bytes(refused.body).decode()
    assert re.match(
        "GraphiQL is not available: .*could not be fetched: there is no line. The API is; ask it by POST", told
    )


async def test_parts_are_downloaded_once(tmp_path: Path, jars: dict[str, Path]) -> None:
    """Into the folder of jars; then they are there without a line."""
    fetched: list[str] = []

    def fetch(artifact: Artifact, folder: Path) -> Path:
        fetched.append(artifact.name)
        shutil.copyfile(jars[artifact.name], folder / "jar")
        return folder / "jar"

    await GraphiQL(lambda: tmp_path, lambda: fetch).prefetch()
    answers = [await GraphiQL(lambda: tmp_path, Away()).answer_page() for _ in range(2)]

    assert sorted(fetched) == ["graphiql", "react", "react-dom"]
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_a_jar_that_is_not_the_locks_is_refused(tmp_path: Path, jars: dict[str, Path]) -> None:
    """Whatever the repository sends, none of it reaches a browser."""

    def fetch(_: Artifact, folder: Path) -> Path:
        with zipfile.ZipFile(folder / "jar", "w") as jar:
            jar.writestr("META-INF/resources/webjars/react/18.2.0/umd/react.production.min.js", "alert(1)")
        return folder / "jar"

    refused = await GraphiQL(lambda: tmp_path, lambda: fetch).answer_page()

    assert refused.status_code == 503
    assert b"expected a file with SHA-256" in bytes(refused.body)
