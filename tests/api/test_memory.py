"""Memory that large requests have freed goes back to the system."""

import os
from pathlib import Path

import pytest

from api.memory import LEAST_FREED, Trimmer, find_heap

HEAP = find_heap()
BLOCK, NUM_BLOCKS = 60_000, 2_000  # small ones, since a large one has pages of its own


class FakeHeap:
    """A heap whose free bytes are set."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.num_trims = 0

    def count_free(self) -> int:
        """Tell what is free."""
        return self.free

    def trim(self) -> None:
        """Note it; what is given back stays free."""
        self.num_trims += 1


async def test_freed_memory_is_given_back_once() -> None:
    heap = FakeHeap(LEAST_FREED)
    trimmer = Trimmer(heap)

    for free, num_trims in ((1.0, 0), (1.9, 0), (2.5, 1), (2.5, 1), (3.4, 1), (3.5, 2)):
        heap.free = int(free * LEAST_FREED)
        await trimmer.look()
        assert heap.num_trims == num_trims


async def test_memory_that_is_used_again_is_given_back_again() -> None:
    heap = FakeHeap(0)
    trimmer = Trimmer(heap)

    for _ in range(3):
        for free in (2 * LEAST_FREED, 0):
            heap.free = free
            await trimmer.look()

    assert heap.num_trims == 3


@pytest.mark.skipif(HEAP is None, reason="only glibc can do this")
async def test_freed_memory_below_a_block_in_use_goes_back_to_the_system() -> None:
    assert HEAP is not None
    trimmer = Trimmer(HEAP)
    blocks = [bytearray(BLOCK) for _ in range(NUM_BLOCKS)]
    last = blocks.pop()
    await trimmer.look()
    blocks.clear()
    before = read_resident()
    await trimmer.look()

    assert before - read_resident() > BLOCK * NUM_BLOCKS * 0.8
    assert len(last) == BLOCK


def read_resident() -> int:
    """This process's resident memory, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
