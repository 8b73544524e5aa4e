"""Lists of predictions: filtered, in one of two orders, from either end, a page at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from graph.database.sessions import Unit
from graph.model.page_keys import bounds, moment_text, probability_text
from graph.model.subjects import subject_of
from graph.reading.search import MAX_MATCHES, lucene_query
from graph.reading.tree import Node, NodePlan, connection, cursor_text, fill, node_dict, page_key


class PredictionOrder(StrEnum):
    """What a list of predictions is ordered by."""

    DEADLINE = "deadline"
    PROBABILITY = "probability"


@dataclass(frozen=True, slots=True)
class PredictionFilter:
    """What a prediction must be to be listed; everything that is given must hold."""

    statuses: tuple[str, ...] | None = None
    domain_id: str | None = None
    predictor_id: str | None = None
    reference_class_id: str | None = None
    deadline_from: datetime | None = None
    deadline_to: datetime | None = None
    probability_from: float | None = None
    probability_to: float | None = None
    text: str | None = None

    def parameters(self) -> dict[str, Any]:
        """The filter as the statements take it; the text goes by another way."""
        return {
            "statuses": None if self.statuses is None else list(self.statuses),
            "domain_id": self.domain_id,
            "predictor_id": self.predictor_id,
            "reference_class_id": self.reference_class_id,
            "deadline_from": self.deadline_from,
            "deadline_to": self.deadline_to,
            "probability_from": self.probability_from,
            "probability_to": self.probability_to,
        }


@dataclass(frozen=True, slots=True)
class PredictionPage:
    """
    Which page of the list is asked.

    Attributes:
        size: How many rows.
        order: What the list is ordered by.
        is_descending: Whether the highest come first.
        after: The cursor after which the page begins.
        before: The cursor before which it ends.
        is_from_end: Whether the page is the last one of what is left.
    """

    size: int
    order: PredictionOrder = PredictionOrder.DEADLINE
    is_descending: bool = False
    after: str | None = None
    before: str | None = None
    is_from_end: bool = False


async def list_predictions(
    unit: Unit, asked: PredictionFilter, page: PredictionPage, plan: NodePlan, *, wants_total: bool = False
) -> Node:
    """
    A page of predictions with what hangs on them, as a connection.

    Raises:
        InvalidError: A cursor is not from this list.
    """
    # Walking from the end is walking the other way round and turning the page.
    walks_down = page.is_descending != page.is_from_end
    anchor, anchor_id = _anchor(asked)
    low, high = _bounds(asked, page, anchor_id)
    parameters: dict[str, Any] = {"filter": asked.parameters(), "low": low, "high": high, "limit": page.size + 1}
    parameters["properties"] = list(plan.properties)
    if asked.text is None:
        name = f"reading/list_predictions_by_{page.order}{'_descending' if walks_down else ''}"
        rows = await unit.run(name, anchor=anchor, **parameters)
    else:
        rows = await unit.run(
            "reading/list_predictions_by_text",
            query=lucene_query(asked.text),
            max_matches=MAX_MATCHES,
            sort_key=f"{page.order}_key",
            is_descending=walks_down,
            **parameters,
        )
    # An anchored key begins with the anchor's id, which a cursor does without: the list's filter says it already.
    strip = 0 if anchor_id is None or asked.text is not None else len(anchor_id) + 1
    found = [
        (cursor_text(page.order, row["key"][strip:]), node_dict(subject_of(row["labels"]), _named(plan, row)))
        for row in rows
    ]
    result = _turned(found, page) if page.is_from_end else connection(found, page.size, has_previous=bool(page.after))
    if page.before is not None and not page.is_from_end:
        result["page_info"]["has_next_page"] = True
    result["total_count"] = await _count(unit, asked, anchor, anchor_id) if wants_total else None
    await fill(unit, [edge["node"] for edge in result["edges"]], plan)
    return result


def _named(plan: NodePlan, row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(zip(plan.properties, row["properties"], strict=True))


def _turned(found: list[tuple[str, Node]], page: PredictionPage) -> Node:
    kept = list(reversed(found[: page.size]))
    result = connection(kept, page.size, has_previous=len(found) > page.size)
    result["page_info"]["has_next_page"] = page.before is not None
    return result


def _anchor(asked: PredictionFilter) -> tuple[str, str | None]:
    """The index that leaves the fewest rows to pass over: one predictor's, one class's, one domain's, one status's."""
    if asked.text is not None:
        return "none", None
    if asked.predictor_id is not None:
        return "predictor", asked.predictor_id
    if asked.reference_class_id is not None:
        return "class", asked.reference_class_id
    if asked.domain_id is not None:
        return "domain", asked.domain_id
    if asked.statuses is not None and len(asked.statuses) == 1:
        return "status", asked.statuses[0]
    return "none", None


def _bounds(asked: PredictionFilter, page: PredictionPage, anchor_id: str | None) -> tuple[str, str]:
    """Between which page keys the page lies, both excluded: the anchor's, the filter's range and the cursors."""
    low, high = bounds(anchor_id)
    prefix = "" if anchor_id is None else low
    lows, highs = [low], [high]
    range_from, range_to = _range_texts(asked, page.order)
    if range_from is not None:
        lows.append(prefix + range_from)
    if range_to is not None:
        highs.append(prefix + range_to + "}")
    if page.after is not None:
        (highs if page.is_descending else lows).append(prefix + page_key(page.order, page.after))
    if page.before is not None:
        key = page_key(page.order, page.before, path="before")
        (lows if page.is_descending else highs).append(prefix + key)
    return max(lows), min(highs)


def _range_texts(asked: PredictionFilter, order: PredictionOrder) -> tuple[str | None, str | None]:
    if order is PredictionOrder.DEADLINE:
        return _moment_or_none(asked.deadline_from), _moment_or_none(asked.deadline_to)
    low, high = asked.probability_from, asked.probability_to
    return (None if low is None else probability_text(low)), (None if high is None else probability_text(high))


def _moment_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)


async def _count(unit: Unit, asked: PredictionFilter, anchor: str, anchor_id: str | None) -> int:
    if asked.text is not None:
        query = lucene_query(asked.text)
        rows = await unit.run(
            "reading/count_predictions_by_text", query=query, max_matches=MAX_MATCHES, filter=asked.parameters()
        )
    else:
        low, high = bounds(anchor_id)
        rows = await unit.run("reading/count_predictions", anchor=anchor, low=low, high=high, filter=asked.parameters())
    total: int = rows[0]["total"]
    return total
