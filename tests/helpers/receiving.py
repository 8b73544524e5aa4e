"""A receiver of webhooks on this machine, which answers what a test tells it to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Received:
    """A request."""

    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """
    What came, and what is answered.

    Attributes:
        port: Where it listens.
        answers: Answers, the first to the first request; the last stays.
        received: Requests so far.
    """

    port: int = 0
    answers: list[bytes] = field(default_factory=lambda: [b"HTTP/1.1 204 No Content\r\n\r\n"])
    received: list[Received] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request, and answer it."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").splitlines()
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers["content-length"]))
            self.received.append(Received(head[0].split(" ")[1], headers, body))
            answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(secure: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Listen on a free port of the loopback address."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0, ssl=secure)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
