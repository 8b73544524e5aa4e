"""Every field whose value changes with time alone says so; else its answers would be kept too long."""

import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    is_interface_type,
    is_leaf_type,
    is_object_type,
    is_required_argument,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from graph.database.sessions import Database
from graph.inference.network.diagnostics import Method
from graph.network.propagation import propagate_all
from resolvers.base.context import Context
from resolvers.base.drift import Drift, find_drift
from tests.helpers.asking import SCHEMA, ask, service_of
from tests.helpers.copies import import_once
from tests.helpers.small_graph import small_graph

GRAPH: Any = SCHEMA._schema
EARLIER = datetime.now(UTC)
MOMENTS = EARLIER, EARLIER + timedelta(days=40)
GIVEN = '"2026-02-15T00:00:00Z"'

# Arguments of fields that need some; the first prediction has something of everything.
ARGUMENTS = {
    "document": 'id: "doc_1"',
    "domain": 'id: "chips"',
    "episode": 'id: "EP_1"',
    "estimate": 'document: "{ claims { totalCount } nothing }"',
    "claim": 'id: "P_00"',
    "evidenceRow": 'id: "e1"',
    "killer": 'id: "TK_HUB"',
    "milestone": 'id: "P_00:m0"',
    "neighborhood": 'id: "P_00"',
    "node": "id: $node",
    "nodes": "ids: [$node]",
    "paths": 'from: "TK_HUB", to: "P_00"',
    "cypher": 'statement: "RETURN 1"',
    "claimFamily": 'name: "dates"',
    "portfolio": 'name: "book"',
    "exposureChange": f'portfolio: "book", from: {GIVEN}',
    "exposureHistory": f'portfolio: "book", from: {GIVEN}',
    "portfolioVersions": 'name: "book"',
    "portfolioExposure": 'positions: [{ticker: "NVDA", weight: 1}], whatIf: [{claim: "TK_HUB", outcome: TRUE}]',
    "groups": "by: TICKER",
    "prediction": 'id: "P_00"',
    "predictor": 'id: "ada"',
    "referenceClass": 'id: "chips_on_time"',
    "scenario": 'id: "S_1"',
    "runSavedQuery": 'name: "domains-by-open-claims"',
    "savedQuery": 'name: "domains-by-open-claims"',
    "savedQueryVersions": 'name: "domains-by-open-claims"',
    "search": 'text: "quantum"',
    "sensitivity": 'target: "P_00"',
    "ticker": 'id: "NVDA"',
    "validation": "id: $validation",
    "valueOfInformation": 'targets: ["P_00"]',
    "whatIf": 'observations: [{claim: "TK_HUB", outcome: TRUE}]',
}
SENT = ("ChangeWebhook", "QueryDelivery", "QuerySchedule")
UNREACHED = {"Cascade", "CoxFit", "Invalid", "NotFound", *SENT, *(f"{name}Edge" for name in SENT)}
"""
The claims found first affect no others, a fit needs more outcomes than the small graph has, its backtest is not
refused, and no query of it is scheduled; what is told of schedules is stored.
"""
MOST_WAYS = 4
"""Ways that are gone on from each type; what is below it may be empty on the first."""
FIND = '{ prediction(id: "P_00") { id validations { nodes { id } } } }'

Wrap = Callable[[str], str]
"""Makes a document of a selection on a type."""


def drift_of(field: GraphQLField) -> Drift | None:
    """What a field says of itself."""
    spec = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return None if spec is None else find_drift(spec.metadata)


def call(name: str, field: GraphQLField, given: str = "") -> str:
    """A field with the arguments that it needs, and perhaps one more."""
    needs = [argument for argument, definition in field.args.items() if is_required_argument(definition)]
    arguments = ARGUMENTS[name] if needs else ""
    both = ", ".join(part for part in (arguments, given) if part)
    return f"{name}({both})" if both else name


def objects_of(field: GraphQLField) -> list[GraphQLObjectType]:
    """The object types that a field may return; none for a leaf."""
    named = get_named_type(field.type)
    if is_leaf_type(named):
        return []
    return [named] if is_object_type(named) else list(GRAPH.get_possible_types(named))


def leaves_of(kinds: list[GraphQLObjectType]) -> str:
    """A selection of all leaves that do not drift by themselves, under names of their own."""
    numbers = itertools.count()
    parts = []
    for kind in kinds:
        steady = [name for name, field in kind.fields.items() if not objects_of(field) and drift_of(field) is None]
        parts.append(f"... on {kind.name} {{ {' '.join(f'l{next(numbers)}: {name}' for name in steady)} __typename }}")
    return f"{{ {' '.join(parts)} }}" if kinds else ""


def in_parts(kind: GraphQLObjectType) -> Iterator[dict[str, str]]:
    """All fields of a type, a few in each document: one statement with everything takes long to plan."""
    fields = {name: f"{call(name, field)} {leaves_of(objects_of(field))}" for name, field in kind.fields.items()}
    leaves = {name: part for name, part in fields.items() if not objects_of(kind.fields[name])}
    if leaves:
        yield leaves
    for name, part in fields.items():
        if name not in leaves:
            yield {name: part}


def reachable() -> list[GraphQLObjectType]:
    """The object types that a query may reach without a field that always drifts."""
    found: dict[str, GraphQLObjectType] = {}
    waiting = [GRAPH.query_type]
    while waiting:
        kind = waiting.pop()
        if kind.name not in found:
            found[kind.name] = kind
            drifts = {name: drift_of(field) for name, field in kind.fields.items()}
            steady = [name for name, drift in drifts.items() if drift is None or drift.unless is not None]
            waiting += [below for name in steady for below in objects_of(kind.fields[name])]
    return list(found.values())


async def walk(reaches: Callable[[str, Wrap], Awaitable[bool]]) -> AsyncIterator[tuple[GraphQLObjectType, Wrap]]:
    """Every object type that a query reaches, and a way to one of its objects on which nothing drifts."""
    start: tuple[GraphQLObjectType, Wrap] = GRAPH.query_type, lambda inner: inner
    waiting, ways = deque([start]), Counter[str]()
    while waiting:
        kind, wrap = waiting.popleft()
        if ways[kind.name] == MOST_WAYS or not await reaches(kind.name, wrap):
            continue
        ways[kind.name] += 1
        if ways[kind.name] == 1:
            yield kind, wrap
        for name, field in kind.fields.items():
            drift = drift_of(field)
            if drift is not None and drift.unless is None:
                continue
            given = "" if drift is None else f"{drift.unless}: {GIVEN}"
            for found in objects_of(field):
                waiting.append((found, within(wrap, call(name, field, given), found.name)))


def within(wrap: Wrap, outer: str, kind: str) -> Wrap:
    """The way that goes on through a field to a type."""
    return lambda inner: wrap(f"{outer} {{ ... on {kind} {{ {inner} }} }}")


def collect(data: Any, name: str) -> list[Any]:
    """All values under a name, in order."""
    if isinstance(data, list):
        return [value for item in data for value in collect(item, name)]
    if not isinstance(data, dict):
        return []
    return [value for key, inner in data.items() for value in ([inner] if key == name else collect(inner, name))]


async def ask_at(database: Database, moment: datetime, document: str, known: dict[str, str]) -> Any:
    """The answer at a moment."""
    context = Context(service_of(database), request_id="test")
    context.moment = moment
    used = ", ".join(f"${name}: ID!" for name in known if f"${name}" in document)
    text = f"query {f'({used})' if used else ''} {{ {document} }}"
    try:
        result = await SCHEMA.execute(text, variable_values=known, context_value=context)
    finally:
        await context.close()
    assert not result.errors, (document, result.errors)
    return result.data


async def test_every_field_that_changes_with_time_says_so(database: Database) -> None:
    """Each field of each type is asked for at two moments, with nothing written in between."""
    await import_once(database, small_graph())
    await propagate_all(database, service_of(database).engine, Method.LBP)
    found = (await ask(database, FIND)).data["prediction"]
    known = {"node": found["id"], "validation": found["validations"]["nodes"][0]["id"]}

    async def reaches(name: str, wrap: Wrap) -> bool:
        return name in collect(await ask_at(database, EARLIER, wrap("reached: __typename"), known), "reached")

    changing: set[str] = set()
    reached: set[str] = set()
    async for kind, wrap in walk(reaches):
        reached.add(kind.name)
        for fields in in_parts(kind):
            document = wrap(" ".join(f"f{name}: {part}" for name, part in fields.items()))
            early, late = [await ask_at(database, moment, document, known) for moment in MOMENTS]
            for name in fields:
                if collect(early, f"f{name}") != collect(late, f"f{name}"):
                    changing.add(f"{kind.name}.{name}")
                    assert drift_of(kind.fields[name]) is not None, f"{kind.name}.{name} changes and does not say so"

    assert {f"Prediction.{name}" for name in ("posterior", "probabilityHistory", "timeRemainingFraction")} <= changing
    assert {"Marginal.ageSeconds", "Query.incoherence"} <= changing
    assert {kind.name for kind in reachable()} - reached == UNREACHED


def test_an_interface_says_what_its_types_say() -> None:
    """A document may select a field of either."""
    for interface in filter(is_interface_type, GRAPH.type_map.values()):
        for kind in GRAPH.get_possible_types(interface):
            for name, field in interface.fields.items():
                assert drift_of(field) == drift_of(kind.fields[name]), f"{kind.name}.{name}"
