"""A database without a server."""

from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar, cast

from graph.database.sessions import Database, Unit
from tests.helpers.fake_unit import FakeUnit

T = TypeVar("T")


class FakeDatabase:
    """
    A database in which every transaction is the same.

    Args:
        unit: Answers the statements of all transactions.
    """

    def __init__(self, unit: FakeUnit) -> None:
        self._unit = unit
        self.num_sessions = 0
        self.num_open = 0

    @property
    def database(self) -> Database:
        """What those take who open transactions."""
        return cast("Database", self)

    async def write_marked(self, work: Callable[[Unit], Awaitable[T]]) -> tuple[T, str]:
        """Run a transaction function, which keeps nothing if it raises."""
        return await work(self._unit), "bookmark"

    def open_session(self, **_config: Any) -> Self:
        """Stand for a session of its own."""
        self.num_sessions += 1
        self.num_open += 1
        return self

    async def begin_transaction(self, **_config: Any) -> Self:
        """Stand for a transaction of the session."""
        return self

    def unit(self, _transaction: object, _meter: object = None) -> FakeUnit:
        """The transaction's unit."""
        return self._unit

    async def close(self) -> None:
        """End a session."""
        self.num_open -= 1
