"""The whole graph as a bundle."""

from graph.database.sessions import Database, Unit
from graph.errors import BusyError
from graph.model.bundle import BUNDLE_FORMAT, LISTS, Bundle
from graph.model.properties import from_properties
from graph.model.rows import Row
from graph.model.subjects import ROW_LISTS, row_id

EXPORT_PAGE_ROWS = 2_000
EXPORT_TIMEOUT_SECONDS = 600.0
EXPORT_TRIES = 3


async def export_bundle(database: Database) -> Bundle:
    """
    The whole graph as a bundle, each list in the order of its ids.

    Raises:
        BusyError: Writes kept changing the graph while it was read.
    """
    for _ in range(EXPORT_TRIES):
        bundle = await database.read(_read_unchanged, timeout_seconds=EXPORT_TIMEOUT_SECONDS)
        if bundle is not None:
            return bundle
    message = "the graph kept changing while it was read; try again when fewer writes are under way"
    raise BusyError(message)


async def _read_unchanged(unit: Unit) -> Bundle | None:
    """The whole graph, or None where its revision rose while it was read."""
    before = await unit.run("database/get_revision")
    lists = {name: await _export_list(unit, name) for name in LISTS}
    after = await unit.run("database/get_revision")
    return Bundle(format=BUNDLE_FORMAT, **lists) if before == after else None


async def _export_list(unit: Unit, name: str) -> tuple[Row, ...]:
    rows: list[Row] = []
    after = ""
    while True:
        (page,) = await unit.run(f"export/{name}", after=after, limit=EXPORT_PAGE_ROWS)
        rows += (from_properties(ROW_LISTS[name].row, row) for row in page["rows"])
        if len(page["rows"]) < EXPORT_PAGE_ROWS:
            return tuple(sorted(rows, key=row_id))
        after = page["last_key"]
