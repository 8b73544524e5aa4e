"""Sizes of heap and page cache."""

import os
from pathlib import Path

import pytest

from graph.server.memory import MEBIBYTE, choose_heap, choose_page_cache, find_memory, measure_store

GIBIBYTE = 1024
PHYSICAL = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEBIBYTE


@pytest.mark.parametrize(
    ("memory", "num_transactions", "expected"),
    [
        (1, 16, 512),  # Neo4j does not start with less
        (1 * GIBIBYTE, 16, 512),  # half
        (2 * GIBIBYTE, 16, 1024),  # what the transactions need
        (4 * GIBIBYTE, 16, 1024),
        (6 * GIBIBYTE, 16, 1536),  # a quarter
        (64 * GIBIBYTE, 16, 2048),
        (64 * GIBIBYTE, 100, 3712),
        (4 * GIBIBYTE, 100, 2048),
    ],
)
def test_the_heap_has_room_for_the_transactions_and_leaves_half_of_the_memory(
    memory: int, num_transactions: int, expected: int
) -> None:
    assert choose_heap(memory, num_transactions=num_transactions) == expected


@pytest.mark.parametrize(
    ("memory", "store", "expected"),
    [
        (8 * GIBIBYTE, 0, 256),
        (8 * GIBIBYTE, 269, 528),  # twice, in steps of 16
        (8 * GIBIBYTE, 5000, 2048),  # a quarter
        (512, 0, 128),
        (100, 5000, 64),
    ],
)
def test_the_page_cache_holds_the_store_and_its_growth(memory: int, store: int, expected: int) -> None:
    assert choose_page_cache(memory, store) == expected


@pytest.mark.parametrize("memory", [1, 2, 4, 8, 24, 256])
@pytest.mark.parametrize("store", [0, 300, 3_000, 300_000])
def test_heap_and_page_cache_leave_room_for_others(memory: int, store: int) -> None:
    """The API's processes, Java's own memory and the operating system's cache of the text indexes."""
    size = memory * GIBIBYTE

    assert choose_heap(size, num_transactions=16) + choose_page_cache(size, store) <= size * 3 // 4


def group(system: Path, line: str, limits: dict[str, str]) -> Path:
    """A system with a control group and these limits."""
    for path, limit in {"proc/self/cgroup": line, **limits}.items():
        (system / path).parent.mkdir(parents=True, exist_ok=True)
        (system / path).write_text(f"{limit}\n")
    return system


@pytest.mark.parametrize(
    ("line", "limits", "expected"),
    [
        ("0::/", {}, PHYSICAL),
        ("0::/", {"sys/fs/cgroup/memory.max": "max"}, PHYSICAL),
        ("0::/", {"sys/fs/cgroup/memory.max": "104857600"}, 100),
        ("0::/a/b", {"sys/fs/cgroup/a/b/memory.max": "209715200"}, 200),
        ("0::/a/b", {"sys/fs/cgroup/a/b/memory.max": "max", "sys/fs/cgroup/a/memory.max": "104857600"}, 100),
        ("0::/elsewhere", {"sys/fs/cgroup/memory.max": "104857600"}, 100),
        ("4:memory:/a", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "104857600"}, 100),
        ("4:memory:/a", {"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"}, PHYSICAL),
        ("3:cpu,cpuacct:/a\n0::/", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "104857600"}, PHYSICAL),
    ],
)
def test_the_memory_is_the_machines_or_the_containers(
    tmp_path: Path, line: str, limits: dict[str, str], expected: int
) -> None:
    assert find_memory(group(tmp_path, line, limits)) == expected


def test_without_control_groups_the_memory_is_the_machines(tmp_path: Path) -> None:
    """As on macOS."""
    assert find_memory(tmp_path) == PHYSICAL


def test_the_store_is_measured_without_its_logs(tmp_path: Path) -> None:
    for path, size in {
        "databases/neo4j/nodes": 3,
        "databases/neo4j/schema/index": 2,
        "transactions/neo4j/log": 9,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x" * size * MEBIBYTE)

    assert measure_store(tmp_path) == 5
    assert measure_store(tmp_path / "absent") == 0
