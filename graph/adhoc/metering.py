"""
Counts the bytes that the database sends on a connection, and breaks it off beyond a limit.

The driver gives a record once all of it has arrived, so that one record could fill the memory. It offers no limit; the
count sits where its connection reads from the socket. A test tells when a new driver reads otherwise.

The driver also reads each record in four parts, two of them in tasks with timers of their own, which takes most of its
time. So what has arrived is read at once here, and given in parts without waiting.
"""

from collections.abc import Callable
from typing import Any, Final

from neo4j import AsyncTransaction

BYTES_AHEAD: Final = 1 << 16
"""What is read at once, as much as the driver's own stream holds."""


class Meter:
    """
    Counts what arrives for a transaction.

    Args:
        transaction: An open transaction.
        most: The most bytes in all.
        most_at_once: The most bytes between two looks at what has arrived, so of one record.

    Attributes:
        size: Bytes since the start.
        exceeded: The limit that was exceeded; None as long as none was.
    """

    def __init__(self, transaction: AsyncTransaction, most: int, most_at_once: int) -> None:
        self._most, self._most_at_once = most, most_at_once
        self._socket: Any = transaction._connection.socket
        self._before = vars(self._socket).get("recv_into")  # of a meter that still has something ahead
        self._receive: Callable[..., Any] = self._socket.recv_into
        self.size = self._looked_at = 0
        self.exceeded: int | None = None
        self._is_open = True
        self._space = memoryview(bytearray(BYTES_AHEAD))
        self._ahead = self._space[:0]  # what has arrived and has not been asked for
        self._socket.recv_into = self._give

    async def _give(self, buffer: memoryview, num_bytes: int) -> int:
        """Stand in for the connection's `recv_into`."""
        if not self._ahead:
            if not self._is_open:
                received: int = await self._receive(buffer, num_bytes)
                return received
            self._ahead = self._space[: await self._receive(self._space, BYTES_AHEAD)]
            self._count(len(self._ahead))
        part = self._ahead[:num_bytes]
        buffer[: len(part)] = part
        self._ahead = self._ahead[len(part) :]
        return len(part)

    def _count(self, received: int) -> None:
        self.size += received
        if self.since_look > self._most_at_once:
            self.exceeded = self._most_at_once
        elif self.size > self._most:
            self.exceeded = self._most
        if self.exceeded is not None:
            raise OSError("more bytes arrived than are allowed")

    @property
    def since_look(self) -> int:
        """Bytes since the last look."""
        return self.size - self._looked_at

    def look(self) -> None:
        """Begin to count a record, or several, anew."""
        self._looked_at = self.size

    def close(self) -> None:
        """Leave the connection as it was; what is ahead is still given, should there be any."""
        self._is_open = False
        if self._ahead or vars(self._socket).get("recv_into") != self._give:
            return
        del self._socket.recv_into
        if self._before is not None:
            self._socket.recv_into = self._before
