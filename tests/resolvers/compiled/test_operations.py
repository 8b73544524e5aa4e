"""Compiled operations answer as the executor does, which reads level by level."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graph.database.sessions import Database
from resolvers.base.context import Context
from resolvers.base.errors import shown
from tests.helpers.asking import service_of
from tests.helpers.compiled import answer_by_executor, answer_compiled, operation_of
from tests.helpers.pages import PAGE

OPERATIONS = (Path(__file__).parent / "operations.graphql").read_text(encoding="utf-8")
MOMENT = datetime(2026, 6, 1, 12, tzinfo=UTC)

ASKED: list[tuple[str, dict[str, Any]]] = [
    ("Lookup", {}),
    ("OtherSubject", {}),
    ("AnyNode", {}),
    ("AnyTicker", {}),
    ("Exposures", {}),
    ("AllKillers", {}),
    ("FirstPredictions", {}),
    ("LastPredictions", {}),
    ("FilteredPredictions", {}),
    ("LedgerAsOf", {"first": 2, "asOf": "2026-02-02T12:00:00Z"}),
    ("Beliefs", {}),
    ("Influences", {}),
    ("Walks", {}),
    ("Directives", {"with": True}),
    ("Directives", {"with": False}),
    ("EvidenceRow", {}),
    ("Searched", {}),
    ("ByText", {}),
    ("SeveralNodes", {"ids": ["UHJlZGljdGlvbjpQXzAw", "VGlja2VyOk5WREE", "UHJlZGljdGlvbjpub2JvZHk"]}),
    ("Neighborhood", {"id": "P_00"}),
    ("Asked", {"id": "TK_HUB"}),
    ("Asked", {"id": "nobody"}),
]


@pytest.mark.parametrize(("name", "variables"), ASKED)
async def test_a_compiled_operation_answers_as_the_executor(
    small: Database, name: str, variables: dict[str, Any]
) -> None:
    """Byte for byte, keys in order."""
    expected, errors = await answer_by_executor(small, OPERATIONS, variables, MOMENT, name=name)
    assert errors == []
    by_levels = await answer_compiled(small, OPERATIONS, variables, MOMENT, name=name, is_prepared=False)
    assert by_levels == expected
    assert await answer_compiled(small, OPERATIONS, variables, MOMENT, name=name) == expected


@pytest.mark.parametrize("prediction_id", ["P_00", "P_05", "nobody"])
async def test_the_whole_page_is_one_statement(small: Database, prediction_id: str) -> None:
    """The page of a prediction, with all that it shows."""
    expected, errors = await answer_by_executor(small, PAGE, {"id": prediction_id}, MOMENT)
    assert errors == []
    assert await answer_compiled(small, PAGE, {"id": prediction_id}, MOMENT) == expected
    context = Context(service_of(small), request_id="test")
    operation = operation_of(PAGE)
    await operation.prepare(context, {"id": prediction_id})
    await operation.answer(context, {"id": prediction_id})
    await context.close()
    assert context.num_statements == 1


async def test_an_error_of_a_query_is_the_executors(small: Database) -> None:
    """An unknown id is found by the resolver; the queries beside it are answered."""
    text = '{ neighborhood(id: "nobody") { isTruncated } domain(id: "chips") { key } }'
    expected, errors = await answer_by_executor(small, text)
    context = Context(service_of(small), request_id="test")
    operation = operation_of(text)
    await operation.prepare(context, {})
    answer = await operation.answer(context, {})
    await context.close()
    assert answer is not None
    assert json.dumps(answer.data) == expected
    assert [shown(error, "test").formatted for error in answer.errors] == errors


async def test_those_who_wait_for_the_same_have_their_own_moments(small: Database) -> None:
    """What is read is shared, and an answer that is the same for all; a belief is that of the request's moment."""
    service, moments = service_of(small), [MOMENT, datetime(2026, 9, 1, tzinfo=UTC)]
    for fields in ("key title predictor { name }", "key posterior { probability } predictor { name }"):
        text = f"query ($id: ID!) {{ prediction(id: $id) {{ {fields} }} }}"
        operation, variables = operation_of(text), {"id": "P_00"}
        expected = [await answer_by_executor(small, text, variables, moment) for moment in moments]
        contexts = [Context(service, request_id="test") for _ in range(12)]
        await operation.prepare(contexts[0], variables)
        for number, context in enumerate(contexts):
            context.moment = moments[number % 2]

        answers = await asyncio.gather(*(operation.answer(context, variables) for context in contexts))

        for number, answer in enumerate(answers):
            assert answer is not None
            assert (json.dumps(answer.data), answer.errors) == expected[number % 2]
            await contexts[number].close()
        assert (expected[0] == expected[1]) == ("posterior" not in fields)


PLANTED = [
    ("title", "null"),
    ("title", "5"),
    ("text", "['a', 'b']"),
    ("status", "'LOST'"),
    ("status", "7"),
    ("stated_probability", "1"),
    ("stated_probability", "0.0 / 0.0"),
    ("stated_probability", "1.0 / 0.0"),
    ("stated_probability", "'likely'"),
    ("from_year", "3000000000"),
    ("from_year", "2026.0"),
    ("from_year", "true"),
    ("deadline", "'soon'"),
    ("deadline", "datetime('2026-05-30T22:15:00.123456789[Europe/Berlin]')"),
    ("deadline", "date('2026-05-30')"),
    ("imported_on", "localdatetime('2026-05-30T22:15:00')"),
    ("raw_metadata", "'not json'"),
    ("raw_metadata", "'{\"a\": NaN}'"),
    ("source_url", "point({x: 1, y: 2})"),
]
FIELDS = "id key title text status statedProbability fromYear deadline importedOn rawMetadata url"


@pytest.mark.parametrize(("name", "value"), PLANTED)
async def test_what_is_not_expected_is_left_to_the_executor(small: Database, name: str, value: str) -> None:
    """A value that no import would write: either the answers are equal, or the compiled operation has none."""
    text = f'{{ prediction(id: "P_03") {{ {FIELDS} }} predictions(first: 9) {{ nodes {{ {FIELDS} }} }} }}'
    before = await _planted(small, name, value)
    try:
        expected, errors = await answer_by_executor(small, text)
        found = await answer_compiled(small, text)
    finally:
        await _planted(small, name, "$before", before=before)
    assert found is None or (errors == [] and found == expected)


@pytest.mark.parametrize(
    ("name", "value"), [("title", "'Another'"), ("from_year", "2031"), ("stated_probability", "1")]
)
async def test_what_is_expected_is_not_left_to_the_executor(small: Database, name: str, value: str) -> None:
    """So that the comparison with it can fail."""
    before = await _planted(small, name, value)
    try:
        expected, errors = await answer_by_executor(small, '{ prediction(id: "P_03") { title fromYear deadline } }')
        found = await answer_compiled(small, '{ prediction(id: "P_03") { title fromYear deadline } }')
    finally:
        await _planted(small, name, "$before", before=before)
    assert errors == []
    assert found == expected


async def _planted(database: Database, name: str, value: str, **parameters: Any) -> Any:
    """Set a property of one prediction by hand; returns its value before."""
    async with database.open_session() as session:
        query: Any = f"MATCH (n:Claim {{id: 'P_03'}}) WITH n, n.{name} AS before SET n.{name} = {value} RETURN before"
        record = await (await session.run(query, parameters)).single()
    assert record is not None
    return record["before"]


async def test_a_page_from_the_end_within_a_node_is_left_to_the_executor(small: Database) -> None:
    """By the values of its variables: without them it is compiled as any other."""
    document = """query ($last: Int, $id: ID!) { prediction(id: $id) { title evidence(last: $last) { totalCount nodes {
      key } } incoming(last: $last) { nodes { kind } } } }"""
    plain: dict[str, Any] = {"id": "P_00"}

    expected, errors = await answer_by_executor(small, document, plain, MOMENT)

    assert errors == []
    assert await answer_compiled(small, document, plain, MOMENT) == expected
    assert await answer_compiled(small, document, plain | {"last": 1}, MOMENT, is_prepared=False) is None
    last, errors = await answer_by_executor(small, document, plain | {"last": 1}, MOMENT)
    assert errors == []
    assert last != expected
