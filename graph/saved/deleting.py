"""Deletes what is saved under a name, with all that waits for it."""

from dataclasses import dataclass

from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.sessions import Database, Unit
from graph.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Deletion:
    """
    A kind of things that are deleted by name.

    Attributes:
        operation: The name of the write.
        lock: The statement that locks the thing with a name, and returns a row where there is one.
        delete: The statement that deletes it.
        kind: The kind, as it is told to people.
    """

    operation: str
    lock: str
    delete: str
    kind: str

    async def run(self, database: Database, name: str, *, idempotency_key: str | None, is_dry_run: bool) -> Answered:
        """
        Delete the thing with a name.

        Returns:
            A payload with its `name`.

        Raises:
            NotFoundError: None has the name.
            KeyReusedError: The idempotency key belongs to another request.
        """
        request = WriteRequest(self.operation, {"name": name}, idempotency_key, is_dry_run)

        async def work(unit: Unit) -> Payload:
            if not name.isascii() or not await unit.run(self.lock, name=name):
                raise NotFoundError(f"no {self.kind} has the name {name[:80]!r}", path="name")
            await unit.run(self.delete, name=name)
            return {"name": name}

        return await write_once(database, request, work, raises_revision=False)
