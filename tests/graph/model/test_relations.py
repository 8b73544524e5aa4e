"""The table of relations against the statements and the database's indexes."""

import pytest

from cypher import list_migrations
from graph.database.statements import statement
from graph.model.relations import RELATIONS, RELATIONSHIP_TYPES, Relation
from graph.model.subjects import EDGE_LISTS, NODE_LISTS, SUBJECTS, references_of

SCHEMA = "\n".join(text for migration in list_migrations() for text in migration.statements)
every_relation = pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.name)


def test_every_name_is_one_relations() -> None:
    """Cursors and requests go by it."""
    assert len({relation.name for relation in RELATIONS}) == len(RELATIONS)


@every_relation
def test_a_relation_leads_from_declared_subjects_to_one(relation: Relation) -> None:
    """Its ends are labels of the table."""
    assert set(relation.starts) <= set(SUBJECTS)
    assert relation.end in {*SUBJECTS, "Claim"}


@every_relation
def test_every_page_key_is_indexed(relation: Relation) -> None:
    """A page is one walk along an index."""
    if relation.page_key is not None:
        assert f".{relation.page_key})" in SCHEMA
        assert relation.page_key in statement(relation.statement)


@every_relation
def test_its_statement_has_a_branch_for_it(relation: Relation) -> None:
    """Requests go in under the relation's name."""
    assert f"$requests.{relation.name} " in statement(relation.statement)


@every_relation
def test_rows_of_it_can_be_counted(relation: Relation) -> None:
    """A total that nothing counts would be none."""
    if relation.is_many:
        assert f"$requests.{relation.name} " in statement("reading/count_related")


def test_every_relationship_of_the_graph_is_followed_by_some_relation() -> None:
    """What is declared as a reference or as a list of relationships can be read from both ends."""
    written = {reference.relationship for listed in NODE_LISTS for reference in references_of(listed)} - {None}
    written |= {kind for listed in EDGE_LISTS for kind in listed.types}

    assert written == set(RELATIONSHIP_TYPES)
    for kind in RELATIONSHIP_TYPES:
        directions = {relation.is_outgoing for relation in RELATIONS if kind in relation.types}
        assert directions == ({True} if kind == "FROM" else {True, False})
