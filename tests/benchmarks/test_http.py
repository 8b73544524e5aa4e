"""The clients of the benchmark keep their connections, and take no refusal for an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.benchmarks.http import Speed, drive

GOOD = b'{"data":{"prediction":{"key":"P","url":null}}}'


@dataclass
class Server:
    """Gives one answer to every request."""

    port: int = 0
    num_connections: int = 0
    num_requests: int = 0


@asynccontextmanager
async def answering(status: bytes, body: bytes) -> AsyncIterator[Server]:
    told = Server()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.num_connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.partition(b"Content-Length: ")[2]))
                told.num_requests += 1
                writer.write(b"HTTP/1.1 %b\r\ncontent-length: %d\r\nx-other: 1\r\n\r\n%b" % (status, len(body), body))
        except asyncio.IncompleteReadError:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        told.port = server.sockets[0].getsockname()[1]
        yield told


async def test_each_client_keeps_one_connection() -> None:
    async with answering(b"200 OK", GOOD) as server:
        driven = await asyncio.to_thread(drive, "127.0.0.1", server.port, ["{}", '{"a": 1}'], 3, 0.2)

    assert server.num_connections == 3
    assert server.num_requests == len(driven.waits) > 3
    assert driven.elapsed >= 0.2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (b"503 Service Unavailable", b"{}"),
        (b"200 OK", b'{"data":{"prediction":null}}'),
        (b"200 OK", b'{"data":{"prediction":{"key":null}},"errors":[{"message":"no"}]}'),
        (b"200 OK", b'{"data":null,"errors":[{"message":"no"}]}'),
    ],
)
async def test_a_refusal_ends_the_benchmark(status: bytes, body: bytes) -> None:
    """What is refused is fast, and would pass for speed."""
    async with answering(status, body) as server:
        with pytest.raises(RuntimeError):
            await asyncio.to_thread(drive, "127.0.0.1", server.port, ["{}"], 1, 0.2)


def test_a_speed_is_of_answers() -> None:
    speed = Speed.of([0.001] * 98 + [0.1] * 2, 2.0, (0.5, 0.25))

    assert (speed.rate, speed.median, speed.p99) == pytest.approx((50.0, 0.001, 0.1))
    assert (speed.api, speed.neo4j, speed.num_answers) == pytest.approx((0.005, 0.0025, 100))
