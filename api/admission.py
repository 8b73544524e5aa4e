"""Admits so many documents at a time; more wait in a bounded queue for a bounded time."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache

from graphql import GraphQLError, OperationType, get_operation_ast, parse

from api.logging import is_own_request
from api.metrics.instruments import note_refusal
from graph.errors import BusyError

MAX_WAITING = 256
"""Documents in the queue."""

PATIENCE_SECONDS = 5.0
"""Longest wait, shorter than most clients'."""

MEMORY_SECONDS = 5.0
"""How far back the pace of documents is looked at."""

PRIOR_SECONDS = 1.0
"""How many seconds' worth of documents a pace counts that is given at the start."""

MOST_RETRY_SECONDS = 30


NUM_KEPT, MOST_KEPT_CHARACTERS = 512, 4_096
"""Documents whose kind is kept, and the longest of them: 2 MB of text."""

MOST_CHARACTERS, MOST_TOKENS = 250_000, 4_000
"""Length up to which a document's kind is looked at, which takes some 20 ms; a longer one waits among the queries."""


class Admissions:
    """
    Places for queries, and others for mutations: a mutation waits for the database, and many may share one transaction.

    Args:
        num_queries: Documents that only read, at a time.
        num_mutations: Documents with mutations, at a time.
        max_waiting: Documents of either kind that wait for a place.
    """

    def __init__(self, num_queries: int, num_mutations: int, max_waiting: int = MAX_WAITING) -> None:
        self._queries = Admission(num_queries, max_waiting=max_waiting, limit="queries at a time")
        self._mutations = Admission(num_mutations, max_waiting=max_waiting, limit="mutations at a time")
        self._asked_at = -math.inf

    def counts(self) -> dict[str, dict[str, int]]:
        """Count the places of each kind, those taken, and who waits for one."""
        return {"queries": self._queries.counts(), "mutations": self._mutations.counts()}

    async def wait_for_pause(self, seconds: float, *, most_seconds: float) -> None:
        """
        Wait until no client has asked for some time.

        Args:
            seconds: That time.
            most_seconds: How long to wait at most, since clients may never pause.
        """
        until = time.monotonic() + most_seconds
        # An event would have to be set and cleared by every request.
        while (left := min(self._asked_at + seconds, until) - time.monotonic()) > 0:  # noqa: ASYNC110 - an event costs each request
            await asyncio.sleep(left)

    def admit(self, *, is_mutation: bool) -> AbstractAsyncContextManager[None]:
        """Hold a place of the kind within the block; as `Admission.admit`."""
        if not is_own_request.get():
            self._asked_at = time.monotonic()
        return (self._mutations if is_mutation else self._queries).admit()


def is_mutation(document: str, operation_name: str | None) -> bool:
    """Whether the operation that a document runs is a mutation; a document that cannot be parsed is a query."""
    if len(document) > MOST_CHARACTERS or "mutation" not in document:
        return False
    find = _is_mutation if len(document) <= MOST_KEPT_CHARACTERS else _is_mutation.__wrapped__
    return find(document, operation_name)


@lru_cache(NUM_KEPT)
def _is_mutation(document: str, operation_name: str | None) -> bool:
    try:
        operation = get_operation_ast(parse(document, no_location=True, max_tokens=MOST_TOKENS), operation_name)
    except (GraphQLError, RecursionError):
        return False
    return operation is not None and operation.operation is OperationType.MUTATION


class QueueError(BusyError):
    """
    There is no place for a document.

    Attributes:
        retry_seconds: After how many seconds there may be one.
    """

    def __init__(self, message: str, retry_seconds: int) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class _Pace:
    """
    The pace at which documents end while all places are taken, by those of the last seconds.

    The mean of the time that documents take would not do: one that holds a place for long holds up none of those that
    pass through the others.

    Args:
        mean_seconds: How long documents take, as long as none has ended; 0 if that is unknown.
        num_places: Documents at a time.
    """

    def __init__(self, mean_seconds: float, num_places: int) -> None:
        self._num_others = num_places - 1
        self._num_ended, self._seconds = 1.0, 0.0
        if mean_seconds:
            self._num_ended = PRIOR_SECONDS * num_places / mean_seconds - self._num_others
            self._seconds = PRIOR_SECONDS
        self._full_since: float | None = None
        self._noted_at = time.monotonic()

    def note_free(self) -> None:
        """Note that a place is free, as where the one that waited for it has left."""
        self._full_since = None

    def note_full(self) -> None:
        """Note that the last place has been taken."""
        if self._full_since is None:
            self._full_since = time.monotonic()
            if self._full_since - self._noted_at > MEMORY_SECONDS:
                self._num_ended, self._seconds = 1.0, 0.0

    def note_end(self, *, is_full: bool) -> None:
        """Note that a document has ended, and whether another one takes its place."""
        now = self._noted_at = time.monotonic()
        if self._full_since is not None:
            seconds = now - self._full_since
            kept = math.exp(-seconds / MEMORY_SECONDS)
            self._num_ended, self._seconds = kept * self._num_ended + 1, kept * self._seconds + seconds
        self._full_since = now if is_full else None

    def mean_gap(self) -> float:
        """
        Estimate the seconds from one end to the next.

        The documents in the other places have had that time, too: of some that began together, the first to end says
        that the others are about to.
        """
        return self._seconds / (self._num_ended + self._num_others)


class Admission:
    """
    A limited number of places for documents under execution, taken in order of arrival.

    Args:
        num_places: Documents at a time.
        max_waiting: Documents that wait for a place.
        patience_seconds: How long each waits at most.
        mean_seconds: How long documents take, as long as none has ended.
        limit: The name under which refusals are counted.
    """

    def __init__(
        self,
        num_places: int,
        *,
        max_waiting: int = MAX_WAITING,
        patience_seconds: float = PATIENCE_SECONDS,
        mean_seconds: float = 0.0,
        limit: str = "places",
    ) -> None:
        self._limit = limit
        self._num_places, self._max_waiting, self._patience_seconds = num_places, max_waiting, patience_seconds
        self._free = asyncio.Semaphore(num_places)
        self._num_waiting = self._num_taken = 0
        self._pace = _Pace(mean_seconds, num_places)

    def counts(self) -> dict[str, int]:
        """Count the places, those taken, and who waits for one."""
        return {"places": self._num_places, "taken": self._num_taken, "waiting": self._num_waiting}

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """
        Hold a place within the block; a caller that is cancelled while waiting leaves the queue.

        Raises:
            QueueError: The queue is full or too slow, or no place becomes free within the patience.
        """
        if not self._free.locked():
            self._pace.note_free()
            await self._free.acquire()
        else:
            await self._wait()
        self._num_taken += 1
        if self._free.locked():
            self._pace.note_full()
        try:
            yield
        finally:
            self._num_taken -= 1
            self._free.release()
            self._pace.note_end(is_full=self._num_waiting > 0)

    @property
    def _expected_seconds(self) -> float:
        """The time that a further document would wait, at the pace of the last ones."""
        return (self._num_waiting + 1) * self._pace.mean_gap()

    async def _wait(self) -> None:
        if self._num_waiting >= self._max_waiting or self._expected_seconds > self._patience_seconds:
            message = f"{self._num_places} documents are running and {self._num_waiting} are waiting; try again shortly"
            raise self._refuse(message)
        self._num_waiting += 1
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._free.acquire()
        except TimeoutError:
            message = (
                f"{self._num_places} documents are running and none ended within {self._patience_seconds:g} seconds; "
                "try again shortly"
            )
            raise self._refuse(message) from None
        finally:
            self._num_waiting -= 1

    def _refuse(self, message: str) -> QueueError:
        note_refusal(self._limit)
        return QueueError(message, min(max(1, math.ceil(self._expected_seconds)), MOST_RETRY_SECONDS))
