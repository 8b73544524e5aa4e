"""Words of search and page keys of lists, made for a graph that an older version wrote."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.database.sessions import Database
from graph.ledger.derived import rebuild
from graph.model.lists import LISTS
from graph.subjects import search_words
from graph.subjects.search_words import SEARCH_VERSION, ensure_searchable, make_searchable
from tests.helpers.copies import import_once
from tests.helpers.graph_dump import ask
from tests.helpers.small_graph import small_graph

pytestmark = pytest.mark.statements

WORDS = """MATCH (n) WHERE n.search_group IS NOT NULL
    RETURN coalesce(n.id, n.symbol) AS id, n.search_group AS marks, n.search_title, n.search_text ORDER BY id, marks"""
FORGET = """MATCH (n) REMOVE n.search_title, n.search_text, n.search_group
    WITH count(n) AS num MATCH (graph:Graph) REMOVE graph.search_version RETURN num"""
NOW = datetime(2026, 9, 1, tzinfo=UTC)
STAMPS = ("created_key", "updated_key")
PAGE_KEYS = sorted({sort.property for listed in LISTS for sort in listed.sorts} - {"id", "symbol"})
KEYS = f"""MATCH (n) WHERE n.search_group IS NOT NULL OR n:Evidence
    WITH n, coalesce(n.id, n.symbol) AS id, labels(n) AS labels ORDER BY id, labels
    RETURN labels, id, n {{{", ".join(f".{name}" for name in PAGE_KEYS)}}} AS keys, n.created_at, n.updated_at,
      n.imported_on, n.recorded_at"""
FORGET_KEYS = f"""MATCH (n) REMOVE n.created_at, n.updated_at, {", ".join(f"n.{name}" for name in PAGE_KEYS)}
    RETURN count(n)"""
VERSION = "MATCH (graph:Graph {id: 'graph'}) RETURN graph.search_version"


async def test_words_made_later_are_those_made_by_the_writes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every kind of node, over several pages."""
    monkeypatch.setattr(search_words, "PAGE_NODES", 5)
    await import_once(database, small_graph())
    written = await ask(database, WORDS)
    await ask(database, FORGET)
    assert await ask(database, WORDS) == []
    told: list[int] = []

    await ensure_searchable(database, on_progress=told.append)

    assert await ask(database, WORDS) == written
    assert len(written) > 25
    assert await ask(database, VERSION) == [[SEARCH_VERSION]]
    assert told == sorted(told)


async def test_words_of_this_version_stay(database: Database) -> None:
    """A start reads one number then."""
    await import_once(database, small_graph())
    await make_searchable(database)
    await ask(database, FORGET.partition("WITH")[0] + "RETURN count(n)")

    await ensure_searchable(database)

    assert await ask(database, WORDS) == []


async def test_a_new_graph_only_notes_the_version(database: Database) -> None:
    """There is nothing to look for."""
    await ask(database, "MERGE (graph:Graph {id: 'graph'}) REMOVE graph.search_version RETURN graph.id")

    await ensure_searchable(database, is_new=True)

    assert await ask(database, VERSION) == [[SEARCH_VERSION]]


async def read_keys(database: Database) -> dict[tuple[str, ...], list[Any]]:
    """The page keys, stamps and dates of each node that a list has."""
    return {(*labels, node_id): found for labels, node_id, *found in await ask(database, KEYS)}


async def test_page_keys_made_later_are_those_made_by_the_writes(database: Database) -> None:
    """For every list and order, so that none leaves out what an older version wrote."""
    await import_once(database, small_graph())
    await rebuild(database, moment=NOW)
    written = {key: found[0] for key, found in (await read_keys(database)).items()}
    await ask(database, FORGET_KEYS)
    assert all(set(found[0].values()) == {None} for found in (await read_keys(database)).values())

    await make_searchable(database)
    await rebuild(database, moment=NOW)

    made = {key: found[0] for key, found in (await read_keys(database)).items()}
    assert len(made) > 30
    for name in PAGE_KEYS:
        if name not in STAMPS:
            assert {key: found[name] for key, found in made.items()} == {
                key: found[name] for key, found in written.items()
            }, name
            assert any(found[name] is not None for found in made.values()), name
    for key, found in made.items():
        assert None not in {found[name] for name in STAMPS}, key


async def test_moments_of_an_older_graph_are_those_that_are_known(database: Database) -> None:
    """A prediction was there at its import and a ledger row when it was recorded; of others nothing is known."""
    await import_once(database, small_graph())
    await ask(database, FORGET_KEYS)

    await make_searchable(database)

    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    nodes = await read_keys(database)
    for (*_, node_id), (keys, created_at, updated_at, imported_on, recorded_at) in nodes.items():
        day = None if imported_on is None else imported_on.to_native()
        known = recorded_at.to_native() if day is None and recorded_at is not None else day
        if known is not None and not isinstance(known, datetime):
            known = datetime(known.year, known.month, known.day, tzinfo=UTC)
        assert (None if created_at is None else created_at.to_native()) == known
        assert updated_at is None
        micros = "-" if known is None else f"{(known - epoch) // timedelta(microseconds=1):016d}"
        assert (keys["created_key"], keys["updated_key"]) == (f"{micros}!{node_id}", f"-!{node_id}")
    assert any(created_at is not None for _, created_at, *_ in nodes.values())
    assert any(created_at is None for _, created_at, *_ in nodes.values())
