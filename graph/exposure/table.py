"""The contributions to a portfolio's exposure as a table."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from graph.database.paging import slices
from graph.database.sessions import Database
from graph.exposure.measuring import Contribution, Exposure, Scope, list_contributions, measure
from graph.exposure.past import recall_joint
from graph.exposure.positions import Positions
from graph.exposure.store import Holder, get_portfolio
from graph.network.engine import Engine
from graph.reading.following import get

COLUMNS: Final = (
    "prediction",
    "title",
    "probability",
    "coefficient",
    "expected_relevance",
    "risk_share",
    "worst_probability",
    "worst_lift",
)
BATCH_ROWS: Final = 1_000


class ExposureTable:
    """
    The contributions of predictions to a portfolio's expected signed relevance, the largest first; they add up to it.

    Args:
        found: The exposure.
        contributions: Its contributions.
        titles: The predictions' titles, by id.

    Attributes:
        columns: The names of the columns.
        revision: The graph's revision that was read.
        is_truncated: False.
    """

    columns: tuple[str, ...] = COLUMNS
    is_truncated: bool = False

    def __init__(self, found: Exposure, contributions: Sequence[Contribution], titles: dict[str, str]) -> None:
        self.revision = found.joint.view.snapshot.state.revision
        self.contributions = sorted(contributions, key=lambda part: (-abs(part.expected), part.claim_id))
        self.titles = titles
        self._started = time.monotonic()

    @property
    def elapsed_seconds(self) -> float:
        """Time since the figures were computed, in seconds."""
        return time.monotonic() - self._started

    async def batches(self) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Give the rows in batches."""
        for part in slices(self.rows(), BATCH_ROWS):
            yield list(part)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return [self._row(contribution) for contribution in self.contributions]

    def _row(self, part: Contribution) -> tuple[Any, ...]:
        lift = part.worst_probability / part.probability if part.probability else None
        return (
            part.claim_id,
            self.titles.get(part.claim_id),
            part.probability,
            part.coefficient,
            part.expected,
            part.risk_share,
            part.worst_probability,
            lift,
        )


async def make_table(database: Database, engine: Engine, found: Exposure) -> ExposureTable:
    """
    Make the table of an exposure's contributions.

    Raises:
        BusyError: No thread became free in time.
    """
    contributions = await list_contributions(engine, found)
    async with database.reading() as reading:
        nodes = await get(reading, [("Claim", part.claim_id, ("title",)) for part in contributions])
    named = zip(contributions, nodes, strict=True)
    titles = {part.claim_id: node[1]["title"] for part, node in named if node is not None}
    return ExposureTable(found, contributions, titles)


@asynccontextmanager
async def open_exposure(
    database: Database,
    engine: Engine,
    name: str,
    holder: Holder,
    *,
    as_of: datetime | None = None,
    is_active: bool = False,
) -> AsyncIterator[ExposureTable]:
    """
    Measure a stored portfolio.

    Args:
        database: Where it is.
        engine: Knows the network.
        name: The portfolio's name.
        holder: Who asks.
        as_of: A moment in the past to measure at; None for now.
        is_active: Whether to measure what each weight has more than the benchmark's.

    Raises:
        NotFoundError: There is no such portfolio, or it had no positions yet.
        NotOwnedError: It belongs to another.
        InvalidError: The moment is yet to come, or nothing was recorded by then.
        BusyError: No thread became free in time.
    """
    async with database.reading() as reading:
        row = await get_portfolio(reading, name, holder, held_at=as_of)
        past = None if as_of is None else await recall_joint(reading, engine, as_of)
        positions = Positions.stored(row)
        scope = Scope(is_active=is_active)
        found = await measure(reading, engine, positions, scope=scope, wants_value=False, past=past)
    yield await make_table(database, engine, found)
