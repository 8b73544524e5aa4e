"""State that lives as long as the service, and a document's share of it."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, NamedTuple, Self, TypeVar

from strawberry.dataloader import DataLoader

from graph.adhoc.running import Adhoc
from graph.database.budgets import Budget
from graph.database.sessions import Database, Reading
from graph.database.versions import Versions
from graph.errors import RefusedError
from graph.exposure.tickers import KeptTickers
from graph.families.store import Recorded, list_families_of, list_recorded, list_stored_marginals
from graph.feed.following import Feed
from graph.forecasts.consensus import ClaimForecasts, list_forecasts
from graph.inference.rates import LearnedRate
from graph.ledger.claim_history import ClaimHistory, load_histories
from graph.ledger.drifts import DatedDrift, PastDrift, list_class_drifts, list_past_class_drifts
from graph.ledger.explanations import Explanation, ExplanationKey, list_explanations, list_learned_rates
from graph.ledger.intake import Intake
from graph.ledger.local_records import LocalRecord
from graph.ledger.pasts import Past, PastKey, list_pasts
from graph.ledger.predictor_records import PastRecord, list_local_records, list_own_kappas, list_past_records
from graph.ledger.settings import list_settings
from graph.model.rows import ClaimFamily
from graph.network.engine import Engine
from graph.network.runs import list_runs
from graph.network.storing import Held, RunKey, list_held
from graph.network.threads import Turn, current_turn
from graph.reading.gathering import Gathering
from graph.reading.links import LinkPage, read_links
from graph.reading.lists import ListPage, read_pages
from graph.reading.planned import PlannedStatements
from graph.reading.tree import Follow, Node
from graph.saved.running import SavedQueries
from graph.saved.sealing import Seals
from resolvers.base.roles import LOCAL, Caller
from resolvers.base.tariffs import Tariff

T = TypeVar("T")

MOST_POINTS_AT_ONCE = 2_000
"""Points of a document's curves that are computed on the event loop: some 5 ms, less than threads are worth."""


class NestedPage(NamedTuple):
    """
    A page of a list within a node.

    Attributes:
        page: The page, of nodes or of links.
        source: The node.
        follow: What to read, as a relation to follow.
        wrap: The name of the node in a link; None in a page of nodes.
        place: The field's place in the answer, the same for all nodes of a list.
    """

    page: ListPage | LinkPage
    source: Node
    follow: Follow
    wrap: str | None
    place: tuple[str, ...]


async def _read_nested(unit: Reading, asked: Sequence[NestedPage]) -> list[Node]:
    """Read pages of one field, of one shape and size."""
    _, _, follow, wrap, _ = asked[0]
    links = [nested.page for nested in asked if isinstance(nested.page, LinkPage)]
    if links and wrap is not None:
        return await read_links(unit, links, follow, wrap, [nested.source for nested in asked])
    pages = [nested.page for nested in asked if isinstance(nested.page, ListPage)]
    return await read_pages(unit, pages, follow.node, wants_total=follow.wants_total)


@dataclass(frozen=True, slots=True)
class Webhooks:
    """
    The operator's settings for webhooks.

    Attributes:
        hosts: Hosts that may be sent to.
        seals: Seals the addresses of receivers; None where nothing is sent.
    """

    hosts: Collection[str] = ()
    seals: Seals | None = None


NO_WEBHOOKS: Final = Webhooks()
"""Nothing is sent to anybody."""


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
        webhooks: What may be sent to receivers.
        request_seconds: Time of a request, which a statement within it cannot exceed; None without a limit.
        feed: The feed of changes, followed for all subscribers.
        tariff: Prices documents; None where nobody is told.
        written: Set after each write of a mutation, for whoever follows writes.
        tickers: The tickers with their exposures that were asked for last.
    """

    database: Database
    engine: Engine
    intake: Intake
    statements: PlannedStatements
    gathering: Gathering
    curves: ThreadPoolExecutor
    versions: Versions
    budget: Budget
    feed: Feed
    adhoc: Adhoc | None = None
    webhooks: Webhooks = NO_WEBHOOKS
    request_seconds: float | None = None
    tariff: Tariff | None = None
    written: asyncio.Event = field(default_factory=asyncio.Event)
    tickers: KeptTickers = field(default_factory=KeptTickers)

    def note_write(self) -> None:
        """Wake whoever follows writes: something has been written here."""
        self.written.set()
        self.feed.wake()

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
        engine: Engine | None = None,
        adhoc: Adhoc | None = None,
        webhooks: Webhooks = NO_WEBHOOKS,
        request_seconds: float | None = None,
        feed: Feed | None = None,
        tariff: Tariff | None = None,
    ) -> Self:
        """A service over a database, with nothing kept yet."""
        return cls(
            database=database,
            engine=engine or Engine(),
            intake=Intake(database),
            statements=PlannedStatements(database),
            gathering=Gathering(database),
            curves=ThreadPoolExecutor(1, thread_name_prefix="curves"),
            versions=Versions(database),
            budget=budget or Budget(),
            feed=feed or Feed(database),
            adhoc=adhoc,
            webhooks=webhooks,
            request_seconds=request_seconds,
            tariff=tariff,
        )

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
        caller: Who asks.

    Attributes:
        writes: The mutations that the document asks for, for the log.
        moment: The document's now.
        event_id: The event that a subscription is telling of.
        last_event_id: The event after which it goes on unless it says so itself; from the request's header.
        on_follow: Called once a subscription follows the feed.
        on_lag: Called when a subscription's messages are not taken in time.
    """

    def __init__(
        self, service: Service, request_id: str = "", bookmark: str | None = None, *, caller: Caller = LOCAL
    ) -> None:
        self.service = service
        self.caller = caller
        self.writes: tuple[str, ...] = ()
        self.request_id = request_id
        self.moment = datetime.now(UTC)
        self.event_id: str | None = None
        self.last_event_id: str | None = None
        self.on_follow: Callable[[], None] | None = None
        self.on_lag: Callable[[], None] | None = None
        self._reading = Reading(service.database, bookmark, service.budget.open())
        self._num_points = self._num_curve_points = 0
        self._ending: asyncio.Future[None] | None = None
        self._one_curve = asyncio.Lock()
        self._turn = Turn()
        current_turn.set(self._turn)

    # Loaders batch the requests of sibling fields and cache nothing, as a mutation may come in between. They are made
    # when they are needed, since thousands of subscriptions may wait.
    @cached_property
    def runs(self) -> DataLoader[str, dict[str, Any] | None]:
        """Loads propagation runs by id."""
        return DataLoader(self._load_runs, cache=False)

    @cached_property
    def pasts(self) -> DataLoader[PastKey, Past | None]:
        """Loads claims as of moments."""
        return DataLoader(self._load_pasts, cache=False)

    @cached_property
    def explanations(self) -> DataLoader[ExplanationKey, Explanation | None]:
        """Loads explanations of beliefs."""
        return DataLoader(self._load_explanations)

    @cached_property
    def learned_rates(self) -> DataLoader[str, LearnedRate | None]:
        """Loads the rates that reference classes' members show."""
        return DataLoader(self._load_learned_rates, cache=False)

    @cached_property
    def class_drifts(self) -> DataLoader[tuple[str, float], DatedDrift]:
        """Loads the drifts of reference classes from their base rates."""
        return DataLoader(self._load_class_drifts, cache=False)

    @cached_property
    def past_class_drifts(self) -> DataLoader[tuple[str, datetime, datetime], PastDrift]:
        """Loads the drifts of reference classes as of moments."""
        return DataLoader(self._load_past_class_drifts, cache=False)

    @cached_property
    def past_records(self) -> DataLoader[tuple[str, datetime, datetime], PastRecord]:
        """Loads predictors' records as of moments."""
        return DataLoader(self._load_past_records, cache=False)

    @cached_property
    def own_kappas(self) -> DataLoader[str, float]:
        """Loads the weights that predictors' own outcomes give."""
        return DataLoader(self._load_own_kappas, cache=False)

    @cached_property
    def local_records(self) -> DataLoader[str, LocalRecord]:
        """Loads what predictors' outcomes in this graph come to, where what is stored holds no longer."""
        return DataLoader(self._load_local_records, cache=False)

    @cached_property
    def histories(self) -> DataLoader[tuple[str, str | None], ClaimHistory | None]:
        """Loads claims' histories under a policy, each under its own if None."""
        return DataLoader(self._load_histories, cache=False)

    @cached_property
    def nested(self) -> DataLoader[NestedPage, Node]:
        """Loads pages of lists within nodes."""
        return DataLoader(self._load_nested, cache=False)

    @cached_property
    def held(self) -> DataLoader[tuple[str, RunKey], Held]:
        """Loads the runs that marginals hold for."""
        return DataLoader(self._load_held, cache=False)

    @cached_property
    def forecasts(self) -> DataLoader[tuple[str, datetime], ClaimForecasts | None]:
        """Loads claims' forecasts as of moments."""
        return DataLoader(self._load_forecasts, cache=False)

    @cached_property
    def families(self) -> DataLoader[tuple[str, datetime], Recorded | None]:
        """Loads families of claims as recorded by moments."""
        return DataLoader(self._load_families, cache=False)

    @cached_property
    def families_of(self) -> DataLoader[str, list[ClaimFamily]]:
        """Loads the families of claims."""
        return DataLoader(self._load_families_of, cache=False)

    @cached_property
    def stored_marginals(self) -> DataLoader[str, float | None]:
        """Loads stored marginals of claims."""
        return DataLoader(self._load_stored_marginals, cache=False)

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

    @property
    def cost(self) -> int:
        """Cost points so far: rows read, and points computed."""
        return self._num_points + self.num_rows

    @property
    def num_rows(self) -> int:
        """Number of rows read so far, until the context is closed."""
        meter = self._reading.meter
        return 0 if meter is None else meter.rows

    @property
    def num_points(self) -> int:
        """Number of points computed so far."""
        return self._num_points

    def count_points(self, num_points: int) -> None:
        """Count points that are computed."""
        self._num_points += num_points

    def take_engine(self, num_points: int) -> Engine:
        """The engine, to compute what is priced at so many points."""
        self.count_points(num_points)
        return self.service.engine

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
        self._num_curve_points += num_points
        return compute() if self._num_curve_points <= MOST_POINTS_AT_ONCE else self._compute_in_thread(compute)

    async def _compute_in_thread(self, compute: Callable[[], T]) -> T:
        async with self._one_curve:
            return await asyncio.get_running_loop().run_in_executor(self.service.curves, compute)

    async def renew(self) -> None:
        """Begin anew for the next message of a subscription: its own transaction, moment and budget."""
        # A subscriber may leave at any time, and a transaction whose end is interrupted would keep its connection.
        self._ending = asyncio.ensure_future(self._reading.close())
        self._reading = Reading(self.service.database, None, self.service.budget.open())
        self.moment, self._num_points, self._num_curve_points = datetime.now(UTC), 0, 0
        self._turn.has_begun = False
        await asyncio.shield(self._ending)

    async def close(self) -> None:
        """End the read transaction."""
        await self._reading.close()
        if self._ending is not None:
            await self._ending

    async def _load_runs(self, ids: Sequence[str]) -> list[dict[str, Any] | None]:
        found = await list_runs(self.unit, ids)
        return [found.get(run_id) for run_id in ids]

    async def _load_pasts(self, asked: Sequence[PastKey]) -> list[Past | None]:
        return await list_pasts(self.unit, asked)

    async def _load_explanations(self, asked: Sequence[ExplanationKey]) -> list[Explanation | None]:
        return await list_explanations(self.unit, asked)

    async def _load_learned_rates(self, class_ids: Sequence[str]) -> list[LearnedRate | None]:
        return await list_learned_rates(self.unit, [(class_id, self.moment, self.moment) for class_id in class_ids])

    async def _load_class_drifts(self, asked: Sequence[tuple[str, float]]) -> list[DatedDrift]:
        return await list_class_drifts(self.unit, asked, self.moment)

    async def _load_past_class_drifts(self, asked: Sequence[tuple[str, datetime, datetime]]) -> list[PastDrift]:
        return await list_past_class_drifts(self.unit, asked)

    async def _load_past_records(self, asked: Sequence[tuple[str, datetime, datetime]]) -> list[PastRecord]:
        records = await list_past_records(self.unit, asked)
        settings = await list_settings(self.unit, [as_of for _, as_of, _ in asked])
        return [record.under(setting) for record, setting in zip(records, settings, strict=True)]

    async def _load_own_kappas(self, predictor_ids: Sequence[str]) -> list[float]:
        return await list_own_kappas(self.unit, predictor_ids, self.moment)

    async def _load_local_records(self, predictor_ids: Sequence[str]) -> list[LocalRecord]:
        return await list_local_records(self.unit, predictor_ids, self.moment)

    async def _load_histories(self, asked: Sequence[tuple[str, str | None]]) -> list[ClaimHistory | None]:
        found: dict[tuple[str, str | None], ClaimHistory] = {}
        for policy in dict.fromkeys(policy for _, policy in asked):
            ids = [claim_id for claim_id, of_claim in asked if of_claim == policy]
            histories = await load_histories(self.unit, ids, policy)
            found |= {(claim_id, policy): history for claim_id, history in histories.items()}
        return [found.get(key) for key in asked]

    async def _load_forecasts(self, asked: Sequence[tuple[str, datetime]]) -> list[ClaimForecasts | None]:
        return await list_forecasts(self.unit, asked)

    async def _load_families(self, asked: Sequence[tuple[str, datetime]]) -> list[Recorded | None]:
        return await list_recorded(self.unit, asked)

    async def _load_families_of(self, claim_ids: Sequence[str]) -> list[list[ClaimFamily]]:
        return await list_families_of(self.unit, claim_ids)

    async def _load_stored_marginals(self, claim_ids: Sequence[str]) -> list[float | None]:
        return await list_stored_marginals(self.unit, claim_ids)

    async def _load_nested(self, asked: Sequence[NestedPage]) -> list[Node | BaseException]:
        """Read pages, those of one field by one statement; a fault of one field leaves the others."""
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for index, nested in enumerate(asked):
            page = nested.page
            groups[nested.place, page.shape, page.num_nodes].append(index)
        found: dict[int, Node | BaseException] = {}
        for indices in groups.values():
            try:
                read = await _read_nested(self.unit, [asked[index] for index in indices])
            except RefusedError as error:
                found |= dict.fromkeys(indices, error)
            else:
                found |= dict(zip(indices, read, strict=True))
        return [found[index] for index in range(len(asked))]

    async def _load_held(self, marginals: Sequence[tuple[str, RunKey]]) -> list[Held]:
        return await list_held(self.unit, marginals)
