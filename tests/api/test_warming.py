"""Warming up: the usual documents are planned, and asked until they get no faster."""

from collections.abc import Mapping
from itertools import accumulate, chain
from typing import Any

import pytest
from graphql import parse, validate

from api.app import create_app
from api.settings import Settings
from api.usual import SAMPLE, UNKNOWN_ID, choose_variables, list_usual
from api.warming import MAX_ROUNDS, ask, find_known, repeat_until_warm, warm_rest, warm_up
from graph.database.address import DatabaseAddress
from graph.database.sessions import COMPOSED, Database
from graph.sample.loading import load_sample
from resolvers.schema import build_schema
from tests.helpers.copies import import_once

KNOWN = dict.fromkeys(("id", "prediction", "domain", "ticker", "text"), "x")


@pytest.mark.parametrize(
    ("seconds", "num_rounds"),
    [
        ([5.0, 5.0], 2),
        ([5.0, 4.1], 2),
        ([5.0, 1.0, 0.9], 3),
        ([5.0, 1.0, 0.5, 0.6], 4),
        ([1.0, 3.0], 2),
        ([0.5**n for n in range(20)], MAX_ROUNDS),
    ],
)
async def test_documents_are_asked_until_they_get_no_faster(seconds: list[float], num_rounds: int) -> None:
    ends = list(accumulate(seconds))
    clock = chain.from_iterable((end - taken, end) for end, taken in zip(ends, seconds, strict=True))
    num_asked = 0

    async def ask_all() -> None:
        nonlocal num_asked
        num_asked += 1

    assert await repeat_until_warm(ask_all, clock=lambda: next(clock)) == num_asked == num_rounds


@pytest.mark.parametrize("document", [SAMPLE, *list_usual().values()])
def test_usual_documents_are_valid(document: str) -> None:
    assert validate(build_schema()._schema, parse(document)) == []
    assert set(choose_variables(document, KNOWN)) == {
        definition.variable.name.value
        for operation in parse(document).definitions
        for definition in getattr(operation, "variable_definitions", None) or ()
    }


async def test_documents_are_asked_of_what_is_there(database: Database) -> None:
    """On an empty graph of ids that no node has; both are answered."""
    app = create_app(Settings(), database)

    async def ask_app(document: str, variables: Mapping[str, str]) -> Any:
        return await ask(app, document, variables)

    assert await find_known(ask_app) == dict.fromkeys(KNOWN, UNKNOWN_ID)
    for document in list_usual().values():
        answer = await ask(app, document, choose_variables(document, dict.fromkeys(KNOWN, UNKNOWN_ID)))
        assert {error["extensions"]["code"] for error in answer.get("errors", [])} <= {"NOT_FOUND"}
    await import_once(database, load_sample())
    known = await find_known(ask_app)
    sample = load_sample()
    assert known["prediction"] == known["id"] in {prediction.id for prediction in sample.predictions}
    assert {row.symbol for row in sample.exposures if row.prediction_id == known["id"]} >= {known["ticker"]}
    await _answers_all(app, known)


async def _answers_all(app: Any, known: dict[str, str]) -> None:
    for document in list_usual().values():
        answer = await ask(app, document, choose_variables(document, known))
        assert "errors" not in answer, answer
        assert list(answer) == ["data"]


async def test_once_ready_the_usual_documents_take_statements_that_are_planned(
    database: Database, database_address: DatabaseAddress
) -> None:
    """Read by levels they would take several, planned or not; and nothing is planned again at a later use."""
    await import_once(database, load_sample())
    counts: dict[str, int] = {}

    def count(name: str, _seconds: float, _rows: int) -> None:
        counts[name] = counts.get(name, 0) + 1

    async with Database.open(database_address, observer=count) as observed:
        app = create_app(Settings(), observed)
        await warm_up(app)
        counts.clear()
        known = await find_known(lambda document, variables: ask(app, document, variables))
        await _answers_all(app, known)

    assert counts.pop(COMPOSED) == 7
    # An empty list is followed by a look whether there is a node with the filter's id.
    assert set(counts) <= {
        "reading/get_nodes",
        "reading/search",
        "reading/list_neighbors_of_claims",
        "reading/list_neighbors_of_nodes",
        "reading/list_neighbors_of_tickers",
    }


async def test_unknown_documents_find_their_statements_planned_in_the_end(
    database: Database, database_address: DatabaseAddress
) -> None:
    """All statements that read level by level have been sent once."""
    names = set[str]()
    async with Database.open(database_address, observer=lambda name, *_: names.add(name)) as observed:
        app = create_app(Settings(), observed)
        await warm_up(app)
        assert "reading/expand_claims" not in names
        await warm_rest(app, observed)

    assert {"reading/expand_claims", "reading/expand_nodes", "reading/count_related", "reading/get_nodes"} <= names
