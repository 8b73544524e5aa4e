"""
Words that search finds nodes by, and page keys of lists, made for a graph that an older version wrote.

Every write makes those of its own rows.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from graph.database.paging import FIRST_KEY
from graph.database.sessions import Database, Unit
from graph.model.page_keys import change_text, join, own_keys, record_keys, stamp_keys, stamp_text
from graph.model.properties import from_properties
from graph.model.search_texts import SEARCHED_LISTS, search_keys_of, searched_properties
from graph.model.subjects import NodeList

SEARCH_VERSION: Final = 2
"""The version of the words and page keys; a graph with a lower one gets them anew at the next start."""

PAGE_NODES: Final = 2_000
PAGES_TOLD: Final = 25  # a line of progress now and then

OBSOLETE: Final = (
    "status_deadline_key",
    *(f"{name}_probability_key" for name in ("status", "domain", "predictor", "class")),
)
"""Page keys of claims that earlier versions wrote, which no index has any more."""

OnProgress = Callable[[int], None]


async def ensure_searchable(database: Database, *, is_new: bool = False, on_progress: OnProgress | None = None) -> None:
    """
    Make the words of a graph whose words are of an older version.

    Harmless to repeat: a process that is stopped half-way leaves the version as it was, and the next one begins anew.

    Args:
        database: The database.
        is_new: Whether it has only just got its schema, so that there is nothing to look for.
        on_progress: As of `make_searchable`.
    """
    if await read_search_version(database) < SEARCH_VERSION:
        if is_new:  # spared the planning of a dozen statements
            await _note_version(database)
        else:
            await make_searchable(database, on_progress=on_progress)


async def read_search_version(database: Database) -> int:
    """Read the version of the stored words and page keys; 0 where none is noted."""

    async def read(unit: Unit) -> int:
        rows = await unit.run("subjects/get_search_version")
        return rows[0]["version"] if rows else 0

    return await database.read(read, unknown_names_are_fine=True)


async def make_searchable(database: Database, *, on_progress: OnProgress | None = None) -> int:
    """
    Make and store the words of all nodes that search covers, and note their version; returns the number of nodes.

    Args:
        database: The database.
        on_progress: Called now and then with the number of nodes done.
    """
    total = num_pages = 0
    for listed in SEARCHED_LISTS:
        after: str | None = FIRST_KEY
        while after is not None:
            num_nodes, after = await database.write(_page_writer(listed, after))
            total += num_nodes
            num_pages += 1
            if on_progress is not None and num_pages % PAGES_TOLD == 0:
                on_progress(total)
    await _note_version(database)
    return total


async def _note_version(database: Database) -> None:
    async def note(unit: Unit) -> None:
        await unit.run("subjects/set_search_version", version=SEARCH_VERSION)

    await database.write(note)


def _page_writer(listed: NodeList, after: str) -> Callable[[Unit], Any]:
    """Return the work on one page: the number of its nodes and its last key, None after the last page."""

    async def work(unit: Unit) -> tuple[int, str | None]:
        (page,) = await unit.run(f"export/{listed.name}", after=after, limit=PAGE_NODES)
        if not page["rows"]:
            return 0, None
        await unit.run(f"set_search_words/{listed.name}", rows=_entries(listed, page["rows"]))
        return len(page["rows"]), page["last_key"] if len(page["rows"]) == PAGE_NODES else None

    return work


def _entries(listed: NodeList, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = searched_properties(listed)
    return [
        {
            "key": row[listed.key[0]],
            "properties": search_keys_of(listed, {name: row.get(name) for name in names}) | _page_keys(listed, row),
        }
        for row in rows
    ]


def _page_keys(listed: NodeList, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Make the page keys of a node; those that follow from its ledger are made when derived values are rebuilt."""
    key = stored[listed.key[0]]
    properties: dict[str, Any] = dict(own_keys(from_properties(listed.row, stored)))
    if listed.is_claim:
        properties["marginal_key"] = join(change_text(stored.get("marginal")), key)
        properties |= dict.fromkeys(OBSOLETE)
    if stored.get("updated_key") is None:
        properties |= stamp_keys(key)
        if (created_at := _earliest_known(stored)) is not None:
            properties |= {"created_at": created_at, "created_key": join(stamp_text(created_at), key)}
    if listed.label == "Predictor":
        properties |= record_keys(key, {name: stored.get(name) for name in ("brier", "kappa", "n_resolved")})
    return properties


def _earliest_known(stored: Mapping[str, Any]) -> datetime | None:
    """Return when a node was in the graph at the latest: a prediction at its import, a ledger row when recorded."""
    imported_on = stored.get("imported_on")
    if imported_on is not None:
        return datetime(imported_on.year, imported_on.month, imported_on.day, tzinfo=UTC)
    recorded_at: datetime | None = stored.get("recorded_at")
    return recorded_at
