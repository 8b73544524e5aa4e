"""Rows of an export on disk: put by list and key, replaced and removed while the graph changes, read back in order."""

import json
import sqlite3
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, get_origin

from graph.model.page_keys import join
from graph.model.properties import items_of, json_properties, parallel_lists
from graph.model.rows import Row
from graph.model.subjects import CLAIM_LISTS, MARK, ROW_LISTS, STAMPS, EdgeList

RECEIPTS: Final = "receipts"
"""The list of answers given to requests with a key."""
SCHEDULES: Final = "query_schedules"
HOOKS: Final = "change_webhooks"
DELIVERIES: Final = "query_deliveries"
"""The list of deliveries that wait or were given up."""

KEPT_ASIDE: Final[Mapping[str, str]] = {RECEIPTS: "key", SCHEDULES: "name", HOOKS: "name", DELIVERIES: "id"}
"""Lists that no bundle has, and the property that identifies a row of each."""

_OWNED: Final = ("milestones", "evidence")
_SCHEMA: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE rows (
    list TEXT NOT NULL, key TEXT NOT NULL, place TEXT NOT NULL, start TEXT, finish TEXT, row TEXT NOT NULL,
    moments TEXT NOT NULL,
    UNIQUE (list, key)
);
CREATE INDEX starts ON rows (start) WHERE start IS NOT NULL;
CREATE INDEX finishes ON rows (finish) WHERE finish IS NOT NULL;
"""


class Changed(NamedTuple):
    """
    Rows to put in place of others.

    Attributes:
        claim_ids: Claims that are removed with their milestones and ledgers, before what `rows` has of them is put.
        child_ids: Claims of which the influences on them are removed likewise.
        keys: Other rows that are removed likewise, by list.
        rows: The rows to put, by list, as stored in the graph.
    """

    claim_ids: Collection[str]
    child_ids: Collection[str]
    keys: Mapping[str, Collection[str]]
    rows: Mapping[str, list[Mapping[str, Any]]]


class Spool:
    """
    Rows by list and key in a file of SQLite, which takes any number of them.

    Not safe for concurrent use, but in any thread.
    """

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._connection.executescript(_SCHEMA)

    @classmethod
    @contextmanager
    def temporary(cls) -> Iterator[Self]:
        """Make a spool that is removed at the end of the block."""
        with tempfile.TemporaryDirectory(prefix="foregraph-") as folder:
            spool = cls(Path(folder, "rows.sqlite"))
            try:
                yield spool
            finally:
                spool.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def clear(self) -> None:
        """Remove all rows."""
        self._connection.execute("DELETE FROM rows")

    def put(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Put rows of a list, each in place of the one with its key; `rows` are properties as stored in the graph."""
        self._connection.execute("BEGIN")
        self._insert(name, rows)
        self._connection.execute("COMMIT")

    def replace(self, changed: Changed) -> None:
        """Remove rows, and put others."""
        run = self._connection.execute
        run("BEGIN")
        found = {str(row["id"]) for name in CLAIM_LISTS for row in changed.rows.get(name, ())}
        for claim_id in changed.claim_ids:
            for name in CLAIM_LISTS:
                run("DELETE FROM rows WHERE list = ? AND key = ?", (name, claim_id))
            if claim_id in found:
                run("DELETE FROM rows WHERE start = ? AND list IN (?, ?)", (claim_id, *_OWNED))
            else:  # it was deleted, with all that was about it
                run("DELETE FROM rows WHERE start = ? AND list <> 'document_links'", (claim_id,))
                run("DELETE FROM rows WHERE finish = ? AND list <> 'exposures'", (claim_id,))
        for child_id in changed.child_ids:
            run("DELETE FROM rows WHERE finish = ? AND list = 'influences'", (child_id,))
        for name, keys in changed.keys.items():
            for key in keys:
                run("DELETE FROM rows WHERE list = ? AND key = ?", (name, key))
        for name, rows in changed.rows.items():
            self._insert(name, rows)
        run("COMMIT")

    def counts(self) -> dict[str, int]:
        """Count the rows of each list that has some."""
        return dict(self._connection.execute("SELECT list, count(*) FROM rows GROUP BY list"))

    def texts(self, name: str, *, by_key: bool = False) -> Iterator[str]:
        """
        Yield the rows of a list as JSON.

        Args:
            name: The list.
            by_key: Whether in the order of their keys; else what belongs to a claim comes claim by claim, and ledgers
                in their order.
        """
        order = "key" if by_key else "place, key"
        cursor = self._connection.execute(f"SELECT row FROM rows WHERE list = ? ORDER BY {order}", (name,))  # noqa: S608  # one of two texts
        return (row[0] for row in cursor)

    def texts_with_moments(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield the rows of a list as JSON, each with its moments as members of an object, in the order of `texts`."""
        cursor = self._connection.execute("SELECT row, moments FROM rows WHERE list = ? ORDER BY place, key", (name,))
        return ((row, moments) for row, moments in cursor)

    def _insert(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        entries = (_entry_aside(name, row) if name in KEPT_ASIDE else _entry(name, row) for row in rows)
        self._connection.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", entries)


def row_text(kind: type[Row], properties: Mapping[str, Any]) -> str:
    """
    Write a stored row as the JSON of a bundle, without absent values.

    It is not checked, so that what an older version stored is exported as it is.
    """
    values = ((name, _value(properties, name, in_json=in_json)) for name, in_json in _fields(kind))
    row = {name: value for name, value in values if value is not None}
    row |= {name: row.get(name, []) for name in _tuples(kind)}
    row |= {name: items_of(lists, properties) for name, lists in parallel_lists(kind).items()}
    return json.dumps({name: row[name] for name, _ in _fields(kind) if name in row}, ensure_ascii=False)


@cache
def _fields(kind: type[Row]) -> tuple[tuple[str, bool], ...]:
    in_json = json_properties(kind)
    return tuple((name, name in in_json) for name in kind.model_fields)


@cache
def _tuples(kind: type[Row]) -> tuple[str, ...]:
    """Return the properties that are lists of rows, empty where nothing is stored."""
    return tuple(name for name, field in kind.model_fields.items() if get_origin(field.annotation) is tuple)


def _value(properties: Mapping[str, Any], name: str, *, in_json: bool) -> Any:
    value = properties.get(name)
    if value is None:
        return None
    if in_json:
        return json.loads(value)
    return shown_time(value) if isinstance(value, date) else value


def shown_time(value: date) -> str:
    """Write a day, or a moment in UTC, as a bundle has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat()


_Entry = tuple[str, str, str, str | None, str | None, str, str]


def _entry(name: str, properties: Mapping[str, Any]) -> _Entry:
    listed = ROW_LISTS[name]
    text = row_text(listed.row, properties)
    if isinstance(listed, EdgeList):
        key = MARK.join(str(properties[part]) for part in listed.key)
        return name, key, key, properties[listed.start.property], properties[listed.end.property], text, ""
    key = "@".join(str(properties[part]) for part in listed.key)
    owner = None if listed.owner is None else str(properties[listed.owner.property])
    place = key
    if name == "evidence":
        place = str(properties.get("ledger_key") or key)
    elif owner is not None:
        place = join(owner, key)
    return name, key, place, owner, None, text, _moments_text(properties) if listed.is_subject else ""


def _moments_text(properties: Mapping[str, Any]) -> str:
    known = ((name, properties.get(name)) for name in STAMPS)
    return ", ".join(f'"{name}": "{shown_time(moment)}"' for name, moment in known if moment is not None)


def _entry_aside(name: str, properties: Mapping[str, Any]) -> _Entry:
    values = ((found, value) for found, value in properties.items() if value is not None)
    row = {found: shown_time(value) if isinstance(value, date) else value for found, value in sorted(values)}
    key = str(row[KEPT_ASIDE[name]])
    return name, key, key, None, None, json.dumps(row, ensure_ascii=False), ""
