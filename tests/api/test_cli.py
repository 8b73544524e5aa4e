"""The `foregraph` command: what it prints, what it brings in and out, how it fails."""

import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from graphql import build_schema

import api.cli
from api.cli import MODULES, cli
from graph import errors
from graph.bundles.drafts import parse_bundle
from graph.bundles.exporting import export_bundle
from graph.bundles.importing import is_empty
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.ledger.derived import ensure_rebuilt, rebuild
from graph.sample.loading import load_sample
from graph.saved.sealing import Seals
from graph.subjects.search_words import ensure_searchable
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.graph_dump import ask
from tests.helpers.processes import run, variables


@pytest.fixture
def runner() -> CliRunner:
    """Runs commands in this process."""
    return CliRunner()


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_the_commands_and_the_exit_codes(runner: CliRunner, option: str) -> None:
    result = runner.invoke(cli, [option])

    assert result.exit_code == 0
    for word in ("up", "serve", "import", "export", "migrate", "schema", "settings", "Exit codes:"):
        assert word in result.output


def test_the_table_of_commands_agrees_with_the_modules() -> None:
    """A command that it lacks would not exist, and one with the wrong module would fail when it is called."""
    names = [f"api.cli.{module.name}" for module in iter_modules(api.cli.__path__)] + ["api.access.commands"]
    found = {name: getattr(import_module(name), "COMMANDS", ()) for name in names}

    assert {command.name: name for name, commands in found.items() for command in commands} == MODULES
    assert [cli.commands[name].name for name in MODULES] == list(MODULES)


@pytest.mark.parametrize("module", ["api.cli.serving", "api.access.commands"])
def test_what_starts_neo4j_or_needs_none_imports_little(module: str) -> None:
    """Libraries that take long would keep `up` from launching Java, and other commands from answering."""
    slow = {"graphql", "neo4j", "numba", "numpy", "pyarrow", "starlette", "strawberry", "uvicorn"}
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    imported = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()

    assert {"api", "click"} <= set(imported)
    assert slow.isdisjoint(imported)


def test_the_version_is_the_packages(runner: CliRunner) -> None:
    assert runner.invoke(cli, ["--version"]).output == f"foregraph, version {version('foregraph')}\n"


def test_the_bundles_schema_is_printed_and_the_sample_follows_it(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["schema", "bundle"])

    schema = json.loads(result.output)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(load_sample().to_json()))


def test_the_graphql_schema_is_printed(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["schema", "graphql"])

    assert "predictions" in build_schema(result.output).query_type.fields  # type: ignore[union-attr]


def test_the_options_of_apollos_cache_are_printed(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["schema", "apollo"])

    assert json.loads(result.output).keys() == {"possibleTypes", "typePolicies"}


def test_the_settings_are_listed_with_their_defaults(runner: CliRunner) -> None:
    output = runner.invoke(cli, ["settings"]).output

    assert "FOREGRAPH_PORT = 8000\n    TCP port to listen on" in output
    assert "FOREGRAPH_NEO4J_PASSWORD\n" in output


def test_the_statements_are_listed(runner: CliRunner) -> None:
    """Those that are files and those that are rendered, in one list."""
    names = runner.invoke(cli, ["statements"]).output.splitlines()

    assert names == sorted(names)
    assert {"reading/search", "upsert/tickers", "export/influences"} <= set(names)


def test_a_statement_is_printed_as_it_is_sent(runner: CliRunner) -> None:
    """No placeholder is left in it."""
    result = runner.invoke(cli, ["statements", "delete/tickers"])

    assert result.exit_code == 0
    assert result.output.startswith("// Deletes a Ticker that nothing refers to. $id: its symbol.")
    assert "MATCH (node:Ticker {symbol: $id})\nDELETE node\n" in result.output


@pytest.mark.parametrize(
    ("name", "advice"),
    [("delete/ticker", "did you mean 'delete/tickers'?"), ("xyz", "`foregraph statements` lists them all")],
)
def test_a_statement_that_is_not_there_is_an_error(runner: CliRunner, name: str, advice: str) -> None:
    """The message helps on."""
    result = runner.invoke(cli, ["statements", name])

    assert result.exit_code == 2
    assert result.stderr == f"foregraph: no statement has the name {name!r}; {advice}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.BundleError([]), 2),
        (errors.InvalidError("x"), 2),
        (errors.ConfigurationError("x"), 3),
        (errors.UnavailableError("x"), 4),
        (errors.TimedOutError("x"), 4),
        (errors.MigrationDriftError("x"), 5),
        (errors.AlreadyRunningError("x"), 6),
        (errors.NotFoundError("x"), 1),
    ],
)
def test_each_kind_of_error_has_the_exit_code_that_help_names(error: errors.ForegraphError, code: int) -> None:
    assert error.exit_code == code


def test_a_wrong_setting_is_told_without_a_traceback(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREGRAPH_PORT", "abc")

    result = runner.invoke(cli, ["serve"])

    assert result.exit_code == 3
    assert result.stderr.startswith("foregraph: FOREGRAPH_PORT: expected TCP port")
    assert isinstance(result.exception, SystemExit)


async def test_a_broken_bundle_is_told_with_all_its_problems_and_nothing_of_it_is_imported(
    database: Database, database_address: DatabaseAddress
) -> None:
    bundle = {
        "tickers": [{"symbol": "NVDA"}],
        "scenarios": [{"id": 5}, {"id": "S_1", "title": "x", "stated_probability": 2}],
        "exposures": [{"prediction_id": "absent", "symbol": "NVDA", "sign": "UP"}],
    }

    finished = await run("import", "-", environment=variables(database_address), given=json.dumps(bundle).encode())

    assert finished.code == 2
    for place in ("scenarios[0].id", "scenarios[1].stated_probability", "exposures[0]"):
        assert place in finished.errors
    assert "nothing was imported" in finished.errors
    assert "Traceback" not in finished.errors
    assert await is_empty(database)


def test_a_file_that_is_not_there_is_told(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["import", "absent.json"])

    assert result.exit_code == 2
    assert "absent.json" in result.stderr


async def test_what_is_imported_is_exported_again(
    database: Database, database_address: DatabaseAddress, tmp_path: Path
) -> None:
    environment = variables(database_address)
    first, second = tmp_path / "first.json", tmp_path / "second.json"

    imported = await run("import", "-", environment=environment, given=load_sample().to_json().encode())
    exported = await run("export", str(first), environment=environment)
    again = await run("import", str(first), environment=environment)
    to_output = await run("export", environment=environment)
    second.write_text(to_output.output)

    assert [imported.code, exported.code, again.code, to_output.code] == [0, 0, 0, 0]
    assert "created" in imported.output
    assert first.read_text() == second.read_text()
    assert again.output.startswith("0 created, 0 updated, ")
    assert {row.id for row in parse_bundle(first.read_text()).predictions} == {
        row.id for row in load_sample().predictions
    }


async def test_a_new_graph_is_of_this_version_whatever_command_makes_it(
    database: Database, database_address: DatabaseAddress
) -> None:
    """Else the next service would say that an older version wrote it, and compute everything anew."""
    async with database.open_session() as session:
        await (await session.run("MATCH (g:Graph {id: 'migrations'}) SET g.applied = []")).consume()

    await run("import", "-", environment=variables(database_address), given=load_sample().to_json().encode())

    assert not await ensure_rebuilt(database)


async def test_a_rebuilt_graph_is_of_this_version(database: Database) -> None:
    """Nothing is left for the next start to do."""
    await import_once(database, load_sample())
    await rebuild(database)

    assert not await ensure_rebuilt(database)


async def test_words_of_search_are_made_anew_when_asked_for(
    database: Database, database_address: DatabaseAddress
) -> None:
    """A title that Cypher has changed is found by its old words until then."""
    environment = variables(database_address)
    await import_once(database, load_sample())
    await ensure_searchable(database)
    await ask(database, "MATCH (t:Ticker {symbol: 'NVDA'}) SET t.name = 'Zebra' RETURN t.symbol")
    words = "MATCH (t:Ticker {symbol: 'NVDA'}) RETURN t.search_title CONTAINS 'zebra'"

    beliefs = await run("rebuild", environment=environment)
    before = await ask(database, words)
    whole = await run("rebuild", "--search", environment=environment)

    assert (beliefs.code, before) == (0, [[False]])
    assert (whole.code, await ask(database, words)) == (0, [[True]])
    assert beliefs.output == whole.output


async def test_a_backup_is_restored_into_an_empty_graph(
    database: Database, database_address: DatabaseAddress, tmp_path: Path
) -> None:
    """And into no other; an export by lines is imported like any bundle, from a pipe too."""
    environment = variables(database_address)
    backup, export = tmp_path / "backup.ndjson", tmp_path / "export.ndjson"
    await import_once(database, load_sample())

    backed_up = await run("backup", str(backup), environment=environment)
    exported = await run("export", str(export), environment=environment)
    refused = await run("restore", str(backup), environment=environment)
    before = await export_bundle(database)
    await empty(database)
    await ask(database, "MATCH (g:Graph {id: 'migrations'}) SET g.applied = []")  # a new one, which gets its setting
    restored = await run("restore", str(backup), environment=environment)

    assert [backed_up.code, exported.code, restored.code] == [0, 0, 0]
    assert backed_up.output.endswith(f" backed up to {backup}\n")
    assert refused.code == 1
    assert "a backup is restored into an empty graph, and this one has domains" in refused.errors
    assert restored.output.startswith(f"{before.num_rows()} created, 0 updated, 0 unchanged; the graph equals")
    assert await export_bundle(database) == before
    again = await run("import", "-", environment=environment, given=export.read_bytes())
    num_known = before.num_rows() - len(before.versions)  # those of nodes that the graph has are its own
    assert (again.code, again.output) == (0, f"0 created, 0 updated, {num_known} unchanged\n")
    cut_off = await run("restore", "-", environment=environment, given=backup.read_bytes()[:-30])
    assert cut_off.code == 2
    assert "the last line is not whole" in cut_off.errors


async def test_a_restored_graph_delivers_once_it_is_released(
    database: Database, database_address: DatabaseAddress, tmp_path: Path
) -> None:
    """The operator is told what is held, and which addresses the secret does not open."""
    environment, backup = variables(database_address), tmp_path / "backup.ndjson"
    sealed = {
        "one": Seals(b"one" * 16).close("https://a.example/"),
        "two": Seals(b"two" * 16).close("https://b.example/"),
    }
    await ask(
        database,
        "CREATE (:QuerySchedule {name: 'weekly', query: 'overdue', parameters: '{}', sealed_url: $one, format: 'CSV', "
        "every_minutes: 60, next_at: datetime('2026-06-01T07:00:00Z')}) "
        "CREATE (:ChangeWebhook {name: 'desk', sealed_url: $two, kinds: [], claim_ids: [], since: '1-2-0'})",
        **sealed,
    )
    await run("backup", str(backup), environment=environment)
    await empty(database)

    restored = await run("restore", str(backup), environment=environment)
    secret = {"FOREGRAPH_WEBHOOK_SECRET": "one" * 16}
    released = await run("webhooks", "release", environment={**environment, **secret})
    again = await run("webhooks", "release", environment=environment)

    told = "1 schedule, 1 webhook of changes, deliveries: 0 waiting, 0 dead"
    closed = "without which 2 of 2 encrypted addresses cannot be opened: set that of the backup"
    assert restored.errors.splitlines() == [
        f"foregraph: nothing is sent until `foregraph webhooks release`: {told}",
        f"foregraph: FOREGRAPH_WEBHOOK_SECRET is not set, {closed}",
    ]
    assert released.output == f"Released: {told}\n"
    assert "1 of 2 encrypted addresses cannot be opened under this FOREGRAPH_WEBHOOK_SECRET" in released.errors
    assert (again.code, again.output) == (0, "Nothing was held\n")


async def test_several_bundles_are_imported_in_order(
    database: Database, database_address: DatabaseAddress, tmp_path: Path
) -> None:
    """A later one names rows of those before it; one with problems ends the command, and leaves those before it."""
    environment = variables(database_address)
    killers = [{"id": f"TK_{number}", "title": "x"} for number in range(3)]
    edges = [{"kind": "KILLS", "parent_id": f"TK_{n}", "child_id": "P_1"} for n in (0, 2, 9)]
    lists: list[dict[str, Any]] = [
        {"killers": killers[:2], "predictions": [{"id": "P_1", "title": "x"}]},
        {"killers": killers[2:], "influences": edges[:2]},
        {"influences": edges[2:]},
    ]
    files = [tmp_path / f"{number}.json" for number in range(3)]
    for file, given in zip(files, lists, strict=True):
        file.write_text(json.dumps({"format": "foregraph-bundle/1", **given}))

    whole = await run("import", *map(str, files[:2]), environment=environment)
    stopped = await run("import", *map(str, files), environment=environment)

    assert (whole.code, whole.output) == (0, "6 created, 0 updated, 0 unchanged\n")
    assert (stopped.code, stopped.output) == (2, "")
    assert f"stopped at {files[2]}, with 2 bundles imported" in stopped.errors
    assert "influences[0].parent_id" in stopped.errors
    exported = await export_bundle(database)
    assert {row.parent_id for row in exported.influences} == {"TK_0", "TK_2"}


def test_a_dry_run_takes_one_bundle(runner: CliRunner, tmp_path: Path) -> None:
    """A later one would lack the rows of those before it."""
    file = tmp_path / "a.json"
    file.write_text("{}")

    result = runner.invoke(cli, ["import", "--dry-run", str(file), str(file)])

    assert result.exit_code == 2
    assert "--dry-run takes one FILE" in result.stderr


async def test_a_dry_run_tells_and_changes_nothing(
    database: Database, database_address: DatabaseAddress, tmp_path: Path
) -> None:
    environment = variables(database_address)
    file = tmp_path / "sample.json"
    file.write_text(load_sample().to_json())

    before = await run("export", environment=environment)
    told = await run("import", "--dry-run", str(file), environment=environment)
    after = await run("export", environment=environment)

    assert told.code == 0
    assert "created" in told.output
    assert after.output == before.output


async def test_migrating_twice_applies_nothing_the_second_time(
    database: Database, database_address: DatabaseAddress
) -> None:
    finished = await run("migrate", environment=variables(database_address))

    assert (finished.code, finished.output) == (0, "nothing to apply\n")


async def test_a_sweep_finds_what_is_overdue_once(database: Database, database_address: DatabaseAddress) -> None:
    """The sample has check-ins of July 2026 and later that nobody has swept; how many are due tells the day."""
    environment = variables(database_address)
    await import_once(database, load_sample())

    dry = await run("sweep", "--dry-run", environment=environment)
    first = await run("sweep", environment=environment)
    second = await run("sweep", environment=environment)

    assert [dry.code, first.code, second.code] == [0, 0, 0]
    assert dry.output.replace("would become", "became").replace("would go", "went") == first.output
    assert not first.output.startswith("0 ")
    assert (
        second.output == "0 milestones became overdue and 0 missed check-ins went into the ledger, on 0 predictions\n"
    )


async def test_a_what_if_is_a_table(database: Database, database_address: DatabaseAddress) -> None:
    """The claims that move with their titles, what is supposed, and how far to trust it."""
    await import_once(database, load_sample())

    finished = await run(
        "whatif", "TK09=true", "--method", "exact", "--first", "1", environment=variables(database_address)
    )

    assert (finished.code, finished.errors) == (0, "")
    assert "TK09 true, now 0.350" in finished.output
    assert "P_FEW_MILLION_PARAMETERS" in finished.output or "P_SMALL_LANGUAGE_MODELS" in finished.output
    assert "2 of 10 claims move, 1 shown; EXACT, converged" in finished.output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("TK09",), 2, "expected CLAIM=true or CLAIM=false, got 'TK09'"),
        (("TK09=maybe",), 2, "got 'TK09=maybe'"),
        (("TK09=true", "--samples", "5"), 2, "samples: expected a multiple of 256"),
        (("TK09=true", "--method", "guess"), 2, "--method"),
        ((), 2, "CLAIM=true|false"),
    ],
)
def test_a_what_if_that_is_wrong_is_told(
    runner: CliRunner, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """Before any database is opened."""
    result = runner.invoke(cli, ["whatif", *arguments])

    assert result.exit_code == code
    assert message in result.stderr


async def test_marginals_are_propagated_by_hand(database: Database, database_address: DatabaseAddress) -> None:
    """A dry run says the same and stores nothing."""
    await import_once(database, load_sample())

    dry = await run("propagate", "--dry-run", environment=variables(database_address))
    done = await run("propagate", environment=variables(database_address))
    async with database.open_session() as session:
        records = await session.run("MATCH (c:Claim)-[:KILLS]->() RETURN collect(DISTINCT c.marginal) AS marginals")
        stored = (await records.single(strict=True))["marginals"]

    assert (dry.code, done.code) == (0, 0)
    assert "10 marginals would be stored" in dry.output
    assert "10 marginals stored" in done.output
    assert sorted(round(marginal, 2) for marginal in stored) == [0.1, 0.12, 0.15, 0.3, 0.35]
