"""The items of ledger rows, in the form in which an older version stored them: converted once, before its migration."""

import json
from collections.abc import Sequence
from typing import Any, Final

from graph.database.migrations import pending_migrations
from graph.database.paging import pages
from graph.database.sessions import Database, Unit
from graph.model.properties import parallel_lists, to_lists
from graph.model.rows import Contribution, Evidence

MIGRATION: Final = "contributions"
"""The migration, without its number, that notes that all are converted."""

PAGE_ROWS: Final = 2_000


async def convert_contributions(database: Database, *, page_rows: int = PAGE_ROWS) -> int:
    """
    Store items that are JSON in text as parallel lists, unless that is noted to be done; returns the number of rows.

    Harmless to repeat: what a process that is stopped has converted stays so, and the migration is applied after the
    last.
    """
    pending = await pending_migrations(database)
    if not any(migration.name.endswith(f"_{MIGRATION}") for migration in pending):
        return 0

    async def read(after: str) -> list[dict[str, Any]]:
        async def work(unit: Unit) -> list[dict[str, Any]]:
            return list(await unit.run("ledger/list_contributions", after=after, limit=page_rows))

        return await database.read(work, unknown_names_are_fine=True)

    num_rows = 0
    async for page in pages(read, lambda row: row["id"], page_rows):
        entries = [{"id": row["id"], "properties": _convert(row["text"])} for row in page if row["text"] is not None]

        async def write(unit: Unit, entries: Sequence[dict[str, Any]] = entries) -> None:
            await unit.run("ledger/set_evidence", rows=entries)

        if entries:
            await database.write(write)
        num_rows += len(entries)
    return num_rows


def _convert(text: str) -> dict[str, Any]:
    items = [Contribution.model_construct(**item) for item in json.loads(text)]  # they are not checked anew
    return {"contributions": None, **to_lists(parallel_lists(Evidence)["contributions"], items)}
