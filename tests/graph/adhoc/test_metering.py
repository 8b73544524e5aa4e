"""What arrives on a connection is counted, and given on byte for byte."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from neo4j import AsyncTransaction

from graph.adhoc.metering import Meter


class FakeSocket:
    """A connection on which bytes arrive in given parts."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts
        self.num_reads = 0

    async def recv_into(self, buffer: memoryview, num_bytes: int) -> int:
        """Read as the driver's socket does."""
        self.num_reads += 1
        part = self._parts.pop(0) if self._parts else b""
        assert len(part) <= num_bytes
        buffer[: len(part)] = part
        return len(part)


def metered(socket: FakeSocket, most: int = 1_000, most_at_once: int = 1_000) -> Meter:
    """A meter on a connection."""
    transaction = SimpleNamespace(_connection=SimpleNamespace(socket=socket))
    return Meter(cast("AsyncTransaction", transaction), most, most_at_once)


async def take(socket: FakeSocket, num_bytes: int) -> bytes:
    """As many bytes as the driver asks for, or fewer at the end."""
    buffer = bytearray(num_bytes)
    received: Any = await socket.recv_into(memoryview(buffer), num_bytes)
    return bytes(buffer[:received])


async def test_bytes_are_given_in_the_parts_that_are_asked_for() -> None:
    """Though they are read at once."""
    socket = FakeSocket([b"0123456789", b"ab"])
    meter = metered(socket)

    assert [await take(socket, number) for number in (2, 3, 9, 5, 5)] == [b"01", b"234", b"56789", b"ab", b""]
    assert socket.num_reads == 3
    assert meter.size == 12


async def test_what_is_ahead_is_not_lost_at_the_end() -> None:
    """The connection goes back to the pool, and the next statement's meter may follow at once."""
    socket = FakeSocket([b"0123456789", b"abcd"])
    metered(socket).close()
    assert "recv_into" not in vars(socket)

    first = metered(socket)
    assert await take(socket, 2) == b"01"
    first.close()
    assert await take(socket, 3) == b"234"
    metered(socket).close()  # which reads nothing
    second = metered(socket)
    assert [await take(socket, number) for number in (9, 2)] == [b"56789", b"ab"]
    second.close()
    assert [await take(socket, number) for number in (9, 1)] == [b"cd", b""]


@pytest.mark.parametrize(("most", "most_at_once", "exceeded"), [(25, 100, 25), (100, 15, 15)])
async def test_too_much_breaks_off(most: int, most_at_once: int, exceeded: int) -> None:
    socket = FakeSocket([b"0123456789"] * 5)
    meter = metered(socket, most, most_at_once)

    with pytest.raises(OSError, match="more bytes"):
        assert [await take(socket, 10) for _ in range(5)]

    assert meter.exceeded == exceeded


async def test_a_look_begins_anew() -> None:
    socket = FakeSocket([b"0123456789"] * 5)
    meter = metered(socket, 100, 15)

    for _ in range(5):
        await take(socket, 10)
        meter.look()

    assert (meter.size, meter.since_look, meter.exceeded) == (50, 0, None)
