"""Statements and migrations as they are read from files."""

from importlib.resources import files

import pytest

from cypher import Identifiers, list_migrations, render
from graph.database.statements import list_rendered, list_statements, statement
from graph.model.subjects import ROW_LISTS

EDGE: Identifiers = {
    "source": "Claim",
    "source_key": "id",
    "source_property": "parent_id",
    "target": "Claim",
    "target_key": "id",
    "target_property": "child_id",
    "types": ("KILLS", "CORRELATES_WITH"),
    "type_property": "kind",
}


def test_every_listed_statement_can_be_read() -> None:
    """A statement is named by its path."""
    names = list_statements()

    assert "reading/expand_claims" in names
    assert all(statement(name).strip() for name in names)
    assert not any(name.startswith("schema/") for name in names)


@pytest.mark.parametrize("name", ["claims/nobody", "schema/0001_identity", "templates/upsert_nodes"])
def test_a_statement_that_is_not_there_is_an_error(name: str) -> None:
    """A slip in a name shows at once; migrations and templates are no statements."""
    with pytest.raises(FileNotFoundError, match=name):
        statement(name)


def test_every_list_of_a_bundle_can_be_written_and_exported() -> None:
    """Whoever declares a list has these statements."""
    assert {f"{verb}/{name}" for name in ROW_LISTS for verb in ("upsert", "export")} <= set(list_statements())


def test_no_placeholder_is_left_open() -> None:
    """What the database is sent is Cypher alone."""
    assert [name for name in list_statements() if "#" in statement(name)] == []


def test_every_template_is_filled() -> None:
    """A template that nobody uses is dead."""
    folder = files("cypher").joinpath("templates")
    comments = {file.read_text(encoding="utf-8").splitlines()[0].partition("#")[0] for file in folder.iterdir()}

    rendered = [statement(name) for name in list_rendered()]

    assert [comment for comment in comments if not any(text.startswith(comment) for text in rendered)] == []


def test_a_placeholder_stands_for_an_identifier_or_for_types() -> None:
    """Types are joined as a relationship's pattern takes them."""
    rendered = render("templates/get_edge", EDGE)

    assert "MATCH (source:Claim {id: source_key})" in rendered
    assert "-[edge:KILLS|CORRELATES_WITH]->" in rendered
    assert "WHERE type(edge) = $kind" in rendered


@pytest.mark.parametrize(
    "wrong", ["", "a b", "a-b", "1a", "a`", "a|b", "é", "a\n", "Claim) DETACH DELETE (n", ("KILLS", "x y"), ()]
)
def test_what_is_no_identifier_is_never_filled_in(wrong: str | tuple[str, ...]) -> None:
    """Each part of a list of types is checked by itself."""
    with pytest.raises(ValueError, match="templates/get_edge: expected identifiers for #types"):
        render("templates/get_edge", {**EDGE, "types": wrong})


def test_a_placeholder_that_nothing_is_given_for_is_an_error() -> None:
    """Whatever is open would reach the database."""
    with pytest.raises(ValueError, match="expected identifiers for #key"):
        render("templates/delete_node", {"label": "Ticker"})


def test_repeated_lines_come_once_for_each_entry() -> None:
    """What stands between two entries comes neither before the first nor after the last."""
    names = {"page_key": "outgoing_key"}
    types = [{"type": "KILLS"}, {"type": "CORRELATES_WITH"}]
    rendered = render("templates/export_edges", names, {"types": types})

    assert rendered.count("UNION ALL") == 1
    assert rendered.index("[edge:KILLS]") < rendered.index("UNION ALL") < rendered.index("[edge:CORRELATES_WITH]")
    assert "UNION" not in render("templates/export_edges", names, {"types": types[:1]})


def test_a_list_that_nothing_is_given_for_is_an_error() -> None:
    """An empty list has to be given as one."""
    with pytest.raises(ValueError, match="the list types has no entries"):
        render("templates/export_edges", {"page_key": "outgoing_key"})


def test_migrations_come_in_the_order_of_their_numbers() -> None:
    """An order that depends on the file system would be none."""
    names = [migration.name for migration in list_migrations()]

    assert names == sorted(names)
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_a_migration_is_known_by_its_text() -> None:
    """Each has statements and a checksum of its own."""
    migrations = list_migrations()

    assert all(migration.statements for migration in migrations)
    assert len({migration.checksum for migration in migrations}) == len(migrations)
    assert all(";" not in text for migration in migrations for text in migration.statements)
