"""Compiled operations answer as the executor does, which reads level by level."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graph.database.sessions import Database
from tests.helpers.compiled import answer_by_executor, answer_compiled

PAGE = (Path(__file__).parents[2] / "helpers" / "page.graphql").read_text(encoding="utf-8")
MOMENT = datetime(2026, 6, 1, 12, tzinfo=UTC)

DOCUMENTS: list[tuple[str, dict[str, Any]]] = [
    (PAGE, {"id": "P_00"}),
    (PAGE, {"id": "P_05"}),
    (PAGE, {"id": "nobody"}),
    ('{ prediction(id: "P_00") { id key __typename title deadline importedOn } }', {}),
    (
        '{ killer(id: "P_00") { key } a: killer(id: "TK_HUB") { key outgoing { totalCount nodes { claim { key } } } } }',
        {},
    ),
    ('{ node(id: "UHJlZGljdGlvbjpQXzAw") { __typename id ... on Prediction { title } ... on Killer { text } } }', {}),
    ('{ node(id: "VGlja2VyOk5WREE") { id key ... on Ticker { symbol name } } }', {}),
    (
        '{ ticker(id: "NVDA") { exposures(first: 50) { nodes { sign relevance impact basis source lagDays prediction { key title statedProbability } } } } }',
        {},
    ),
    (
        "{ killers(first: 1) { edges { cursor node { key } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }",
        {},
    ),
    (
        "{ predictions(first: 3) { edges { cursor node { key } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount nodes { key storedPosterior } } }",
        {},
    ),
    (
        "{ predictions(last: 3, filter: {status: [OPEN]}, sort: {by: PROBABILITY, direction: DESCENDING}) { nodes { key status } totalCount pageInfo { hasNextPage hasPreviousPage } } }",
        {},
    ),
    (
        '{ predictions(filter: {predictor: "ada", probabilityFrom: 0.1, deadlineFrom: "2020-01-01T00:00:00Z"}) { nodes { key predictor { key record { kappa numResolved } } } totalCount } }',
        {},
    ),
    (
        'query Q($first: Int!, $asOf: DateTime) { prediction(id: "P_00") { evidence(first: $first, asOf: $asOf) { totalCount edges { cursor node { key contributions { llr expectedDate } ours { trf kappa } } } } posterior(asOf: $asOf) { probability asOf trf } } }',
        {"first": 2, "asOf": "2026-02-02T12:00:00Z"},
    ),
    (
        '{ prediction(id: "P_00") { posterior { probability asOf blendReason } probabilityHistory(maxPoints: 20) { at probability } timeRemainingFraction marginal { probability ageSeconds isStale run { key } } } }',
        {},
    ),
    (
        '{ prediction(id: "P_00") { incoming(first: 2) { totalCount pageInfo { endCursor hasNextPage } edges { cursor node { kind implied currentDelta claim { __typename key ... on Killer { outgoing(first: 1) { nodes { claim { key } } } } } } } } } }',
        {},
    ),
    (
        '{ prediction(id: "P_00") { cascades(first: 3) { isLeaf isTruncated reached { depth lagDays viaKey claim { key } } } a: cascades(first: 20, depth: 1, kinds: [KILLS]) { isLeaf } } }',
        {},
    ),
    (
        'query Q($with: Boolean!) { prediction(id: "P_00") { key title @include(if: $with) domain @skip(if: $with) { key } } }',
        {"with": True},
    ),
    (
        'query Q($with: Boolean!) { prediction(id: "P_00") { key title @include(if: $with) domain @skip(if: $with) { key } } }',
        {"with": False},
    ),
    (
        '{ evidence(id: "e1") { claim { key ... on Prediction { predictor { key } } } document { key claims { nodes { key } } } milestone { key prediction { key } } } }',
        {},
    ),
]


@pytest.mark.parametrize(("text", "variables"), DOCUMENTS)
async def test_a_compiled_operation_answers_as_the_executor(
    small: Database, text: str, variables: dict[str, Any]
) -> None:
    """Byte for byte, keys in order."""
    expected, errors = await answer_by_executor(small, text, variables, MOMENT)
    assert errors == []
    assert await answer_compiled(small, text, variables, MOMENT) == expected
