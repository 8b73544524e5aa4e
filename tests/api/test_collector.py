"""The collector's pace and reach, in a process of its own."""

import subprocess
import sys

COUNT = """
import gc
from api.collector import pace_collector
if {paced}: pace_collector()
before = gc.get_stats()[0]["collections"]
kept = [[] for _ in range(100_000)]
print(gc.get_stats()[0]["collections"] - before, gc.isenabled())
"""
FREEZE = """
import gc, weakref
from api.collector import freeze_survivors
class Node: pass
def make_cycle():
    node = Node()
    node.self = node
    return node
gc.disable()
kept, garbage = make_cycle(), weakref.ref(make_cycle())
freeze_survivors()
later = weakref.ref(make_cycle())
gc.collect()
print(any(found is kept for found in gc.get_objects()), garbage() is None, later() is None)
"""


def count_collections(*, paced: bool) -> tuple[int, str]:
    command = [sys.executable, "-c", COUNT.format(paced=paced)]
    number, enabled = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(number), enabled


def test_a_paced_collector_runs_a_tenth_as_often() -> None:
    """It stays on, so that cycles are collected all the same."""
    as_python_has_it, _ = count_collections(paced=False)
    paced, enabled = count_collections(paced=True)

    assert 0 < paced <= as_python_has_it / 10
    assert enabled == "True"


def test_what_lives_when_it_is_frozen_is_visited_no_more() -> None:
    """Cycles that are garbage by then are not kept, and later ones still end."""
    told = subprocess.run([sys.executable, "-c", FREEZE], check=True, capture_output=True, text=True).stdout

    assert told.split() == ["False", "True", "True"]
