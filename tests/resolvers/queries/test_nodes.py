"""What documents bring from a live graph, and with how many statements."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graph.database.sessions import Database
from resolvers.base.relay import global_id
from tests.helpers.asking import ask, ask_wrong, try_ask
from tests.helpers.compiled import answer_compiled
from tests.helpers.database import StatementCounter
from tests.helpers.small_graph import NUM_CHILDREN

pytestmark = pytest.mark.statements

CURSOR_OF_OTHERS = "b3V0Z29pbmc6VEtfSFVCfDB8UF8wMHxLSUxMUw"  # outgoing:TK_HUB|0|P_00|KILLS

HUB_DELTAS = {
    # P(child) = 0.1 * 0.05 + 0.9 * 0.45 by the killer alone, against what the child states.
    f"P_{n:02d}": 0.41 - (0.05 + 0.07 * n)
    for n in range(NUM_CHILDREN - 1)
}


def keys(connection: dict[str, Any]) -> list[str]:
    return [node["key"] for node in connection["nodes"]]


async def test_influences_come_by_the_size_of_delta_and_those_without_one_last(small: Database) -> None:
    """The order is that of the expected deltas, computed here from the tables."""
    asked = await ask(small, '{ killer(id: "TK_HUB") { outgoing { nodes { deltaImplied claim { key } } } } }')
    rows = asked.data["killer"]["outgoing"]["nodes"]

    expected = sorted(HUB_DELTAS, key=lambda child: (-round(abs(HUB_DELTAS[child]), 12), child))
    assert [row["claim"]["key"] for row in rows] == [*expected, "P_11"]
    for row in rows[:-1]:
        assert row["deltaImplied"] == pytest.approx(HUB_DELTAS[row["claim"]["key"]], abs=1e-12)
    assert rows[-1]["deltaImplied"] is None


async def test_pages_of_a_relation_join_to_the_whole(small: Database) -> None:
    """Keyset pages neither lose nor repeat a row."""
    document = """query ($after: String) { killer(id: "TK_HUB") { outgoing(first: 5, after: $after) {
        nodes { claim { key } } pageInfo { hasNextPage endCursor hasPreviousPage } totalCount } } }"""
    after, found = None, []
    for number in range(3):
        page = (await ask(small, document, after=after)).data["killer"]["outgoing"]
        found += [row["claim"]["key"] for row in page["nodes"]]
        assert page["totalCount"] == NUM_CHILDREN
        assert page["pageInfo"]["hasNextPage"] == (number < 2)
        assert page["pageInfo"]["hasPreviousPage"] == (number > 0)
        after = page["pageInfo"]["endCursor"]
    whole = await ask(small, '{ killer(id: "TK_HUB") { outgoing { nodes { claim { key } } } } }')
    assert found == [row["claim"]["key"] for row in whole.data["killer"]["outgoing"]["nodes"]]


@pytest.mark.parametrize("by", ["DEADLINE", "POSTERIOR"])
@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
@pytest.mark.parametrize(
    "filter_", ["{}", '{predictor: "ada"}', '{domain: "space"}', "{status: [OPEN]}", '{text: "quantum"}']
)
@pytest.mark.parametrize("way", ["first", "last"])
async def test_pages_of_predictions_join_to_the_whole(
    small: Database, by: str, direction: str, filter_: str, way: str
) -> None:
    """From either end, in either order, under any anchor."""
    cursor, info = ("after", "endCursor") if way == "first" else ("before", "startCursor")
    document = f"""query ($size: Int, $cursor: String) {{ predictions(filter: {filter_},
        sort: {{by: {by}, order: {direction}}}, {way}: $size, {cursor}: $cursor) {{
        nodes {{ key deadline storedPosteriorProbability }} totalCount
        pageInfo {{ hasNextPage hasPreviousPage {info} }} }} }}"""
    whole = (await ask(small, document, size=100)).data["predictions"]
    assert whole["totalCount"] == len(whole["nodes"]) > 3
    name = "deadline" if by == "DEADLINE" else "storedPosteriorProbability"
    values = [row[name] for row in whole["nodes"] if row[name] is not None]
    assert values == sorted(values, reverse=direction == "DESCENDING")

    found: list[Any] = []
    place = None
    while True:
        page = (await ask(small, document, size=3, cursor=place)).data["predictions"]
        found = found + page["nodes"] if way == "first" else page["nodes"] + found
        place = page["pageInfo"][info]
        if not page["pageInfo"]["hasNextPage" if way == "first" else "hasPreviousPage"]:
            break
    assert found == whole["nodes"]


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ('{domain: "chips"}', [0, 3, 6, 9]),
        ('{predictor: "ada", domain: "chips"}', [3, 9]),
        ('{referenceClass: "chips_on_time"}', [0, 4, 8]),
        ("{status: [RESOLVED_TRUE]}", [5]),
        ("{status: [RESOLVED_TRUE, ANNULLED]}", [5]),
        # P_08 was stated at 0.61; its class, of which a fifth comes true, weighs 0.7 until its year begins.
        ("{probabilityFrom: 0.5}", [7, 9, 10]),
        ("{probabilityTo: 0.13}", [0, 1]),
        ('{deadlineFrom: "2030-01-01T00:00:00Z"}', [4, 9]),
        ('{deadlineTo: "2026-12-31T00:00:00Z"}', [0, 5, 10]),
        ('{text: "number7"}', [7]),
        ('{text: "QUANT"}', [0, 3, 6, 9]),
        ('{text: "quantum rockets"}', []),
        ('{text: "rock", predictor: "bob", probabilityFrom: 0.6}', [10]),
    ],
)
@pytest.mark.parametrize("by", ["DEADLINE", "POSTERIOR"])
async def test_filters_leave_what_they_say(small: Database, filter_: str, expected: list[int], by: str) -> None:
    """The expected rows follow from the small graph's rules."""
    document = f"{{ predictions(filter: {filter_}, sort: {{by: {by}}}) {{ nodes {{ key }} totalCount }} }}"
    found = (await ask(small, document)).data["predictions"]

    assert sorted(keys(found)) == [f"P_{n:02d}" for n in expected]
    assert found["totalCount"] == len(expected)


async def test_an_alias_takes_nothing_from_its_namesakes(small: Database) -> None:
    """The same relation twice, and a relation under the name of a property."""
    asked = await ask(
        small,
        """{ prediction(id: "P_00") { title: exposures(signs: [HARMS]) { nodes { ticker { symbol } } }
        benefits: exposures(signs: [BENEFITS]) { nodes { ticker { symbol } } } text } }""",
    )
    page = asked.data["prediction"]
    assert [row["ticker"]["symbol"] for row in page["title"]["nodes"]] == ["QCOM"]
    assert [row["ticker"]["symbol"] for row in page["benefits"]["nodes"]] == ["NVDA", "TSM"]
    assert page["text"] == "something that quantum chips will do"


async def test_fragments_directives_and_variables_are_read_as_graphql_says(small: Database) -> None:
    """The plan sees the document as the execution does."""
    document = """
    query ($with: Boolean!, $size: Int!) { nodes(ids: ["UHJlZGljdGlvbjpQXzAw", "S2lsbGVyOlRLX0hVQg"]) {
        ...Common
        ... on Prediction { rows: incoming(first: $size) { nodes { kind } } predictor @include(if: $with) { name } }
        ... on Killer { rows: outgoing(first: 1) { nodes { claim { key } } } label: title @skip(if: $with) } } }
    fragment Common on Claim { key ... on Node { id } domain @skip(if: $with) { key } }"""
    prediction, killer = (await ask(small, document, **{"with": True, "size": 2})).data["nodes"]
    assert prediction["predictor"] == {"name": "Bob"}
    assert len(prediction["rows"]["nodes"]) == 2
    assert "domain" not in prediction
    assert killer == {"key": "TK_HUB", "id": "S2lsbGVyOlRLX0hVQg", "rows": {"nodes": [{"claim": {"key": "P_00"}}]}}

    prediction, killer = (await ask(small, document, **{"with": False, "size": 1})).data["nodes"]
    assert prediction["domain"] == {"key": "chips"}
    assert "predictor" not in prediction
    assert killer["label"] == "The lights go out"


async def test_statements_follow_the_depth_of_a_document_and_not_the_rows(
    small: Database, statements: StatementCounter
) -> None:
    """A list of twelve costs what a list of one does."""
    document = """query ($first: Int!) { predictions(first: $first) { nodes { key predictor { name }
        milestones { nodes { label } } incoming { nodes { claim { title domain { key } } } } exposures { nodes {
        ticker { exposures { nodes { prediction { key } } } } } } } } }"""
    one = await ask(small, document, first=1)
    statements.reset()
    many = await ask(small, document, first=100)

    assert len(many.data["predictions"]["nodes"]) == NUM_CHILDREN
    assert one.num_statements == many.num_statements == len(statements.names) == 4


async def test_only_what_is_selected_is_fetched(small: Database, statements: StatementCounter) -> None:
    """A title costs one statement and one row."""
    statements.reset()
    await ask(small, '{ prediction(id: "P_00") { title } }')

    assert statements.names == ["reading/get_nodes"]
    assert statements.num_rows == 1


async def test_root_fields_of_one_document_share_one_transaction(small: Database) -> None:
    """Fields next to each other resolve at once, and their statements take turns."""
    fields = " ".join(f'p{n}: prediction(id: "P_{n:02d}") {{ title domain {{ key }} }}' for n in range(NUM_CHILDREN))
    asked = await ask(small, f"{{ {fields} }}")

    assert [asked.data[f"p{n}"]["title"] for n in range(NUM_CHILDREN)] == [
        f"Prediction number{n}" for n in range(NUM_CHILDREN)
    ]
    assert asked.num_statements == 2 * NUM_CHILDREN


async def test_the_event_is_hidden_unless_asked_for(small: Database) -> None:
    """A chain is listed by ordinal; check-ins were made from the window."""
    asked = await ask(
        small,
        """{ prediction(id: "P_00") { milestones { totalCount nodes { ordinal } }
        all: milestones(includeEvent: true) { totalCount nodes { ordinal milestoneKind expectedOn } } } }""",
    )
    page = asked.data["prediction"]
    assert page["milestones"]["totalCount"] == 6
    assert page["all"]["totalCount"] == 7
    # From 2026-01-01 to the event on 2026-06-01 are 151 days: check-ins after 37, 75 and 113.
    chain = [(row["ordinal"], row["milestoneKind"], row["expectedOn"]) for row in page["all"]["nodes"]]
    assert chain == [
        (-5, "CHECK_IN", "2026-02-07"),
        (-4, "CHECK_IN", "2026-03-17"),
        (-3, "RESEARCHED", "2026-04-01"),
        (-2, "CHECK_IN", "2026-04-24"),
        (-1, "RESEARCHED", "2026-05-01"),
        (0, "EVENT", "2026-06-01"),
        (1, "RESEARCHED", "2026-07-01"),
    ]


async def test_cascades_follow_influences_downstream_the_nearest_first(small: Database) -> None:
    """Each claim once, at its least depth, with the lags on the way."""
    document = """{ prediction(id: "P_00") { cascades(depth: 3) { isLeaf isTruncated
        reached { depth lagDays viaKey claim { key } } } }
        leaf: prediction(id: "P_09") { cascades { isLeaf reached { depth } } }
        hub: killer(id: "TK_HUB") { cascades(first: 4, depth: 1) { isTruncated reached { depth } } } }"""
    found = (await ask(small, document)).data
    reached = {
        row["claim"]["key"]: (row["depth"], row["lagDays"]) for row in found["prediction"]["cascades"]["reached"]
    }
    assert reached == {"P_01": (1, 30), "P_02": (1, 0)}
    assert found["prediction"]["cascades"]["isTruncated"] is False
    assert found["leaf"]["cascades"] == {"isLeaf": True, "reached": []}
    assert found["hub"]["cascades"] == {"isTruncated": True, "reached": [{"depth": 1}] * 4}


async def test_newest_come_first_in_ledger_validations_and_documents(small: Database) -> None:
    """What happened last is what a reader looks for."""
    page = (
        await ask(
            small,
            """{ prediction(id: "P_00") { evidence { nodes { key milestone { key } document { key } predictor { key }
            contributions { logLikelihoodRatio expectedOn kind } claim { key } } } validations { nodes { observedOn } }
            documents { nodes { key } } } }""",
        )
    ).data["prediction"]
    assert keys(page["evidence"]) == ["e3", "e2", "e1"]
    assert page["evidence"]["nodes"][0]["milestone"] == {"key": "P_00:m0"}
    assert page["evidence"]["nodes"][0]["document"] == {"key": "doc_1"}
    assert page["evidence"]["nodes"][0]["claim"] == {"key": "P_00"}
    contributions = page["evidence"]["nodes"][2]["contributions"]
    assert contributions == [{"logLikelihoodRatio": 0.1, "expectedOn": "2026-01-01", "kind": None}]
    assert [row["observedOn"] for row in page["validations"]["nodes"]] == ["2026-03-02", "2026-03-01"]
    assert keys(page["documents"]) == ["doc_3", "doc_2", "doc_1"]


@pytest.mark.parametrize(
    ("field", "subject", "key"),
    [
        ("prediction", "Prediction", "P_00"),
        ("scenario", "Scenario", "S_1"),
        ("killer", "Killer", "TK_HUB"),
        ("predictor", "Predictor", "ada"),
        ("referenceClass", "ReferenceClass", "chips_on_time"),
        ("milestone", "Milestone", "P_00:m0"),
        ("evidenceRow", "Evidence", "e1"),
        ("validation", "Validation", "v1"),
        ("ticker", "Ticker", "NVDA"),
        ("document", "Document", "doc_1"),
        ("episode", "Episode", "EP_1"),
        ("domain", "Domain", "chips"),
    ],
)
async def test_every_subject_is_found_by_key_and_by_global_id(
    small: Database, field: str, subject: str, key: str
) -> None:
    """The id that a field returns is the one that `node` takes."""
    found = (await ask(small, f'{{ {field}(id: "{key}") {{ id key __typename }} }}')).data[field]
    assert (found["key"], found["__typename"]) == (key, subject)
    document = f"query ($id: ID!) {{ node(id: $id) {{ id key __typename }} same: {field}(id: $id) {{ key }} }}"
    again = (await ask(small, document, id=found["id"])).data
    assert again["node"] == found
    assert again["same"] == {"key": key}
    assert (await ask(small, f'{{ {field}(id: "nobody") {{ key }} }}')).data == {field: None}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("scenarios", ["S_1"]),
        ("killers", ["TK_HUB", "TK_UNKNOWN"]),
        ("predictors", ["ada", "bob"]),
        ("referenceClasses", ["chips_on_time"]),
        ("tickers", ["NVDA", "QCOM", "TSM"]),
        ("documents", ["doc_1", "doc_2", "doc_3"]),
        ("episodes", ["EP_1"]),
        ("domains", ["chips", "space"]),
    ],
)
async def test_every_subject_is_listed_by_key(small: Database, field: str, expected: list[str]) -> None:
    """A page at a time, like everything else."""
    document = f"""query ($after: String) {{ {field}(first: 1, after: $after) {{
        nodes {{ key }} totalCount pageInfo {{ hasNextPage endCursor }} }} }}"""
    after, found = None, []
    while True:
        page = (await ask(small, document, after=after)).data[field]
        found += keys(page)
        assert page["totalCount"] == len(expected)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{ predictor(id: "ada") { predictions { totalCount } } }', 6),
        ('{ domain(id: "chips") { predictions { totalCount } } }', 4),
        ('{ episode(id: "EP_1") { predictions { totalCount } } }', 2),
        ('{ referenceClass(id: "chips_on_time") { predictions { totalCount } } }', 3),
        ('{ ticker(id: "NVDA") { exposures { totalCount } } }', 2),
        ('{ ticker(id: "NVDA") { exposures(signs: [HARMS]) { totalCount } } }', 1),
        ('{ document(id: "doc_1") { claims { totalCount } } }', 1),
        ('{ killer(id: "TK_HUB") { outgoing(kinds: [CORRELATES_WITH]) { totalCount } } }', 0),
        ('{ prediction(id: "P_00") { prerequisites { totalCount } } }', 2),
        ('{ prediction(id: "P_00") { killers { totalCount } } }', 1),
        ('{ prediction(id: "P_00") { incoming { totalCount } } }', 3),
        ('{ prediction(id: "P_00") { outgoing(kinds: [PREREQUISITE_OF]) { totalCount } } }', 2),
        ('{ prediction(id: "P_00") { dependents { totalCount } } }', 2),
        ('{ prediction(id: "P_00") { evidence { totalCount } } }', 3),
        ('{ prediction(id: "P_00") { validations { totalCount } } }', 2),
        ('{ prediction(id: "P_00") { documents { totalCount } } }', 3),
        ('{ prediction(id: "P_00") { exposures(signs: [BENEFITS, HARMS]) { totalCount } } }', 3),
    ],
)
async def test_totals_and_rows_agree(small: Database, document: str, expected: int) -> None:
    """A total is counted only when selected, and then counts what the pages list."""
    found = (await ask(small, document.replace("totalCount", "totalCount edges { cursor }"))).data
    (subject,) = found.values()
    (connection,) = subject.values()
    assert connection["totalCount"] == len(connection["edges"]) == expected


async def test_search_finds_every_subject_that_has_texts(small: Database) -> None:
    """The best match comes first, and pages join to the whole."""
    found = (await ask(small, '{ search(text: "lights") { nodes { __typename key } } }')).data["search"]
    assert found["nodes"] == [{"__typename": "Killer", "key": "TK_HUB"}]
    found = (
        await ask(small, '{ search(text: "pap", subjects: [DOCUMENT]) { nodes { key ... on Document { title } } } }')
    ).data
    assert sorted(keys(found["search"])) == ["doc_1", "doc_2", "doc_3"]

    document = """query ($after: String) { search(text: "something rockets", first: 3, after: $after) {
        nodes { key } pageInfo { hasNextPage endCursor } } }"""
    after, paged = None, []
    while True:
        page = (await ask(small, document, after=after)).data["search"]
        paged += keys(page)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert sorted(paged) == [f"P_{n:02d}" for n in range(NUM_CHILDREN) if n % 3]


@pytest.mark.parametrize(
    "text", ['a" OR *:* "', "title:x AND (", "quantum*~^\\", "{!x}", "chips'", "-quantum", "ümläut 日本"]
)
async def test_no_text_is_a_wrong_query(small: Database, text: str) -> None:
    """No character of the query language gets through."""
    document = """query ($text: String!) { search(text: $text) { nodes { key } }
        predictions(filter: {text: $text}) { nodes { key } } }"""
    await ask(small, document, text=text)


async def test_a_neighborhood_is_flat_and_says_when_it_is_not_all(small: Database) -> None:
    """Nodes once, edges once, both ends among the nodes."""
    document = """query ($depth: Int!, $limit: Int!, $kinds: [EdgeKind!], $direction: Orientation!) {
        neighborhood(id: "P_00", depth: $depth, first: $limit, kinds: $kinds, orientation: $direction) {
        isTruncated nodes { id key __typename } edges { kind fromId toId probabilityIfTrue relevance } } }"""
    found = (await ask(small, document, depth=1, limit=100, direction="BOTH")).data["neighborhood"]
    names = {(node["__typename"], node["key"]) for node in found["nodes"]}
    assert {
        ("Killer", "TK_HUB"),
        ("Scenario", "S_1"),
        ("Ticker", "NVDA"),
        ("Predictor", "bob"),
        ("Evidence", "e1"),
    } <= names
    assert len(names) == len(found["nodes"])
    ids = {node["id"] for node in found["nodes"]}
    assert all(edge["fromId"] in ids and edge["toId"] in ids for edge in found["edges"])
    assert not found["isTruncated"]

    kinds = ["KILLS"]
    found = (await ask(small, document, depth=2, limit=100, kinds=kinds, direction="BOTH")).data["neighborhood"]
    assert len(found["nodes"]) == NUM_CHILDREN + 1
    assert {edge["kind"] for edge in found["edges"]} == {"KILLS"}
    found = (await ask(small, document, depth=2, limit=5, kinds=kinds, direction="BOTH")).data["neighborhood"]
    assert len(found["nodes"]) == 5
    assert found["isTruncated"]
    found = (await ask(small, document, depth=1, limit=9, kinds=kinds, direction="OUT")).data["neighborhood"]
    assert keys(found) == ["P_00"]


@pytest.mark.parametrize(
    ("document", "argument", "says"),
    [
        ('{ neighborhood(id: "nobody") { isTruncated } }', "id", "no claim has the id 'nobody'"),
        ('{ neighborhood(id: "NVDA") { isTruncated } }', "id", "a node of another kind is named by its global id"),
        ('{ paths(from: "P_00", to: "nobody") { stepCount } }', "to", "no claim has the id 'nobody'"),
        ('{ paths(from: "nobody", to: "P_00") { stepCount } }', "from", "no claim has the id 'nobody'"),
    ],
)
async def test_what_starts_at_nobody_says_so(small: Database, document: str, argument: str, says: str) -> None:
    """Null or an empty list would read as a claim without neighbours."""
    error = await ask_wrong(small, document)

    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("NOT_FOUND", argument)
    assert says in error["message"]


@pytest.mark.parametrize(
    ("field", "argument"),
    [
        ("evidence(first: 0) { totalCount }", "first"),
        ('evidence(after: "x") { totalCount }', "after"),
        (f'incoming(after: "{CURSOR_OF_OTHERS}") {{ totalCount }}', "after"),
        ("cascades(depth: 9) { isLeaf }", "depth"),
        ("probabilityHistory(maxPoints: 1) { at }", "maxPoints"),
    ],
)
async def test_a_wrong_argument_below_is_told_where_it_stands(small: Database, field: str, argument: str) -> None:
    """Nothing but what the field is part of, and may be null, is lost; every way of asking for it agrees."""
    document = f"""{{ other: prediction(id: "P_01") {{ key }} a: prediction(id: "P_00") {{ key wrong: {field} }}
        all: predictions(first: 2) {{ nodes {{ key }} }} }}"""
    answer = await try_ask(small, document)

    (error,) = answer.errors
    assert error["path"] == ["a", "wrong"]
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("INVALID", argument)
    assert answer.data["a"] is None
    assert answer.data["other"] == {"key": "P_01"}
    assert len(answer.data["all"]["nodes"]) == 2
    assert await answer_compiled(small, document, {}, datetime.now(UTC), is_prepared=False) is None


async def test_a_wrong_argument_two_levels_below_is_told_for_each_that_has_it(small: Database) -> None:
    """By the index in the list above."""
    document = (
        '{ predictor(id: "ada") { predictions(first: 2) { nodes { key evidence(first: 101) { totalCount } } } } }'
    )
    answer = await try_ask(small, document)

    assert answer.data == {"predictor": None}
    assert {tuple(error["path"]) for error in answer.errors} <= {
        ("predictor", "predictions", "nodes", place, "evidence") for place in (0, 1)
    }


async def test_one_wrong_id_among_many_costs_that_one(small: Database) -> None:
    """The others come, and the error tells its place."""
    ids = [
        global_id("Prediction", "P_00"),
        "!",
        global_id("Prediction", "nobody"),
        global_id("Killer", "TK_HUB"),
        "P_01",
    ]
    answer = await try_ask(small, "query ($ids: [ID!]!) { nodes(ids: $ids) { key } }", ids=ids)

    assert answer.data == {"nodes": [{"key": "P_00"}, None, None, {"key": "TK_HUB"}, None]}
    assert [(error["path"], error["extensions"]["argument"]) for error in answer.errors] == [
        (["nodes", 1], "ids[1]"),
        (["nodes", 4], "ids[4]"),
    ]


async def test_paths_come_the_shortest_first(small: Database) -> None:
    """From the scenario to the end of the chain there are two ways."""
    document = (
        '{ paths(from: "S_1", to: "P_02") { stepCount claims { key title } edges { kind lagDays probabilityIfTrue } } }'
    )
    found = (await ask(small, document)).data["paths"]
    assert [[claim["key"] for claim in path["claims"]] for path in found] == [
        ["S_1", "P_00", "P_02"],
        ["S_1", "P_00", "P_01", "P_02"],
    ]
    assert [edge["lagDays"] for edge in found[1]["edges"]] == [None, 30, 60]
    assert (await ask(small, '{ paths(from: "P_02", to: "S_1") { stepCount } }')).data["paths"] == []
    assert len((await ask(small, '{ paths(from: "S_1", to: "P_02", maxLength: 2) { stepCount } }')).data["paths"]) == 1


@pytest.mark.parametrize(
    ("document", "argument", "says"),
    [
        ('{ node(id: "not an id") { id } }', "id", "got 'not an id'"),
        ('{ nodes(ids: ["!"]) { id } }', "ids[0]", "got '!'"),
        ('{ prediction(id: "spaces in it") { key } }', "id", "got 'spaces in it'"),
        (
            '{ prediction(id: "S2lsbGVyOlRLX0hVQg") { key } }',
            "id",
            "expected the id of a Prediction, got one of a Killer",
        ),
        ("{ predictions(first: -1) { nodes { key } } }", "first", "got -1"),
        ("{ predictions(first: 0) { nodes { key } } }", "first", "got 0"),
        ("{ predictions(first: 101) { nodes { key } } }", "first", "got 101"),
        ("{ predictions(last: 101) { nodes { key } } }", "last", "got 101"),
        ("{ predictions(first: 1, last: 1) { nodes { key } } }", "last", "got both"),
        ('{ predictions(after: "%%%") { nodes { key } } }', "after", "got '%%%'"),
        (f'{{ predictions(after: "{CURSOR_OF_OTHERS}") {{ nodes {{ key }} }} }}', "after", "from this very connection"),
        (
            f'{{ predictions(before: "{CURSOR_OF_OTHERS}") {{ nodes {{ key }} }} }}',
            "before",
            "from this very connection",
        ),
        (f'{{ killers(after: "{CURSOR_OF_OTHERS}") {{ nodes {{ key }} }} }}', "after", "from this very connection"),
        (
            f'{{ search(text: "x", after: "{CURSOR_OF_OTHERS}") {{ nodes {{ key }} }} }}',
            "after",
            "this very connection",
        ),
        ('{ killer(id: "TK_HUB") { outgoing(first: 1000) { nodes { kind } } } }', "first", "got 1000"),
        ('{ killer(id: "TK_HUB") { outgoing(after: "x") { nodes { kind } } } }', "after", "got 'x'"),
        (
            f'{{ killer(id: "TK_UNKNOWN") {{ outgoing(after: "{CURSOR_OF_OTHERS}") {{ nodes {{ kind }} }} }} }}',
            "after",
            "TK_HUB",
        ),
        ("{ predictions(filter: {status: []}) { nodes { key } } }", "filter.status", "empty list"),
        (
            "{ predictions(filter: {probabilityFrom: 0.6, probabilityTo: 0.5}) { nodes { key } } }",
            "filter.probabilityFrom",
            "0.6",
        ),
        ('{ predictions(filter: {domain: "a b"}) { nodes { key } } }', "filter.domain", "got 'a b'"),
        ('{ predictions(filter: {text: "!?"}) { nodes { key } } }', "text", "at least one word"),
        ('{ search(text: "") { nodes { key } } }', "text", "at least one word"),
        ('{ neighborhood(id: "P_00", depth: 9) { isTruncated } }', "depth", "got 9"),
        ('{ neighborhood(id: "P_00", first: 0) { isTruncated } }', "first", "got 0"),
        ('{ paths(from: "P_00", to: "P_00") { stepCount } }', "to", "two different claims"),
        ('{ paths(from: "P_00", to: "P_01", maxLength: 99) { stepCount } }', "maxLength", "got 99"),
        ('{ prediction(id: "P_00") { cascades(depth: 9) { isLeaf } } }', "depth", "got 9"),
    ],
)
async def test_a_wrong_argument_is_named_with_what_came(
    small: Database, document: str, argument: str, says: str
) -> None:
    """The error says which argument, what was expected and what came."""
    error = await ask_wrong(small, document)

    assert error["extensions"] == {"code": "INVALID", "isRetryable": False, "argument": argument}
    assert says in error["message"]
    assert "expected" in error["message"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{ predictions(filter: {status: [CLOSED]}) { nodes { key } } }", "CLOSED"),
        ("{ predictions(filter: {probabilityFrom: 1.2}) { nodes { key } } }", "from 0 to 1, got 1.2"),
        ("{ predictions(filter: {probabilityFrom: -0.1}) { nodes { key } } }", "from 0 to 1, got -0.1"),
        ('{ predictions(filter: {deadlineFrom: "2026-01"}) { nodes { key } } }', "RFC 3339"),
        (
            '{ predictions(filter: {deadlineFrom: "2026-13-01T00:00:00Z"}) { nodes { key } } }',
            "expected an RFC 3339 moment",
        ),
        ('{ predictions(first: "x") { nodes { key } } }', "Int cannot represent"),
        ("{ predictions { nodes { nothing } } }", "Cannot query field 'nothing'"),
        ("{ predictions { nodes ", "Syntax Error"),
        ("query ($id: ID!) { prediction(id: $id) { key } }", "$id"),
    ],
)
async def test_a_wrong_request_keeps_its_message(small: Database, document: str, says: str) -> None:
    """What GraphQL itself refuses says so in its own words."""
    error = await ask_wrong(small, document)

    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert says in error["message"]
