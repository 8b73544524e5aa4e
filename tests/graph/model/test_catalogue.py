"""The graph explained: everything declared is there, with its meaning."""

from graph.model.catalogue import (
    describe,
    draw_mermaid,
    is_internal,
    list_node_types,
    list_relationship_types,
)
from graph.model.relations import RELATIONSHIP_TYPES
from graph.model.subjects import SUBJECTS


def test_every_subject_and_type_is_explained() -> None:
    """Those that clients see, and the label of all claims."""
    assert {"Claim", *SUBJECTS} <= {kind.label for kind in list_node_types()}
    assert {kind.type for kind in list_relationship_types()} == set(RELATIONSHIP_TYPES)


def test_every_property_has_a_meaning_and_no_internal_is_shown() -> None:
    """A description is a sentence."""
    explained = [(kind.description, kind.properties) for kind in list_node_types()]
    explained += [(kind.description, kind.properties) for kind in list_relationship_types()]
    for description, properties in explained:
        assert description.endswith(".")
        for found in properties:
            assert found.description.endswith("."), found
            assert not is_internal(found.name)
        assert len({found.name for found in properties}) == len(properties)


def test_claims_are_joined_where_all_kinds_are() -> None:
    """A domain has claims of all kinds, a predictor only predictions."""
    ends = {kind.type: [(e.start, e.end) for e in kind.ends] for kind in list_relationship_types()}

    assert ends["IN_DOMAIN"] == [("Claim", "Domain")]
    assert ends["MADE"] == [("Predictor", "Prediction")]
    assert ends["FROM"] == [("Evidence", "Predictor"), ("Evidence", "Document"), ("Evidence", "Milestone")]


def test_the_diagram_has_a_line_for_each_way() -> None:
    """In Mermaid's own words."""
    lines = draw_mermaid().splitlines()

    assert lines[0] == "flowchart LR"
    assert "  Killer -. is a .-> Claim" in lines
    assert "  Claim -->|KILLS| Claim" in lines
    assert len(lines) == 1 + 3 + sum(len(kind.ends) for kind in list_relationship_types())


def test_the_text_names_types_and_keys() -> None:
    """One property a line, under its label."""
    lines = describe().splitlines()

    start = lines.index("(:Ticker)  A security, by the symbol under which it is traded.")
    assert lines[start + 1].split()[:2] == ["symbol", "STRING"]
    assert any(line.startswith("(Prediction)-[:HARMS]->(Ticker)") for line in lines)
