"""
Sizes of Neo4j's heap and page cache, from the machine's memory and the store on disk.

The page cache holds the store's pages outside of the heap. Neo4j takes its memory page by page as it is filled, so a
size above the store's costs nothing, and room to grow is left: it is fixed until the next start.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MEBIBYTE: Final = 1024**2

LEAST_HEAP: Final = 512
"""MiB with which Neo4j starts and imports some thousand claims."""
ROOMY_HEAP: Final = 2048
"""MiB above which a heap makes nothing faster at ten thousand predictions."""
HEAP_PER_TRANSACTION: Final = 32
"""MiB for each transaction at a time. A page of a prediction takes less than 1, an import's batch 30; half of the heap
is theirs, so that 16 of them have a heap of 1 GiB."""

LEAST_PAGE_CACHE: Final = 64
"""MiB; less makes even small stores be read from disk."""
_STORE_GROWTH: Final = 2  # a store may double until the next start without leaving the page cache
_NEW_STORE: Final = 256  # MiB: a store of ten thousand predictions, which the first import may bring
_ROUNDING: Final = 16  # MiB, so that the setting is the same at most starts

_UNLIMITED: Final = 1 << 60  # cgroups of version 1 tell a number near 2**63 for no limit


def choose_heap(memory: int, *, num_transactions: int) -> int:
    """
    Choose the heap's size: a quarter of the memory, and enough for the transactions, but at most half of the memory.

    Args:
        memory: Memory of the machine or the container, in MiB.
        num_transactions: Most transactions at a time.

    Returns: MiB.
    """
    needed = LEAST_HEAP + HEAP_PER_TRANSACTION * num_transactions
    return max(LEAST_HEAP, min(max(needed, min(memory // 4, ROOMY_HEAP)), memory // 2))


def choose_page_cache(memory: int, store: int) -> int:
    """
    Choose the page cache's size: twice the store, but at most a quarter of the memory.

    Args:
        memory: Memory of the machine or the container, in MiB.
        store: Size of the store's files, in MiB.

    Returns: MiB.
    """
    wanted = max(_NEW_STORE, store * _STORE_GROWTH)
    return max(LEAST_PAGE_CACHE, min(wanted, memory // 4) // _ROUNDING * _ROUNDING)


def find_memory(system: Path = Path("/")) -> int:
    """
    Find the memory that this process may use, in MiB: the machine's, or less in a control group, as containers are.

    Args:
        system: The root directory, for tests.
    """
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(physical, *_list_limits(system), _UNLIMITED) // MEBIBYTE


def measure_store(data: Path) -> int:
    """Measure the files of all databases in Neo4j's data directory, in MiB; transaction logs are not cached."""
    return sum(_size(file) for file in (data / "databases").rglob("*")) // MEBIBYTE


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # removed meanwhile
        return 0


def _list_limits(system: Path) -> Iterator[int]:
    """Yield the limits of this process's control groups, in bytes; a group's parents limit it as well."""
    for line in _read(system / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        mount, name = ("memory", "memory.limit_in_bytes") if controllers else ("", "memory.max")
        root = system / "sys/fs/cgroup" / mount
        group = root / path.lstrip("/")  # inside a container it may not be visible, but its root is its own
        for folder in (group, *group.parents):
            limit = _read(folder / name).strip()
            if limit.isdigit():
                yield int(limit)
            if folder == root:
                break


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
