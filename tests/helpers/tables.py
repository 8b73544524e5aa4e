"""Tables that tests make up, and a client that takes as much as it is told to."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Scope

SCOPE: Scope = {"type": "http", "method": "GET", "path": "/table", "headers": [], "query_string": b""}


class FakeTable:
    """
    A table of given batches; an exception among them is raised in its turn, and an awaitable is awaited.

    Attributes:
        num_read: Batches that have been asked for.
        last_asked: Set once the last one has been.
        is_open: Whether somebody reads it.
    """

    revision = 7
    elapsed_seconds = 0.25

    def __init__(
        self,
        columns: Sequence[str],
        batches: Sequence[Any],
        *,
        is_truncated: bool = False,
        opening: Exception | None = None,
    ) -> None:
        self.columns = tuple(columns)
        self.is_truncated = is_truncated
        self.num_read = 0
        self.last_asked = asyncio.Event()
        self.is_open = False
        self._batches, self._opening = batches, opening

    async def batches(self) -> AsyncIterator[Any]:
        """Give the batches."""
        for batch in self._batches:
            self.num_read += 1
            if self.num_read == len(self._batches):
                self.last_asked.set()
            if isinstance(batch, Exception):
                raise batch
            if callable(batch):
                await batch()
            else:
                yield batch

    @asynccontextmanager
    async def open(self) -> AsyncIterator["FakeTable"]:
        """Open it, or fail as it was told to."""
        if self._opening is not None:
            raise self._opening
        self.is_open = True
        try:
            yield self
        finally:
            self.is_open = False


class FakeClient:
    """
    A client of an application.

    Args:
        most_parts: Parts of the body that it takes before it takes no more.

    Attributes:
        messages: What it has got.
        stalled: Set once it takes no more.
    """

    def __init__(self, most_parts: float = float("inf")) -> None:
        self.messages: list[Message] = []
        self.stalled = asyncio.Event()
        self._most_parts = most_parts
        self._has_left = asyncio.Event()

    async def ask(self, app: ASGIApp) -> None:
        """Ask the application, until it returns."""
        await app(dict(SCOPE), self._receive, self._send)

    def leave(self) -> None:
        """Disconnect."""
        self._has_left.set()

    @property
    def status(self) -> int:
        """Status of the response."""
        status: int = self.messages[0]["status"]
        return status

    def header(self, name: str) -> str | None:
        """A header of the response."""
        found = dict(self.messages[0]["headers"]).get(name.encode())
        return None if found is None else found.decode()

    @property
    def body(self) -> bytes:
        """What has come of the body."""
        return b"".join(message["body"] for message in self.messages[1:])

    @property
    def is_whole(self) -> bool:
        """Whether the response came to its end."""
        return len(self.messages) > 1 and not self.messages[-1].get("more_body", False)

    async def _receive(self) -> Message:
        await self._has_left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if len(self.messages) - 1 >= self._most_parts:
            self.stalled.set()
            await asyncio.Event().wait()
        self.messages.append(message)
