"""Statements that analysts write read the graph, and nothing else."""

from pathlib import Path

import pytest

from graph.adhoc.allowed import FUNCTIONS, INTERNAL, OPERATORS, PROCEDURES, REFUSED, SURVEYED, words
from graph.adhoc.running import Adhoc
from graph.database.sessions import Database
from graph.errors import CypherFailedError, CypherSyntaxError, RefusedCypherError
from tests.helpers.adhoc import CALLER, fetch_rows, read_statements
from tests.helpers.graph_dump import ask, everything

pytestmark = pytest.mark.statements

ESCAPES = read_statements(Path(__file__).with_name("escapes.cypher"))
ORDINARY = read_statements(Path(__file__).with_name("ordinary.cypher"))
REFUSALS = (RefusedCypherError, CypherSyntaxError, CypherFailedError)
PARAMETERS = {"id": "P_00", "ids": ["P_00", "P_01"]}

OFFERED_AND_NOT_LISTED = frozenset({"reduce"})
"""Functions that are judged by a rule of their own."""


@pytest.mark.parametrize("statement", ESCAPES, ids=range(len(ESCAPES)))
async def test_no_escape_runs(adhoc: Adhoc, statement: str) -> None:
    """Whatever writes, asks the server or reaches out is refused, in any disguise; nothing of it runs."""
    with pytest.raises(REFUSALS):
        await fetch_rows(adhoc, statement, {"name": "escaped", "url": "file:///etc/passwd"})


async def test_escapes_leave_the_graph_as_it_was(adhoc: Adhoc, graph: Database) -> None:
    """The second route: all that is stored is compared, beside indexes, constraints, users and names."""
    names = (
        "CALL db.labels() YIELD label RETURN label "
        "UNION CALL db.propertyKeys() YIELD propertyKey RETURN propertyKey AS label"
    )
    before = [await everything(graph), await ask(graph, "SHOW INDEXES YIELD name RETURN name ORDER BY name")]
    known = await ask(graph, names)

    for statement in ESCAPES:
        with pytest.raises(REFUSALS):
            await fetch_rows(adhoc, statement, {"name": "escaped", "url": "file:///etc/passwd"})

    assert [await everything(graph), await ask(graph, "SHOW INDEXES YIELD name RETURN name ORDER BY name")] == before
    assert await ask(graph, names) == known


@pytest.mark.parametrize("statement", ORDINARY, ids=range(len(ORDINARY)))
async def test_ordinary_statements_run(adhoc: Adhoc, graph: Database, statement: str) -> None:
    """What analysts write gives the rows that the driver alone gives."""
    found = await fetch_rows(adhoc, statement, PARAMETERS)

    expected = await ask(graph, statement, **PARAMETERS)
    if "datetime()" not in statement and "date()" not in statement:
        assert sorted(map(repr, found)) == sorted(map(repr, expected))


async def test_what_a_release_offers_is_known(graph: Database) -> None:
    """A new release's functions and procedures are listed or refused on purpose; else this names them."""
    version = (await ask(graph, "CALL dbms.components() YIELD versions RETURN versions[0]"))[0][0]
    functions = {name.lower() for (name,) in await ask(graph, "SHOW FUNCTIONS YIELD name RETURN DISTINCT name")}
    procedures = {name for (name,) in await ask(graph, "SHOW PROCEDURES YIELD name RETURN DISTINCT name")}

    assert version in SURVEYED, f"look through what {version} offers, and add it to SURVEYED"
    assert functions - set(FUNCTIONS) - set(REFUSED) - OFFERED_AND_NOT_LISTED == set()
    assert procedures >= PROCEDURES
    reads = {
        name
        for name, mode in await ask(graph, "SHOW PROCEDURES YIELD name, mode RETURN DISTINCT name, mode")
        if mode == "READ"
    }
    assert reads - PROCEDURES == {name for name in LOOKED_THROUGH if name in reads}


LOOKED_THROUGH = words("""
    db.awaitIndex db.awaitIndexes db.index.fulltext.awaitEventuallyConsistentIndexRefresh
    db.index.fulltext.listAvailableAnalyzers db.info db.ping db.prepareForReplanning db.resampleIndex
    db.resampleOutdatedIndexes db.schema.nodeTypeProperties db.schema.relTypeProperties db.stats.clear db.stats.collect
    db.stats.retrieve db.stats.retrieveAllAnonymized db.stats.status db.stats.stop dbms.upgradeStatus
""")
"""Procedures that Neo4j says read, and that tell of the server, wait, or change what it keeps."""


def test_lists_name_no_writer() -> None:
    """No operator that writes, administers or reads a file is on the list, and no name is on two lists."""
    words = ("Create", "Merge", "Set", "Delete", "Remove", "Foreach", "Load", "Show", "Terminate", "Transaction")
    writers = {operator for operator in OPERATORS if operator.startswith(words)}

    assert writers == set()
    assert set(FUNCTIONS) & set(REFUSED) == set()
    assert set(INTERNAL) & set(FUNCTIONS) == set()


@pytest.mark.parametrize(
    ("statement", "kind", "name", "hint"),
    [
        ("MATCH (n) DELETE n", "OPERATOR", "Delete", "MATCH"),
        ("CALL dbms.listConfig() YIELD name RETURN name", "PROCEDURE", "dbms.listConfig", "db.labels"),
        ("RETURN file()", "FUNCTION", "file", "nothing"),
        ("RETURN [x IN range(1, 100000000) | x]", "FUNCTION", "range", "UNWIND range"),
        ("RETURN 'x' =~ '(x+x+)+y'", "EXPRESSION", "=~", "CONTAINS"),
        (
            "MATCH (n) WITH collect(n) AS l RETURN [a IN l WHERE any(b IN l WHERE a.id < b.id)]",
            "EXPRESSION",
            "a list within a list",
            "UNWIND",
        ),
        ("EXPLAIN MATCH (n) RETURN n", "STATEMENT", "EXPLAIN", "plan"),
    ],
)
async def test_refusals_name_what_why_and_what_instead(
    adhoc: Adhoc, statement: str, kind: str, name: str, hint: str
) -> None:
    """An analyst corrects a statement by its refusal alone."""
    with pytest.raises(RefusedCypherError) as caught:
        await fetch_rows(adhoc, statement)

    assert (caught.value.kind, caught.value.name) == (kind, name)
    assert hint in caught.value.hint
    assert caught.value.hint in str(caught.value)


@pytest.mark.parametrize(
    ("statement", "line", "column"),
    [
        ("MATCH (n) RETRUN n", 1, 11),
        ("MATCH (n)\nRETURN m", 2, 8),
        ("MATCH (n)\n\n  WHERE n.id = \nRETURN n", 4, 8),
        ("RETURN 1 +", 1, 11),
        ("RETURN nothing(1)", 1, 8),
    ],
)
async def test_syntax_errors_tell_their_place(adhoc: Adhoc, statement: str, line: int, column: int) -> None:
    """Line and column are those of the statement as it was written, and nothing else of the driver shows."""
    with pytest.raises(CypherSyntaxError) as caught:
        await fetch_rows(adhoc, statement)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert "EXPLAIN" not in str(caught.value)
    assert "Neo.ClientError" not in str(caught.value)
    assert "neo4j_code" not in str(caught.value)


@pytest.mark.parametrize(
    "statement", ["UNWIND [0] AS x RETURN 1 / x", "UNWIND ['a'] AS x RETURN date(x)", "RETURN $missing"]
)
async def test_failures_while_running_are_told(adhoc: Adhoc, statement: str) -> None:
    """A statement that fails while it runs is the analyst's to correct."""
    with pytest.raises((CypherFailedError, CypherSyntaxError)) as caught:
        await fetch_rows(adhoc, statement)

    assert "Neo.ClientError" not in str(caught.value)


@pytest.mark.parametrize("name", ["autoint_0", "AutoString_1", "  AUTOINT0"])
async def test_parameters_cannot_pose_as_literals(adhoc: Adhoc, name: str) -> None:
    """Plans show literals as parameters of such names, by which their sizes are told."""
    with pytest.raises(RefusedCypherError, match="database's own"):
        await fetch_rows(adhoc, "RETURN [x IN range(1, 1000000000) | x]", {name: 1})


async def test_plans_are_told(adhoc: Adhoc) -> None:
    """A plan is its operators with their details; the statement does not run for it."""
    plan = await adhoc.explain("MATCH (c:Claim) RETURN count(*) AS number", caller=CALLER)

    assert [part.operator for part in plan.walk()] == ["ProduceResults", "NodeCountFromCountStore"]
