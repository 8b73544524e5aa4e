"""Slices and pages against whole lists."""

import asyncio
from collections.abc import AsyncIterator
from itertools import chain

import pytest

from graph.database.paging import pages, side_by_side, slices

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


async def letters() -> AsyncIterator[str]:
    """The letters, one after the other."""
    for letter in LETTERS:
        await asyncio.sleep(0)
        yield letter


@pytest.mark.parametrize("num_at_once", [1, 2, 3, 20])
async def test_parts_are_worked_on_a_few_at_the_same_time(num_at_once: int) -> None:
    """Each once, never more at a time than asked, and as many as that."""
    started, at_once = [], [0]

    async def work(letter: str) -> None:
        started.append(letter)
        at_once.append(at_once[-1] + 1)
        for _ in range(10):
            await asyncio.sleep(0)
        at_once.append(at_once[-1] - 1)

    await side_by_side(letters(), work, num_at_once)

    assert started == LETTERS
    assert max(at_once) == min(num_at_once, len(LETTERS))


async def test_the_first_error_ends_what_is_done_beside_it() -> None:
    """Nothing is left running, and no further part is begun."""
    ended: list[str] = []

    async def work(letter: str) -> None:
        if letter == "b":
            raise ValueError(letter)
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(letter)

    with pytest.raises(ValueError, match="b"):
        await side_by_side(letters(), work, 2)

    assert ended == ["a"]
