"""Slices and pages against whole lists."""

from itertools import chain

import pytest

from graph.database.paging import pages, slices

LETTERS = [chr(code) for code in range(ord("a"), ord("a") + 7)]


@pytest.mark.parametrize("size", range(1, 9))
def test_slices_together_are_the_sequence(size: int) -> None:
    """Nothing is lost or doubled at a cut, and no part is larger than asked."""
    parts = list(slices(LETTERS, size))

    assert list(chain.from_iterable(parts)) == LETTERS
    assert all(len(part) == size for part in parts[:-1])
    assert 1 <= len(parts[-1]) <= size


def test_nothing_has_no_slices() -> None:
    """A statement that has nothing to take is not sent."""
    assert list(slices([], 3)) == []


@pytest.mark.parametrize("size", range(1, 9))
async def test_pages_together_are_the_list(size: int) -> None:
    """Each page begins after the last key of the one before."""
    asked: list[str] = []

    async def read(after: str) -> list[str]:
        asked.append(after)
        return [letter for letter in LETTERS if letter > after][:size]

    found = [page async for page in pages(read, lambda letter: letter, size)]

    assert list(chain.from_iterable(found)) == LETTERS
    assert all(found)
    assert len(asked) == len(LETTERS) // size + 1


async def test_pages_begin_after_a_key() -> None:
    """A walk may start anywhere in the order."""

    async def read(after: str) -> list[str]:
        return [letter for letter in LETTERS if letter > after][:3]

    assert [list(page) async for page in pages(read, lambda letter: letter, 3, after="d")] == [["e", "f", "g"]]
