"""`foregraph cypher`: parameters, formats, files, and what it says when it fails."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from neo4j.time import Date
from rich.console import Console

from api.cli import cli
from api.formats import FORMATS
from api.shell import FORMAT_NAMES, print_rows, read_assignments, read_texts, save_from_file
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import InvalidError, NotFoundError, RefusedCypherError
from graph.model.kinds import ParameterType
from graph.saved.library import read_draft
from graph.saved.queries import Parameter
from graph.saved.store import delete_query
from tests.helpers.processes import Finished, run, variables

ROWS = "UNWIND range(1, $n) AS i RETURN i, 'row ' + i AS text, i = 2 AS is_two"

QUERY_FILE = """// description: Likely claims.
// parameter: least FLOAT = 0.5: Least.
RETURN $least AS least
"""


async def cypher(address: DatabaseAddress, *arguments: str, given: bytes = b"", **options: Any) -> Finished:
    """The command, run."""
    return await run("cypher", *arguments, environment=variables(address), given=given, **options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1", 1),
        ("a=1.5", 1.5),
        ("a=true", True),
        ("a=null", None),
        ('a=["x", 2]', ["x", 2]),
        ('a={"b": 1}', {"b": 1}),
        ("a=TK09", "TK09"),
        ("a=", ""),
        ("a=x=y", "x=y"),
        ('a="5"', "5"),
        ("a=NaN", "NaN"),
        ('a={"$type": "Date", "_value": "2026-05-30"}', Date(2026, 5, 30)),
    ],
)
def test_a_parameter_is_json_or_else_a_text(text: str, expected: Any) -> None:
    assert read_assignments([text]) == {"a": expected}


@pytest.mark.parametrize("texts", [["a"], ["=1"], ["a=1", "a=2"], ["a=99999999999999999999"]])
def test_a_wrong_parameter_is_refused(texts: list[str]) -> None:
    with pytest.raises(InvalidError):
        read_assignments(texts)


def test_the_command_offers_every_format() -> None:
    output = CliRunner().invoke(cli, ["cypher", "--help"]).output

    assert "|".join(FORMAT_NAMES) in output.replace("\n", "").replace(" ", "")


async def test_a_table_is_for_people(database: Database, database_address: DatabaseAddress) -> None:
    finished = await cypher(database_address, ROWS, "--param", "n=2")

    assert finished.code == 0, finished.errors
    assert "│ 1 │ row 1 │ false  │" in finished.output
    assert "2 rows" in finished.output


async def test_statements_come_from_files_and_from_standard_input(
    database: Database, database_address: DatabaseAddress, tmp_path: Path
) -> None:
    file = tmp_path / "query.cypher"
    file.write_text("// the first\nRETURN $word AS word;\n")
    given = "RETURN 'from outside, ä' AS word".encode()

    by_file = await cypher(database_address, "-f", str(file), "-p", "word=yes", "--format", "ndjson")
    by_input = await cypher(database_address, "-", "--format", "ndjson", given=given)

    assert (by_file.code, json.loads(by_file.output)) == (0, {"word": "yes"})
    assert (by_input.code, json.loads(by_input.output)) == (0, {"word": "from outside, ä"})


@pytest.mark.parametrize("name", ["json", "ndjson", "csv"])
async def test_formats_are_those_of_the_api(database: Database, database_address: DatabaseAddress, name: str) -> None:
    finished = await cypher(database_address, ROWS, "-p", "n=1500", "--format", name)

    assert finished.code == 0, finished.errors
    rows = [[i, f"row {i}", i == 2] for i in range(1, 1_501)]
    if name == "json":
        assert json.loads(finished.output)["rows"] == rows
    elif name == "ndjson":
        assert [list(json.loads(line).values()) for line in finished.output.splitlines()] == rows
    else:
        cells = list(csv.reader(io.StringIO(finished.output)))[1:]
        assert cells == [[str(i), text, str(is_two).lower()] for i, text, is_two in rows]


async def test_a_file_is_written_whole_or_not_at_all(
    database: Database, database_address: DatabaseAddress, tmp_path: Path
) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    good, bad = tmp_path / "rows.parquet", tmp_path / "bad.csv"

    written = await cypher(database_address, ROWS, "-p", "n=3", "--format", "parquet", "-o", str(good))
    failed = await cypher(
        database_address, "UNWIND range(1, 5000) AS i RETURN 1 / (4000 - i)", "--format", "csv", "-o", str(bad)
    )

    assert (written.code, written.output) == (0, "")
    assert pq.read_table(good).column("i").to_pylist() == [1, 2, 3]
    assert failed.code == 2
    assert names_in(tmp_path) == [good.name]


def names_in(folder: Path) -> list[str]:
    """Names of a folder's files."""
    return [file.name for file in folder.iterdir()]


async def test_rows_that_are_left_out_are_told(database: Database, database_address: DatabaseAddress) -> None:
    finished = await cypher(database_address, ROWS, "-p", "n=9", "--max-rows", "2", "--format", "ndjson")

    assert finished.code == 0
    assert len(finished.output.splitlines()) == 2
    assert "more than these 2 rows" in finished.errors


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["RETRUN 1"], 2, "RETRUN"),
        (["CREATE (n) RETURN n"], 2, ""),
        (["RETURN $missing"], 2, "missing"),
        (["RETURN 1", "--typed"], 2, "typed"),
        (["RETURN 1", "--param", "a"], 2, "name=value"),
        (["RETURN 1", "--format", "xlsx"], 2, "xlsx"),
        (["RETURN 1", "--file", "absent.cypher"], 2, "absent.cypher"),
        (["RETURN 1", "-o", "/absent/rows.csv", "--format", "csv"], 3, "cannot write"),
        (["UNWIND range(1, 10000000000) AS i WITH i WHERE i < 0 RETURN i", "--timeout", "0.3"], 4, ""),
    ],
)
async def test_failures_have_their_exit_codes(
    database: Database, database_address: DatabaseAddress, arguments: list[str], code: int, message: str
) -> None:
    finished = await cypher(database_address, *arguments)

    assert (finished.code, finished.output) == (code, "")
    assert message in finished.errors
    assert "Traceback" not in finished.errors


def test_what_would_steer_a_terminal_is_shown_as_text() -> None:
    console = Console(file=io.StringIO(), width=80)

    print_rows(["a\x1b[2J"], [["\x1b]0;title\x07\nnext"], [None], [b"\0"], [{"k": "\x1b"}]], console)

    output = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "\x1b" not in output
    assert "\x07" not in output
    assert r"\x1b]0;title\x07\nnext" in output
    assert "4 rows" in output


def test_numbers_are_on_the_right() -> None:
    console = Console(file=io.StringIO(), width=80)

    print_rows(["n", "text"], [[1, "a"], [None, "b"], [100, "c"]], console)

    assert "│   1 │ a    │" in console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert set(FORMAT_NAMES) == {"table", *FORMATS}


async def test_saved_queries_are_listed_and_run(database: Database, database_address: DatabaseAddress) -> None:
    """With values as texts, and errors that name the parameter."""
    listed = await run("queries", environment=variables(database_address))
    ran = await run(
        *("queries", "run", "due-for-resolution", "--param", "days=30", "--format", "csv"),
        environment=variables(database_address),
    )
    wrong = await run("queries", "run", "due-for-resolution", "-p", "days=x", environment=variables(database_address))
    unknown = await run("queries", "run", "nobody", environment=variables(database_address))

    assert all(name in listed.output for name in ("due-for-resolution", "untouched-claims", "(project)"))
    assert ran.output.splitlines() == ["claim,title,deadline,posterior,predictor"]
    assert (wrong.code, unknown.code) == (2, 1)
    assert "the parameter 'days' (INTEGER) expects a whole number" in wrong.errors
    assert "no saved query has the name 'nobody'" in unknown.errors


async def test_a_query_is_saved_from_a_file_and_deleted(
    database: Database, database_address: DatabaseAddress, tmp_path: Path
) -> None:
    """Under the file's name, in versions, and judged as everywhere."""
    file = tmp_path / "likely.cypher"
    file.write_text(QUERY_FILE, encoding="utf-8")
    draft = read_draft("likely", QUERY_FILE)
    tried = await save_from_file(database_address, draft, is_dry_run=True)
    saved = await run("queries", "save", str(file), environment=variables(database_address))
    again = await save_from_file(database_address, draft, is_dry_run=False)
    deleted = await run("queries", "delete", "likely", environment=variables(database_address))
    with pytest.raises(RefusedCypherError, match="Delete"):
        await save_from_file(database_address, read_draft("likely", "MATCH (n) DELETE n"), is_dry_run=False)

    assert tried == "version 1 of the saved query likely would be saved"
    assert saved.errors.endswith("foregraph: version 1 of the saved query likely is saved\n")
    assert again == "version 1 of the saved query likely says the same already"
    assert "the saved query likely is deleted" in deleted.errors
    with pytest.raises(NotFoundError):
        await delete_query(database, "likely")


def test_a_file_that_describes_a_parameter_in_another_way_is_refused() -> None:
    """With the way that it has to be."""
    for text in ("// parameter: days\nRETURN $days", "// parameter: days WEEKS: x\nRETURN 1"):
        with pytest.raises(InvalidError):
            read_draft("likely", text)
    draft = read_draft("likely", QUERY_FILE)

    assert (draft.description, draft.statement) == ("Likely claims.", "RETURN $least AS least")
    assert draft.parameters == (Parameter("least", ParameterType.FLOAT, "Least.", 0.5, is_required=False),)


def test_texts_of_one_name_are_a_list() -> None:
    assert read_texts(["a=1", "b=x=y", "a="]) == {"a": ["1", ""], "b": "x=y"}
    with pytest.raises(InvalidError):
        read_texts(["a"])
