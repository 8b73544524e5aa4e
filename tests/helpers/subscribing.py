"""Subscribers over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

PROTOCOL = "graphql-transport-ws"
APPENDED = "subscription Appended($claims: [ID!], $since: String) { ledgerAppended(claims: $claims, since: $since) "
APPENDED += "{ eventId revision evidenceKeys } }"
BELIEFS = """subscription Beliefs($claims: [ID!], $filter: BeliefFilterInput, $threshold: Float, $since: String) {
  beliefChanged(claims: $claims, filter: $filter, threshold: $threshold, since: $since) {
    eventId
    changes { claimKey reason status posteriorProbability baselinePosteriorProbability claim { key displayName } }
  }
}"""


class Socket:
    """A connection that speaks the protocol by itself, to see every message."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        """Send a message."""
        await self.connection.send(json.dumps(message))

    async def receive(self, seconds: float = 20) -> Any:
        """The next message."""
        return json.loads(await asyncio.wait_for(self.connection.recv(), seconds))

    async def subscribe(self, query: str, variables: Mapping[str, Any] | None = None, key: str = "1") -> None:
        """Begin a subscription."""
        payload = {"query": query, "variables": dict(variables or {})}
        await self.send(id=key, type="subscribe", payload=payload)

    async def wait_closed(self, seconds: float = 20) -> tuple[int | None, str | None]:
        """The code and the reason with which the server closes."""
        await asyncio.wait_for(self.connection.wait_closed(), seconds)
        return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def connecting(url: str, *, is_begun: bool = True, **options: Any) -> AsyncIterator[Socket]:
    """Connect to a service; begins the protocol unless told otherwise."""
    address = url.replace("http://", "ws://") + "/graphql"
    async with connect(address, subprotocols=options.pop("subprotocols", [PROTOCOL]), **options) as connection:
        socket = Socket(connection)
        if is_begun:
            await socket.send(type="connection_init")
            assert (await socket.receive())["type"] == "connection_ack"
        yield socket


class Follower:
    """
    Follows the ledger, and comes again after the last event whenever its connection breaks.

    Attributes:
        url: The service's address, which may change.
        since: The last event.
        told: The rows that each event has told of.
        num_broken: How often a connection has broken, or none was to be had.
    """

    def __init__(self) -> None:
        self.url = self.since = ""
        self._following: asyncio.Task[None] | None = None
        self.told: dict[str, list[str]] = {}
        self.num_broken = 0

    async def start(self, client: httpx.AsyncClient) -> None:
        """Begin with the next event."""
        self.since = await self._find_latest(client)
        self._following = asyncio.create_task(self._follow_on())

    async def stop(self, client: httpx.AsyncClient) -> None:
        """End once the latest event has come."""
        latest = await self._find_latest(client)
        while self.since != latest:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
        if self._following is not None:
            self._following.cancel()

    async def _find_latest(self, client: httpx.AsyncClient) -> str:
        query = {"query": "{ changes(first: 1) { latestEventId } }"}
        found: str = (await client.post(f"{self.url}/graphql", json=query)).json()["data"]["changes"]["latestEventId"]
        return found

    async def _follow_on(self) -> None:
        while True:
            try:
                async with connecting(self.url, open_timeout=5) as socket:
                    await socket.subscribe(APPENDED, {"since": self.since})
                    while (message := await socket.receive(600))["type"] == "next":
                        notice = message["payload"]["data"]["ledgerAppended"]
                        self.since = notice["eventId"]
                        assert self.told.setdefault(self.since, notice["evidenceKeys"]) == notice["evidenceKeys"]
            except (OSError, WebSocketException, TimeoutError):
                pass
            self.num_broken += 1
            await asyncio.sleep(0.2)


async def read_events(response: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """The fields of each event of a stream, comments left out."""
    event: dict[str, str] = {}
    async for line in response.aiter_lines():
        if not line:
            if event:
                yield event
            event = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value
