"""
Counts the bytes that the database sends on a connection, and breaks it off beyond a limit.

The driver gives a record once all of it has arrived, so that one record could fill the memory. It offers no limit; the
count sits where its connection reads from the socket. A test tells when a new driver reads otherwise.
"""

from collections.abc import Callable
from typing import Any

from neo4j import AsyncTransaction


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
        self._receive: Callable[..., Any] = self._socket.recv_into
        self.size = self._looked_at = 0
        self.exceeded: int | None = None
        self._socket.recv_into = self._count

    async def _count(self, buffer: memoryview, num_bytes: int) -> int:
        received: int = await self._receive(buffer, num_bytes)
        self.size += received
        if self.since_look > self._most_at_once:
            self.exceeded = self._most_at_once
        elif self.size > self._most:
            self.exceeded = self._most
        if self.exceeded is not None:
            raise OSError("more bytes arrived than are allowed")
        return received

    @property
    def since_look(self) -> int:
        """Bytes since the last look."""
        return self.size - self._looked_at

    def look(self) -> None:
        """Begin to count a record, or several, anew."""
        self._looked_at = self.size

    def close(self) -> None:
        """Leave the connection as it was."""
        if "recv_into" in vars(self._socket):
            del self._socket.recv_into
