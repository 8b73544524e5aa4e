"""Pages of computed orders."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import InvalidError, StaleCursorError
from resolvers.base.ranked import Order, Rank, Ranked, State
from resolvers.base.relay import encode_cursor

STATE = State(7, 1_700_000_000_000_000, datetime(2026, 5, 30, 22, tzinfo=UTC))
ARGUMENTS = ("S_A", 1.0, False, "LBP")
IDS = st.text("AB:|.@_-", min_size=1, max_size=4)
SIZES = st.floats(0.0, 1.0) | st.sampled_from([0.0, 0.25, 1e-300, 1e300])


def order(ranks: list[Rank], name: str = "shifts", state: State = STATE, *more: Any) -> Order:
    """An order of these places."""
    return Order(name, (*ARGUMENTS, *more), state, ranks)


@given(sizes=st.dictionaries(IDS, SIZES, max_size=12), size=st.integers(1, 13))
def test_pages_in_turn_are_the_whole(sizes: dict[str, float], size: int) -> None:
    """Each item once, by decreasing size, ties by id, whatever the ids and however close the sizes."""
    ranked = order(sorted((-value, key) for key, value in sizes.items()))
    seen: list[str] = []
    after = None
    while True:
        page = ranked.page(size, after)
        shown = page.connection([key for _, key in page.ranks])
        assert shown["total_count"] == len(sizes)
        assert shown["page_info"]["has_previous_page"] is bool(seen)
        seen += [edge["node"] for edge in shown["edges"]]
        if not shown["page_info"]["has_next_page"]:
            break
        after = encode_cursor(shown["page_info"]["end_cursor"])

    assert seen == sorted(sizes, key=lambda key: (-sizes[key], key))


def test_a_cursor_names_a_place_and_not_a_number() -> None:
    """The order of another process with the same items goes on where this one ended."""
    ranks = [(-0.5, "A"), (-0.25, "B"), (-0.25, "C")]
    cursor = encode_cursor(order(ranks).cursor(ranks[1]))

    assert [key for _, key in order(list(ranks)).page(5, cursor).ranks] == ["C"]


def given_cursor(**changes: Any) -> str:
    """The cursor of an order that differs from the usual one."""
    values: dict[str, Any] = {"name": "shifts", "state": STATE, "more": ()} | changes
    made = Order(values["name"], (*ARGUMENTS, *values["more"]), values["state"], [])
    return encode_cursor(made.cursor((-0.5, "A")))


@pytest.mark.parametrize(
    "state",
    [
        STATE._replace(revision=8),
        STATE._replace(revised_at=1),
        STATE._replace(revised_at=None),
        STATE._replace(moment=STATE.moment + timedelta(hours=1)),
    ],
)
def test_a_cursor_of_another_state_is_stale(state: State) -> None:
    """After a write, in a restored graph, or in another hour; both states are told."""
    with pytest.raises(StaleCursorError, match="begin again without one") as refused:
        order([]).page(5, given_cursor(state=state))

    assert (refused.value.code, refused.value.path) == ("STALE_CURSOR", "after")
    assert f"got one of revision {state.revision} as of" in refused.value.message
    assert "expected a cursor of revision 7 as of 2026-05-30T22:00:00Z" in refused.value.message


def test_a_cursor_of_another_result_is_stale() -> None:
    """As where more samples were drawn before time was up; a page of it would skip items, or show some twice."""
    cursor = encode_cursor(order([(-0.5, "A"), (-0.25, "B")]).cursor((-0.5, "A")))

    with pytest.raises(StaleCursorError, match="computed anew since"):
        order([(-0.5, "A"), (-0.26, "B")]).page(5, cursor)


@pytest.mark.parametrize(
    ("cursor", "message"),
    [
        (given_cursor(name="tickers"), "expected a cursor from this very connection, got one from 'tickers'"),
        (given_cursor(more=("seed",)), "with the same arguments"),
        (encode_cursor("shifts:"), "expected a cursor that this API returned"),
        (encode_cursor("shifts:a!b!c!d!e"), "expected a cursor that this API returned"),
        (encode_cursor("shifts:a!7!0!t!o!nan!A"), "expected a cursor that this API returned"),
        (encode_cursor("shifts:a!7!0!t!o!0x1p99999!A"), "expected a cursor that this API returned"),
        (encode_cursor("shifts:a!7!0!t!o!0.5!A!B"), "expected a cursor that this API returned"),
        ("", "expected a cursor that this API returned"),
        ("not one", "expected a cursor that this API returned"),
    ],
)
def test_what_is_no_cursor_of_the_list_is_refused(cursor: str, message: str) -> None:
    """As other connections refuse it."""
    with pytest.raises(InvalidError, match=message) as refused:
        order([]).page(5, cursor)

    assert refused.value.path == "after"


@pytest.mark.parametrize("size", [0, -1, 101])
def test_a_page_has_1_to_100_items(size: int) -> None:
    """As everywhere."""
    with pytest.raises(InvalidError, match="expected a page size from 1 to 100"):
        order([]).page(size, None)


def test_items_are_ranked_by_size_and_id() -> None:
    """Whatever order they come in."""
    items = [(0.5, "C", "c"), (0.9, "B", "b"), (0.5, "A", "a")]
    ranked = Ranked.of("letters", (), STATE, items, show=dict, nodes={})

    assert (ranked.items, ranked.order.ranks) == (["b", "a", "c"], [(-0.9, "B"), (-0.5, "A"), (-0.5, "C")])
