"""
What the database is told: every statement and migration of ours, as `.cypher` files read once.

A statement's name is its path without the ending: `statement("claims/get")` reads `claims/get.cypher`.
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import LiteralString, NamedTuple


class Migration(NamedTuple):
    """One ordered step of the schema: its file's name, what it says and the checksum it is known by."""

    name: str
    statements: tuple[LiteralString, ...]
    checksum: str


@cache
def statement(name: str) -> LiteralString:
    """
    The text of a statement.

    Raises:
        FileNotFoundError: No statement has that name.
    """
    return files(__name__).joinpath(f"{name}.cypher").read_text(encoding="utf-8")


def list_statements() -> tuple[str, ...]:
    """The names of all statements, migrations aside, in order."""
    subjects = (entry for entry in files(__name__).iterdir() if entry.is_dir() and entry.name != "schema")
    names = (
        f"{subject.name}/{file.name.removesuffix('.cypher')}"
        for subject in subjects
        for file in subject.iterdir()
        if file.name.endswith(".cypher")
    )
    return tuple(sorted(names))


@cache
def list_migrations() -> tuple[Migration, ...]:
    """The migrations in the order in which they apply, which is that of their file names."""
    found = [file for file in files(__name__).joinpath("schema").iterdir() if file.name.endswith(".cypher")]
    return tuple(_read_migration(file.name, file.read_text(encoding="utf-8")) for file in sorted(found, key=str))


def _read_migration(name: str, text: str) -> Migration:
    # A semicolon at the end of a line ends a statement; none of ours holds one elsewhere.
    parts = (part.strip() for part in text.split(";\n"))
    return Migration(
        name=name.removesuffix(".cypher"),
        statements=tuple(part for part in parts if _has_code(part)),
        checksum=sha256(text.encode()).hexdigest(),
    )


def _has_code(part: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("//") for line in part.splitlines())
