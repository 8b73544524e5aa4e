"""`foregraph status` and `foregraph open` tell what runs, and start nothing."""

import json
import os
import re
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli import cli
from api.cli.serving import NOT_RUNNING
from api.status import open_page
from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.inference.network.diagnostics import Method
from graph.model.subjects import NODE_LISTS
from graph.model.versions import VERSIONED_BY_LIST
from graph.network.engine import Engine
from graph.network.propagation import Request, propagate
from graph.sample.loading import load_sample
from tests.helpers.processes import run, serving_fork, variables

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def lines_of(output: str) -> dict[str, str]:
    """The last line of each heading."""
    return {line[:11].strip(): line[11:] for line in output.splitlines()}


async def test_nothing_runs_and_nothing_is_started(tmp_path: Path) -> None:
    """With an exit code of its own, for scripts; not even a directory is made."""
    told = await run("status", environment={}, directory=tmp_path)
    as_json = await run("status", "--json", environment={}, directory=tmp_path)
    opened = await run("open", environment={}, directory=tmp_path)

    assert [told.code, as_json.code, opened.code] == [NOT_RUNNING] * 3
    assert lines_of(told.output) == {
        "Data": str(tmp_path / ".foregraph"),
        "Neo4j": "not running; `make run` starts it",
        "Service": "not running; `make run` starts it",
    }
    place = str(tmp_path / ".foregraph")
    assert json.loads(as_json.output) == {"place": place, "neo4j": None, "services": [], "graph": None}
    assert opened.errors == "foregraph: no service is running; start one with `make run` or `foregraph serve`\n"
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a Path may not be asked here


async def test_the_graph_is_counted_and_its_marginals_are_dated(
    database: Database, database_address: DatabaseAddress
) -> None:
    """The counts are the bundle's own, and fewer revisions than the graph has are behind."""
    sample = load_sample()
    environment = variables(database_address)
    await import_bundle(database, sample)
    before = await run("status", "--json", environment=environment)
    await propagate(database, Engine(), Request(Method.LBP))
    fresh = await run("status", "--json", environment=environment)
    told = await run("status", environment=environment)
    await import_bundle(
        database,
        sample.model_copy(
            update={"predictions": (sample.predictions[0].model_copy(update={"stated_probability": 0.4}),)}
        ),
    )
    behind = await run("status", environment=environment)

    counts = {listed.label: len(sample.rows()[listed.name]) for listed in NODE_LISTS}
    del counts["SavedQuery"]  # the service's own
    counts["Version"] = sum(len(sample.rows()[name]) for name in VERSIONED_BY_LIST)  # one of each to begin with
    found = json.loads(before.output)
    assert found["place"] == database_address.uri
    assert found["neo4j"] == {"uri": database_address.uri}
    assert found["graph"]["has_schema"]
    assert found["graph"]["marginals"] is None
    assert found["graph"]["num_nodes"] == {"Claim": 11, **counts}
    assert database_address.password not in before.output
    assert json.loads(fresh.output)["graph"]["marginals"]["is_fresh"]
    assert re.fullmatch(r"up to date, as of \d{4}-\d\d-\d\d \d\d:\d\d UTC", lines_of(told.output)["Marginals"])
    assert lines_of(told.output)["Nodes"].startswith("Claim 11, Prediction 3, Scenario 3, Killer 5, ")
    assert lines_of(behind.output)["Marginals"].startswith("1 revision behind, as of ")
    assert {answer.code for answer in (before, fresh, told, behind)} == {0}


async def test_a_service_on_another_neo4j_is_found_at_its_port(
    database: Database, database_address: DatabaseAddress
) -> None:
    """It leaves no note, so the settings' port is asked."""
    environment = variables(database_address)
    async with serving_fork("serve", "--port", "0", environment=environment) as service:
        there = environment | {"FOREGRAPH_PORT": service.url.rpartition(":")[2]}
        told = await run("status", environment=there)
        opened = await run("open", environment=there | {"DISPLAY": "", "WAYLAND_DISPLAY": ""})
        await service.stop(signal.SIGTERM)
    gone = await run("open", environment=there)

    assert lines_of(told.output)["Service"] == f"{service.url}/graphql, ready"
    assert (opened.code, opened.output) == (0, f"{service.url}/graphql\n")
    assert gone.code == NOT_RUNNING


def test_a_page_is_opened_where_there_is_a_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser in the terminal would hide the address."""
    opened: list[str] = []

    def browse(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)

    without = open_page("http://127.0.0.1:8000/graphql")
    monkeypatch.setenv("DISPLAY", ":0")

    assert not without
    assert open_page("http://127.0.0.1:8000/graphql")
    assert opened == ["http://127.0.0.1:8000/graphql"]


def test_help_shows_each_command_whole_and_nothing_but_letters() -> None:
    """A summary that is cut ends in dots; a control character shows in some terminals."""
    texts = [CliRunner().invoke(cli, [*path, "--help"]).output for path in ([], *([name] for name in cli.commands))]

    assert "..." not in texts[0].partition("Commands:")[2]
    assert [text for text in texts if not text.replace("\n", "").isprintable() or not text.isascii()] == []


def test_the_readme_has_the_exit_codes_that_help_has() -> None:
    """One table, told twice."""
    output = CliRunner().invoke(cli, ["--help"]).output
    told = dict(re.findall(r"^    (\d)  (.+)$", output, flags=re.MULTILINE))

    shown = dict(re.findall(r"^\| (\d) \| (.+?) \|$", README, flags=re.MULTILINE))

    assert len(told) == 8
    assert shown == told
