"""Rows as properties: which are kept as JSON text."""

import json

from graph.model.properties import from_properties, json_properties, to_properties
from graph.model.rows import Contribution, Row
from graph.model.values import Line, Metadata


class Parcel(Row):
    """A row with a property of each kind."""

    label: Line | None = None
    extras: Metadata = None
    items: tuple[Contribution, ...] = ()


def test_properties_that_neo4j_cannot_hold_are_kept_as_json_text() -> None:
    """A property's annotation says whether its value may be a map or a list of maps."""
    parcel = Parcel(label="one", extras={"a": [1]}, items=(Contribution(llr=0.5),))

    stored = to_properties(parcel)

    assert json_properties(Parcel) == {"extras", "items"}
    assert stored == {"label": "one", "extras": json.dumps({"a": [1]}), "items": json.dumps([{"llr": 0.5}])}
    assert from_properties(Parcel, stored) == parcel
