"""State that lives as long as the service, and a document's share of it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from strawberry.dataloader import DataLoader

from graph.adhoc.running import Adhoc
from graph.database.budgets import Budget
from graph.database.sessions import Database, Reading
from graph.database.versions import Versions
from graph.ledger.claim_state import list_past_log_odds
from graph.ledger.intake import Intake
from graph.network.engine import Engine
from graph.network.limits import MAX_SAMPLE_BYTES
from graph.network.propagation import list_runs
from graph.network.storing import Held, RunKey, list_held
from graph.reading.gathering import Gathering
from graph.reading.planned import PlannedStatements
from graph.saved.running import SavedQueries

T = TypeVar("T")

MOST_POINTS_AT_ONCE = 2_000
"""Points of a document's curves that are computed on the event loop: some 5 ms, less than threads are worth."""


@dataclass(frozen=True, slots=True)
class Service:
    """
    State that lives as long as the service; jobs, requests and the application share one.

    Attributes:
        database: Opens sessions.
        engine: Answers queries over the network, and keeps what they have in common.
        intake: Appends evidence; items that arrive at the same time are written together.
        statements: Composed statements that the database has planned.
        gathering: Runs them for all requests that wait at the same time.
        curves: One thread that computes curves; they keep the interpreter busy, so that more would not be faster.
        versions: Reads the version of the database's data.
        budget: Limits what requests read.
        adhoc: Runs statements of analysts; None if the operator has turned that off.
        webhook_hosts: Hosts to which rows of scheduled queries may be sent.
        written: Set after each write of a mutation, for whoever follows writes.
    """

    database: Database
    engine: Engine
    intake: Intake
    statements: PlannedStatements
    gathering: Gathering
    curves: ThreadPoolExecutor
    versions: Versions
    budget: Budget
    adhoc: Adhoc | None = None
    webhook_hosts: frozenset[str] = frozenset()
    written: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def saved(self) -> SavedQueries:
        """The saved queries."""
        return SavedQueries(self.database, self.adhoc)

    @classmethod
    def make(
        cls,
        database: Database,
        budget: Budget | None = None,
        *,
        adhoc: Adhoc | None = None,
        webhook_hosts: Collection[str] = (),
        max_sample_bytes: int = MAX_SAMPLE_BYTES,
    ) -> Self:
        """A service over a database, with nothing kept yet; of joint samples it keeps so many bytes at most."""
        curves = ThreadPoolExecutor(1, thread_name_prefix="curves")
        statements, gathering, versions = PlannedStatements(database), Gathering(database), Versions(database)
        engine = Engine(max_sample_bytes=max_sample_bytes)
        shared = statements, gathering, curves, versions
        hosts = frozenset(webhook_hosts)
        return cls(database, engine, Intake(database), *shared, budget or Budget(), adhoc, hosts)

    def close(self) -> None:
        """Release everything but the database, which its opener closes."""
        self.engine.close()
        self.statements.close()
        self.gathering.close()
        self.curves.shutdown(wait=False, cancel_futures=True)


class Context:
    """
    One document's share of the service.

    Sibling fields resolve concurrently; they share one read transaction, in which their statements take turns. Close
    the context when the document is done.

    Args:
        service: The service.
        request_id: The request's id, for the log.
        bookmark: The state to read, or a later one.
        caller: Who asks, for limits that hold for each caller.
    """

    def __init__(
        self, service: Service, request_id: str = "", bookmark: str | None = None, *, caller: str = ""
    ) -> None:
        self.service = service
        self.caller = caller
        self.request_id = request_id
        self.moment = datetime.now(UTC)
        self._reading = Reading(service.database, bookmark, service.budget.open())
        self._num_points = 0
        self._one_curve = asyncio.Lock()
        # Loaders batch the requests of sibling fields and cache nothing, as a mutation may come in between.
        self.runs: DataLoader[str, dict[str, Any] | None] = DataLoader(self._load_runs, cache=False)
        self.past_log_odds: DataLoader[tuple[str, datetime], float | None] = DataLoader(
            self._load_past_log_odds, cache=False
        )
        self.held: DataLoader[tuple[str, RunKey], Held] = DataLoader(self._load_held, cache=False)

    @property
    def database(self) -> Database:
        """The service's database."""
        return self.service.database

    @property
    def unit(self) -> Reading:
        """The document's read transaction, opened by its first statement."""
        return self._reading

    @property
    def num_statements(self) -> int:
        """Number of statements that the document has run."""
        return self._reading.num_statements

    def compute_curve(self, compute: Callable[[], T], num_points: int) -> T | Awaitable[T]:
        """
        Compute a curve: at once, or in a thread where the document has many points, so that others are answered.

        A document's curves take turns with those of others. Once the document is cancelled, at most the curve being
        computed is finished.

        Args:
            compute: Computes it; may run in another thread.
            num_points: Number of points that it takes, roughly.
        """
        self._num_points += num_points
        return compute() if self._num_points <= MOST_POINTS_AT_ONCE else self._compute_in_thread(compute)

    async def _compute_in_thread(self, compute: Callable[[], T]) -> T:
        async with self._one_curve:
            return await asyncio.get_running_loop().run_in_executor(self.service.curves, compute)

    async def close(self) -> None:
        """End the read transaction."""
        await self._reading.close()

    async def _load_runs(self, ids: Sequence[str]) -> list[dict[str, Any] | None]:
        found = await list_runs(self.unit, ids)
        return [found.get(run_id) for run_id in ids]

    async def _load_past_log_odds(self, asked: Sequence[tuple[str, datetime]]) -> list[float | None]:
        return await list_past_log_odds(self.unit, asked)

    async def _load_held(self, marginals: Sequence[tuple[str, RunKey]]) -> list[Held]:
        return await list_held(self.unit, marginals)
