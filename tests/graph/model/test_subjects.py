"""The table of labels against the rows, the bundle and the database's constraints."""

import re

import pytest

from cypher import list_migrations
from graph.model.bundle import LISTS
from graph.model.rows import Influence, SavedQuery, Ticker
from graph.model.search_texts import GROUP, SEARCHED_LISTS, TEXT, TITLE
from graph.model.subjects import (
    EDGE_LISTS,
    NODE_LISTS,
    REFERENCED_LISTS,
    ROW_LISTS,
    EdgeList,
    NodeList,
    list_of,
    noun_of,
    references_of,
    row_id,
    subject_of,
)

SCHEMA = "\n".join(text for migration in list_migrations() for text in migration.statements)
every_list = pytest.mark.parametrize("listed", ROW_LISTS.values(), ids=ROW_LISTS)


def test_the_table_declares_each_list_of_a_bundle() -> None:
    """A list that nobody declares could be neither written nor read."""
    assert set(ROW_LISTS) == set(LISTS)


@every_list
def test_every_property_that_names_an_id_is_a_declared_reference(listed: NodeList | EdgeList) -> None:
    """A name that nobody looks up could point nowhere; those of versions may, as what they name may be gone."""
    if listed.name == "versions":
        return
    declared = {reference.property for reference in references_of(listed)}
    named = {name for name in listed.row.model_fields if name.endswith("_id") and name != "cluster_id"}

    assert named <= declared
    assert declared <= set(listed.row.model_fields)


@every_list
def test_every_reference_names_a_declared_label(listed: NodeList | EdgeList) -> None:
    """`Claim` stands for any of three."""
    labels = {node.label for node in NODE_LISTS} | {"Claim"}

    assert {reference.target for reference in references_of(listed)} <= labels


@pytest.mark.parametrize("listed", NODE_LISTS, ids=lambda listed: listed.name)
def test_every_key_is_unique_by_a_constraint(listed: NodeList) -> None:
    """What tells two nodes apart is told to the database too."""
    properties = ", ".join(f"n.{name}" for name in listed.key)
    wanted = properties if len(listed.key) == 1 else f"({properties})"

    assert f"FOR (n:{listed.space}) REQUIRE {wanted} IS UNIQUE" in SCHEMA


@pytest.mark.parametrize("listed", NODE_LISTS, ids=lambda listed: listed.name)
def test_a_list_is_walked_by_an_index_of_its_label_where_it_has_one(listed: NodeList) -> None:
    """Exports go by it; a constraint comes with an index, too."""
    ways = (f"(n:{listed.label}) REQUIRE n.{listed.key[0]} ", f"(n:{listed.label}) ON (n.{listed.key[0]})")
    has_index = any(way in SCHEMA for way in ways) or len(listed.key) > 1

    assert listed.has_index == has_index


def test_moments_that_go_as_text_follow_from_the_rows() -> None:
    """A moment more in a row's class needs no word elsewhere."""
    moments = {listed.name: listed.text_moments for listed in NODE_LISTS if listed.is_bulk}

    assert moments["documents"] == ("published_at",)
    assert moments["evidence"] == ("observed_at", "recorded_at")
    assert moments["predictions"] == ("resolved_at", "window_start", "window_end", "deadline")


@pytest.mark.parametrize("listed", EDGE_LISTS, ids=lambda listed: listed.name)
def test_every_relationship_has_an_index_to_export_by(listed: EdgeList) -> None:
    """All of them are walked by one page key."""
    for kind in listed.types:
        assert f"FOR ()-[r:{kind}]-() ON (r.{listed.export_key})" in SCHEMA


def test_the_full_text_index_covers_the_declared_labels() -> None:
    """What a subject is found by stands in its declaration, and in the migration that makes the index."""
    (labels,) = re.findall(r"CREATE FULLTEXT INDEX search_words.*?\(n:(.*?)\)", SCHEMA, flags=re.DOTALL)
    (index,) = re.findall(r"CREATE FULLTEXT INDEX search_words.*?ON EACH \[(.*?)\]", SCHEMA, flags=re.DOTALL)

    assert {listed.label for listed in SEARCHED_LISTS} == set(labels.split("|"))
    assert set(re.findall(r"n\.(\w+)", index)) == {TITLE, TEXT, GROUP}


@pytest.mark.parametrize("listed", SEARCHED_LISTS, ids=lambda listed: listed.name)
def test_searched_texts_are_properties(listed: NodeList) -> None:
    """A misspelt one would be missed by search alone."""
    assert set(listed.titles) | set(listed.texts) <= set(listed.row.model_fields)


def test_a_rows_id_is_made_of_its_key() -> None:
    """One property, several, or a type and two ends."""
    assert row_id(Ticker(symbol="NVDA")) == "NVDA"
    assert row_id(SavedQuery(name="overdue", version=2, statement="RETURN 1")) == "overdue@2"
    influence = Influence.model_validate({"kind": "KILLS", "parent_id": "TK01", "child_id": "P_1"})
    assert row_id(influence) == "KILLS|TK01|P_1"


def test_a_claims_subject_is_its_narrower_label() -> None:
    """Claims carry two labels."""
    assert subject_of(["Claim", "Killer"]) == "Killer"
    assert list_of("Killer").space == "Claim"
    assert list_of("ReferenceClass").noun == noun_of("ReferenceClass") == "reference class"


def test_every_referenced_list_is_asked_for_what_is_known() -> None:
    """An import looks up all that a bundle may name."""
    assert {"claims", "predictors", "tickers", "milestones"} <= set(REFERENCED_LISTS)
    assert not {"predictions", "scenarios", "killers"} & set(REFERENCED_LISTS)
