"""Sizes of bundles: rows in batches for one statement each, and batches in groups for one transaction each."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeVar

from graph.bundles.drafts import Draft
from graph.database.paging import slices
from graph.errors import InvalidError
from graph.model.properties import json_properties, parallel_lists
from graph.model.rows import Claim, Milestone, Row

BATCH_ROWS = 2_000
# A row's share of a transaction's memory, as the database counts it, measured on synthetic graphs. A claim has the most
# properties and indexes, and a version of what its belief depends on; a milestone has its check-in's; a text counts in
# its property and in each full-text index.
CLAIM_BYTES, MILESTONE_BYTES, ROW_BYTES, CHARACTER_BYTES = 15_000, 9_000, 3_000, 6
# The embedded server gives a transaction 384 MB, and a commit takes as much again as what is to be committed.
TRANSACTION_BYTES = 100_000_000
# This process holds a bundle of that many rows with room to spare; a larger graph takes several bundles.
MAX_ROWS = 250_000

ItemT = TypeVar("ItemT")
RowAtPath = tuple[str, Row]
"""The path that problems of a row name, such as `predictions[3]`, and the row."""


class Batch(NamedTuple):
    """Rows of one list that one statement writes, and their estimated share of a transaction's memory."""

    name: str
    rows: Sequence[RowAtPath]
    num_bytes: int


def fits_transaction(draft: Draft, num_characters: int) -> bool:
    """Whether one transaction can hold all rows of a draft, read from a text of `num_characters`."""
    num_rows = sum(len(rows) for rows in draft.rows.values())
    if num_rows * CLAIM_BYTES + num_characters * CHARACTER_BYTES <= TRANSACTION_BYTES:
        return True
    sizes = accumulate(bytes_of(row) for rows in draft.rows.values() for _, row in rows)
    return all(size <= TRANSACTION_BYTES for size in sizes)


def check_size(num_rows: int) -> None:
    """
    Raise InvalidError if a bundle has too many rows.

    Raises:
        InvalidError: There are more than `MAX_ROWS`.
    """
    if num_rows > MAX_ROWS:
        message = f"expected at most {MAX_ROWS} rows in one bundle, got {num_rows}; import it in parts"
        raise InvalidError(message, path="bundle")


def transactions(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Group batches so that one transaction can hold each group."""
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


def halved(group: Sequence[Batch]) -> tuple[list[Batch], list[Batch]]:
    """Cut a group of at least two rows in two, of about as many rows, which are in the same order."""
    left = sum(len(batch.rows) for batch in group) // 2
    first: list[Batch] = []
    second: list[Batch] = []
    for batch in group:
        size = min(left, len(batch.rows))
        left -= size
        for half, rows in ((first, batch.rows[:size]), (second, batch.rows[size:])):
            if rows:
                half.append(Batch(batch.name, rows, sum(bytes_of(row) for _, row in rows)))
    return first, second


def in_batches(items: Sequence[ItemT]) -> Iterator[Sequence[ItemT]]:
    """Cut items into batches of up to `BATCH_ROWS` for one statement each."""
    return slices(items, BATCH_ROWS)


def row_batches(name: str, rows: Sequence[RowAtPath]) -> Iterator[Batch]:
    """Cut the rows of a list into batches of up to `BATCH_ROWS`, of fewer if the rows are large."""
    batch: list[RowAtPath] = []
    size = 0
    for entry in rows:
        num_bytes = bytes_of(entry[1])
        if batch and (len(batch) == BATCH_ROWS or size + num_bytes > TRANSACTION_BYTES):
            yield Batch(name, batch, size)
            batch, size = [], 0
        batch.append(entry)
        size += num_bytes
    if batch:
        yield Batch(name, batch, size)


def bytes_of(row: Row) -> int:
    """Estimate a row's share of a transaction's memory, in bytes."""
    json_names = json_properties(type(row)) | parallel_lists(type(row)).keys()
    values = ((name, value) for name, value in row.__dict__.items() if value)
    texts = (repr(value) if name in json_names else value for name, value in values)
    num_characters = sum(len(text) for text in texts if isinstance(text, str))
    return _fixed_bytes(row) + CHARACTER_BYTES * num_characters


def _fixed_bytes(row: Row) -> int:
    if isinstance(row, Claim):
        return CLAIM_BYTES
    return MILESTONE_BYTES if isinstance(row, Milestone) else ROW_BYTES
