"""A network of five claims as it is read from the database, and a unit of work that returns its rows."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np

from graph.database.sessions import Unit
from graph.inference.log_odds import logit
from graph.inference.time import time_remaining_fraction, utc_moments
from graph.model.kinds import ClaimStatus
from graph.network.view import STATUSES, Influences, Snapshot, State

T = TypeVar("T")

START, DEADLINE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
RESOLVED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDS = ("A", "B", "C", "D", "E")
"""B has a window and a class, C is annulled, D has no stated probability, E is like B but resolved."""


def snapshot(*, revision: int = 1) -> Snapshot:
    """The claims, with an influence between each pair that has one."""
    none = np.nan
    statuses = [ClaimStatus.OPEN, ClaimStatus.OPEN, ClaimStatus.ANNULLED, ClaimStatus.OPEN, ClaimStatus.RESOLVED_TRUE]
    return Snapshot(
        state=State(revision, None),
        ids=IDS,
        indices={claim_id: index for index, claim_id in enumerate(IDS)},
        stated=np.array([0.4, 0.5, 0.6, none, 0.3]),
        inside=np.array([none, logit(0.5) + 1.0, none, none, logit(0.3) - 2.0]),
        base_rates=np.array([none, 0.2, none, none, 0.1]),
        statuses=np.array([STATUSES.index(status) for status in statuses], np.int8),
        starts=utc_moments([None, START, None, None, START]),
        deadlines=utc_moments([None, DEADLINE, None, None, DEADLINE]),
        resolved=utc_moments([None, None, None, None, RESOLVED_AT]),
        final_rates=np.array([none, none, none, none, 0.1]),
        final_trfs=np.array([none, none, none, none, time_remaining_fraction(START, DEADLINE, RESOLVED_AT)]),
        calibrations=np.full((5, 5), none),
        influences=Influences.of(
            [
                ("A", "B", "PREREQUISITE_OF", 0.7, 0.2),
                ("A", "C", "KILLS", 0.1, 0.5),
                ("B", "E", "KILLS", 0.1, 0.6),
                ("D", "E", "KILLS", 0.1, 0.6),
            ],
            {claim_id: index for index, claim_id in enumerate(IDS)},
        ),
    )


class Rows:
    """A unit of work that answers each statement with given rows, in order, and the last ones ever after."""

    def __init__(self, **answers: Sequence[list[dict[str, Any]]]) -> None:
        self._answers = {name: list(rows) for name, rows in answers.items()}
        self.asked: list[tuple[str, dict[str, object]]] = []

    async def run(self, name: str, /, **parameters: object) -> list[dict[str, Any]]:
        """Return the next rows for this statement."""
        self.asked.append((name, parameters))
        answers = self._answers[name.rpartition("/")[2]]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """Run a write transaction on the same rows."""
        return await work(self)
