"""Computed lists by each of their sort keys and conditions, against what Python makes of the whole list."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from graphql import get_named_type, is_leaf_type

from graph.database.sessions import Database
from graph.sample.loading import load_illustration
from tests.helpers.asking import SCHEMA, ask, try_ask, try_ask_at
from tests.helpers.copies import import_once
from tests.helpers.database import empty

pytestmark = [pytest.mark.statements]

GRAPH: Any = SCHEMA._schema
EXPOSURE = "portfolioExposure(positions: $positions, whatIf: $supposed) { ... on PortfolioExposureResult { %s } }"
SENSITIVITY = "sensitivity(target: $target) { ... on SensitivityResult { %s } }"
INFORMATION = "valueOfInformation(targets: [$target]) { ... on ValueOfInformationResult { %s } }"
WHAT_IF = "whatIf(observations: $supposed, method: EXACT) { ... on WhatIfResult { %s } }"


class Listed(NamedTuple):
    """A computed list: the type that has it, its name, the arguments that it needs, and a document around it."""

    kind: str
    name: str
    around: str
    needs: str = ""

    @property
    def field(self) -> Any:
        """Its field in the schema."""
        return GRAPH.type_map[self.kind].fields[self.name]

    @property
    def node(self) -> Any:
        """The type of its items."""
        return get_named_type(get_named_type(self.field.type).fields["nodes"].type)

    def input(self, name: str) -> Any:
        """The type of one of its arguments."""
        return get_named_type(self.field.args[name].type)


LISTS = {
    "shifts": Listed("WhatIfResult", "shifts", WHAT_IF),
    "tickers": Listed("WhatIfResult", "tickers", WHAT_IF),
    "effects": Listed("SensitivityResult", "effects", SENSITIVITY),
    "informative": Listed(
        "ValueOfInformationResult",
        "claims",
        INFORMATION,
    ),
    "incoherent": Listed("Incoherence", "claims", "incoherence { %s }"),
    "families": Listed("Incoherence", "families", "incoherence { %s }"),
    "combined": Listed("NetworkDiagnostics", "combined", WHAT_IF % "diagnostics { %s }"),
    "contributions": Listed("PortfolioExposureResult", "contributions", EXPOSURE),
    "drivers": Listed("PortfolioExposureResult", "drivers", EXPOSURE),
    "hedges": Listed("PortfolioExposureResult", "hedges", EXPOSURE, "tickers: $hedges"),
    "shifted": Listed("ExposureShift", "tickers", EXPOSURE % "whatIf { %s }"),
}
MOMENT = datetime.now(UTC)
"""The moment of all questions, since beliefs drift with time."""
NAMED = {"claim", "parent", "child", "ticker", "prediction", "family"}


@pytest.fixture(scope="module")
async def sampled(migrated_database: Database) -> Database:
    """The illustrative sample."""
    await empty(migrated_database)
    await import_once(migrated_database, load_illustration())
    return migrated_database


def selection(listed: Listed) -> str:
    """All figures of an item, and the key of each node that it has."""
    names = [name for name, found in listed.node.fields.items() if is_leaf_type(get_named_type(found.type))]
    nodes = [name for name in listed.node.fields if name in NAMED]
    keys = [f"{name} {{ {'name kind' if name == 'family' else 'key'} }}" for name in nodes]
    return " ".join([*names, *keys])


def camel(words: str) -> str:
    """A name in camel case."""
    first, *rest = words.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def value_of(node: Mapping[str, Any], name: str) -> Any:
    """An item's value by a sort key or a condition, as the answer shows it."""
    if name.startswith("absolute"):
        return abs(node[name[8].lower() + name[9:]])
    if name == "symbol":
        return node["ticker"]["key"]
    if "family" in node and name in {"name", "kind"}:
        return node["family"][name]
    value = node[name]
    return value["key"] if isinstance(value, dict) else value


async def ask_list(database: Database, listed: Listed, arguments: str) -> dict[str, Any]:
    """Ask a list with some arguments, page by page."""
    page = await ask_page(database, listed, f"first: 100, {arguments}")
    found = {"totalCount": page["totalCount"], "nodes": page["nodes"]}
    while page["pageInfo"]["hasNextPage"]:
        page = await ask_page(database, listed, f'first: 100, after: "{page["pageInfo"]["endCursor"]}", {arguments}')
        found["nodes"] += page["nodes"]
    assert found["totalCount"] == len(found["nodes"])
    return found


async def ask_page(database: Database, listed: Listed, arguments: str) -> dict[str, Any]:
    """Ask a page of a list, at the one moment of all."""
    given = ", ".join(part for part in (listed.needs, arguments) if part)
    shown = f"totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {selection(listed)} }}"
    call = f"found: {listed.name}({given}) {{ {shown} }}"
    declared = {"target": "ID!", "supposed": "[SupposedOutcome!]!", "positions": "[PositionInput!]!", "hedges": "[ID!]"}
    body = listed.around % call
    used = ", ".join(f"${name}: {kind}" for name, kind in declared.items() if f"${name}" in body)
    document = f"query ({used}) {{ {body} }}" if used else f"{{ {body} }}"
    symbols = [row["symbol"] for row in load_illustration().model_dump(mode="json")["tickers"]][:8]
    claims = [row.child_id for row in load_illustration().influences]
    parents = [row.parent_id for row in load_illustration().influences]
    asked = await try_ask_at(
        MOMENT,
        database,
        document,
        target=claims[0],
        supposed=[{"claim": parents[0], "outcome": "TRUE"}],
        positions=[{"ticker": symbol, "weight": n - 2.5} for n, symbol in enumerate(symbols)],
        hedges=symbols,
    )
    assert asked.errors == []
    found = asked.data
    while "found" not in found:
        (found,) = found.values()
    result: dict[str, Any] = found["found"]
    return result


@pytest.mark.parametrize("name", LISTS)
async def test_a_computed_list_is_sorted_by_each_of_its_keys(sampled: Database, name: str) -> None:
    """Either way, with the same items, and those without a value last."""
    listed = LISTS[name]
    whole = await ask_list(sampled, listed, "")
    keys = listed.input("sort").fields["by"].type.of_type.values

    for key in keys:
        for order in ("ASCENDING", "DESCENDING"):
            found = await ask_list(sampled, listed, f"sort: [{{ by: {key}, order: {order} }}]")
            values = [value_of(node, camel(key)) for node in found["nodes"]]
            known = [value for value in values if value is not None]
            assert found["totalCount"] == whole["totalCount"]
            assert values == sorted(known, reverse=order == "DESCENDING") + [None] * (len(values) - len(known)), key
            assert sorted(map(repr, found["nodes"])) == sorted(map(repr, whole["nodes"]))


def condition_of(name: str, values: list[Any]) -> tuple[str, Callable[[Any], bool]]:
    """A condition in GraphQL, with the value in the middle, and the same in Python."""
    middle = values[len(values) // 2]
    shown = f'"{middle}"' if isinstance(middle, str) and not middle.isupper() else repr(middle).strip("'")
    if name.endswith("From"):
        return f"{name}: {shown}", lambda value: value is not None and value >= middle
    if name.endswith("To"):
        return f"{name}: {shown}", lambda value: value is not None and value <= middle
    if name in NAMED:
        shown = f'"{middle}"'
    return f"{name}: [{shown}]", lambda value: value == middle


@pytest.mark.parametrize("name", LISTS)
async def test_a_computed_list_is_cut_by_each_of_its_conditions(sampled: Database, name: str) -> None:
    """The items that remain are those of the whole list that Python finds."""
    listed = LISTS[name]
    whole = await ask_list(sampled, listed, "")

    for condition in listed.input("filter").fields:
        own = re.sub("(From|To)$", "", condition)
        values = [found for node in whole["nodes"] if (found := value_of(node, own)) is not None]
        if not values:
            continue
        text, holds = condition_of(condition, sorted(values))
        found = await ask_list(sampled, listed, f"filter: {{ {text} }}")
        expected = [node for node in whole["nodes"] if holds(value_of(node, own))]
        assert (found["nodes"], found["totalCount"]) == (expected, len(expected)), condition


async def test_a_condition_that_names_nothing_is_told(sampled: Database) -> None:
    """As in every other list, and with the path; one that names a claim which does not move finds none."""
    parent = load_illustration().influences[0].parent_id
    document = """query ($supposed: [SupposedOutcome!]!, $claim: ID!) { whatIf(observations: $supposed) {
      ... on WhatIfResult { shifts(filter: { claim: [$claim] }) { totalCount } } } }"""
    supposed = [{"claim": parent, "outcome": "TRUE"}]

    wrong = await try_ask(sampled, document, supposed=supposed, claim="NOBODY")
    empty_list = await ask(sampled, document, supposed=supposed, claim=parent)

    assert [error["extensions"]["code"] for error in wrong.errors] == ["NOT_FOUND"]
    assert "no claim has the id 'NOBODY'" in wrong.errors[0]["message"]
    assert wrong.errors[0]["path"] == ["whatIf", "shifts"]
    assert empty_list.data["whatIf"]["shifts"] == {"totalCount": 0}


async def test_hedges_take_a_claim_by_its_id_and_by_its_key(sampled: Database) -> None:
    """As every argument that names a node, whatever kind of claim it is; no ticker need be a candidate."""
    symbol = load_illustration().tickers[0].symbol
    found = (await ask(sampled, "{ killers(first: 1) { nodes { id key } } }")).data["killers"]["nodes"][0]
    document = """query ($symbol: ID!, $claims: [ID!]) {
      portfolioExposure(positions: [{ ticker: $symbol, weight: 1 }]) {
        ... on PortfolioExposureResult { hedges(claims: $claims) { nodes { claim { key } size } } } } }"""

    answers = [
        (await ask(sampled, document, symbol=symbol, claims=[given])).data["portfolioExposure"]["hedges"]["nodes"]
        for given in (found["id"], found["key"])
    ]

    assert answers[0] == answers[1]
    assert [hedge["claim"]["key"] for hedge in answers[0]] == [found["key"]]
