"""Exports the graph as a bundle."""

from operator import itemgetter
from typing import Any

from graph.database.paging import pages
from graph.database.sessions import Database, Unit
from graph.errors import BusyError
from graph.model.bundle import BUNDLE_FORMAT, LISTS, Bundle
from graph.model.properties import from_properties
from graph.model.rows import Row
from graph.model.subjects import ROW_LISTS, NodeList, row_id

EXPORT_PAGE_ROWS = 2_000
EXPORT_TIMEOUT_SECONDS = 600.0
EXPORT_TRIES = 3


async def export_bundle(database: Database) -> Bundle:
    """
    Export the graph as a bundle, each list sorted by id.

    Raises:
        BusyError: Writes interrupted every attempt.
    """
    for _ in range(EXPORT_TRIES):
        bundle = await database.read(_read_unchanged, timeout_seconds=EXPORT_TIMEOUT_SECONDS)
        if bundle is not None:
            return bundle
    message = f"writes interrupted all {EXPORT_TRIES} attempts to read the graph; try again when there are fewer writes"
    raise BusyError(message)


async def _read_unchanged(unit: Unit) -> Bundle | None:
    """Read the graph in one transaction; None if its revision rose meanwhile."""
    before = await unit.run("database/get_revision")
    lists = {name: await _export_list(unit, name) for name in LISTS}
    after = await unit.run("database/get_revision")
    return Bundle(format=BUNDLE_FORMAT, **lists) if before == after else None


async def _export_list(unit: Unit, name: str) -> tuple[Row, ...]:
    listed = ROW_LISTS[name]
    key = listed.key[0] if isinstance(listed, NodeList) else listed.export_key

    async def read(after: str) -> list[dict[str, Any]]:
        (page,) = await unit.run(f"export/{name}", after=after, limit=EXPORT_PAGE_ROWS)
        return list(page["rows"])

    found = [row async for page in pages(read, itemgetter(key), EXPORT_PAGE_ROWS) for row in page]
    return tuple(sorted((from_properties(listed.row, row) for row in found), key=row_id))
