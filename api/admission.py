"""Admits so many documents at a time; more wait in a bounded queue for a bounded time."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache

from graphql import GraphQLError, OperationType, get_operation_ast, parse

from api.logging import is_own_request
from graph.errors import BusyError

MAX_WAITING = 256
"""Documents in the queue: at some 100 answers a second, no more than are answered within the patience."""

PATIENCE_SECONDS = 5.0
"""Longest wait, shorter than most clients'."""


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
    """

    def __init__(self, num_queries: int, num_mutations: int) -> None:
        self._queries, self._mutations = Admission(num_queries), Admission(num_mutations)
        self._asked_at = -math.inf

    async def wait_for_pause(self, seconds: float, *, most_seconds: float) -> None:
        """
        Wait until no client has asked for some time.

        Args:
            seconds: That time.
            most_seconds: How long to wait at most, since clients may never pause.
        """
        until = time.monotonic() + most_seconds
        # An event would have to be set and cleared by every request.
        while (left := min(self._asked_at + seconds, until) - time.monotonic()) > 0:  # noqa: ASYNC110 - as above
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


class Admission:
    """
    A limited number of places for documents under execution, taken in order of arrival.

    Args:
        num_places: Documents at a time.
        max_waiting: Documents that wait for a place.
        patience_seconds: How long each waits at most.
    """

    def __init__(
        self, num_places: int, *, max_waiting: int = MAX_WAITING, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._num_places, self._max_waiting, self._patience_seconds = num_places, max_waiting, patience_seconds
        self._free = asyncio.Semaphore(num_places)
        self._num_waiting = 0

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """
        Hold a place within the block; a caller that is cancelled while waiting leaves the queue.

        Raises:
            BusyError: The queue is full, or no place becomes free within the patience.
        """
        if not self._free.locked():
            await self._free.acquire()
        else:
            await self._wait()
        try:
            yield
        finally:
            self._free.release()

    async def _wait(self) -> None:
        if self._num_waiting >= self._max_waiting:
            message = f"{self._num_places} documents are running and {self._num_waiting} are waiting; try again shortly"
            raise BusyError(message)
        self._num_waiting += 1
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._free.acquire()
        except TimeoutError:
            message = (
                f"{self._num_places} documents are running and none ended within {self._patience_seconds:g} seconds; "
                "try again shortly"
            )
            raise BusyError(message) from None
        finally:
            self._num_waiting -= 1
