"""Notes of imports that take several transactions, so that one that was interrupted is known and can go on."""

from dataclasses import dataclass
from datetime import datetime

from graph.database.sessions import Database, Unit


@dataclass(frozen=True, slots=True)
class Unfinished:
    """
    An import that was begun and not ended.

    Attributes:
        digest: The SHA-256 that identifies what is imported.
        num_rows: The number of all rows.
        num_rows_done: The number of rows that are certainly written; those of the lines before it in a stream.
        started_at: The moment at which it was begun.
        is_restore: Whether the graph was empty then, so that it takes on what only an empty one does.
    """

    digest: str
    num_rows: int
    num_rows_done: int
    started_at: datetime
    is_restore: bool = False

    def __str__(self) -> str:
        begun = f"an import of {self.num_rows:,} rows, begun at {self.started_at:%Y-%m-%d %H:%M} UTC, is unfinished"
        return f"{begun} ({self.num_rows_done:,} are certainly written); import the same file again to complete it"


async def list_unfinished(database: Database) -> list[Unfinished]:
    """List the imports that were begun and not ended, the oldest first."""

    async def work(unit: Unit) -> list[Unfinished]:
        return [Unfinished(**row) for row in await unit.run("bundles/list_unfinished")]

    return await database.read(work, unknown_names_are_fine=True)


async def find_unfinished(database: Database, digest: str) -> Unfinished | None:
    """Find the unfinished import of a file; None if there is none."""
    return next((found for found in await list_unfinished(database) if found.digest == digest), None)


async def note_import(
    database: Database, digest: str, num_rows: int, num_rows_done: int, *, is_restore: bool = False
) -> None:
    """Note how far an import has come."""
    noted = {"rows_in_all": num_rows, "rows_done": num_rows_done, "is_restore": is_restore}
    await database.write(lambda unit: unit.run("bundles/note_import", digest=digest, **noted))


async def end_import(database: Database, digest: str) -> None:
    """Note that an import has ended."""
    await database.write(lambda unit: unit.run("bundles/end_import", digest=digest))
