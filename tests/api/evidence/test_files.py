"""`foregraph evidence add`: a file's items by the rules of the mutations, on a real graph."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from api.cli import cli
from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_text
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from tests.helpers.processes import Finished, run, variables

BUNDLE = {
    "format": "foregraph-bundle/1",
    "predictors": [{"id": "ada", "name": "Ada"}],
    "scenarios": [{"id": claim, "title": "It comes", "stated_probability": 0.5} for claim in ("S_0", "S_1")],
}
TABLE = """claim,direction,strength,likelihoodRatio,confidence,predictor,note,idempotencyKey
S_0,FOR,WEAK,,,,Seen at the fair,a
S_1,AGAINST,,2.5,0.5,,,b
S_0,FOR,WEAK,,2,ada,,c
NOBODY,SIDEWAYS,HUGE,,,,,d
S_0,FOR
S_1,FOR,STRONG,,,,,e
"""
TOLD = [
    "foregraph: row 4, confidence: expected a probability from 0 to 1, got 2.0",
    "foregraph: row 4, predictor: claim 'S_0' has no predictor, and the evidence names 'ada'",
    "foregraph: row 5, direction: Value 'SIDEWAYS' does not exist in 'EvidenceDirection' enum.",
    "foregraph: row 5, strength: Value 'HUGE' does not exist in 'EvidenceStrength' enum.",
    "foregraph: row 5, claim: no claim has the id 'NOBODY'; add it first",
    "foregraph: row 6: expected 8 cells, as the first row has, got 2",
]


@pytest.fixture
async def graph(database: Database) -> Database:
    """Two claims and a predictor of neither."""
    await import_text(database, json.dumps(BUNDLE))
    return database


async def add(address: DatabaseAddress, *arguments: str, given: str = "") -> Finished:
    """Run the command."""
    return await run("evidence", "add", *arguments, environment=variables(address), given=given.encode())


async def ledger(database: Database) -> list[Any]:
    """The rows of all ledgers."""
    return sorted((await export_bundle(database)).evidence, key=lambda row: row.recorded_at)


async def test_a_table_is_recorded_row_by_row(
    graph: Database, database_address: DatabaseAddress, tmp_path: Path
) -> None:
    """A dry run tells the same and keeps nothing; added again, each row counts once."""
    table = tmp_path / "Evidence.CSV"
    table.write_text(TABLE)

    dry = await add(database_address, str(table), "--dry-run")
    assert await ledger(graph) == []
    done = await add(database_address, str(table))
    rows = await ledger(graph)
    again = await add(database_address, str(table))

    assert dry.output == "3 would be recorded, 0 recorded before, 3 would be refused\n"
    assert done.output == "3 recorded, 0 recorded before, 3 refused\n"
    assert again.output == "0 recorded, 3 recorded before, 3 refused\n"
    for finished in (dry, done, again):
        assert finished.code == 2
        told = [line for line in finished.errors.splitlines() if line.startswith("foregraph:")]
        assert len(told) == len(TOLD)
        assert all(line.startswith(expected) for line, expected in zip(told, TOLD, strict=True))
    # Rows of two claims may be recorded at one moment.
    assert sorted((row.idempotency_key, row.claim_id, row.note) for row in rows) == [
        ("a", "S_0", "Seen at the fair"), ("b", "S_1", None), ("e", "S_1", None),
    ]  # fmt: skip
    assert await ledger(graph) == rows


async def test_lines_come_from_standard_input(graph: Database, database_address: DatabaseAddress) -> None:
    """Without keys of their own they get some of the prefix, so that the file may be added again."""
    item = {"claim": "S_0", "direction": "FOR", "strength": "WEAK"}
    lines = "\n".join(json.dumps(item | {"note": str(number)}) for number in range(250))

    first = await add(database_address, "-", "--key-prefix", "fair", given=lines)
    second = await add(database_address, "-", "--key-prefix", "fair", given=lines + "\n\n{")
    table = await add(database_address, "-", "--format", "csv", given="direction,claim,strength\nFOR,S_1,WEAK\n")

    assert (first.code, first.output) == (0, "250 recorded, 0 recorded before, 0 refused\n")
    assert (second.code, second.output) == (2, "0 recorded, 250 recorded before, 1 refused\n")
    assert "foregraph: line 252: expected a JSON object" in second.errors
    assert (table.code, table.output) == (0, "1 recorded, 0 recorded before, 0 refused\n")
    rows = await ledger(graph)
    assert [row.idempotency_key for row in rows] == [f"fair:{number}" for number in range(1, 251)] + [None]


def test_wrong_columns_are_told_before_a_database_is_opened(tmp_path: Path) -> None:
    """Starting one would take long."""
    table = tmp_path / "evidence.csv"
    table.write_text("claim,direction,strenght\n")

    result = CliRunner().invoke(cli, ["evidence", "add", str(table)])

    assert result.exit_code == 2
    assert result.stderr == (
        "foregraph: the first row must name the columns: column 3 has the name 'strenght'; did you mean 'strength'?\n"
    )


async def test_what_was_recorded_before_an_error_is_told(graph: Database, database_address: DatabaseAddress) -> None:
    """A table that breaks off amid a row: what came before counts, and the exit code says that it is not all."""
    rows = "".join(f"S_0,FOR,{1 + number / 7}\n" for number in range(150))
    finished = await add(
        database_address, "-", "--format", "csv", given=f'claim,direction,likelihoodRatio\n{rows}S_0,"FOR'
    )

    assert finished.code == 2
    assert "foregraph: stopped, with 100 recorded, 0 recorded before, 0 refused" in finished.errors
    assert "foregraph: row 152 is not comma-separated values" in finished.errors
    assert len(await ledger(graph)) == 100
