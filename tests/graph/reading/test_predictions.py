"""Lists of predictions: the index that is read, and between which keys, over rows in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from graph.errors import InvalidError
from graph.model.page_keys import deadline_text, join, probability_text
from graph.reading.matching import Words
from graph.reading.predictions import PredictionFilter, PredictionOrder, PredictionPage, list_predictions
from graph.reading.tree import Node, NodePlan
from tests.helpers.fake_unit import FakeUnit

FIRST_DAY = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PLAN = NodePlan(properties=("id",))


class Index(FakeUnit):
    """One anchor's keys by which predictions are listed, read up or down between two of them."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__({})
        self._keys = sorted(keys)

    async def run(self, name: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """Answer a listing or a count."""
        self.calls.append((name, parameters))
        if name == "reading/count_predictions":
            return [{"total": len(self._between(**parameters))}]
        kept = self._between(**parameters)
        ordered = kept[::-1] if name.endswith("_descending") else kept
        return [
            {"key": key, "labels": ["Prediction"], "properties": [key.rpartition("!")[2]]}
            for key in ordered[: parameters["limit"]]
        ]

    def _between(self, low: str, high: str, **_: Any) -> list[str]:
        return [key for key in self._keys if low < key < high]


def ids(page: Node) -> list[str]:
    """The ids on a page."""
    return [edge["node"]["id"] for edge in page["edges"]]


async def sent(filter_: PredictionFilter, page: PredictionPage) -> tuple[str, dict[str, Any]]:
    """The statement that lists, and its parameters."""
    unit = Index([])
    await list_predictions(unit, filter_, page, PLAN)
    ((name, parameters),) = unit.calls
    return name, parameters


@pytest.mark.parametrize(
    ("filter_", "anchor", "prefix"),
    [
        (PredictionFilter(), "none", None),
        (PredictionFilter(statuses=("OPEN",)), "status", "OPEN"),
        (PredictionFilter(statuses=("OPEN", "ANNULLED")), "none", None),
        (PredictionFilter(statuses=("OPEN",), domain_id="d"), "domain", "d"),
        (PredictionFilter(domain_id="d", reference_class_id="c"), "class", "c"),
        (PredictionFilter(reference_class_id="c", predictor_id="p", statuses=("OPEN",)), "predictor", "p"),
    ],
)
async def test_the_most_selective_index_is_read(filter_: PredictionFilter, anchor: str, prefix: str | None) -> None:
    """Between the bounds of its anchor, within which every key begins with the anchor's id."""
    name, parameters = await sent(filter_, PredictionPage(size=3))

    assert name == "reading/list_predictions_by_deadline"
    assert parameters["anchor"] == anchor
    key = "2030" if prefix is None else f"{prefix}!2030"
    assert parameters["low"] < key < parameters["high"]
    if prefix is not None:
        assert not parameters["low"] < f"{prefix}0!2030" < parameters["high"]
    assert parameters["filter"] == filter_.parameters()


@pytest.mark.parametrize("predictor_id", [None, "p"])
@pytest.mark.parametrize(("first", "last"), [(2, 4), (3, 3), (None, 2), (5, None), (4, 2)])
async def test_a_range_of_deadlines_holds_both_its_ends(
    predictor_id: str | None, first: int | None, last: int | None
) -> None:
    """A key lies between the bounds just where its deadline is neither before the first nor after the last."""
    filter_ = PredictionFilter(
        predictor_id=predictor_id,
        deadline_from=None if first is None else FIRST_DAY + first * DAY,
        deadline_to=None if last is None else FIRST_DAY + last * DAY,
    )

    _, parameters = await sent(filter_, PredictionPage(size=3))

    anchor = () if predictor_id is None else (predictor_id,)
    for day in range(7):
        key = join(*anchor, deadline_text(FIRST_DAY + day * DAY), "P_1")
        is_within = (first is None or day >= first) and (last is None or day <= last)
        assert (parameters["low"] < key < parameters["high"]) is is_within


async def test_a_range_of_probabilities_holds_both_its_ends() -> None:
    """A prediction without a probability lies in no range that has a lower end."""
    filter_ = PredictionFilter(probability_from=0.25, probability_to=0.75)

    _, parameters = await sent(filter_, PredictionPage(size=3, order=PredictionOrder.PROBABILITY))

    for probability in (None, 0.1, 0.25, 0.5, 0.75, 0.75 + 1e-9, 0.9):
        key = join(probability_text(probability), "P_1")
        is_within = probability is not None and 0.25 <= probability <= 0.75
        assert (parameters["low"] < key < parameters["high"]) is is_within


@pytest.mark.parametrize("anchor_id", [None, "ada"])
@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize("is_from_end", [False, True])
async def test_every_page_is_a_slice_of_the_list(
    anchor_id: str | None, *, is_descending: bool, is_from_end: bool
) -> None:
    """From either end, in either order, between any two cursors: as lists are sliced."""
    names = [f"P_{number}" for number in range(6)]
    anchor = () if anchor_id is None else (anchor_id,)
    keys = [join(*anchor, deadline_text(FIRST_DAY + number * DAY), name) for number, name in enumerate(names)]
    index, filter_ = Index(keys), PredictionFilter(predictor_id=anchor_id)
    whole = await list_predictions(
        index, filter_, PredictionPage(size=9, is_descending=is_descending), PLAN, wants_total=True
    )
    cursors = [edge["cursor"] for edge in whole["edges"]]
    expected = names[::-1] if is_descending else names
    assert ids(whole) == expected
    assert whole["total_count"] == len(names)

    for start, stop, size in product(range(-1, 6), range(7), range(1, 4)):
        if stop <= start:
            continue
        after, before = None if start < 0 else cursors[start], None if stop > 5 else cursors[stop]
        page = PredictionPage(size, is_descending=is_descending, after=after, before=before, is_from_end=is_from_end)

        result = await list_predictions(index, filter_, page, PLAN)

        left = expected[start + 1 : stop]
        assert ids(result) == (left[-size:] if is_from_end else left[:size])
        has_more = len(left) > size
        info = result["page_info"]
        assert info["has_next_page"] is (before is not None if is_from_end else has_more or before is not None)
        assert info["has_previous_page"] is (has_more if is_from_end else after is not None)


@pytest.mark.parametrize("end", ["after", "before"])
async def test_a_cursor_of_the_other_order_is_refused(end: str) -> None:
    """It is named by the argument that holds it."""
    cursors: dict[str, Any] = {end: f"probability:{probability_text(0.5)}!P_1"}

    with pytest.raises(InvalidError) as refused:
        await list_predictions(Index([]), PredictionFilter(), PredictionPage(size=3, **cursors), PLAN)

    assert refused.value.path == end


async def test_few_matches_of_a_text_are_looked_up_and_then_sorted() -> None:
    """The full-text index has no order of ours, so no anchor either; the filter still holds."""
    unit = FakeUnit(
        {
            "reading/list_predictions_by_text": lambda **_: [{"are_many": False, "rows": []}],
            "reading/count_predictions_by_text": lambda **_: [{"are_many": False, "total": 0}],
        }
    )
    filter_ = PredictionFilter(predictor_id="p", text="Chips ship")
    page = PredictionPage(size=3, order=PredictionOrder.PROBABILITY, is_descending=True)

    result = await list_predictions(unit, filter_, page, PLAN, wants_total=True)

    (_, listing), (_, counting) = unit.calls
    assert (listing["sort_key"], listing["is_descending"]) == ("probability_key", True)
    assert listing["query"] == counting["query"] == Words.of("Chips ship").query("Prediction")
    assert listing["filter"] == counting["filter"] == filter_.parameters()
    assert result["total_count"] == 0


async def test_many_matches_of_a_text_are_met_in_the_order_of_the_list() -> None:
    """The list is walked by its most selective index; more than are counted have no number."""
    unit = FakeUnit(
        {
            "reading/list_predictions_by_text": lambda **_: [{"are_many": True, "rows": []}],
            "reading/list_predictions_by_deadline": lambda **_: [],
            "reading/count_predictions_by_text": lambda **_: [{"are_many": True, "total": 0}],
        }
    )
    filter_ = PredictionFilter(predictor_id="p", text="Chips ship")

    result = await list_predictions(unit, filter_, PredictionPage(size=3), PLAN, wants_total=True)

    _, (_, walking), _ = unit.calls
    assert walking["anchor"] == "predictor"
    assert walking["filter"]["needles"] == [[" chips "], [" ship ", " ship"]]
    assert result["total_count"] is None
