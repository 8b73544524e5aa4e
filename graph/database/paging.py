"""Long lists in parts: slices that one statement takes, and pages that follow each other by their last key."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

ItemT = TypeVar("ItemT")

FIRST_KEY = ""
"""The key before all others, after which the first page begins."""


def slices(items: Sequence[ItemT], size: int) -> Iterator[Sequence[ItemT]]:
    """Cut a sequence into parts of `size` items, the last of which may be shorter."""
    return (items[start : start + size] for start in range(0, len(items), size))


async def pages(
    read: Callable[[str], Awaitable[Sequence[ItemT]]],
    key_of: Callable[[ItemT], str],
    size: int,
    *,
    after: str = FIRST_KEY,
) -> AsyncIterator[Sequence[ItemT]]:
    """
    Read a long list page by page, each after the last key of the page before; a page that is not full is the last.

    Args:
        read: Reads the page after a key: at most `size` items in the order of their keys.
        key_of: An item's key.
        size: The most items of a page.
        after: The key after which to begin.

    Yields:
        The pages that have items.
    """
    while True:
        page = await read(after)
        if page:
            yield page
        if len(page) < size:
            return
        after = key_of(page[-1])


async def side_by_side(parts: AsyncIterator[ItemT], work: Callable[[ItemT], Awaitable[None]], num_at_once: int) -> None:
    """
    Work on parts as they are read, a few at the same time; the first error ends all.

    Args:
        parts: The parts, the next of which is read while others are worked on.
        work: Works on one part.
        num_at_once: The most parts that are worked on at the same time.
    """
    running: set[asyncio.Future[None]] = set()
    try:
        async for part in parts:
            running.add(asyncio.ensure_future(work(part)))
            if len(running) >= num_at_once:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for finished in done:
                    finished.result()
        await asyncio.gather(*running)
    finally:
        for left in running:
            left.cancel()
        await asyncio.gather(*running, return_exceptions=True)
