"""Words of search, made for a graph that an older version wrote."""

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.subjects import search_words
from graph.subjects.search_words import SEARCH_VERSION, ensure_searchable, make_searchable
from tests.helpers.graph_dump import ask
from tests.helpers.small_graph import small_graph

pytestmark = pytest.mark.statements

WORDS = """MATCH (n) WHERE n.search_group IS NOT NULL
    RETURN coalesce(n.id, n.symbol) AS id, n.search_group AS marks, n.search_title, n.search_text ORDER BY id, marks"""
FORGET = """MATCH (n) REMOVE n.search_title, n.search_text, n.search_group
    WITH count(n) AS num MATCH (graph:Graph) REMOVE graph.search_version RETURN num"""
VERSION = "MATCH (graph:Graph {id: 'graph'}) RETURN graph.search_version"


async def test_words_made_later_are_those_made_by_the_writes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every kind of node, over several pages."""
    monkeypatch.setattr(search_words, "PAGE_NODES", 5)
    await import_bundle(database, small_graph())
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
    await import_bundle(database, small_graph())
    await make_searchable(database)
    await ask(database, FORGET.partition("WITH")[0] + "RETURN count(n)")

    await ensure_searchable(database)

    assert await ask(database, WORDS) == []


async def test_a_new_graph_only_notes_the_version(database: Database) -> None:
    """There is nothing to look for."""
    await ask(database, "MERGE (graph:Graph {id: 'graph'}) REMOVE graph.search_version RETURN graph.id")

    await ensure_searchable(database, is_new=True)

    assert await ask(database, VERSION) == [[SEARCH_VERSION]]
