"""Lists of every kind, against the same lists made in Python of the whole graph: their items and their order."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from random import Random
from typing import Any, NamedTuple

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.ledger.derived import refresh_posteriors
from graph.model.lists import BY_NAME, LISTS, Condition, Listed
from graph.model.subjects import list_of
from resolvers.base.relay import global_id
from tests.helpers.asking import ask, ask_wrong, try_ask
from tests.helpers.bundles import bundle, prediction
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.small_graph import small_graph
from tests.helpers.whole_graph import MEASURES, Whole, holds, read_whole, sort_nodes

pytestmark = pytest.mark.statements

NOW = datetime(2026, 5, 30, 22, 15, tzinfo=UTC)
every_list = pytest.mark.parametrize("name", [listed.name for listed in LISTS])
WAYS = (("first", "after", "hasNextPage", "endCursor"), ("last", "before", "hasPreviousPage", "startCursor"))


def past_deadlines() -> list[dict[str, Any]]:
    """Predictions past their deadlines, two of one day, the fourth of them closed."""
    makers, years = ("ada", "bob", None, "ada"), (2024, 2023, 2024, 2022)
    rows = [
        prediction(f"P_L{place}", from_year=year, **({"predictor_id": maker} if maker else {}))
        for place, (maker, year) in enumerate(zip(makers, years, strict=True))
    ]
    rows[3] |= {"status": "RESOLVED_FALSE", "resolved_at": "2022-12-31T00:00:00Z"}
    return rows


@pytest.fixture(scope="module")
async def graph(migrated_database: Database) -> AsyncIterator[Database]:
    """A graph with posteriors of one moment, marginals of some claims, two of them equal, and claims that are due."""
    await empty(migrated_database)
    await import_once(migrated_database, small_graph())
    await import_bundle(migrated_database, bundle(predictions=past_deadlines()))
    await refresh_posteriors(migrated_database, NOW)
    ids = sorted((await read_whole(migrated_database)).of("Claim"))[:-1]
    marginals = [None if place % 5 == 4 else 0.2 + 0.1 * (place % 3) for place in range(len(ids))]
    given = {"ids": ids, "marginals": marginals, "run_id": "R", "revision": 1, "as_of": NOW}
    await migrated_database.write(lambda unit: unit.run("network/set_marginals", **given))
    yield migrated_database
    await empty(migrated_database)


@pytest.fixture(scope="module")
async def whole(graph: Database) -> Whole:
    """The graph, read whole."""
    return await read_whole(graph)


def camel(name: str) -> str:
    """A name as the schema has it."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def document(listed: Listed, *, total: str = "totalCount") -> str:
    """A document that reads a page of a list."""
    name, noun = camel(listed.name), listed.noun
    return f"""query ($filter: {noun}FilterInput, $sort: [{noun}SortInput!], $first: Int, $after: String, $last: Int,
      $before: String) {{
      list: {name}(filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before) {{
        nodes {{ key }} {total} edges {{ cursor node {{ id }} }}
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""


async def read(database: Database, listed: Listed, **variables: Any) -> tuple[list[str], int]:
    """The keys on a page, and the number of all."""
    found = (await ask(database, document(listed), **variables)).data["list"]
    return [node["key"] for node in found["nodes"]], found["totalCount"]


def input_of(value: Any) -> Any:
    """A value as a client sends it."""
    if isinstance(value, list):
        return [input_of(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


@every_list
async def test_every_order_is_that_of_the_values(graph: Database, whole: Whole, name: str) -> None:
    """Both ways, from both ends: each item once, those of equal values by key, and what has no value at one end."""
    listed = BY_NAME[name]
    for sort in listed.sorts:
        for is_descending in (False, True):
            keys = list(whole.of(listed.label))
            expected = sort_nodes(listed.label, whole, sort.name, keys, is_descending=is_descending)
            order = [{"by": sort.name.upper(), "order": "DESCENDING" if is_descending else "ASCENDING"}]
            for size, cursor, has_more, end in WAYS:
                found, position, goes_on, size_given = list[str](), None, True, max(2, len(keys) // 3)
                while goes_on:
                    given = {"sort": order, size: size_given, cursor: position}
                    page = (await ask(graph, document(listed, total=""), **given)).data["list"]
                    shown = [node["key"] for node in page["nodes"]]
                    found = found + shown if size == "first" else shown + found
                    position, goes_on = page["pageInfo"][end], page["pageInfo"][has_more]
                assert found == expected, (sort.name, is_descending, size)


def filter_of(listed: Listed, given: Mapping[str, Any]) -> dict[str, Any]:
    """Conditions as a client sends them: of several ids, under the plural name."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        condition = next(found for found in listed.conditions if found.name == name)
        if condition.start is None:
            found[camel(name)] = input_of(value)
        elif len(value) == 1:
            found[camel(name)] = value[0]
        else:
            found[camel(str(condition.plural))] = value
    return found


def values_of(listed: Listed, condition: Condition, whole: Whole, random: Random) -> list[Any]:
    """Some values to filter by, of those that the graph has, and what a client sends for each."""
    nodes = list(whole.of(listed.label).values())
    if condition.start is not None:
        label = condition.subjects[0] if condition.name != "prerequisite" else "Claim"
        keys = sorted(whole.of(label))
        return [[key] for key in random.sample(keys, min(3, len(keys)))] + (
            [keys[:2]] if len(keys) > 1 and condition.plural is not None else []
        )
    if condition.type is bool:
        return [True, False]
    if condition.is_many:
        if condition.name == "symbols":
            return [sorted(whole.of("Ticker"))[:2]]
        if condition.name == "kind" and listed.name == "claims":
            return [["KILLER"], ["SCENARIO", "KILLER"]]
        name = "evidence_kind" if listed.name == "evidence" and condition.name == "kind" else condition.name
        found = sorted({str(node[name]) for node in nodes if node.get(name) is not None})
        return [[value] for value in found[:2]] + [found[:2]] if found else []
    name = condition.name.removesuffix("_from").removesuffix("_to")
    measure = MEASURES[{"probability": "posterior", "changed_since": "updated"}.get(name, name)]
    measured = sorted({value for value in map(measure, nodes) if value is not None})
    return [measured[len(measured) // 3], measured[-1]] if measured else []


@every_list
async def test_every_condition_selects_what_satisfies_it(graph: Database, whole: Whole, name: str) -> None:
    """Alone and in pairs, in every order that an index serves in another way; the number of all too."""
    listed, random = BY_NAME[name], Random(5)
    orders = {condition.name: random.choice(listed.sorts) for condition in listed.conditions}
    choices = [
        (condition.name, value)
        for condition in listed.conditions
        if not condition.drifts
        for value in values_of(listed, condition, whole, random)
    ]
    if name in {"predictions", "scenarios", "killers"}:  # which share conditions of claims; each new text is planned
        choices = random.sample(choices, 12 if name == "predictions" else 4)
    pairs = [tuple(random.sample(choices, 2)) for _ in range(3)] if len(choices) > 1 else []
    for chosen in [*((choice,) for choice in choices), *pairs]:
        given = dict(chosen)
        if any(name.endswith("_from") and given.get(f"{name[:-5]}_to", given[name]) < given[name] for name in given):
            continue
        keys = [
            key
            for key in whole.of(listed.label)
            if all(holds(whole, listed.label, key, name, value) for name, value in given.items())
        ]
        sort = orders[chosen[0][0]]
        expected = sort_nodes(listed.label, whole, sort.name, keys, is_descending=True)

        found, total = await read(
            graph,
            listed,
            filter=filter_of(listed, given),
            sort=[{"by": sort.name.upper(), "order": "DESCENDING"}],
            first=100,
        )

        assert (found, total) == (expected[:100], len(expected)), (given, sort.name)


async def test_a_deadline_passes_when_its_moment_does(graph: Database, whole: Whole) -> None:
    """By the clock; a claim without a deadline never passes it."""
    now = datetime.now(UTC)
    deadlines = {key: node.get("deadline") for key, node in whole.of("Claim").items()}
    passed = {key for key, deadline in deadlines.items() if deadline is not None and deadline <= now}

    for has_passed in (True, False):
        found, _ = await read(graph, BY_NAME["claims"], filter={"isPastDeadline": has_passed}, first=100)
        assert set(found) == {key for key in deadlines if (key in passed) is has_passed}
    shown = (await ask(graph, "{ claims(first: 100) { nodes { key isPastDeadline } } }")).data["claims"]["nodes"]
    assert {node["key"] for node in shown if node["isPastDeadline"]} == passed


DUE = """query ($filter: ClaimFilterInput, $first: Int, $after: String, $last: Int, $before: String) {
  list: dueForResolution(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    nodes { key } totalCount pageInfo { endCursor startCursor hasNextPage } } }"""


async def test_open_claims_past_their_deadlines_are_due(graph: Database, whole: Whole) -> None:
    """By deadline, then by key; in pages from either end, and narrowed by other conditions."""
    now = datetime.now(UTC)
    claims = whole.of("Claim")
    due = [key for key, node in claims.items() if node["status"] == "OPEN" and node.get("deadline", now) < now]
    due.sort(key=lambda key: (claims[key]["deadline"], key))
    closed = [key for key, node in claims.items() if node["status"] != "OPEN" and node.get("deadline", now) < now]
    by = [key for key in due if claims[key].get("predictor_id") == "ada"]
    assert min(len(due), len(closed), len(by)) > 0
    assert len(by) < len(due)

    page = (await ask(graph, DUE, first=2)).data["list"]
    rest = (await ask(graph, DUE, after=page["pageInfo"]["endCursor"], first=100)).data["list"]
    last = (await ask(graph, DUE, last=1)).data["list"]
    of_ada = (await ask(graph, DUE, filter={"predictor": "ada"})).data["list"]
    until = (await ask(graph, DUE, filter={"deadlineTo": claims[due[0]]["deadline"].isoformat()})).data["list"]

    assert [node["key"] for node in [*page["nodes"], *rest["nodes"]]] == due
    assert (page["totalCount"], last["nodes"]) == (len(due), [{"key": due[-1]}])
    assert [node["key"] for node in of_ada["nodes"]] == by
    assert [node["key"] for node in until["nodes"]] == [
        key for key in due if claims[key]["deadline"] == claims[due[0]]["deadline"]
    ]


@pytest.mark.parametrize("given", [{"status": ["RESOLVED_TRUE"]}, {"isPastDeadline": False}])
async def test_what_is_due_is_open_and_past_its_deadline(graph: Database, given: dict[str, Any]) -> None:
    """A condition that says otherwise would be overruled in silence."""
    error = await ask_wrong(graph, DUE, filter=given)

    assert error["extensions"]["argument"] == f"filter.{next(iter(given))}"


@pytest.mark.parametrize("name", ["predictions", "claims", "scenarios", "killers"])
async def test_a_text_is_one_more_condition(graph: Database, whole: Whole, name: str) -> None:
    """A claim found by its own title is found among those of its status, and not among those of another."""
    listed = BY_NAME[name]
    nodes = whole.of(listed.label)
    key = sorted(nodes)[0]
    given = {"text": nodes[key]["title"], "status": [nodes[key]["status"]]}

    found, total = await read(graph, listed, filter=given, sort=[{"by": "POSTERIOR"}])
    others, _ = await read(graph, listed, filter={**given, "status": ["ANNULLED"]})

    assert key in found
    assert total == len(found)
    assert others == []


async def test_ids_are_global_or_keys(graph: Database, whole: Whole) -> None:
    """Both name the same node."""
    key = sorted(whole.of("Predictor"))[0]
    listed = BY_NAME["predictions"]

    by_key = await read(graph, listed, filter={"predictor": key}, first=100)
    by_id = await read(graph, listed, filter={"predictors": [global_id("Predictor", key)]}, first=100)

    assert by_key == by_id
    assert by_key[1] > 0


@pytest.mark.parametrize(
    ("name", "given", "argument"),
    [
        ("predictions", {"predictor": "nobody"}, "filter.predictor"),
        ("predictions", {"ticker": "NONE"}, "filter.ticker"),
        ("predictions", {"referenceClass": "nothing"}, "filter.referenceClass"),
        ("evidence", {"claim": "nothing"}, "filter.claim"),
        ("milestones", {"predictor": "nobody"}, "filter.predictor"),
        ("documents", {"claim": "nothing"}, "filter.claim"),
    ],
)
async def test_a_node_that_does_not_exist_is_told(
    graph: Database, name: str, given: Mapping[str, Any], argument: str
) -> None:
    """An empty list would say that it has none."""
    error = await ask_wrong(graph, document(BY_NAME[name]), filter=given)

    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("NOT_FOUND", argument)


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"first": 1, "last": 1}, "last"),
        ({"first": 0}, "first"),
        ({"last": 101}, "last"),
        ({"sort": [{"by": "DEADLINE"}, {"by": "KEY"}]}, "sort"),
        ({"sort": []}, "sort"),
        ({"after": "x"}, "after"),
        ({"before": "x"}, "before"),
        ({"filter": {"status": []}}, "filter.status"),
        ({"filter": {"predictors": [f"p{number}" for number in range(101)]}}, "filter.predictors"),
        ({"filter": {"predictors": ["ada"], "predictor": "bob"}}, "filter.predictors"),
        ({"filter": {"predictor": global_id("Ticker", "NVDA")}}, "filter.predictor"),
        (
            {"filter": {"deadlineFrom": "2030-01-02T00:00:00Z", "deadlineTo": "2030-01-01T00:00:00Z"}},
            "filter.deadlineFrom",
        ),
        ({"filter": {"text": "..."}}, None),
    ],
)
async def test_a_wrong_argument_is_told(graph: Database, given: Mapping[str, Any], argument: str | None) -> None:
    """With its path."""
    error = await ask_wrong(graph, document(BY_NAME["predictions"]), **given)

    assert error["extensions"]["code"] == "INVALID"
    if argument is not None:
        assert error["extensions"]["argument"] == argument


async def test_a_cursor_of_another_order_is_refused(graph: Database) -> None:
    """Of another list too."""
    cursor = (await ask(graph, document(BY_NAME["predictions"]), first=1)).data["list"]["pageInfo"]["endCursor"]

    for name, sort in (("predictions", "POSTERIOR"), ("claims", "DEADLINE")):
        for end in ("after", "before"):
            given = {end: cursor, "sort": [{"by": sort}]}
            error = await ask_wrong(graph, document(BY_NAME[name]), **given)
            assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("INVALID", end)


async def test_facets_are_the_numbers_of_a_list(graph: Database, whole: Whole) -> None:
    """By status, domain and predictor, in one statement; nodes that are shown take one more for each kind."""
    asked = """query ($filter: PredictionFilterInput) { found: predictionFacets(filter: $filter, first: 100) {
      totalCount statuses { status claimCount } domains { domain { key } claimCount }
      predictors { predictor { key } claimCount } } }"""
    somebody = sorted(whole.of("Predictor"))[:1]
    for given in ({}, {"has_evidence": True}, {"predictor": somebody}):
        answer = await ask(graph, asked, filter=filter_of(BY_NAME["predictions"], given))
        found = answer.data["found"]
        nodes = [
            node
            for key, node in whole.of("Prediction").items()
            if all(holds(whole, "Prediction", key, name, value) for name, value in given.items())
        ]
        assert found["totalCount"] == len(nodes)
        assert {row["status"]: row["claimCount"] for row in found["statuses"]} == numbers(nodes, "status")
        for facet in ("domain", "predictor"):
            shown = {(row[facet] or {}).get("key"): row["claimCount"] for row in found[f"{facet}s"]}
            assert shown == numbers(nodes, f"{facet}_id")
            counts = [row["claimCount"] for row in found[f"{facet}s"]]
            assert counts == sorted(counts, reverse=True)
        assert answer.num_statements <= 3
    bare = "{ claimFacets { totalCount statuses { claimCount } domains { claimCount } } }"
    assert (await ask(graph, bare)).num_statements == 1


def numbers(nodes: list[Mapping[str, Any]], name: str) -> dict[str | None, int]:
    """How many nodes have each value of a property."""
    found: dict[str | None, int] = {}
    for node in nodes:
        found[node.get(name)] = found.get(node.get(name), 0) + 1
    return found


async def test_one_claim_is_found_whatever_its_kind(graph: Database, whole: Whole) -> None:
    """By key and by global id; an unknown one is null."""
    asked = "query ($id: ID!) { claim(id: $id) { __typename key } }"
    for label in ("Prediction", "Killer", "Scenario"):
        for key in sorted(whole.of(label))[:1]:
            for given in (key, global_id(label, key)):
                assert (await ask(graph, asked, id=given)).data["claim"] == {"__typename": label, "key": key}
    assert (await ask(graph, asked, id="nothing")).data["claim"] is None


def test_every_label_has_a_list() -> None:
    """Each kind of node can be listed."""
    assert {listed.label for listed in LISTS} >= {
        list_of(listed.label).label for listed in LISTS if listed.label != "Claim"
    }


def test_every_order_has_an_index_for_every_filter() -> None:
    """The last one serves whatever is asked: it needs no value, or walks all that there are."""
    for listed in LISTS:
        for sort in listed.sorts:
            assert all(column.values is not None for column in sort.indexes[-1].columns)


class Nested(NamedTuple):
    """A list within a node: the query of the node and of all of its kind, the field, the list, and its condition."""

    one: str
    every: str
    field: str
    listed: str
    condition: str


NESTED = (
    Nested("prediction", "predictions", "evidence", "evidence", "claim"),
    Nested("prediction", "predictions", "documents", "documents", "claim"),
    Nested("prediction", "predictions", "validations", "validations", "prediction"),
    Nested("prediction", "predictions", "milestones(includeEvent: true)", "milestones", "prediction"),
    Nested("predictor", "predictors", "predictions", "predictions", "predictor"),
    Nested("domain", "domains", "predictions", "predictions", "domain"),
    Nested("episode", "episodes", "predictions", "predictions", "episode"),
    Nested("referenceClass", "referenceClasses", "predictions", "predictions", "reference_class"),
    Nested("document", "documents", "claims", "claims", "document"),
)
every_nested = pytest.mark.parametrize("place", NESTED, ids=lambda place: f"{place.one}-{place.field.split('(')[0]}")
PAGE = "nodes { key } totalCount edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"


def nested_document(place: Nested) -> str:
    """A document that reads a page of a list within a node, with all arguments as variables."""
    noun = BY_NAME[place.listed].noun
    given = "filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before"
    field = f"{place.field[:-1]}, {given})" if place.field.endswith(")") else f"{place.field}({given})"
    return f"""query ($id: ID!, $filter: {noun}FilterInput, $sort: [{noun}SortInput!], $first: Int, $after: String,
      $last: Int, $before: String) {{ node: {place.one}(id: $id) {{ page: {field} {{ {PAGE} }} }} }}"""


async def read_nested(database: Database, place: Nested, key: str, **variables: Any) -> dict[str, Any]:
    """A page of a list within a node."""
    page: dict[str, Any] = (await ask(database, nested_document(place), id=key, **variables)).data["node"]["page"]
    return page


def keys_of(page: Mapping[str, Any]) -> list[str]:
    """The keys on a page."""
    return [node["key"] for node in page["nodes"]]


async def largest(database: Database, place: Nested) -> str:
    """The key of the node whose list is the longest."""
    document = f"{{ every: {place.every}(first: 100) {{ nodes {{ key page: {place.field} {{ totalCount }} }} }} }}"
    nodes = (await ask(database, document)).data["every"]["nodes"]
    found: str = max(nodes, key=lambda node: (node["page"]["totalCount"], node["key"]))["key"]
    return found


@every_nested
async def test_a_list_within_a_node_is_paged_from_both_ends(graph: Database, place: Nested) -> None:
    """Followed from the start or read from the end, it has the same items, and cursors that both ways take."""
    key = await largest(graph, place)

    followed = await read_nested(graph, place, key, first=100)
    backward = await read_nested(graph, place, key, last=100)

    assert len(followed["nodes"]) > (place.one != "document")  # each document is about one claim
    assert backward == followed
    cursors = [edge["cursor"] for edge in followed["edges"]]
    before = await read_nested(graph, place, key, last=1, before=cursors[-1])
    after = await read_nested(graph, place, key, first=1, after=cursors[0])
    assert keys_of(before) == keys_of(followed)[-2:-1]
    assert keys_of(after) == keys_of(followed)[1:2]
    assert before["pageInfo"]["hasNextPage"]
    between = await read_nested(graph, place, key, after=cursors[0], before=cursors[-1])
    assert keys_of(between) == keys_of(followed)[1:-1]


@every_nested
async def test_a_list_within_a_node_has_the_orders_and_conditions_of_its_kind(
    graph: Database, whole: Whole, place: Nested
) -> None:
    """It is the list of all nodes of that kind, with the condition that they belong to this one."""
    key, listed, random = await largest(graph, place), BY_NAME[place.listed], Random(7)
    keys = [other for other in whole.of(listed.label) if holds(whole, listed.label, other, place.condition, [key])]
    for sort in random.sample(listed.sorts, min(2, len(listed.sorts))):
        order = [{"by": sort.name.upper(), "order": "DESCENDING"}]
        expected = sort_nodes(listed.label, whole, sort.name, keys, is_descending=True)
        half = (len(expected) + 1) // 2

        first = await read_nested(graph, place, key, sort=order, first=half)
        rest = await read_nested(graph, place, key, sort=order, after=first["pageInfo"]["endCursor"], first=100)

        assert keys_of(first) + keys_of(rest) == expected, sort.name
        assert first["totalCount"] == len(expected)
    others = [found for found in listed.conditions if found.name != place.condition and not found.drifts]
    choices = [(found.name, value) for found in others for value in values_of(listed, found, whole, random)]
    for name, value in random.sample(choices, min(2, len(choices))):
        found = await read_nested(graph, place, key, filter=filter_of(listed, {name: value}), first=100)

        assert set(keys_of(found)) == {other for other in keys if holds(whole, listed.label, other, name, value)}, name


@pytest.mark.parametrize("place", NESTED[:6], ids=lambda place: f"{place.one}-{place.field.split('(')[0]}")
async def test_lists_within_many_nodes_take_the_statements_of_one(graph: Database, place: Nested) -> None:
    """And each is what it is alone."""
    field = f"{place.field[:-1]}, last: 2)" if place.field.endswith(")") else f"{place.field}(last: 2)"
    document = f"query ($n: Int) {{ every: {place.every}(first: $n) {{ nodes {{ key page: {field} {{ {PAGE} }} }} }} }}"

    one, many = [await ask(graph, document, n=number) for number in (1, 100)]

    assert one.num_statements == many.num_statements
    assert len(many.data["every"]["nodes"]) > 1
    for node in many.data["every"]["nodes"]:
        assert node["page"] == await read_nested(graph, place, node["key"], last=2)


async def test_what_is_wrong_with_a_list_within_a_node_is_told_at_its_own_place(graph: Database) -> None:
    """With the argument; a condition that is the list's own can only be given once."""
    place = NESTED[4]
    key = await largest(graph, place)
    evidence = await read_nested(graph, NESTED[0], await largest(graph, NESTED[0]), last=1)
    for given, argument in (
        ({"first": 1, "last": 1}, "last"),
        ({"last": 0}, "last"),
        ({"last": 1, "before": evidence["pageInfo"]["endCursor"]}, "before"),
        ({"filter": {"predictor": key}}, "filter.predictor"),
        ({"sort": [{"by": "KEY"}, {"by": "STATED"}]}, "sort"),
        ({"filter": {"ticker": "NONE"}}, "filter.ticker"),
    ):
        answer = await try_ask(graph, nested_document(place), id=key, **given)

        (error,) = answer.errors
        assert error["path"] == ["node", "page"]
        assert error["extensions"]["argument"] == argument, error


async def test_a_chain_shows_its_event_when_it_is_asked_for(graph: Database) -> None:
    """By the argument, or by a filter that names the kind of event."""
    document = """query ($id: ID!) { prediction(id: $id) {
      hidden: milestones(last: 100) { nodes { milestoneKind } }
      shown: milestones(last: 100, includeEvent: true) { nodes { milestoneKind } }
      named: milestones(filter: {kind: [EVENT]}) { nodes { milestoneKind } }
      past: evidence(last: 100, asOf: "2026-05-03T00:00:00Z") { nodes { key } }
      followed: evidence(first: 100, asOf: "2026-05-03T00:00:00Z") { nodes { key } } } }"""
    key = await largest(graph, NESTED[3])

    found = (await ask(graph, document, id=key)).data["prediction"]

    kinds = {name: [node["milestoneKind"] for node in found[name]["nodes"]] for name in ("hidden", "shown", "named")}
    assert kinds["named"] == ["EVENT"]
    assert "EVENT" not in kinds["hidden"]
    assert sorted(kinds["shown"]) == sorted([*kinds["hidden"], "EVENT"])
    assert found["past"] == found["followed"]


class Links(NamedTuple):
    """Links from a node: the queries of it and of its kind, the field, its node, and the list that they lead to."""

    one: str
    every: str
    field: str
    node: str
    listed: str


LINKS = (
    Links("claim", "claims", "incoming", "claim", "claims"),
    Links("claim", "claims", "outgoing", "claim", "claims"),
    Links("claim", "claims", "prerequisites", "claim", "claims"),
    Links("claim", "claims", "killers", "claim", "claims"),
    Links("claim", "claims", "dependents", "claim", "claims"),
    Links("prediction", "predictions", "exposures", "ticker", "tickers"),
    Links("ticker", "tickers", "exposures", "prediction", "predictions"),
)
every_links = pytest.mark.parametrize("place", LINKS, ids=lambda place: f"{place.one}-{place.field}")
FIGURES = {"claim": "kind deltaImplied currentDelta claim { key domain { key } }", "ticker": "sign ticker { key }"}
FIGURES["prediction"] = "sign relevance prediction { key predictor { key } }"


async def read_links(database: Database, place: Links, key: str, **variables: Any) -> dict[str, Any]:
    """A page of links."""
    noun = BY_NAME[place.listed].noun
    page = f"nodes {{ {FIGURES[place.node]} }} totalCount edges {{ cursor }} pageInfo {{ hasNextPage hasPreviousPage }}"
    document = f"""query ($id: ID!, $filter: {noun}FilterInput, $sort: [{noun}SortInput!], $first: Int, $after: String,
      $last: Int, $before: String) {{ node: {place.one}(id: $id) {{ page: {place.field}(filter: $filter, sort: $sort,
      first: $first, after: $after, last: $last, before: $before) {{ {page} }} }} }}"""
    found: dict[str, Any] = (await ask(database, document, id=key, **variables)).data["node"]["page"]
    return found


async def longest(database: Database, place: Links) -> str:
    """The key of the node with the most links."""
    document = f"{{ every: {place.every}(first: 100) {{ nodes {{ key page: {place.field} {{ totalCount }} }} }} }}"
    nodes = (await ask(database, document)).data["every"]["nodes"]
    found: str = max(nodes, key=lambda node: (node["page"]["totalCount"], node["key"]))["key"]
    return found


@pytest.mark.parametrize("place", [*LINKS[:3], *LINKS[4:]], ids=lambda place: f"{place.one}-{place.field}")
async def test_links_are_paged_from_both_ends(graph: Database, place: Links) -> None:
    """In their own order, with the figures that follow from both ends, and with cursors that both ways take."""
    key = await longest(graph, place)

    followed = await read_links(graph, place, key, first=100)
    backward = await read_links(graph, place, key, last=100)

    assert len(followed["nodes"]) > 1
    assert backward == followed
    cursors = [edge["cursor"] for edge in followed["edges"]]
    before = await read_links(graph, place, key, last=1, before=cursors[-1])
    after = await read_links(graph, place, key, first=1, after=before["edges"][0]["cursor"])
    assert before["nodes"] == followed["nodes"][-2:-1]
    assert after["nodes"] == followed["nodes"][-1:]
    assert (before["totalCount"], before["pageInfo"]["hasNextPage"]) == (len(cursors), True)


@every_links
async def test_links_are_filtered_and_sorted_by_what_they_lead_to(graph: Database, whole: Whole, place: Links) -> None:
    """Of all that there are, those whose node satisfies the condition, in the order of the nodes."""
    key, listed, random = await longest(graph, place), BY_NAME[place.listed], Random(3)
    ends = [row[place.node]["key"] for row in (await read_links(graph, place, key, first=100))["nodes"]]
    choices = [
        (found.name, value)
        for found in listed.conditions
        if not found.drifts
        for value in values_of(listed, found, whole, random)
    ]
    for name, value in random.sample(choices, min(2, len(choices))):
        found = await read_links(graph, place, key, filter=filter_of(listed, {name: value}), last=100)

        expected = [end for end in ends if holds(whole, listed.label, end, name, value)]
        assert [row[place.node]["key"] for row in found["nodes"]] == expected, name
        assert found["totalCount"] == len(expected)
    for sort in random.sample(listed.sorts, 1):
        order = [{"by": sort.name.upper(), "order": "DESCENDING"}]
        first = await read_links(graph, place, key, sort=order, first=1)
        rest = await read_links(graph, place, key, sort=order, after=first["edges"][0]["cursor"], last=100)

        shown = [row[place.node]["key"] for row in first["nodes"] + rest["nodes"]]
        assert list(dict.fromkeys(shown)) == sort_nodes(
            listed.label, whole, sort.name, sorted(set(ends)), is_descending=True
        ), sort.name
        assert sorted(shown) == sorted(ends)


async def test_links_of_many_nodes_take_the_statements_of_one(graph: Database) -> None:
    """And a wrong argument is told at its own place."""
    document = """query ($n: Int, $before: String) { claims(first: $n) { nodes { key
      incoming(last: 3, before: $before) { nodes { kind claim { key } } } } } }"""

    one, many = [await ask(graph, document, n=number) for number in (1, 100)]
    wrong = await try_ask(graph, document, n=1, before="YTpi")

    assert one.num_statements == many.num_statements
    assert sum(len(node["incoming"]["nodes"]) for node in many.data["claims"]["nodes"]) > 3
    (error,) = wrong.errors
    assert (error["path"], error["extensions"]["argument"]) == (["claims", "nodes", 0, "incoming"], "before")


async def test_many_links_are_not_sorted(graph: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another order than their own; that is refused with the reason."""
    place = LINKS[0]
    key = await longest(graph, place)
    monkeypatch.setattr("graph.reading.links.MOST_COLLECTED", 1)
    document = "query ($id: ID!) { claim(id: $id) { incoming(sort: [{by: KEY}]) { nodes { kind } } } }"

    error = await ask_wrong(graph, document, id=key)

    assert error["extensions"]["argument"] == "sort"
    assert "at most 1 of them" in error["message"]
    assert (await read_links(graph, place, key, last=1))["totalCount"] > 1
