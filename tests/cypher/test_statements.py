"""Statements and migrations as they are read from files."""

import pytest

from cypher import list_migrations, list_statements, statement


def test_every_listed_statement_can_be_read() -> None:
    """A statement is named by its path."""
    names = list_statements()

    assert "reading/expand_claims" in names
    assert all(statement(name).strip() for name in names)
    assert not any(name.startswith("schema/") for name in names)


def test_a_statement_that_is_not_there_is_an_error() -> None:
    """A slip in a name shows at once."""
    with pytest.raises(FileNotFoundError, match="nobody"):
        statement("claims/nobody")


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
