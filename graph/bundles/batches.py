"""Rows in batches that one statement writes, and in groups that one transaction holds."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeVar

from graph.bundles.drafts import Draft
from graph.errors import InvalidError
from graph.model.properties import json_properties
from graph.model.rows import Claim, Row

BATCH_ROWS = 2_000
# What a row takes of the database's memory for one transaction, by its own count: measured on synthetic graphs. A claim
# has the most properties and indexes, and a text counts in its property and in each full-text index.
CLAIM_BYTES, ROW_BYTES, CHARACTER_BYTES = 12_000, 3_000, 6
# The embedded server gives a transaction 384 MB, and a commit takes as much again as what is to be committed.
TRANSACTION_BYTES = 100_000_000
# What this process holds with room to spare; larger graphs come in several bundles.
MAX_ROWS = 250_000

ItemT = TypeVar("ItemT")
PlacedRow = tuple[str, Row]
"""A row and the place that a problem with it names."""


class Batch(NamedTuple):
    """Rows of one list that one statement writes, and about how much of a transaction's memory they take."""

    name: str
    rows: Sequence[PlacedRow]
    num_bytes: int


def fits_transaction(draft: Draft, num_characters: int) -> bool:
    """Whether one transaction holds all rows of a text of so many characters."""
    num_rows = sum(len(rows) for rows in draft.rows.values())
    if num_rows * CLAIM_BYTES + num_characters * CHARACTER_BYTES <= TRANSACTION_BYTES:
        return True
    sizes = accumulate(bytes_of(row) for rows in draft.rows.values() for _, row in rows)
    return all(size <= TRANSACTION_BYTES for size in sizes)


def check_size(num_rows: int) -> None:
    """Raise InvalidError where a bundle has more rows than this process holds."""
    if num_rows > MAX_ROWS:
        message = f"expected at most {MAX_ROWS} rows in one bundle, got {num_rows}; import it in parts"
        raise InvalidError(message, path="bundle")


def transactions(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Batches in groups that one transaction each can hold."""
    group: list[Batch] = []
    size = 0
    for batch in batches:
        if group and size + batch.num_bytes > TRANSACTION_BYTES:
            yield group
            group, size = [], 0
        group.append(batch)
        size += batch.num_bytes
    if group:
        yield group


def in_batches(items: Sequence[ItemT]) -> Iterator[Sequence[ItemT]]:
    """Items in batches that one statement takes."""
    return (items[start : start + BATCH_ROWS] for start in range(0, len(items), BATCH_ROWS))


def row_batches(name: str, placed: Sequence[PlacedRow]) -> Iterator[Batch]:
    """Rows that one statement writes: so many, and fewer where they are long."""
    batch: list[PlacedRow] = []
    size = 0
    for entry in placed:
        num_bytes = bytes_of(entry[1])
        if batch and (len(batch) == BATCH_ROWS or size + num_bytes > TRANSACTION_BYTES):
            yield Batch(name, batch, size)
            batch, size = [], 0
        batch.append(entry)
        size += num_bytes
    if batch:
        yield Batch(name, batch, size)


def bytes_of(row: Row) -> int:
    """About how much of a transaction's memory a row takes."""
    json_names = json_properties(type(row))
    values = ((name, value) for name, value in row.__dict__.items() if value)
    texts = (repr(value) if name in json_names else value for name, value in values)
    num_characters = sum(len(text) for text in texts if isinstance(text, str))
    return (CLAIM_BYTES if isinstance(row, Claim) else ROW_BYTES) + CHARACTER_BYTES * num_characters
