"""Sizes of bundles: batches for one statement, groups for one transaction."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.bundles.batches import (
    BATCH_ROWS,
    CHARACTER_BYTES,
    CLAIM_BYTES,
    MAX_ROWS,
    ROW_BYTES,
    TRANSACTION_BYTES,
    Batch,
    RowAtPath,
    bytes_of,
    check_size,
    fits_transaction,
    halved,
    in_batches,
    row_batches,
    transactions,
)
from graph.bundles.drafts import Draft
from graph.errors import InvalidError
from graph.model.rows import Contribution, Domain, Evidence, Prediction, Row
from tests.helpers.bundles import evidence

LONG = "x" * 70_000


def long_claim() -> Prediction:
    """A claim whose text takes most of its memory."""
    return Prediction(id="P", title="P", text=LONG)


def at_paths(rows: Sequence[Row]) -> list[RowAtPath]:
    """Rows with their paths."""
    return [(f"list[{index}]", row) for index, row in enumerate(rows)]


def draft(**rows: Sequence[Row]) -> Draft:
    """A draft without problems."""
    return Draft({name: tuple(enumerate(listed)) for name, listed in rows.items()}, {}, ())


def test_a_row_takes_a_fixed_part_and_a_part_for_each_character() -> None:
    """A claim has the larger fixed part; what is kept as JSON counts by its text."""
    assert bytes_of(Domain(id="abc")) == ROW_BYTES + CHARACTER_BYTES * 3
    assert bytes_of(Domain(id="abc", name="four")) == ROW_BYTES + CHARACTER_BYTES * 7
    short, long = (Prediction(id="P", title="x" * length) for length in (1, 101))
    assert bytes_of(short) >= CLAIM_BYTES
    assert bytes_of(long) - bytes_of(short) == CHARACTER_BYTES * 100


def test_contributions_count_as_the_text_that_they_become() -> None:
    """A hundred characters more of a label are a hundred more of its row."""
    rows = [
        Evidence.model_validate(evidence()).model_copy(
            update={"contributions": (Contribution(llr=1.0, label="x" * length),)}
        )
        for length in (1, 101)
    ]

    assert bytes_of(rows[1]) - bytes_of(rows[0]) == CHARACTER_BYTES * 100


@given(st.integers(0, 3 * BATCH_ROWS + 1))
def test_items_are_cut_into_full_batches_and_a_rest(number: int) -> None:
    """In order, none left out."""
    batches = list(in_batches(range(number)))

    assert [item for batch in batches for item in batch] == list(range(number))
    assert all(len(batch) == BATCH_ROWS for batch in batches[:-1])
    assert all(batches)


def test_short_rows_are_cut_by_their_number() -> None:
    """One statement writes so many at most."""
    rows = at_paths([Domain(id=f"d{number}") for number in range(2 * BATCH_ROWS + 5)])
    batches = list(row_batches("domains", rows))

    assert [len(batch.rows) for batch in batches] == [BATCH_ROWS, BATCH_ROWS, 5]
    assert [entry for batch in batches for entry in batch.rows] == rows
    assert [batch.num_bytes for batch in batches] == [sum(bytes_of(row) for _, row in batch.rows) for batch in batches]
    assert {batch.name for batch in batches} == {"domains"}


def test_long_rows_are_cut_by_their_size() -> None:
    """No batch is larger than a transaction, though another row would always make it so."""
    row = long_claim()
    number = TRANSACTION_BYTES // bytes_of(row)
    batches = list(row_batches("predictions", at_paths([row] * (2 * number + 1))))

    assert [len(batch.rows) for batch in batches] == [number, number, 1]
    assert all(batch.num_bytes <= TRANSACTION_BYTES for batch in batches)


def test_a_row_larger_than_a_transaction_is_a_batch_alone() -> None:
    """It is tried rather than lost."""
    huge = Domain.model_construct(id="x" * (TRANSACTION_BYTES // CHARACTER_BYTES))
    small = Domain(id="d")
    batches = list(row_batches("domains", at_paths([small, huge, small])))

    assert [len(batch.rows) for batch in batches] == [1, 1, 1]
    assert list(row_batches("domains", [])) == []


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6).filter(lambda sizes: sum(sizes) > 1))
def test_halves_have_all_rows_in_order_and_differ_by_one_at_most(sizes: list[int]) -> None:
    """Cut within a list or between two."""
    group = [
        Batch(f"list{number}", at_paths([Domain(id=f"{number}-{n}") for n in range(size)]), 0)
        for number, size in enumerate(sizes)
    ]
    first, second = halved(group)

    def rows(batches: list[Batch]) -> list[tuple[str, str]]:
        return [(batch.name, row.id) for batch in batches for _, row in batch.rows if isinstance(row, Domain)]

    assert rows(first) + rows(second) == rows(group)
    assert len(rows(second)) - len(rows(first)) in {0, 1}
    assert all(batch.num_bytes == sum(bytes_of(row) for _, row in batch.rows) > 0 for batch in first + second)


@given(st.lists(st.integers(1, TRANSACTION_BYTES + 1), max_size=20))
def test_batches_share_a_transaction_while_it_holds_them(sizes: list[int]) -> None:
    """In order; a group is cut only where the next batch would be too much for it."""
    batches = [Batch("domains", (), size) for size in sizes]
    groups = list(transactions(batches))

    assert [batch for group in groups for batch in group] == batches
    totals = [sum(batch.num_bytes for batch in group) for group in groups]
    assert all(total <= TRANSACTION_BYTES or len(group) == 1 for total, group in zip(totals, groups, strict=True))
    assert all(
        total + following[0].num_bytes > TRANSACTION_BYTES
        for total, (_, following) in zip(totals, pairwise(groups), strict=False)
    )


def test_a_short_text_fits_a_transaction_without_a_look_at_its_rows() -> None:
    """Its number of rows and characters bounds what they take."""
    rows = [Domain(id="d")]
    most = (TRANSACTION_BYTES - CLAIM_BYTES) // CHARACTER_BYTES

    assert fits_transaction(draft(domains=rows), most)
    assert fits_transaction(draft(), 0)


def test_a_long_text_fits_a_transaction_by_the_sizes_of_its_rows() -> None:
    """White space takes nothing of the database's memory; one row more than it holds is one too many."""
    row = long_claim()
    number = TRANSACTION_BYTES // bytes_of(row)

    assert fits_transaction(draft(domains=[Domain(id="d")]), TRANSACTION_BYTES)
    assert fits_transaction(draft(predictions=[row] * number), TRANSACTION_BYTES)
    assert not fits_transaction(draft(predictions=[row] * (number + 1)), TRANSACTION_BYTES)


def test_a_bundle_has_a_limit_of_rows() -> None:
    """The largest allowed passes."""
    check_size(MAX_ROWS)
    with pytest.raises(InvalidError, match=f"got {MAX_ROWS + 1}; import it in parts") as refused:
        check_size(MAX_ROWS + 1)

    assert refused.value.path == "bundle"
