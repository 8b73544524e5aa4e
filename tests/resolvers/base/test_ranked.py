"""Pages of computed orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import InvalidError, StaleCursorError
from resolvers.base.enums import InferenceMethod, SortOrder
from resolvers.base.ranked import Condition, Order, Ranked, State, read_conditions
from resolvers.base.relay import encode_cursor

STATE = State(7, 1_700_000_000_000_000, datetime(2026, 5, 30, 22, tzinfo=UTC))
ARGUMENTS = ("S_A", 1.0, False, "LBP")
IDS = st.text("AB:|.@_-", min_size=1, max_size=4)
NO_PAGE: dict[str, Any] = {"first": None, "after": None, "last": None, "before": None}
UP, DOWN = SortOrder.ASCENDING, SortOrder.DESCENDING


@dataclass(frozen=True)
class Conditions:
    """Conditions, as a filter's input has them."""

    claim: list[str] | None = None
    method: list[InferenceMethod] | None = None
    delta_from: float | None = None
    delta_to: float | None = None


class Key(StrEnum):
    """Keys of an order."""

    SIZE = "SIZE"
    COLOR = "COLOR"


def order(keys: Sequence[str], name: str = "shifts", state: State = STATE, *more: Any) -> Order:
    """An order of these keys."""
    return Order(name, (*ARGUMENTS, *more), state, keys)


@given(keys=st.lists(IDS, max_size=12, unique=True), size=st.integers(1, 13), is_from_end=st.booleans())
def test_pages_in_turn_are_the_whole(keys: list[str], size: int, *, is_from_end: bool) -> None:
    """Each item once, in the order, whatever the ids, from either end."""
    ranked, seen, cursor = order(keys), list[str](), None
    size_name, way = ("last", "before") if is_from_end else ("first", "after")
    while True:
        page = ranked.page({**NO_PAGE, size_name: size, way: cursor})
        shown = page.connection(keys[page.start : page.stop])
        nodes = [edge["node"] for edge in shown["edges"]]
        info = shown["page_info"]
        assert shown["total_count"] == len(keys)
        assert info["has_next_page" if is_from_end else "has_previous_page"] is bool(seen)
        seen = nodes + seen if is_from_end else seen + nodes
        if not info["has_previous_page" if is_from_end else "has_next_page"]:
            break
        cursor = encode_cursor(info["start_cursor" if is_from_end else "end_cursor"])

    assert seen == keys


def test_a_page_lies_between_two_cursors() -> None:
    """Both excluded; none where they are given the wrong way round."""
    ranked = order("ABCDE")
    first, last = (encode_cursor(ranked.cursor(key)) for key in "AD")

    for ends, size, expected in (
        ((first, last), {}, "BC"),
        ((first, last), {"last": 1}, "C"),
        ((first, last), {"first": 1}, "B"),
        ((last, first), {}, ""),
        ((last, first), {"last": 5}, ""),
    ):
        page = ranked.page({**NO_PAGE, "after": ends[0], "before": ends[1], **size})
        assert "".join(ranked.keys[page.start : page.stop]) == expected


def test_a_cursor_names_a_place_and_not_a_number() -> None:
    """The order of another process with the same items goes on where this one ended."""
    cursor = encode_cursor(order("ABC").cursor("B"))

    assert order(list("ABC")).page({**NO_PAGE, "after": cursor}).start == 2


def given_cursor(**changes: Any) -> str:
    """The cursor of an order that differs from the usual one."""
    values: dict[str, Any] = {"name": "shifts", "state": STATE, "more": ()} | changes
    made = Order(values["name"], (*ARGUMENTS, *values["more"]), values["state"], [])
    return encode_cursor(made.cursor("A"))


@pytest.mark.parametrize(
    "state",
    [
        STATE._replace(revision=8),
        STATE._replace(revised_at=1),
        STATE._replace(revised_at=None),
        STATE._replace(moment=STATE.moment + timedelta(hours=1)),
    ],
)
@pytest.mark.parametrize("way", ["after", "before"])
def test_a_cursor_of_another_state_is_stale(state: State, way: str) -> None:
    """After a write, in a restored graph, or in another hour; both states are told."""
    with pytest.raises(StaleCursorError, match="begin again without one") as refused:
        order([]).page({**NO_PAGE, way: given_cursor(state=state)})

    assert (refused.value.code, refused.value.path) == ("STALE_CURSOR", way)
    assert f"got one of revision {state.revision} as of" in refused.value.message
    assert "expected a cursor of revision 7 as of 2026-05-30T22:00:00Z" in refused.value.message


@pytest.mark.parametrize("other", ["BA", "AC", "A", "ABC", ""])
def test_a_cursor_of_another_result_is_stale(other: str) -> None:
    """As where more samples were drawn before time was up; a page of it would skip items, or show some twice."""
    cursor = encode_cursor(order("AB").cursor("A"))

    with pytest.raises(StaleCursorError, match="computed anew since"):
        order(other).page({**NO_PAGE, "after": cursor})


@pytest.mark.parametrize(
    ("cursor", "message"),
    [
        (given_cursor(name="tickers"), "expected a cursor from this very connection, got one from 'tickers'"),
        (given_cursor(more=("seed",)), "with the same arguments"),
        (encode_cursor("shifts:"), "expected a cursor that this API returned"),
        (encode_cursor("shifts:a!b!c!d!e"), "expected a cursor that this API returned"),
        (encode_cursor("shifts:a!7!0!t!o!A!B"), "expected a cursor that this API returned"),
        ("", "expected a cursor that this API returned"),
        ("not one", "expected a cursor that this API returned"),
    ],
)
@pytest.mark.parametrize("way", ["after", "before"])
def test_what_is_no_cursor_of_the_list_is_refused(cursor: str, message: str, way: str) -> None:
    """As other connections refuse it."""
    with pytest.raises(InvalidError, match=message) as refused:
        order([]).page({**NO_PAGE, way: cursor})

    assert refused.value.path == way


@pytest.mark.parametrize("size", [0, -1, 101])
@pytest.mark.parametrize("way", ["first", "last"])
def test_a_page_has_1_to_100_items(size: int, way: str) -> None:
    """As everywhere."""
    with pytest.raises(InvalidError, match="expected a page size from 1 to 100"):
        order([]).page({**NO_PAGE, way: size})


def letters() -> Ranked:
    """Items with a size, perhaps a color, and a key."""
    items = [(0.5, "red", "C"), (0.9, None, "B"), (0.5, "red", "A"), (0.5, "blue", "D"), (0.1, None, "E")]
    measures = {"size": lambda item: item[0], "color": lambda item: item[1]}
    return Ranked((), STATE, items, key=lambda item: str(item[2]), measures=measures, show=lambda item: {"key": item})


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([(Key.SIZE, DOWN)], "BACDE"),
        ([(Key.SIZE, UP)], "EACDB"),
        ([(Key.COLOR, UP)], "DACBE"),
        ([(Key.COLOR, DOWN)], "ACDBE"),
        ([(Key.SIZE, DOWN), (Key.COLOR, UP)], "BDACE"),
        ([(Key.COLOR, DOWN), (Key.SIZE, UP)], "ACDEB"),
    ],
)
def test_items_are_sorted_by_several_keys(orders: list[tuple[Key, SortOrder]], expected: str) -> None:
    """Each in its direction, ties by key, those without a value last whichever the direction; written out by hand."""
    assert "".join(item[2] for item in letters().arrange(orders, [])) == expected


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([Condition("size", "from", 0.5, "")], "BACD"),
        ([Condition("size", "to", 0.5, "")], "ACDE"),
        ([Condition("size", "from", 0.5, ""), Condition("size", "to", 0.5, "")], "ACD"),
        ([Condition("color", None, ["red", "green"], "")], "AC"),
        ([Condition("color", "from", "blue", "")], "ACD"),
        ([Condition("color", None, ["red"], ""), Condition("size", "to", 0.4, "")], ""),
    ],
)
def test_items_satisfy_all_conditions(conditions: list[Condition], expected: str) -> None:
    """Bounds are included; an absent value is within none."""
    assert "".join(item[2] for item in letters().arrange([(Key.SIZE, DOWN)], conditions)) == expected


def test_a_bound_is_compared_with_the_number_that_is_shown() -> None:
    """So that a client may send back what it was shown, of which the last digits are rounded away."""
    value = 0.1 + 0.2
    items = Ranked((), STATE, [value], key=str, measures={"size": float}, show=dict)

    assert items.arrange([], [Condition("size", "to", 0.3, "")]) == [value]


def test_conditions_are_read_from_an_input() -> None:
    """Named nodes by their keys; nothing of what is not given."""
    given_filter = Conditions(claim=["P_A"], method=[InferenceMethod.LBP], delta_from=0.0)

    assert read_conditions(given_filter, {"claim": "Claim"}) == [
        Condition("claim", None, ["P_A"], "filter.claim"),
        Condition("method", None, [InferenceMethod.LBP], "filter.method"),
        Condition("delta", "from", 0.0, "filter.delta_from"),
    ]
    assert read_conditions(None, {}) == []


@pytest.mark.parametrize(
    ("values", "path", "message"),
    [
        ({"claim": []}, "filter.claim", "expected 1 to"),
        ({"claim": ["P_A", "not a key"]}, "filter.claim[1]", "got 'not a key'"),
        ({"delta_from": 0.2, "delta_to": 0.1}, "filter.delta_from", "not above deltaTo, which is 0.1, got 0.2"),
    ],
)
def test_conditions_that_cannot_hold_are_refused(values: dict[str, Any], path: str, message: str) -> None:
    """Where, and why."""
    with pytest.raises(InvalidError, match=message) as refused:
        read_conditions(Conditions(**values), {"claim": "Claim"})

    assert refused.value.path == path
