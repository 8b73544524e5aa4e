"""Slow and silent connections over sockets: they end after some time, and whoever only pauses is answered."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from api.connections import limited_protocol
from api.deadlines import Deadlines
from api.draining import DrainingMiddleware
from tests.helpers.serving_app import serving_app

HEAD_SECONDS = 0.2
LONG_SECONDS = 20
ASKED = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
LARGE_BYTES = 20_000_000

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what came, or much."""
    body = await Request(scope, receive).body()
    await Response(b"x" * LARGE_BYTES if scope["path"] == "/large" else body or b"none")(scope, receive, send)


@asynccontextmanager
async def connected(app: ASGIApp = answer, *, seconds: float = HEAD_SECONDS) -> AsyncIterator[Streams]:
    """A connection to an application, with the time that a head has, and a response that is not read."""
    async with serving_app(app, http=limited_protocol(seconds), lifespan="off", timeout_keep_alive=1) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), limit=1_000)
        with closing(writer):
            yield reader, writer


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers each message over WebSocket with itself."""
    socket = WebSocket(scope, receive, send)
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What comes until the connection ends."""
    async with asyncio.timeout(LONG_SECONDS):
        return await reader.read()


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /he", ASKED[:-2], ASKED[:-1]])
@pytest.mark.parametrize("is_second", [False, True])
async def test_a_head_that_does_not_come_ends_the_connection(sent: bytes, is_second: bool) -> None:
    """The first of a connection, and a later one; one that has begun is answered 408 in the usual shape."""
    async with connected() as (reader, writer):
        if is_second:
            writer.write(ASKED)
            assert (await reader.readuntil(b"none")).startswith(b"HTTP/1.1 200 ")
        writer.write(sent)
        found = await rest(reader)

    if sent.strip():
        head, _, body = found.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert json.loads(body)["errors"][0]["extensions"] == {"code": "TIMED_OUT"}
    else:
        assert found == b""


async def test_heads_that_come_slowly_but_in_time_are_answered() -> None:
    """As often as they come; the time of one is not taken from the next."""
    async with connected() as (reader, writer):
        for _ in range(3):
            writer.write(ASKED[:10])
            await asyncio.sleep(0.75 * HEAD_SECONDS)
            writer.write(ASKED[10:])
            assert (await reader.readuntil(b"none")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("is_second", [False, True])
async def test_a_connection_that_is_handed_over_to_websocket_may_be_silent(is_second: bool) -> None:
    """Its own pings tell whether it lives; the time of a head, or between two requests, is not its."""
    upgrade = (
        b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (echo if scope["type"] == "websocket" else answer)(scope, receive, send)

    async with connected(app) as (reader, writer):
        if is_second:
            writer.write(ASKED)
            assert (await reader.readuntil(b"none")).startswith(b"HTTP/1.1 200 ")
        writer.write(upgrade)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        await asyncio.sleep(7 * HEAD_SECONDS)  # also longer than a connection stays open between requests
        writer.write(b"\x81\x82\x00\x00\x00\x00ok")
        async with asyncio.timeout(LONG_SECONDS):
            assert await reader.readexactly(4) == b"\x81\x02ok"


async def test_a_body_may_take_longer_than_a_head() -> None:
    """It has the time of the request."""
    async with connected() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\nab")
        await asyncio.sleep(2 * HEAD_SECONDS)
        writer.write(b"cd")
        assert (await reader.readuntil(b"abcd")).startswith(b"HTTP/1.1 200 ")


async def test_a_response_is_not_cut_by_the_head_of_the_next_request() -> None:
    """Half a head behind a request that is answered slowly waits for its turn."""

    async def answer_slowly(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(3 * HEAD_SECONDS)
        await answer(scope, receive, send)

    async with connected(answer_slowly) as (reader, writer):
        writer.write(ASKED + ASKED[:10])
        assert (await reader.readuntil(b"none")).startswith(b"HTTP/1.1 200 ")
        assert b" 408 " in await rest(reader)


async def test_a_response_that_nobody_reads_is_dropped() -> None:
    """Else it would be kept for as long as the client likes; what was sent already is read."""
    async with connected() as (reader, writer):
        writer.write(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(2 + 4 * HEAD_SECONDS)
        assert len(await rest(reader)) < LARGE_BYTES


async def test_who_reads_slowly_gets_all() -> None:
    """Something at least every so often, and all of it in twice the time."""
    async with connected(seconds=1) as (reader, writer):
        writer.write(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        num_bytes = 0
        while num_bytes < LARGE_BYTES:
            num_bytes += len(await reader.readexactly(LARGE_BYTES // 40))
            await asyncio.sleep(0.05)

    assert num_bytes == LARGE_BYTES


async def test_a_request_cut_at_the_end_is_told_to_come_again() -> None:
    """One that goes on after its deadline is cancelled by the server; it is 503 in the usual shape, not a bare 500."""
    deadlines = Deadlines(LONG_SECONDS)
    has_come = asyncio.Event()

    async def answer_never(scope: Scope, receive: Receive, send: Send) -> None:
        has_come.set()
        await asyncio.sleep(3600)

    async with serving_app(DrainingMiddleware(answer_never, deadlines), lifespan="off") as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(ASKED)
        await has_come.wait()
        deadlines.stop()
    with closing(writer):
        head, _, body = (await rest(reader)).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: " in head
    assert json.loads(body)["errors"][0]["extensions"]["code"] == "BUSY"
