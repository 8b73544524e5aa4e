"""Plans of documents: what is selected is read, and nothing else."""

import operator
from collections.abc import Iterable
from typing import Any

import pytest
import strawberry
from strawberry.types import Info

from graph.model.kinds import ExposureSign, InfluenceKind
from graph.model.subjects import CLAIM_SUBJECTS, SUBJECTS
from graph.reading.tree import Follow, NodePlan
from resolvers.base.names import named
from resolvers.base.relay import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Connection, Node, encode_cursor
from resolvers.base.scalars import SCALARS
from resolvers.base.selection import (
    ANSWER,
    MAX_CASCADE_DEPTH,
    answer,
    connection_plan,
    gathered,
    plan_of,
    selected_plan,
)
from resolvers.types.influences import INCOMING_INFLUENCES
from resolvers.types.subjects import SUBJECT_TYPES

VERSIONED = ("versioned_at", "num_versions")
"""What tells whether a claim has been another one before."""
ALWAYS = {"id", "symbol"}  # a node is known by one of them
CLAIMS = frozenset(CLAIM_SUBJECTS)


@strawberry.type
class Part:
    """Nodes that may be left out."""

    nodes: list[Node]


@strawberry.type
class Query:
    """Notes the plan of what is asked, and answers nothing."""

    @strawberry.field
    def node(self, info: Info[list[Any], None]) -> Node | None:
        """Notes a node's plan."""
        info.context.append(plan_of(info))
        return None

    @strawberry.field
    def nodes(self, info: Info[list[Any], None]) -> Connection[Node] | None:
        """Notes a connection's plan, and whether its total is asked for."""
        info.context.append(connection_plan(info))
        return None

    @strawberry.field
    def part(self, info: Info[list[Any], None]) -> Part | None:
        """Notes the plan of nodes further down."""
        info.context.append(selected_plan(info, "nodes"))
        return None


# Types of the product take their resolvers from the last schema that they are built into, so these must be the same.
CONFIG = named(default_resolver=operator.getitem, scalar_map=SCALARS)
SCHEMA = strawberry.Schema(Query, types=SUBJECT_TYPES.values(), config=CONFIG)


def noted(document: str, **variables: Any) -> list[Any]:
    """All that the fields of a document note."""
    notes: list[Any] = []
    found = SCHEMA.execute_sync(document, variable_values=variables, context_value=notes)
    assert found.errors is None, found.errors
    return notes


def plan(selection: str, head: str = "query", tail: str = "", **variables: Any) -> NodePlan:
    """The plan of a node of which this is selected."""
    (found,) = noted(f"{head} {{ node {{ {selection} }} }} {tail}", **variables)
    assert isinstance(found, NodePlan)
    return found


def followed(found: NodePlan) -> dict[str, Follow]:
    """What a plan follows, by the key of the response."""
    assert all(each.key.startswith(ANSWER) for each in found.follows)
    return {each.key.removeprefix(ANSWER): each for each in found.follows}


def only(found: NodePlan, subject: str | None = None) -> Follow:
    """The one relation that a plan follows, from nodes of a subject if one is given."""
    (each,) = (each for each in found.follows if subject is None or subject in each.subjects)
    return each


def read(found: NodePlan) -> set[str]:
    """The properties that a plan reads, without those that name a node."""
    assert len(set(found.properties)) == len(found.properties)
    assert set(found.properties) >= ALWAYS
    return set(found.properties) - ALWAYS


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("id key __typename", set()),
        ("... on Claim { title statedProbability }", {"title", "stated_probability"}),
        ("... on Claim { name: title }", {"title"}),
        ("... on Claim { title one: title two: title }", {"title"}),
        ("... on Claim { storedPosteriorProbability }", {"posterior"}),
        ("... on Claim { timeRemainingFraction }", {"from_year", "window_start", "window_end", *VERSIONED}),
        ("... on Prediction { text } ... on Killer { title }", {"text", "title"}),
        ("... on Domain { name } ... on Predictor { known: name }", {"name"}),
        ("... { ... on Node { ... on Claim { title } } }", {"title"}),
        ("... on Claim { ... on Killer { title } }", {"title"}),
    ],
)
def test_the_properties_of_selected_fields_are_read(selection: str, expected: set[str]) -> None:
    """Once each, under the names that the graph has for them, whatever a client calls them."""
    found = plan(selection)

    assert read(found) == expected
    assert found.follows == ()


@pytest.mark.parametrize(
    ("directive", "is_read"),
    [
        ("@include(if: true)", True),
        ("@include(if: false)", False),
        ("@skip(if: true)", False),
        ("@skip(if: false)", True),
        ("@include(if: true) @skip(if: true)", False),
        ("@include(if: $yes)", True),
        ("@skip(if: $yes)", False),
        ("@include(if: $yes) @skip(if: $no)", True),
        ("@include(if: $unsent)", True),
    ],
)
@pytest.mark.parametrize(
    ("selection", "tail"),
    [
        ("... on Claim {{ title {} }}", ""),
        ("... on Claim {} {{ title }}", ""),
        ("... {} {{ ... on Claim {{ title }} }}", ""),
        ("...Titled {}", "fragment Titled on Claim { title }"),
        ("...Outer {}", "fragment Outer on Node { ...Titled } fragment Titled on Claim { title }"),
    ],
)
def test_what_is_skipped_is_not_read(selection: str, tail: str, directive: str, *, is_read: bool) -> None:
    """On a field, an inline fragment or a spread, given as a literal, a variable or a variable's default."""
    head = "query ($yes: Boolean!, $no: Boolean!, $unsent: Boolean! = true)"
    used = "... @skip(if: true) { a: id @include(if: $yes) b: id @include(if: $no) c: id @include(if: $unsent) }"
    found = plan(f"{selection.format(directive)} {used}", head, tail, yes=True, no=False)

    assert read(found) == ({"title"} if is_read else set())


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("Node", CLAIMS),  # the field alone narrows
        ("Claim", CLAIMS),
        ("Prediction", {"Prediction"}),
        ("Killer", {"Killer"}),
    ],
)
def test_a_relation_is_followed_from_the_subjects_that_select_it(condition: str, expected: set[str]) -> None:
    """A fragment's condition says from which."""
    each = only(plan(f"... on {condition} {{ ... on Claim {{ domain {{ name }} }} }}"))

    assert (each.relation.name, set(each.subjects)) == ("domain", set(expected))
    assert each.subjects <= set(SUBJECTS)
    assert read(each.node) == {"name"}


def test_one_key_may_be_two_relations_for_two_subjects() -> None:
    """The same name in a response, of fields that differ by type."""
    found = plan(
        "... on Prediction { rows: milestones { nodes { key } } } ... on Ticker { rows: exposures { totalCount } }"
    )

    assert {each.relation.name: (each.key, set(each.subjects), each.wants_total) for each in found.follows} == {
        "milestones": ("/rows", {"Prediction"}, False),
        "ticker_exposures": ("/rows", {"Ticker"}, True),
    }


def test_aliases_of_one_relation_are_followed_apart() -> None:
    """Each with its own arguments, and what is selected below it."""
    found = followed(
        plan(
            "... on Prediction { good: exposures(signs: [BENEFITS], first: 3) { nodes { relevance } } "
            "bad: exposures(signs: [HARMS]) { nodes { ticker { name } } } exposures { totalCount } }"
        )
    )

    assert {key: each.arguments["signs"] for key, each in found.items()} == {
        "good": ["BENEFITS"],
        "bad": ["HARMS"],
        "exposures": [sign.value for sign in ExposureSign],
    }
    assert [each.first for each in found.values()] == [3, DEFAULT_PAGE_SIZE, DEFAULT_PAGE_SIZE]
    assert {key: read(each.node) for key, each in found.items()} == {"good": set(), "bad": {"name"}, "exposures": set()}
    assert [each.wants_total for each in found.values()] == [False, False, True]


def test_selections_of_one_key_are_merged() -> None:
    """As the execution merges them: a field selected twice is asked once, for all below either."""
    each = only(
        plan(
            "... on Claim { domain { name } } ...Rest",
            tail="fragment Rest on Claim { domain { id ... on Domain { key } } domain { __typename } }",
        )
    )
    both = only(plan("... on Prediction { predictor { name } predictor { predictions { totalCount } } }"))

    assert read(each.node) == {"name"}
    assert read(both.node) == {"name"}
    assert only(both.node, "Predictor").wants_total


@pytest.mark.parametrize(
    "selection",
    [
        "nodes { label }",
        "edges { node { label } }",
        "edges { cursor node { text: label } }",
        "rows: nodes { label } ... { edges { node { key } } }",
    ],
)
def test_nodes_are_found_under_edges_too(selection: str) -> None:
    """The two ways into a connection come to one plan."""
    each = only(plan(f"... on Prediction {{ milestones {{ {selection} }} }}"))

    assert read(each.node) == {"label"}


def test_a_selection_is_planned_to_its_end() -> None:
    """Level below level, as deep as the document goes."""
    found = plan(
        "... on Prediction { predictor { predictions { nodes { incoming { nodes { claim { domain { name } } } } } } } }"
    )
    names = []
    for subject in ("Prediction", "Predictor", "Prediction", "Scenario"):
        each = only(found, subject)
        names.append(each.relation.name)
        found = each.node

    assert names == ["predictor", "predictor_predictions", "incoming", "domain"]
    assert (read(found), found.follows) == ({"name"}, ())


def test_a_link_reads_what_it_computes_from_both_ends() -> None:
    """Its figures need both claims' beliefs, even where neither is selected."""
    found = plan("... on Killer { incoming { nodes { deltaImplied } } }")
    each = only(found)

    assert read(found) == set(INCOMING_INFLUENCES.reads_source)
    assert read(each.node) == set(INCOMING_INFLUENCES.reads_target)
    assert (each.wrap, each.complete) == ("claim", INCOMING_INFLUENCES.complete)
    assert {"p_if_true", "p_if_false"} <= set(each.link)


def test_arguments_are_translated_to_the_relations() -> None:
    """Enums by name, cursors decoded, variables resolved; one that was not sent is left out."""
    head = "query ($kinds: [InfluenceKind!], $one: InfluenceKind!, $size: Int!, $after: String, $unsent: Int! = 7)"
    given = (
        "incoming(kinds: $kinds, first: $size, after: $after) { nodes { kind } } "
        "literal: incoming(kinds: [KILLS, $one]) { nodes { kind } } default: incoming(first: $unsent) { totalCount } "
        "bare: incoming { totalCount } all: incoming(kinds: null) { totalCount }"
    )
    found = followed(
        plan(
            f"... on Claim {{ {given} }}",
            head,
            kinds=["PREREQUISITE_OF"],
            one="CORRELATES_WITH",
            size=2,
            after=encode_cursor("incoming:x"),
        )
    )
    whole = [kind.value for kind in InfluenceKind]

    assert {key: each.arguments["kinds"] for key, each in found.items()} == {
        "incoming": ["PREREQUISITE_OF"],
        "literal": ["KILLS", "CORRELATES_WITH"],
        "default": whole,
        "bare": whole,
        "all": whole,
    }
    assert (found["incoming"].first, found["incoming"].after) == (2, "incoming:x")
    assert (found["default"].first, found["default"].after) == (7, None)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [("", True), ("(includeEvent: false)", True), ("(includeEvent: true)", False), ("(includeEvent: $shown)", False)],
)
def test_a_default_counts_as_given(arguments: str, *, expected: bool) -> None:
    """Of an argument that is left out."""
    use = "... on Claim @include(if: $shown) { key }"
    selection = f"... on Prediction {{ milestones{arguments} {{ totalCount }} }} {use}"

    assert only(plan(selection, "query ($shown: Boolean!)", shown=True)).arguments == {"hides_event": expected}


@pytest.mark.parametrize(
    "selection",
    [
        "incoming(first: 0) { totalCount }",
        f"incoming(first: {MAX_PAGE_SIZE + 1}) {{ totalCount }}",
        'incoming(after: "x") { totalCount }',
        "cascades(depth: 0) { isLeaf }",
        f"cascades(depth: {MAX_CASCADE_DEPTH + 1}) {{ isLeaf }}",
    ],
)
def test_nothing_is_read_for_an_argument_out_of_range(selection: str) -> None:
    """The field tells what is wrong when its turn comes; what stands beside it is read."""
    each = only(plan(f"... on Prediction {{ predictor {{ name predictions {{ nodes {{ title {selection} }} }} }} }}"))
    (predictions,) = followed(each.node).values()

    assert read(predictions.node) == {"title"}
    assert predictions.node.follows == ()


def test_a_walk_is_followed_as_far_as_asked() -> None:
    """What is selected of the claims that it reaches is read of each."""
    each = only(plan("... on Claim { cascades(depth: 3, first: 9) { isLeaf reached { depth claim { title } } } }"))

    assert (each.num_steps, each.first, each.subjects) == (3, 9, CLAIMS)
    assert read(each.node) == {"title"}


@pytest.mark.parametrize(
    ("arguments", "names"), [("", {"class"}), ('(asOf: "2026-05-30T22:15:00Z")', {"class", "last", "recorded_class"})]
)
def test_rows_that_a_field_computes_from_are_gathered_under_its_key(arguments: str, names: set[str]) -> None:
    """And only those that its arguments require."""
    found = plan(f"... on Claim {{ belief: posterior{arguments} {{ probability }} }}")

    assert set(followed(found)) == {f"belief{ANSWER}{name}" for name in names}
    assert "stated_probability" in read(found)


@pytest.mark.parametrize(
    ("selection", "expected", "wants_total"),
    [
        ("totalCount", set(), True),
        ("nodes { ... on Claim { title } }", {"title"}, False),
        ("edges { node { ... on Claim { title } } } count: totalCount", {"title"}, True),
        ("pageInfo { hasNextPage } totalCount @skip(if: true)", set(), False),
    ],
)
def test_a_connection_is_counted_only_if_its_total_is_selected(
    selection: str, expected: set[str], *, wants_total: bool
) -> None:
    """A count may cost more than the page."""
    ((found, total),) = noted(f"{{ nodes {{ {selection} }} }}")

    assert (read(found), total) == (expected, wants_total)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("__typename", None),
        ("nodes @skip(if: true) { id }", None),
        ("nodes { id }", set()),
        ("nodes { ... on Claim { title } } more: nodes { ... on Predictor { name } }", {"title", "name"}),
    ],
)
def test_nodes_that_are_not_selected_have_no_plan(selection: str, expected: set[str] | None) -> None:
    """So that nothing need be read at all; under two keys they are read together."""
    (found,) = noted(f"{{ part {{ {selection} }} }}")

    assert (None if found is None else read(found)) == expected


def test_fields_of_one_document_have_plans_of_their_own() -> None:
    """Root fields do not see each other."""
    first, second = noted("{ node { ... on Claim { title } } again: node { ... on Predictor { name } } }")

    assert (read(first), read(second)) == ({"title"}, {"name"})


@strawberry.type
class Reader:
    """Answers what has been put into its source."""

    @strawberry.field
    def shown(self, info: Info[Any, None]) -> list[str]:
        """The plan's answer."""
        found: list[str] = answer(info.context, info)
        return found

    @strawberry.field
    def counted(self, info: Info[Any, None]) -> list[str]:
        """Gathered rows."""
        return [row["id"] for row in gathered(info.context, info, "rows")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({}, []),
        ({"/a/rows": None}, []),
        ({"/a/rows": {"id": "one"}}, ["one"]),
        ({"/a/rows": {"edges": [{"node": {"id": "one"}}, {"node": {"id": "two"}}]}}, ["one", "two"]),
        ({"/b/rows": {"id": "of another key"}}, []),
    ],
)
def test_gathered_rows_are_found_by_key(source: dict[str, Any], expected: Iterable[str]) -> None:
    """A node or a page of them; none where none were needed."""
    found = strawberry.Schema(Reader).execute_sync("{ a: counted }", context_value=source)

    assert (found.errors, found.data) == (None, {"a": expected})


def test_an_answer_is_found_by_the_key_of_the_response() -> None:
    """Not by the field's name, which several may share."""
    source = {"/a": ["one"], "/shown": ["two"], "shown": ["a property"]}
    found = strawberry.Schema(Reader).execute_sync("{ a: shown shown }", context_value=source)

    assert (found.errors, found.data) == (None, {"a": ["one"], "shown": ["two"]})
