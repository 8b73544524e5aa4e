"""Lists predictions: filtered, in one of two orders, a page at a time from either end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from graph.database.sessions import Row, Unit
from graph.model.page_keys import bounds, moment_text, probability_text
from graph.model.subjects import subject_of
from graph.reading.matching import Words
from graph.reading.search import MANY_MATCHES, MOST_COUNTED
from graph.reading.tree import Node, NodePlan, connection, cursor_text, fill, node_dict, page_key

RANGE_END = "}"  # sorts after the mark that ends a sort key, so that a range includes its last value


class PredictionOrder(StrEnum):
    """Properties that predictions are sorted by."""

    DEADLINE = "deadline"
    PROBABILITY = "probability"


@dataclass(frozen=True, slots=True)
class PredictionFilter:
    """
    Conditions on the predictions of a list, all of which must hold; None sets no condition.

    Attributes:
        statuses: The statuses, one of which a prediction must have.
        domain_id: The id of its domain.
        predictor_id: The id of its predictor.
        reference_class_id: The id of its reference class.
        deadline_from: The earliest deadline.
        deadline_to: The latest deadline.
        probability_from: The least posterior.
        probability_to: The greatest posterior.
        text: The words that its texts must have, the last of them perhaps incomplete.
    """

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
        """
        Return the filter as the statements' parameter.

        Raises:
            InvalidError: The text has no word in it or is too long.
        """
        return {
            "needles": None if self.text is None else Words.of(self.text).needles(),
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
    The page of a list to return.

    Attributes:
        size: The most rows.
        order: The list's order.
        is_descending: Whether the highest come first.
        after: Return items after this cursor.
        before: Return items before this cursor.
        is_from_end: Whether to return the last items between the cursors, not the first ones.
    """

    size: int
    order: PredictionOrder = PredictionOrder.DEADLINE
    is_descending: bool = False
    after: str | None = None
    before: str | None = None
    is_from_end: bool = False


async def list_predictions(
    unit: Unit, filter_: PredictionFilter, page: PredictionPage, plan: NodePlan, *, wants_total: bool = False
) -> Node:
    """
    Return a page of predictions with the relations that the plan follows, as a connection.

    Raises:
        InvalidError: A cursor is of another list, or the text has no word in it or is too long.
    """
    given: dict[str, Any] = {
        "filter": filter_.parameters(),
        "properties": list(plan.properties),
        "limit": page.size + 1,
    }
    rows = await _list_few_matches(unit, filter_, page, given)
    if rows is None:
        rows = await _walk(unit, filter_, page, given)
    entries = [
        (cursor_text(page.order, row["key"]), node_dict(subject_of(row["labels"]), _properties(plan, row)))
        for row in rows
    ]
    if page.is_from_end:
        result = _last_page(entries, page)
    else:
        result = connection(entries, page.size, has_previous=bool(page.after))
    if page.before is not None and not page.is_from_end:
        result["page_info"]["has_next_page"] = True
    result["total_count"] = await _count(unit, filter_) if wants_total else None
    await fill(unit, [edge["node"] for edge in result["edges"]], plan)
    return result


def _reads_descending(page: PredictionPage) -> bool:
    """Whether the highest are read first; the last items are read in the opposite order, and then reversed."""
    return page.is_descending != page.is_from_end


async def _list_few_matches(
    unit: Unit, filter_: PredictionFilter, page: PredictionPage, given: Mapping[str, Any]
) -> Sequence[Row] | None:
    """Sort those that match a text, and return the rows of a page; None if they are many, or there is no text."""
    if filter_.text is None:
        return None
    low, high = list_bounds(filter_, page, None)
    answers = await unit.run(
        "reading/list_predictions_by_text",
        query=Words.of(filter_.text).query("Prediction"),
        many=MANY_MATCHES,
        sort_key=f"{page.order}_key",
        is_descending=_reads_descending(page),
        low=low,
        high=high,
        **given,
    )
    are_many = any(answer["are_many"] for answer in answers)
    return None if are_many else [row for answer in answers for row in answer["rows"]]


async def _walk(unit: Unit, filter_: PredictionFilter, page: PredictionPage, given: Mapping[str, Any]) -> Sequence[Row]:
    """Return the rows of a page in the order of an index, whose keys begin with the anchor's id where there is one."""
    anchor, anchor_id = anchor_of(filter_)
    low, high = list_bounds(filter_, page, anchor_id)
    name = f"reading/list_predictions_by_{page.order}{'_descending' if _reads_descending(page) else ''}"
    rows = await unit.run(name, anchor=anchor, low=low, high=high, **given)
    # A cursor leaves the anchor's id out, since the filter has it.
    num_anchor_characters = 0 if anchor_id is None else len(anchor_id) + 1
    return [{**row, "key": row["key"][num_anchor_characters:]} for row in rows]


def _properties(plan: NodePlan, row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(zip(plan.properties, row["properties"], strict=True))


def _last_page(entries: list[tuple[str, Node]], page: PredictionPage) -> Node:
    """Build the connection of the last items, which have been read from the end."""
    kept = list(reversed(entries[: page.size]))
    result = connection(kept, page.size, has_previous=len(entries) > page.size)
    result["page_info"]["has_next_page"] = page.before is not None
    return result


def anchor_of(filter_: PredictionFilter) -> tuple[str, str | None]:
    """Choose the most selective index, by predictor, reference class, domain or status, and the id to read in it."""
    if filter_.predictor_id is not None:
        return "predictor", filter_.predictor_id
    if filter_.reference_class_id is not None:
        return "class", filter_.reference_class_id
    if filter_.domain_id is not None:
        return "domain", filter_.domain_id
    if filter_.statuses is not None and len(filter_.statuses) == 1:
        return "status", filter_.statuses[0]
    return "none", None


def list_bounds(filter_: PredictionFilter, page: PredictionPage, anchor_id: str | None) -> tuple[str, str]:
    """Return the page keys between which the page lies, both excluded: by anchor, by the filter's range, by cursors."""
    low, high = bounds(anchor_id)
    prefix = "" if anchor_id is None else low
    lows, highs = [low], [high]
    range_from, range_to = _range_texts(filter_, page.order)
    if range_from is not None:
        lows.append(prefix + range_from)
    if range_to is not None:
        highs.append(prefix + range_to + RANGE_END)
    if page.after is not None:
        (highs if page.is_descending else lows).append(prefix + page_key(page.order, page.after))
    if page.before is not None:
        key = page_key(page.order, page.before, path="before")
        (lows if page.is_descending else highs).append(prefix + key)
    return max(lows), min(highs)


def _range_texts(filter_: PredictionFilter, order: PredictionOrder) -> tuple[str | None, str | None]:
    if order is PredictionOrder.DEADLINE:
        return _moment_or_none(filter_.deadline_from), _moment_or_none(filter_.deadline_to)
    low, high = filter_.probability_from, filter_.probability_to
    return (None if low is None else probability_text(low)), (None if high is None else probability_text(high))


def _moment_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)


async def _count(unit: Unit, filter_: PredictionFilter) -> int | None:
    """Count a whole list; None where more match a text than are looked at."""
    filter_values = filter_.parameters()
    if filter_.text is None:
        anchor, anchor_id = anchor_of(filter_)
        low, high = bounds(anchor_id)
        (row,) = await unit.run("reading/count_predictions", anchor=anchor, low=low, high=high, filter=filter_values)
    else:
        query, most = Words.of(filter_.text).query("Prediction"), MOST_COUNTED + 1
        (row,) = await unit.run("reading/count_predictions_by_text", query=query, filter=filter_values, limit=most)
        if row["are_many"]:
            return None
    total: int = row["total"]
    return total
