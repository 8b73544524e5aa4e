"""What a document may cost is known before it runs, and bounded."""

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import GraphQLObjectType, GraphQLSchema, get_named_type, is_list_type, is_object_type, parse
from graphql.type import is_interface_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.pricing import LARGEST, Price, Pricing, list_operations
from api.settings import Settings
from graph.database.sessions import Database
from graph.model.subjects import SUBJECTS
from resolvers.base.context import Context
from tests.helpers.asking import SCHEMA, ask, service_of
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter, empty
from tests.helpers.pages import PAGE
from tests.helpers.service_fakes import open_client
from tests.helpers.small_graph import NUM_CHILDREN, small_graph

GRAPHQL: GraphQLSchema = SCHEMA._schema
ROOT = Path(__file__).parents[2]
LARGE_PAGE = PAGE.replace("first: 5)", "first: 100)").replace("cascades {", "cascades(first: 100) {")
README_DOCUMENTS = re.findall(r"```graphql\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def price(document: str, variables: Mapping[str, Any] | None = None) -> Price:
    """The price of a document with one operation."""
    parsed = parse(document)
    (operation,) = list_operations(parsed, None)
    return Pricing(GRAPHQL, parsed, variables).price(operation)


def nested(levels: int, first: str = "100", below: str = "key") -> str:
    """Claims that influence claims that influence claims."""
    for _ in range(levels):
        below = f"outgoing(first: {first}) {{ nodes {{ claim {{ {below} }} }} }}"
    return f'killer(id: "TK_HUB") {{ {below} }}'


def chain(num_fragments: int) -> str:
    """Each of many fragments uses the next one twice."""
    fragments = "".join(
        f"fragment F{n} on Killer {{ ...F{n + 1} ... on Killer {{ ...F{n + 1} }} }} " for n in range(num_fragments)
    )
    last = f"fragment F{num_fragments} on Killer {{ outgoing(first: 100) {{ totalCount }} }}"
    return f'{{ killer(id: "TK_HUB") {{ ...F0 }} }} {fragments} {last}'


HISTORIES = nested(2, below="probabilityHistory(maxPoints: 10000) { at probability }")
VARIABLE_IDS = "query ($ids: [ID!]!, $n: Int!) { nodes(ids: $ids) { ... on Claim { outgoing(first: $n) %s } } }"
BOMBS: dict[str, tuple[str, dict[str, Any]]] = {
    "histories": (f"{{ {HISTORIES} }}", {}),
    "four levels": (f"{{ {nested(4)} }}", {}),
    "aliases": ("{" + " ".join(f"a{n}: {nested(4)}" for n in range(4)) + "}", {}),
    "aliases of two levels": ("{" + " ".join(f"a{n}: {nested(2)}" for n in range(10)) + "}", {}),
    "fragments": (chain(8), {}),
    "list variables": (
        VARIABLE_IDS % "{ nodes { claim { incoming(first: $n) { totalCount } } } }",
        {"ids": ["Q2xhaW06UF8wMA"] * 100, "n": 100},
    ),
    "cascades": ("{ predictions(first: 100) { nodes { cascades(first: 100, depth: 4) { reached { depth } } } } }", {}),
    "wide search": ('{ search(text: "a", first: 100) { nodes { ... on Claim { ' + nested(2)[23:] + "}", {}),
    "inferences": ("{" + " ".join(f"a{n}: incoherence {{ revision }}" for n in range(11)) + "}", {}),
    "hub": ("{ tickers(first: 100) { nodes { exposures(first: 100) { nodes { prediction { " + nested(1)[23:], {}),
}


@pytest.fixture(scope="module")
async def small(migrated_database: Database) -> AsyncIterator[Database]:
    """A database with the small graph in it."""
    await empty(migrated_database)
    await import_once(migrated_database, small_graph())
    yield migrated_database
    await empty(migrated_database)


@pytest.fixture
async def client(small: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole service on the small graph."""
    async with open_client(create_app(Settings(scheduler=False), small)) as client:
        yield client


@pytest.mark.parametrize(
    ("document", "variables", "expected"),
    [
        ('{ prediction(id: "P") { key title domain { key } } }', {}, Price(2)),
        ("{ predictions { totalCount } }", {}, Price(21)),
        ("{ predictions(last: 3) { edges { cursor node { predictor { key } } } nodes { key } } }", {}, Price(4 + 3)),
        ("query ($n: Int = 7) { tickers(first: $n) { nodes { name } } }", {}, Price(8)),
        ("query ($n: Int = 7) { tickers(first: $n) { nodes { name } } }", {"n": 9}, Price(10)),
        ("query ($n: Int! = 7) { tickers(first: $n) { nodes { name } } }", {"n": 5.0}, Price(6)),
        ("query ($n: Int) { predictions(first: $n) { nodes { key } } }", {"n": None}, Price(21)),
        ("query ($i: [ID!]!) { nodes(ids: $i) { key } }", {"i": ["a", "b"]}, Price(2)),
        ("query ($i: ID!) { nodes(ids: [$i, $i, $i]) { key } }", {"i": "a"}, Price(3)),
        ('{ nodes(ids: "a") { key } }', {}, Price(1)),
        ('{ neighborhood(id: "P") { nodes { ... on Claim { domain { key } } } edges { kind } } }', {}, Price(200)),
        ('{ paths(from: "A", to: "B", maxLength: 2, first: 2) { claims { domain { key } } } }', {}, Price(12)),
        ('{ killer(id: "P") { cascades(first: 3, depth: 1) { reached { claim { key } } } } }', {}, Price(1 + 4)),
        ('{ killer(id: "P") { cascades(first: 3) { reached { claim { domain { key } } } } } }', {}, Price(1 + 13 + 3)),
        ('{ killer(id: "P") { probabilityHistory { at } } }', {}, Price(1 + 21, 200)),
        ('{ killer(id: "P") { probabilityHistory(maxPoints: 9) { at } } }', {}, Price(1 + 21, 9)),
        (
            '{ node(id: "x") { ... on Ticker { exposures(first: 3) { totalCount } } ... on Claim { key } } }',
            {},
            Price(5),
        ),
        # An object has one type, so only the dearest counts.
        (
            (
                '{ node(id: "x") { ... on Ticker { exposures(first: 3) { totalCount } } '
                "... on Killer { outgoing(first: 5) { totalCount } incoming(first: 5) { totalCount } } } }"
            ),
            {},
            Price(1 + 12),
        ),
        (
            "{ whatIf(observations: []) { ... on WhatIfResult { shifts(first: 2) { nodes { delta } } } } }",
            {},
            Price(3, 10_000),
        ),
        ("query ($s: Boolean!) { predictions @skip(if: $s) { totalCount } }", {"s": True}, Price()),
        ("{ predictions @include(if: false) { totalCount } }", {}, Price()),
        ("{ __schema { types { name fields { name } } } __typename }", {}, Price()),
        (
            (
                "query A { ...F } fragment F on Query { tickers(first: 2) { ...G } } "
                "fragment G on TickerConnection { ...H }"
                " fragment H on TickerConnection { nodes { exposures(first: 4) { totalCount } } }"
            ),
            {},
            Price(3 + 2 * 5),
        ),
    ],
)
def test_sizes_are_multiplied_along_the_path(document: str, variables: dict[str, Any], expected: Price) -> None:
    """Worked by hand: a page of n reads n + 1 rows, and each of the n what is below it."""
    assert price(document, variables) == expected


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{ tickers(first: 0) { nodes { name } } }", {}),
        ("{ tickers(first: -4) { nodes { name } } }", {}),
        ("{ tickers(first: 1000) { nodes { name } } }", {}),
        ("{ tickers(first: " + "9" * 5000 + ") { nodes { name } } }", {}),
        ('{ tickers(first: "5") { nodes { name } } }', {}),
        ("{ tickers(first: {a: [1]}) { nodes { name } } }", {}),
        ("query ($n: Int!) { tickers(first: $n) { nodes { name } } }", {"n": "5"}),
        ("query ($n: Int!) { tickers(first: $n) { nodes { name } } }", {"n": True}),
        ("query ($n: Int!) { tickers(first: $n) { nodes { name } } }", {"n": [1]}),
        ("query ($n: Int!) { tickers(first: $n) { nodes { name } } }", {"n": 1e300}),
        ("query ($n: Int!) { tickers(first: $n) { nodes { name } } }", {"n": float("nan")}),
    ],
)
def test_a_wrong_number_costs_as_much_as_the_largest_allowed(document: str, variables: dict[str, Any]) -> None:
    """What is wrong with it is reported by the field itself."""
    assert price(document, variables) == Price(101)


@pytest.mark.parametrize(
    "document",
    [
        "{ nothing { of { this } } }",
        "{ ...Missing }",
        "{ ...F } fragment F on Query { ...F tickers { totalCount } }",
        "{ ...F } fragment F on Nothing { x { y } }",
        "{ ... on Nothing { x { y } } }",
        "{ tickers { nodes } tickers }",
        "{ prediction { key } }",
        "{ prediction(id: {}) { title { deeper } } }",
        "subscription { x }",
        "{ predictions @skip { key } }",
        "{ predictions @skip(if: 5) @include(if: $x) { key } }",
        '{ predictor(id: "x") { record(asOf: 5) { kappa } } }',
    ],
)
def test_what_validation_refuses_is_priced_without_an_error(document: str) -> None:
    assert price(document).rows <= 200


def test_a_price_stops_growing() -> None:
    """Numbers of thousands of digits would cost what they are to prevent."""
    assert price(f"{{ {nested(40)} }}").rows == LARGEST


@pytest.mark.statements
@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_is_refused_before_any_statement_runs(
    client: httpx.AsyncClient, statements: StatementCounter, name: str
) -> None:
    document, variables = BOMBS[name]
    document += "}" * (document.count("{") - document.count("}"))
    statements.reset()
    started = time.perf_counter()

    response = await client.post("/graphql", json={"query": document, "variables": variables})

    assert time.perf_counter() - started < 0.5  # milliseconds on an idle machine
    assert statements.names == []
    assert "data" not in response.json()
    for error in response.json()["errors"]:
        assert error["extensions"]["code"] == "TOO_EXPENSIVE"
        assert error["extensions"]["size"] > error["extensions"]["limit"]
        assert "Most of them come from" in error["message"]


async def test_the_message_names_price_limit_and_what_to_lower(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": f"{{ {HISTORIES} }}"})
    place = "killer.outgoing.nodes.claim.outgoing.nodes.claim.probabilityHistory"

    assert [error["message"] for error in response.json()["errors"]] == [
        (
            f"The document may read 220202 rows, at most 20000 are allowed. Most of them come from {place}. "
            "Ask there, or above it, for fewer items or points at once."
        ),
        (
            f"The document may compute 100000000 points, at most 100000 are allowed. Most of them come from {place}. "
            "Ask there, or above it, for fewer items or points at once."
        ),
    ]


@pytest.mark.statements
@pytest.mark.parametrize(
    "document",
    [
        PAGE,
        LARGE_PAGE,
        f"{{ {nested(2)} }}",
        "{ predictions(first: 100) { nodes { outgoing(first: 100) { nodes { claim { key } } totalCount } } } }",
        "{ predictions(first: 100) { nodes { key probabilityHistory(maxPoints: 1000) { probability } } } }",
        '{ neighborhood(id: "TK_HUB", depth: 2, first: 500) { nodes { key ... on Claim { domain { key } } } } }',
    ],
)
async def test_large_documents_that_clients_need_are_answered(client: httpx.AsyncClient, document: str) -> None:
    variables = {"id": "P_00"} if "$id" in document else {}
    response = await client.post("/graphql", json={"query": document, "variables": variables})

    assert "errors" not in response.json(), response.text[:500]


@pytest.mark.parametrize("document", [document for document in README_DOCUMENTS if "mutation" not in document])
def test_documents_of_the_readme_are_affordable(document: str) -> None:
    """None of them is refused for its price."""
    assert price(document).rows <= Settings().max_rows


class Documents:
    """Draws documents over the whole schema below some roots."""

    ROOTS = (
        "predictions(first: {n})",
        "killers(first: {n})",
        "tickers(first: {n})",
        "domains",
        'prediction(id: "P_00")',
        'predictor(id: "ada")',
        'nodes(ids: ["UHJlZGljdGlvbjpQXzAw", "VGlja2VyOk5WREE"])',
        'search(text: "quantum", first: {n})',
        'neighborhood(id: "P_00", depth: 2, first: {n})',
        'paths(from: "TK_HUB", to: "P_02", first: {n})',
    )

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.num_keys = 0

    def document(self) -> str:
        """A document of one to three roots."""
        parts = [self.root(self.draw(st.sampled_from(self.ROOTS))) for _ in range(self.draw(st.integers(1, 3)))]
        return "{ " + " ".join(parts) + " }"

    def root(self, template: str) -> str:
        """A root field."""
        field = template.replace("{n}", str(self.size()))
        kind = GRAPHQL.query_type.fields[re.split(r"\W", template)[0]].type  # type: ignore[union-attr]  # there is one
        return f"{self.key()}: {field} {self.below(get_named_type(kind), 3)}"

    def size(self) -> int:
        """The size of a page."""
        size: int = self.draw(st.integers(1, NUM_CHILDREN + 2))
        return size

    def key(self) -> str:
        """A response key of its own."""
        self.num_keys += 1
        return f"k{self.num_keys}"

    def below(self, kind: Any, levels: int) -> str:
        """Selections within a type; nodes tell their type, by which they are counted."""
        if is_interface_type(kind):
            chosen = self.draw(st.sets(st.sampled_from(sorted(t.name for t in GRAPHQL.get_possible_types(kind)))))
            parts = [f"... on {name} {self.below(GRAPHQL.type_map[name], levels)}" for name in sorted(chosen)]
            return "{ __typename " + " ".join(parts) + " }"
        return "{ __typename " + " ".join(self.fields(kind, levels)) + " }"

    def fields(self, kind: GraphQLObjectType, levels: int) -> list[str]:
        """Some of a type's fields that lead to other nodes; all of those that only carry them."""
        leading = {
            name: f
            for name, f in kind.fields.items()
            if is_object_type(n := get_named_type(f.type)) or (is_interface_type(n))
        }
        is_node = kind.name in SUBJECTS
        names = sorted(leading)
        if is_node:
            names = sorted(self.draw(st.sets(st.sampled_from(names), max_size=2))) if names and levels else []
        return [self.field(name, leading[name], levels - is_node) for name in names]

    def field(self, name: str, field: Any, levels: int) -> str:
        """A field with a page size, or without."""
        is_sized = "first" in field.args and self.draw(st.booleans())
        arguments = f"(first: {self.size()})" if is_sized else ""
        return f"{self.key()}: {name}{arguments} {self.below(get_named_type(field.type), levels)}"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A document over the schema."""
    return Documents(draw).document()


def count_nodes(value: Any) -> int:
    """The nodes in an answer, not counting those that a page shows twice: by edge and by itself."""
    if isinstance(value, list):
        return sum(count_nodes(item) for item in value)
    if not isinstance(value, dict):
        return 0
    parts = [count_nodes(part) for part in value.values()]
    is_page = value["__typename"].endswith("Connection")
    return (max(parts, default=0) if is_page else sum(parts)) + (value["__typename"] in SUBJECTS)


@pytest.mark.statements
@given(document=documents())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
async def test_an_answer_has_no_more_nodes_than_its_document_is_priced(small: Database, document: str) -> None:
    """The price is an upper bound, whatever is asked."""
    answer = await ask(small, document)

    assert count_nodes({"__typename": "Query", **answer.data}) <= price(document).rows


@pytest.mark.statements
@pytest.mark.parametrize(
    "document",
    [
        """{ whatIf(observations: [{claim: "TK_HUB", outcome: TRUE}, {claim: "S_1", outcome: FALSE}]) {
            ... on WhatIfResult { __typename shifts(first: 1) { __typename nodes { __typename claim { __typename } } }
            supposed { __typename claim { __typename } } tickers(first: 3) { __typename nodes { __typename
            ticker { __typename } } } } } }""",
        """{ sensitivity(target: "P_00") { ... on SensitivityResult { __typename
            effects(first: 4) { __typename nodes { __typename claim { __typename domain { __typename } }
                parent { __typename } } } } } }""",
        """{ incoherence { __typename claims(first: 3) { __typename nodes { __typename
            claim { __typename outgoing(first: 2) { __typename nodes { __typename claim { __typename } } } } } }
            contradictions(first: 2) { __typename nodes { __typename } } } }""",
    ],
)
async def test_questions_to_the_network_are_priced_too(small: Database, document: str) -> None:
    answer = await ask(small, document)
    found = count_nodes({"__typename": "Query", **answer.data})

    assert 0 < found <= price(document).rows


def test_every_list_of_nodes_has_a_size() -> None:
    """A list in the schema whose length nothing bounds would have no price."""
    unsized = []
    for kind in GRAPHQL.type_map.values():
        for name, field in getattr(kind, "fields", {}).items() if is_object_type(kind) else ():
            is_list = is_list_type(getattr(field.type, "of_type", field.type))
            if is_list and get_named_type(field.type).name in (*SUBJECTS, "Claim", "Node"):
                unsized.append(f"{kind.name}.{name}")

    # Of these, a page's, a neighbourhood's and an event's are sized by the field above, the others by themselves.
    others = [name for name in unsized if not name.split(".")[0].endswith("Connection")]
    assert sorted(others) == [
        "InfluencePath.claims",
        "LedgerAppended.evidence",
        "MilestonesDue.milestones",
        "Neighborhood.nodes",
        "Query.nodes",
    ]


async def test_a_curve_in_a_thread_equals_one_on_the_event_loop(small: Database) -> None:
    """Where it is computed is no part of the answer."""
    curve = """h%d: probabilityHistory(from: "2026-01-01T00:00:00Z", to: "2026-06-30T00:00:00Z", maxPoints: %d)
        { at probability }"""
    alone = [(await ask(small, f'{{ prediction(id: "P_00") {{ {curve % (n, n)} }} }}')).data for n in (50, 1500, 1600)]
    together = await ask(
        small, '{ prediction(id: "P_00") { ' + " ".join(curve % (n, n) for n in (50, 1500, 1600)) + "} }"
    )

    assert together.data["prediction"] == {k: v for data in alone for k, v in data["prediction"].items()}


async def test_once_a_document_is_cancelled_its_curves_are_computed_no_more(small: Database) -> None:
    """At most the one that is being computed goes on to its end."""
    context, started, go_on = Context(service_of(small)), threading.Event(), threading.Event()
    computed: list[int] = []

    def compute(number: int) -> None:
        started.set()
        go_on.wait(5)
        computed.append(number)

    async def run(number: int) -> None:
        waiting: Any = context.compute_curve(lambda: compute(number), 10_000)
        await waiting

    tasks = [asyncio.create_task(run(number)) for number in range(5)]
    await asyncio.to_thread(started.wait, 5)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    go_on.set()
    assert await asyncio.get_running_loop().run_in_executor(service_of(small).curves, lambda: "free") == "free"
    await context.close()

    assert computed == [0]
