"""Full-text search: turns any text into a query in which every word must occur, and pages through its matches."""

import re
from collections.abc import Sequence
from typing import Any

from graph.database.sessions import Unit
from graph.errors import InvalidError
from graph.model.subjects import subject_of
from graph.reading.tree import Node, NodePlan, connection, cursor_text, fill, node_dict, page_key

MAX_MATCHES = 10_000  # the best matches; all of them are ranked, so their number bounds a search's cost
MIN_MATCHES = 64
"""The best matches that a search considers at first; it goes on to more where they do not make a page."""

MORE_MATCHES = 4
"""How many times as many matches are considered next."""

MAX_QUERY_CHARACTERS = 500
ORDER = "search"

_Match = tuple[float, str, Sequence[str], Sequence[Any]]
"""The score, the id, the labels and the properties of a node found."""

_WORD = re.compile(r"\w+", re.UNICODE)


def lucene_query(text: str) -> str:
    """
    Return the full-text index's query for a user's words: each must occur, the last also as the beginning of a word.

    Only letters, digits and underscores reach the query language, so no text makes an invalid query.

    Raises:
        InvalidError: The text has no word in it, or is too long.
    """
    if len(text) > MAX_QUERY_CHARACTERS:
        message = f"expected at most {MAX_QUERY_CHARACTERS} characters, got {len(text)}"
        raise InvalidError(message, path="text")
    words = _WORD.findall(text.lower())
    if not words:
        message = f"expected at least one word of letters or digits, got {text!r}"
        raise InvalidError(message, path="text")
    *whole, last = words
    return " AND ".join([*(f'"{word}"' for word in whole), f'("{last}" OR {last}*)'])


async def search(
    unit: Unit, text: str, *, subjects: Sequence[str], first: int, after: str | None, plan: NodePlan
) -> Node:
    """
    Return the nodes whose texts match best, the best first, as a connection.

    Raises:
        InvalidError: The text has no word in it or is too long, or the cursor is not from a search.
    """
    rows = await _list_best(unit, text, subjects=subjects, limit=first + 1, after=after, plan=plan)
    entries = [
        (
            cursor_text(ORDER, f"{score!r}|{node_id}"),
            node_dict(subject_of(labels), dict(zip(plan.properties, properties, strict=True))),
        )
        for score, node_id, labels, properties in rows
    ]
    page = connection(entries, first, has_previous=after is not None)
    await fill(unit, [edge["node"] for edge in page["edges"]], plan)
    return page


async def _list_best(
    unit: Unit, text: str, *, subjects: Sequence[str], limit: int, after: str | None, plan: NodePlan
) -> Sequence[_Match]:
    """
    Return the rows of a page, of which there may be one more.

    The index cuts off all but so many of the best matches, so that a search costs by its page and not by how many nodes
    have its words. It leaves open which of the equally good matches it cuts off, so a page is done once all of its rows
    score better than the last match considered.
    """
    score, node_id = _parse_after(after)
    num_considered = max(MIN_MATCHES, 2 * limit)
    while True:
        num_considered = min(num_considered, MAX_MATCHES)
        answers = await unit.run(
            "reading/search",
            query=lucene_query(text),
            max_matches=num_considered,
            labels=list(subjects),
            after={"score": score, "id": node_id},
            properties=list(plan.properties),
            limit=limit,
        )
        if not answers:
            return []
        found = answers[0]
        rows: Sequence[_Match] = found["rows"]
        is_full = len(rows) == limit and rows[-1][0] > found["least_score"]
        if is_full or found["num_matches"] < num_considered or num_considered == MAX_MATCHES:
            return rows
        num_considered *= MORE_MATCHES


def _parse_after(after: str | None) -> tuple[float | None, str | None]:
    if after is None:
        return None, None
    score, _, node_id = page_key(ORDER, after).partition("|")
    try:
        return float(score), node_id
    except ValueError as error:
        message = f"expected a cursor from a search, got one whose score is {score!r}"
        raise InvalidError(message, path="after") from error
