"""Rows as properties: which are kept as JSON text."""

import json
import math
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from graph.bundles.spool import row_text
from graph.model.properties import from_properties, json_properties, to_properties
from graph.model.rows import Contribution, Row
from graph.model.values import Line, Metadata

LINES = st.text("ab ", min_size=1).filter(str.strip)
CONTRIBUTIONS = st.builds(
    Contribution,
    llr=st.floats(-1e6, 1e6),
    kind=st.none() | LINES,
    kappa=st.none() | st.floats(0, 1),
    label=st.none() | LINES,
    weight=st.none() | st.floats(0, 1),
    confidence=st.none() | st.floats(0, 1),
    adjusted_llr=st.none() | st.floats(-1e6, 1e6),
    expected_date=st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    criterion=st.none() | LINES,
)


class Item(Row):
    """An item without a prefix."""

    weight: float


class Parcel(Row):
    """A row with a property of each kind."""

    label: Line | None = None
    extras: Metadata = None
    items: tuple[Item, ...] = ()
    parts: tuple[Contribution, ...] = ()


def test_properties_that_neo4j_cannot_hold_are_kept_as_json_text() -> None:
    """A property's annotation says whether its value may be a map or a list of maps."""
    parcel = Parcel(label="one", extras={"a": [1]}, items=(Item(weight=0.5),))

    stored = to_properties(parcel)

    assert json_properties(Parcel) == {"extras", "items"}
    assert stored == dict.fromkeys(stored) | {
        "label": "one",
        "extras": json.dumps({"a": [1]}),
        "items": json.dumps([{"weight": 0.5}]),
    }
    assert from_properties(Parcel, stored) == parcel


def test_items_of_a_class_with_a_prefix_are_kept_as_parallel_lists() -> None:
    """Neo4j's lists have no nulls, and a list of these alone is none."""
    day = date(2026, 5, 30)
    parts = (Contribution(llr=0.5, label="a"), Contribution(llr=-1.0, kappa=0.25, expected_date=day))

    stored = to_properties(Parcel(parts=parts))

    lists = {name: value for name, value in stored.items() if value is not None}
    assert lists == {
        "contribution_llr": [0.5, -1.0],
        "contribution_label": ["a", ""],
        "contribution_kappa": [math.inf, 0.25],
        "contribution_expected_date": ["", "2026-05-30"],
    }
    assert {name for name in stored if name.startswith("contribution_")} == {
        f"contribution_{field}" for field in Contribution.model_fields
    }


@given(st.lists(CONTRIBUTIONS, max_size=4))
def test_parallel_lists_lose_nothing(parts: list[Contribution]) -> None:
    """Whatever is absent in some of the items."""
    parcel = Parcel(parts=tuple(parts))
    stored = {name: value for name, value in to_properties(parcel).items() if value is not None}

    assert from_properties(Parcel, stored) == parcel
    assert json.loads(row_text(Parcel, stored)) == json.loads(parcel.model_dump_json(exclude_none=True))
