"""Propagation runs, as they are stored: by id, and page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graph.database.sessions import Unit
from graph.inference.network.diagnostics import Method
from graph.inference.time import EPOCH
from graph.model.page_keys import FAR, FIRST_PLACE, LAST_PLACE, Place, place_parameters


@dataclass(frozen=True, slots=True)
class Runs:
    """
    Conditions on propagation runs, all of which must hold.

    Attributes:
        methods: The methods of inference, any of them; None for all.
        converged: Whether they converged; None for either.
        started_from: The first moment when they began.
        started_to: The last moment.
    """

    methods: Sequence[Method] | None = None
    converged: bool | None = None
    started_from: datetime = EPOCH
    started_to: datetime = FAR

    def parameters(self) -> dict[str, Any]:
        """Return them as parameters of statements."""
        return {
            "methods": None if self.methods is None else [method.value for method in self.methods],
            "converged": self.converged,
            "from": self.started_from,
            "to": self.started_to,
        }


async def list_runs(unit: Unit, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """List runs by id."""
    rows = await unit.run("network/list_runs", ids=sorted(set(run_ids)))
    return {row["run"]["id"]: row["run"] for row in rows}


async def list_runs_between(
    unit: Unit,
    wanted: Runs,
    limit: int,
    *,
    between: tuple[Place, Place] = (FIRST_PLACE, LAST_PLACE),
    reads_down: bool = True,
) -> list[dict[str, Any]]:
    """
    List runs by the moment when they began, and their ids.

    Args:
        unit: A transaction.
        wanted: The conditions.
        limit: The most runs.
        between: Places between which they lie, both excluded.
        reads_down: Whether the latest come first.
    """
    given = {**wanted.parameters(), **place_parameters(between), "limit": limit, "reads_down": reads_down}
    found = [row["run"] for row in await unit.run("network/list_runs_between", **given)]
    return sorted(found, key=place_of_run, reverse=reads_down)


async def count_runs(unit: Unit, wanted: Runs) -> int:
    """Count the runs that are kept."""
    (row,) = await unit.run("network/count_runs", **wanted.parameters())
    return int(row["num_runs"])


def place_of_run(run: dict[str, Any]) -> Place:
    """Return a run's place in the order of all: when it began."""
    return run["started_at"], run["id"]
