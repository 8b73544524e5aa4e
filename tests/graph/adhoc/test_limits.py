"""Numbers of statements at a time."""

import os

import pytest

from api.settings import Settings
from graph.adhoc.limits import statements_at_once


@pytest.mark.parametrize(("processors", "expected"), [(1, (2, 1)), (2, (2, 1)), (3, (3, 1)), (4, (4, 2)), (64, (4, 2))])
def test_processors_bound_statements_unless_a_setting_does(
    processors: int, expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one caller half of them, and one at least."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(processors)), raising=False)
    chosen = Settings(adhoc_concurrent=7).adhoc_limits()
    alone = Settings(adhoc_concurrent=1, adhoc_concurrent_per_caller=5).adhoc_limits()
    found = Settings().adhoc_limits()

    assert statements_at_once() == expected[0]
    assert (found.at_once, found.at_once_per_caller) == expected
    assert (chosen.at_once, chosen.at_once_per_caller) == (7, 3)
    assert (alone.at_once, alone.at_once_per_caller) == (1, 5)
