"""
Statements, templates and migrations for the database, as `.cypher` files that are read once.

A template has placeholders. `#label` is replaced by one identifier, or by several types joined by `|`. The lines
between `#each types` and `#end` are repeated for each entry of the list `types`, with the lines after `#between`, if
any, between two entries. The character `#` has no meaning in Cypher and is used for placeholders only.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, LiteralString, NamedTuple

Identifiers = Mapping[str, str | tuple[str, ...]]
"""Values of placeholders by name: an identifier, or the alternative types of a relationship."""

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACEHOLDER: Final = re.compile(r"#(\w*)")
_REPEATED: Final = re.compile(r"^ *#each (\w+)\n(.*?)(?:^ *#between\n(.*?))?^ *#end\n", re.MULTILINE | re.DOTALL)
_OTHER_FOLDERS: Final = frozenset({"schema", "templates"})


class Migration(NamedTuple):
    """A step of the schema: its name, which orders it, its statements, and the checksum of its file."""

    name: str
    statements: tuple[LiteralString, ...]
    checksum: str


def render(
    name: str, identifiers: Identifiers | None = None, repeated: Mapping[str, Sequence[Identifiers]] | None = None
) -> LiteralString:
    """
    Render a file's statement, with its placeholders replaced.

    Args:
        name: The file's path without the suffix, such as `templates/upsert_nodes`.
        identifiers: The values of its placeholders.
        repeated: The entries of its lists by name; each has the values of further placeholders of the repeated lines.

    Raises:
        FileNotFoundError: No file has the name.
        ValueError: A placeholder or a list has no value, or a value is not an identifier.
    """
    given, lists = identifiers or {}, repeated or {}

    def repeat(found: re.Match[str]) -> str:
        listed, lines, between = found.groups(default="")
        if listed not in lists:
            message = f"{name}: the list {listed} has no entries; pass them in `repeated`"
            raise ValueError(message)
        return between.join(_fill(name, lines, {**given, **entry}) for entry in lists[listed])

    return _fill(name, _REPEATED.sub(repeat, _read(name)), given)


def _fill(name: str, text: str, identifiers: Identifiers) -> LiteralString:
    def fill(found: re.Match[str]) -> str:
        value = identifiers.get(found[1], ())
        parts = (value,) if isinstance(value, str) else value
        if not parts or not all(_IDENTIFIER.fullmatch(part) for part in parts):
            message = f"{name}: expected identifiers for {found[0]}, got {parts}"
            raise ValueError(message)
        return "|".join(parts)

    # The driver takes literals only, so that no caller's text becomes Cypher. This text is a file of this package with
    # checked identifiers; mypy does not distinguish the two types, so no cast is needed.
    return _PLACEHOLDER.sub(fill, text)


@cache
def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.cypher").read_text(encoding="utf-8")


def list_files() -> tuple[str, ...]:
    """List the names of the files with one statement each, templates and migrations aside, in order."""
    rooms = (entry for entry in files(__name__).iterdir() if entry.is_dir() and entry.name not in _OTHER_FOLDERS)
    names = (
        f"{room.name}/{file.name.removesuffix('.cypher')}"
        for room in rooms
        for file in room.iterdir()
        if file.name.endswith(".cypher")
    )
    return tuple(sorted(names))


@cache
def list_migrations() -> tuple[Migration, ...]:
    """List the migrations in the order in which they are applied, that of their file names."""
    found = [file for file in files(__name__).joinpath("schema").iterdir() if file.name.endswith(".cypher")]
    return tuple(_read_migration(file.name, file.read_text(encoding="utf-8")) for file in sorted(found, key=str))


def _read_migration(name: str, text: str) -> Migration:
    # A statement ends with a semicolon at the end of a line; the files have none elsewhere.
    parts = (part.strip() for part in text.split(";\n"))
    return Migration(
        name=name.removesuffix(".cypher"),
        statements=tuple(part for part in parts if _has_code(part)),
        checksum=sha256(text.encode()).hexdigest(),
    )


def _has_code(part: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("//") for line in part.splitlines())
