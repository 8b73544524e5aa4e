"""
Statements and migrations for the database, as `.cypher` files read once.

A file may leave identifiers open. `#label` stands for one identifier, or for several types joined by `|`. The lines
between `#each types` and `#end` are repeated for each entry of the list `types`, with the lines after `#between`, where
there are any, between two entries. The character `#` has no meaning in Cypher and occurs in a file for nothing else.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, LiteralString, NamedTuple

Identifiers = Mapping[str, str | tuple[str, ...]]
"""Values of placeholders by name: an identifier, or the types of which a relationship may be any."""

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACEHOLDER: Final = re.compile(r"#(\w*)")
_REPEATED: Final = re.compile(r"^ *#each (\w+)\n(.*?)(?:^ *#between\n(.*?))?^ *#end\n", re.MULTILINE | re.DOTALL)
_OTHER_FOLDERS: Final = frozenset({"schema", "templates"})


class Migration(NamedTuple):
    """One ordered step of the schema: its file's name, what it says and the checksum it is known by."""

    name: str
    statements: tuple[LiteralString, ...]
    checksum: str


def render(
    name: str, identifiers: Identifiers | None = None, repeated: Mapping[str, Sequence[Identifiers]] | None = None
) -> LiteralString:
    """
    A file's statement with its placeholders filled.

    Args:
        name: The file's path without the ending, such as `templates/upsert_nodes`.
        identifiers: What stands for its placeholders.
        repeated: The entries of its lists; each says what stands for further placeholders of the repeated lines.

    Raises:
        FileNotFoundError: No file has that name.
        ValueError: A placeholder or a list is left open, or is to be filled with what is not an identifier.
    """
    given, lists = identifiers or {}, repeated or {}

    def repeat(found: re.Match[str]) -> str:
        listed, lines, between = found.groups(default="")
        if listed not in lists:
            message = f"{name}: nothing is given for the list {listed}"
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

    # The driver asks for a literal, so that no caller's text becomes Cypher. This text is a file of ours in which only
    # checked identifiers were filled in; to mypy, which does not tell the two types apart, it needs no cast.
    return _PLACEHOLDER.sub(fill, text)


@cache
def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.cypher").read_text(encoding="utf-8")


def list_files() -> tuple[str, ...]:
    """The names of the files that hold one statement each, so neither templates nor migrations, in order."""
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
