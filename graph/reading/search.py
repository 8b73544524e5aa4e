"""Full-text search: pages through the nodes that match a text, the best first, at a cost that follows the page."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from graph.database.sessions import Unit
from graph.errors import InvalidError
from graph.model.search_texts import NUM_LEVELS, SEARCHED_LISTS
from graph.model.subjects import list_of, subject_of
from graph.reading.matching import Way, Words
from graph.reading.snippets import MOST_LOOKED_AT, snippet
from graph.reading.tree import Node, NodePlan, connection, cursor_text, fill, node_dict, page_key

ORDER: Final = "search"
MANY_MATCHES: Final = 1_025  # in one group of 4,096, where the smallest groups are needed
MOST_COUNTED: Final = 1_000
"""The most matches that are counted; counting costs by their number."""

TEXTS: Final = tuple(dict.fromkeys(name for listed in SEARCHED_LISTS for name in (*listed.titles, *listed.texts)))
"""The names of all texts that search covers."""


class _Place(NamedTuple):
    """
    The place of a row in the order of a search.

    Attributes:
        way: Its way to match, by number.
        level: The level of its group.
        group: The number of its group.
        score: Its score by the index.
        id: Its id.
    """

    way: int
    level: int
    group: int
    score: float
    id: str

    def text(self) -> str:
        """Return the cursor's key."""
        return "|".join((str(self.way), str(self.level), str(self.group), repr(self.score), self.id))


class _Match(NamedTuple):
    """A row as `reading/search` returns it."""

    way: int
    level: int
    group: int
    score: float
    id: str
    labels: Sequence[str]
    properties: Sequence[Any]
    texts: Sequence[Any]


async def search(
    unit: Unit,
    text: str,
    *,
    subjects: Sequence[str],
    first: int,
    after: str | None,
    plan: NodePlan,
    wants_snippets: bool = False,
    wants_total: bool = False,
) -> Node:
    """
    Return the nodes whose texts match best, the best first, as a connection whose edges have scores and snippets too.

    Where one way to match has many matches, they are in groups, into which all nodes fall by a digest of their ids, and
    only the matches of a group are sorted by score: so the order is fixed, and a page costs by its size.

    Raises:
        InvalidError: The text has no word in it or is too long, or the cursor is not from a search.
    """
    words = Words.of(text)
    queries = words.queries(subjects)
    place = None if after is None else _parse_place(after, queries)
    answers = await unit.run(
        "reading/search",
        ways=_ways(queries, place),
        many=MANY_MATCHES,
        properties=list(plan.properties),
        texts=list(TEXTS) if wants_snippets else [],
        text_characters=MOST_LOOKED_AT,
        limit=first + 1,
    )
    matches = [_Match(*row) for answer in answers for row in answer["rows"]]
    _check_order(matches)
    entries = [
        (
            cursor_text(ORDER, _Place(*match[:5]).text()),
            node_dict(subject_of(match.labels), dict(zip(plan.properties, match.properties, strict=True))),
        )
        for match in matches
    ]
    page = connection(entries, first, has_previous=after is not None)
    for edge, match in zip(page["edges"], matches, strict=False):
        edge["score"] = shown_score(_way(match), match.score)
        edge["snippet"] = _snippet(words, match) if wants_snippets else None
    page["total_count"] = await _count(unit, words.counting_queries(subjects)) if wants_total else None
    await fill(unit, [edge["node"] for edge in page["edges"]], plan)
    return page


def _way(match: _Match) -> Way:
    return Way(min(match.way, Way.MISSPELT))


def shown_score(way: Way, score: float) -> float:
    """Return a score between 0 and 5 whose whole part tells the way to match, from 4, exact, to 0, misspelt."""
    return len(Way) - 1 - way + score / (1.0 + score)


def _check_order(matches: Sequence[_Match]) -> None:
    """
    Check the order of rows, which the statement leaves to the way in which the database runs it.

    Sorting all matches there instead would cost by their number.
    """
    places = [(match.way, match.group, -match.score, match.id) for match in matches]
    if places != sorted(places):
        message = f"expected matches in order, got {places}"
        raise AssertionError(message)


def _ways(queries: Mapping[int, str], place: _Place | None) -> list[dict[str, Any]]:
    """Return the statement's parameter: the ways to match from the place on."""
    start: dict[str, Any] = {"level": None, "group": 0, "after": None}
    ways = [{"number": number, "query": query, **start} for number, query in queries.items()]
    if place is None:
        return ways
    current = {"level": place.level, "group": place.group, "after": {"score": place.score, "id": place.id}}
    return [way | current if way["number"] == place.way else way for way in ways if way["number"] >= place.way]


def _parse_place(after: str, queries: Mapping[int, str]) -> _Place:
    key = page_key(ORDER, after)
    try:
        way, level, group, score, node_id = key.split("|", 4)
        place = _Place(int(way), int(level), int(group), float(score), node_id)
    except ValueError:
        place = None
    if (
        place is None
        or place.way not in queries
        or not 0 <= place.level <= NUM_LEVELS
        or not 0 <= place.group < 4**place.level
        or not math.isfinite(place.score)
    ):
        message = f"expected a cursor from a search for this text, got one at {key!r}"
        raise InvalidError(message, path="after")
    return place


def _snippet(words: Words, match: _Match) -> str | None:
    listed = list_of(subject_of(match.labels))
    found = dict(zip(TEXTS, match.texts, strict=True))
    texts = [text for name in (*listed.titles, *listed.texts) if (text := found[name]) is not None]
    return snippet(texts, words.is_near_match if _way(match) is Way.MISSPELT else words.is_match)


async def _count(unit: Unit, queries: Sequence[str]) -> int | None:
    (answer,) = await unit.run("reading/count_matches", queries=list(queries), limit=MOST_COUNTED + 1)
    total: int = answer["total"]
    return total if total <= MOST_COUNTED else None
