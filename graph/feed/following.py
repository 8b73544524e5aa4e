"""
Follows the feed for all subscribers of a process by one poll, and gives each what it has asked for.

A poll reads the events since the last one, and once for all what subscribers need to know of the rows that they name.
It comes at once after a write of this process, and else each half second, as long as there are subscribers. Each has a
bounded queue; one that does not take its messages in time is ended, and can go on after the last event that it has.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Self

from graph.database.revisions import EventKind
from graph.database.sessions import Database
from graph.errors import BusyError, ForegraphError, GoneEventError
from graph.feed.beliefs import EVERY_CLAIM, Belief, BeliefFilter, BeliefTable, Change, Measure, Moved
from graph.feed.events import Event, EventId, read_latest_id, read_page
from graph.feed.limits import MOST_QUEUED, MOST_SUBSCRIBERS
from graph.feed.sums import FollowedSum, FollowedSums, SumInterest, SumMoved

POLL_SECONDS: Final = 0.5
"""Time after which other processes' writes are looked for."""

MOST_MISSED: Final = 10_000
"""The most events that are read for one who goes on after an earlier one."""


LagObserver = Callable[[float], None]


class LaggedError(ForegraphError):
    """A subscriber has not taken its messages in time, and can go on after the last event that it has."""

    code = "LAGGED"
    is_public = True
    is_retryable = True


@dataclass(frozen=True, slots=True)
class Message:
    """
    The part of one event that a subscriber is told.

    Attributes:
        event: The event.
        moved: Beliefs that have moved.
        entry_ids: Rows that were appended to the ledger.
        total: The sum that has moved; None for other subscriptions.
    """

    event: Event
    moved: tuple[Moved, ...] = ()
    entry_ids: tuple[str, ...] = ()
    total: SumMoved | None = None


@dataclass(frozen=True, slots=True)
class Interest:
    """
    The subject of a subscription.

    Attributes:
        kind: The kind of events: BELIEFS for beliefs that move, by whatever event; WRITE for rows of the ledger; DUE
            and PROPAGATION.
        filter: The claims, for BELIEFS and WRITE; of the latter, by their ids alone.
        measure: The changes of beliefs that are told.
        total: The sum of beliefs, for BELIEFS, that is told in place of each; None for each.
    """

    kind: EventKind
    filter: BeliefFilter = EVERY_CLAIM
    measure: Measure = field(default_factory=Measure)
    total: SumInterest | None = None

    def concerns(self, event: Event) -> bool:
        """Whether an event may have something to tell; of a sum, whose weights may not have been read yet, any may."""
        if self.total is not None:
            return event.kind is not EventKind.DUE
        if self.kind is EventKind.BELIEFS:
            return bool(event.claim_ids or event.belief_ids)
        return bool(event.entry_ids) if self.kind is EventKind.WRITE else event.kind is self.kind


class Subscriber:
    """
    One who follows the feed.

    Args:
        interest: What it asks for.
        most_queued: The most messages that wait for it.
        on_lag: Called when there are more, as the one who reads them may be held up for long.
    """

    def __init__(self, interest: Interest, most_queued: int, on_lag: Callable[[], None] | None = None) -> None:
        self.interest = interest
        self._queue: list[Message] = []  # an empty deque takes ten times the memory, and most are empty
        self._most_queued, self._on_lag = most_queued, on_lag
        self._waiting: asyncio.Future[None] | None = None
        self._error: ForegraphError | None = None

    def put(self, message: Message) -> None:
        """Queue a message."""
        if self._error is not None:
            return
        if len(self._queue) >= self._most_queued:
            self.end(LaggedError(f"{self._most_queued} messages wait; go on after the last event that came"))
            if self._on_lag is not None:
                self._on_lag()
            return
        self._queue.append(message)
        self._wake()

    def end(self, error: ForegraphError) -> None:
        """Have it end with an error, without what waits."""
        self._error = error
        self._queue.clear()
        self._wake()

    async def take(self) -> Message:
        """
        Wait for the next message.

        Raises:
            LaggedError: Too many have waited.
            GoneEventError: The feed has lost its place, as the graph has been replaced.
        """
        while not self._queue:
            if self._error is not None:
                raise self._error
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._queue.pop(0)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Feed:
    """
    The feed as a process follows it.

    Args:
        database: The database to read.
        most_subscribers: The most subscribers at a time.
        most_queued: The most messages that wait for one.
        observer: Called for each event that has been given to subscribers, with the seconds since it was written.

    Attributes:
        num_polls: Polls so far.
    """

    def __init__(
        self,
        database: Database,
        *,
        most_subscribers: int = MOST_SUBSCRIBERS,
        most_queued: int = MOST_QUEUED,
        observer: LagObserver | None = None,
    ) -> None:
        self.num_polls = 0
        self._database, self._observer = database, observer
        self._most_subscribers, self._most_queued = most_subscribers, most_queued
        self._subscribers = _Subscribers()
        self._num_admitted = 0
        self._table = BeliefTable(database)
        self._sums = FollowedSums(database, self._table.find)
        self._is_table_loaded = False
        self._position: EventId | None = None
        self._polling: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()

    @property
    def num_subscribers(self) -> int:
        """The number of subscribers that are told of what comes."""
        return len(self._subscribers.all())

    @property
    def position(self) -> int | None:
        """The position of the last event that was given to subscribers; None without any."""
        return None if self._position is None else self._position.position

    def wake(self) -> None:
        """Have the feed read at once, as something has been written."""
        self._woken.set()

    def follow(
        self, interest: Interest, since: EventId | None = None, *, on_lag: Callable[[], None] | None = None
    ) -> "Following":
        """
        Follow the feed within a block, which gets the messages.

        Args:
            interest: What is asked for.
            since: The last event that is known; from now on when absent.
            on_lag: Called when too many messages wait.
        """
        return Following(self, Subscriber(interest, self._most_queued, on_lag), since)

    async def admit(self, subscriber: Subscriber, since: EventId | None) -> list[Message]:
        """
        Admit a subscriber; returns what it has missed since an event. Whoever does so lets it leave in the end.

        Raises:
            BusyError: There are as many subscribers as may be.
            GoneEventError: Events after the given one are gone.
        """
        if self._num_admitted >= self._most_subscribers:
            message = f"there are {self._most_subscribers} subscribers, which is the most; try again later"
            raise BusyError(message)
        self._num_admitted += 1
        try:
            return await self._join(subscriber, since)
        except BaseException:
            await self.leave(subscriber)
            raise

    async def leave(self, subscriber: Subscriber) -> None:
        """Let a subscriber that was admitted leave; without any, the feed is not read."""
        self._num_admitted -= 1
        self._subscribers.discard(subscriber)
        total = subscriber.interest.total
        if total is not None and not self._subscribers.of_sum(total.asked.name):
            self._sums.drop(total.asked.name)
        if not self._num_admitted:
            await self._stop()

    async def close(self) -> None:
        """Stop polling."""
        if self._polling is not None:
            self._polling.cancel()
        await self._stop()

    async def _stop(self) -> None:
        """Have the poll end; a read that is under way is waited for, as a connection would be lost with it."""
        polling, self._polling = self._polling, None
        self._position, self._is_table_loaded = None, False
        self._woken.set()
        if polling is not None:
            await asyncio.wait([polling])

    async def _join(self, subscriber: Subscriber, since: EventId | None) -> list[Message]:
        """Add a subscriber where the feed stands; returns what it has missed since an event."""
        interest, missed = subscriber.interest, list[Event]()
        known = None if since is None else await self._read_missed(interest, since, missed)
        async with self._turn:
            position = await self._begin(needs_beliefs=interest.kind is EventKind.BELIEFS)
            if known is not None:
                await self._read_missed(interest, known, missed)
            if interest.total is not None:
                interest.total.measure.begin(await self._sums.get(interest.total.asked))
            self._subscribers.add(subscriber)
        # What came after the position it gets by itself.
        return await self._tell_missed(interest, [event for event in missed if event.id.position <= position.position])

    async def _read_missed(self, interest: Interest, known: EventId, missed: list[Event]) -> EventId:
        """Read the events of a subject since one, to the latest; returns the id of that."""
        has_more = True
        while has_more:
            page = await self._database.read(partial(read_page, after=known))
            missed += (event for event in page.events if interest.concerns(event))
            if len(missed) > MOST_MISSED:
                message = (
                    f"more than {MOST_MISSED:,} events have come since; read them by `changes`, and go on from its last"
                )
                raise LaggedError(message)
            known, has_more = page.last_id, page.has_more and bool(page.events)
        return known

    async def _begin(self, *, needs_beliefs: bool) -> EventId:
        """Begin to poll, unless that is under way, and read all beliefs if they are needed; returns where it stands."""
        if self._position is None:
            self._position = await self._database.read(read_latest_id)
        if needs_beliefs and not self._is_table_loaded:
            await self._table.load()
            self._is_table_loaded = True
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll_on())
        return self._position

    async def _poll_on(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()
            self._woken.clear()
            try:
                async with self._turn:
                    if self._polling is not asyncio.current_task():
                        return
                    await self._poll()
            except GoneEventError as gone:
                self._lose(gone)
                return
            except ForegraphError:
                continue  # the database is away; the place in the feed is kept

    async def _poll(self) -> None:
        """Read what has come, and give it to those who have asked for it."""
        has_more = True
        while has_more:
            page = await self._database.read(partial(read_page, after=self._position))
            self.num_polls += 1
            if page.events:
                await self._give(page.events)
            if self._position is None:
                return  # nobody is left
            self._position, has_more = page.last_id, page.has_more and bool(page.events)

    def _lose(self, gone: GoneEventError) -> None:
        """End all subscribers, since the feed is another one, and begin anew with the next."""
        for subscriber in self._subscribers.all():
            subscriber.end(gone)
        self._position, self._is_table_loaded, self._polling = None, False, None
        self._sums.clear()

    async def _give(self, events: Sequence[Event]) -> None:
        """Read what is needed of all events, then give each to its subscribers without waiting in between."""
        claims_of = await self._find_claims(events) if self._subscribers.has(EventKind.WRITE) else {}
        again = await self._sums.read_again(events)
        last = {claim_id: event.id for event in events for claim_id in event.touched_ids()}
        changed: defaultdict[EventId, list[Change]] = defaultdict(list)
        if self._is_table_loaded:
            for change in await self._table.update(last):
                changed[last[change.claim_id]].append(change)
        later = {change.claim_id: change.before for changes in changed.values() for change in changes}
        for event in events:
            for change in changed[event.id]:
                later.pop(change.claim_id)
            self._subscribers.give_beliefs(event, changed[event.id])
            self._subscribers.give_sums(event, self._sums.take(event, changed[event.id], again, later))
            self._subscribers.give_entries(event, claims_of)
            if event.kind in {EventKind.DUE, EventKind.PROPAGATION}:
                self._subscribers.give_all(event)
        self._observe(events)

    def _observe(self, events: Sequence[Event]) -> None:
        if self._observer is None:
            return
        now = datetime.now(UTC)
        for event in events:
            # The database's clock may be ahead of this one.
            self._observer(max(0.0, (now - event.at).total_seconds()))

    async def _find_claims(self, events: Sequence[Event]) -> dict[str, str]:
        """Find the claims that ledger rows of events are on."""
        ids = [entry_id for event in events for entry_id in event.entry_ids]
        if not ids:
            return {}
        (row,) = await self._database.read(lambda unit: unit.run("feed/list_entry_claims", ids=ids))
        return dict(row["entries"])

    async def _tell_missed(self, interest: Interest, missed: Sequence[Event]) -> list[Message]:
        """Make messages of events that came before the subscriber."""
        if interest.total is not None:
            return await self._tell_missed_sum(interest.total, missed)
        if interest.kind is EventKind.BELIEFS:
            return self._tell_missed_beliefs(interest, missed)
        if interest.kind is not EventKind.WRITE:
            return [Message(event) for event in missed]
        claims_of = await self._find_claims(missed)
        return [message for event in missed if (message := _entries(event, interest.filter, claims_of)) is not None]

    def _tell_missed_beliefs(self, interest: Interest, missed: Sequence[Event]) -> list[Message]:
        """Tell each claim that events have touched once, with the last of these and as it is now."""
        last = {claim_id: event for event in missed for claim_id in event.touched_ids()}
        of_event: defaultdict[int, list[str]] = defaultdict(list)
        for claim_id in self._table.list_matching(interest.filter, sorted(last)):
            of_event[last[claim_id].id.position].append(claim_id)
        measure = interest.measure
        return [
            Message(event, tuple(measure.resume(claim_id, self._table.find(claim_id)) for claim_id in claim_ids))
            for event in missed
            if (claim_ids := of_event.get(event.id.position))
        ]

    async def _tell_missed_sum(self, interest: SumInterest, missed: Sequence[Event]) -> list[Message]:
        """Tell a sum once, with the last event that may have moved it and as it is now."""
        followed = await self._sums.get(interest.asked)
        weights = followed.weights or {}
        moving = [
            event
            for event in missed
            if followed.asked.is_changed_by(event) or not weights.keys().isdisjoint(event.touched_ids())
        ]
        return [Message(moving[-1], total=interest.measure.resume(followed))] if moving else []


class Following(AsyncIterator[Message]):
    """
    The messages of a subscriber within a block; of no generator, as thousands of these may wait.

    Args:
        feed: The feed.
        subscriber: The subscriber.
        since: The last event that it knows; from now on when absent.
    """

    __slots__ = ("_feed", "_missed", "_since", "_subscriber")

    def __init__(self, feed: Feed, subscriber: Subscriber, since: EventId | None) -> None:
        self._feed, self._subscriber, self._since = feed, subscriber, since
        self._missed: Iterator[Message] | None = None

    async def __aenter__(self) -> Self:
        """
        Begin.

        Raises:
            BusyError: There are as many subscribers as may be.
            GoneEventError: Events after the given one are gone.
        """
        self._missed = iter(await self._feed.admit(self._subscriber, self._since))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._feed.leave(self._subscriber)

    async def __anext__(self) -> Message:
        """Wait for the next message; raises as `Subscriber.take`."""
        if self._missed is not None:
            for message in self._missed:
                return message
            self._missed = None
        return await self._subscriber.take()


class _Subscribers:
    """Subscribers by what they ask for, so that an event is compared with few of them."""

    def __init__(self) -> None:
        self._by_claim: defaultdict[tuple[EventKind, str], set[Subscriber]] = defaultdict(set)
        self._by_filter: defaultdict[tuple[EventKind, BeliefFilter], set[Subscriber]] = defaultdict(set)
        self._by_sum: defaultdict[str, set[Subscriber]] = defaultdict(set)

    def of_sum(self, name: str) -> set[Subscriber]:
        return self._by_sum.get(name, set())

    def add(self, subscriber: Subscriber) -> None:
        for index, key in self._places(subscriber.interest):
            index[key].add(subscriber)

    def discard(self, subscriber: Subscriber) -> None:
        for index, key in self._places(subscriber.interest):
            found = index.get(key)
            if found is not None:
                found.discard(subscriber)
                if not found:
                    del index[key]

    def has(self, kind: EventKind) -> bool:
        return any(key[0] is kind for index in (self._by_claim, self._by_filter) for key in index)

    def all(self) -> set[Subscriber]:
        return set().union(*self._by_claim.values(), *self._by_filter.values(), *self._by_sum.values())

    def give_beliefs(self, event: Event, changed: Sequence[Change]) -> None:
        moved: defaultdict[Subscriber, list[Moved]] = defaultdict(list)
        for claim_id, before, now in changed:
            for subscriber in self._interested(claim_id, before, now):
                found = subscriber.interest.measure.move(claim_id, before, now)
                if found is not None:
                    moved[subscriber].append(found)
        for subscriber, told in moved.items():
            subscriber.put(Message(event, tuple(told)))

    def give_sums(self, event: Event, moved: Sequence[FollowedSum]) -> None:
        for followed in moved:
            for subscriber in tuple(self.of_sum(followed.asked.name)):
                interest = subscriber.interest.total
                told = None if interest is None else interest.measure.move(followed)
                if told is not None:
                    subscriber.put(Message(event, total=told))

    def give_entries(self, event: Event, claims_of: dict[str, str]) -> None:
        if not event.entry_ids or not claims_of:
            return
        concerned: set[Subscriber] = set(self._by_filter.get((EventKind.WRITE, EVERY_CLAIM), ()))
        for claim_id in {claims_of[entry_id] for entry_id in event.entry_ids if entry_id in claims_of}:
            concerned |= self._by_claim.get((EventKind.WRITE, claim_id), set())
        for subscriber in concerned:
            message = _entries(event, subscriber.interest.filter, claims_of)
            if message is not None:
                subscriber.put(message)

    def give_all(self, event: Event) -> None:
        for subscriber in tuple(self._by_filter.get((event.kind, EVERY_CLAIM), ())):
            subscriber.put(Message(event))

    def _interested(self, claim_id: str, before: Belief | None, now: Belief | None) -> Iterator[Subscriber]:
        belief = now or before
        for subscriber in tuple(self._by_claim.get((EventKind.BELIEFS, claim_id), ())):
            if belief is not None and subscriber.interest.filter.matches(claim_id, belief):
                yield subscriber
        for (kind, wanted), subscribers in tuple(self._by_filter.items()):
            if kind is EventKind.BELIEFS and belief is not None and wanted.matches(claim_id, belief):
                yield from tuple(subscribers)

    def _places(self, interest: Interest) -> Iterator[tuple[Any, Any]]:
        if interest.total is not None:
            yield self._by_sum, interest.total.asked.name
            return
        if not interest.filter.claim_ids:
            yield self._by_filter, (interest.kind, interest.filter)
        for claim_id in interest.filter.claim_ids:
            yield self._by_claim, (interest.kind, claim_id)


def _entries(event: Event, wanted: BeliefFilter, claims_of: dict[str, str]) -> Message | None:
    claim_ids: Collection[str] = wanted.claim_ids
    found = tuple(
        entry_id
        for entry_id in event.entry_ids
        if entry_id in claims_of and (not claim_ids or claims_of[entry_id] in claim_ids)
    )
    return Message(event, entry_ids=found) if found else None
