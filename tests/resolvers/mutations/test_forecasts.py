"""Forecasts by mutation, and what is read of them: lists at both ends, consensus and edge."""

from typing import Any

import pytest

from graph.database.sessions import Database
from graph.forecasts.consensus import consensus_of, list_forecasts
from graph.model.moments import read_moment
from tests.helpers.asking import ask
from tests.helpers.bundles import bundle, prediction
from tests.helpers.copies import import_once
from tests.helpers.mutating import mutate
from tests.helpers.stored import everything

Json = dict[str, Any]
RECORDED = """recorded { forecast { key probability statedAt source cluster note by retracts } claim { key }
    predictor { key } probabilityBefore probabilityAfter }"""
ONE = f"... on ForecastRecorded {{ {RECORDED} }}"
MANY = f"... on ForecastBatchRecorded {{ {RECORDED} }}"
CLAIM = """query ($asOf: DateTime) { prediction(id: "P_1") { probability edge
    consensus(asOf: $asOf) { probability count spread policy
      members { predictor { key name } probability weight share statedAt } }
    forecasts { totalCount nodes { key probability retracts predictor { key } } } } }"""
PEOPLE = [
    {"id": "ada", "name": "Ada"},
    {"id": "bob", "name": "Bob"},
    {"id": "market", "name": "Market", "kind": "MARKET", "source": "An exchange"},
]


@pytest.fixture
async def graph(database: Database) -> Database:
    """An open prediction by Ada, one that is over, and who else may forecast."""
    over = prediction("P_2", status="RESOLVED_TRUE", resolved_at="2026-02-01T00:00:00Z")
    mine = prediction(predictor_id="ada", stated_probability=0.6, from_year=2026)
    await import_once(database, bundle(predictions=[mine, over], predictors=PEOPLE))
    return database


def forecast(predictor: str = "bob", probability: float = 0.3, **values: Any) -> Json:
    return {"predictor": predictor, "claim": "P_1", "probability": probability, **values}


async def submit(database: Database, given: Json, **options: Any) -> Json:
    return await mutate(database, "submitForecast", given, ONE, **options)


async def test_a_forecast_moves_the_consensus_and_not_the_belief(graph: Database) -> None:
    """It is listed at both ends; shares add up, and the stated probability is the first."""
    before = (await ask(graph, CLAIM)).data["prediction"]
    given = forecast(statedAt="2026-03-01T00:00:00Z", source="a letter", cluster="poll", note="why", by="desk")
    answer = await submit(graph, given)
    after = (await ask(graph, CLAIM)).data["prediction"]
    recorded = answer["recorded"]

    assert {name: recorded["forecast"][name] for name in ("probability", "statedAt", "source", "cluster", "by")} == {
        "probability": 0.3, "statedAt": "2026-03-01T00:00:00Z", "source": "a letter", "cluster": "poll", "by": "desk",
    }  # fmt: skip
    assert (recorded["claim"], recorded["predictor"]) == ({"key": "P_1"}, {"key": "bob"})
    assert recorded["probabilityBefore"] == before["consensus"]["probability"]
    assert recorded["probabilityAfter"] == after["consensus"]["probability"] < before["consensus"]["probability"]
    assert [member["predictor"] for member in after["consensus"]["members"]] == [
        {"key": "ada", "name": "Ada"},
        {"key": "bob", "name": "Bob"},
    ]
    assert sum(member["share"] for member in after["consensus"]["members"]) == 1.0
    assert (after["consensus"]["count"], after["consensus"]["policy"]) == (2, "foregraph-2")
    assert after["forecasts"]["nodes"] == [
        {"key": recorded["forecast"]["key"], "probability": 0.3, "retracts": None, "predictor": {"key": "bob"}}
    ]
    assert after["probability"] == pytest.approx(before["probability"], abs=1e-6)
    theirs = await ask(graph, '{ predictor(id: "bob") { forecasts { nodes { probability claim { key } } } } }')
    assert theirs.data["predictor"]["forecasts"]["nodes"] == [{"probability": 0.3, "claim": {"key": "P_1"}}]
    (found,) = await graph.read(lambda unit: list_forecasts(unit, [("P_1", read_moment("2027-01-01T00:00:00Z"))]))
    assert found is not None
    expected = consensus_of(found, read_moment("2027-01-01T00:00:00Z"))
    assert expected is not None
    assert after["consensus"]["probability"] == pytest.approx(expected.probability, abs=1e-11)


async def test_the_past_does_not_know_what_is_recorded_today(graph: Database) -> None:
    """A forecast of March that is entered now says nothing of what was known in April."""
    moment = "2026-04-01T00:00:00Z"
    before = (await ask(graph, CLAIM, asOf=moment)).data["prediction"]["consensus"]
    await submit(graph, forecast(statedAt="2026-03-01T00:00:00Z"))

    assert (await ask(graph, CLAIM, asOf=moment)).data["prediction"]["consensus"] == before


async def test_edge_is_our_probability_minus_the_markets(graph: Database) -> None:
    """By the newest price; null without one."""
    assert (await ask(graph, CLAIM)).data["prediction"]["edge"] is None
    for price in (0.5, 0.45):
        await submit(graph, forecast("market", price))
    found = (await ask(graph, CLAIM)).data["prediction"]

    assert found["edge"] == pytest.approx(found["probability"] - 0.45, abs=1e-9)
    kinds = (await ask(graph, '{ predictor(id: "market") { predictorKind source } }')).data["predictor"]
    assert kinds == {"predictorKind": "MARKET", "source": "An exchange"}


async def test_a_request_counts_once_and_a_dry_run_not_at_all(graph: Database) -> None:
    """The same key gets the same answer; another request under it is refused."""
    untouched = await everything(graph)
    tried = await submit(graph, forecast(), dryRun=True)
    assert await everything(graph) == untouched
    first = await submit(graph, forecast(), idempotencyKey="one")
    again = await submit(graph, forecast(), idempotencyKey="one")
    other = await submit(graph, forecast(probability=0.9), idempotencyKey="one")

    assert (tried["isDryRun"], tried["recorded"]["probabilityAfter"]) == (
        True,
        pytest.approx(first["recorded"]["probabilityAfter"], abs=1e-6),
    )
    assert (again["isReplayed"], again["recorded"]["forecast"]) == (True, first["recorded"]["forecast"])
    assert other["__typename"] == "KeyReused"
    assert (await ask(graph, CLAIM)).data["prediction"]["forecasts"]["totalCount"] == 1


async def test_a_batch_is_recorded_as_a_whole_or_refused_with_every_fault(graph: Database) -> None:
    """Unknown ends, a settled claim, a moment to come, a repetition, a value out of range."""
    moment = "2026-03-01T00:00:00Z"
    good = [forecast("bob", 0.3, statedAt=moment), forecast("bob", 0.2, statedAt="2026-03-02T00:00:00Z")]
    bad = [
        forecast("nobody"),
        forecast() | {"claim": "P_2"},
        forecast() | {"claim": "P_9"},
        forecast(statedAt="2999-01-01T00:00:00Z"),
        forecast(statedAt=moment),
        forecast(source=""),
    ]
    untouched = await everything(graph)
    refused = await mutate(graph, "submitForecastBatch", {"items": [*good, *bad]}, MANY)
    assert await everything(graph) == untouched
    accepted = await mutate(graph, "submitForecastBatch", {"items": good}, MANY)

    assert sorted((fault["code"], fault["path"][-2:]) for fault in refused["refusals"]) == [
        ("CLAIM_CLOSED", ["3", "claim"]),
        ("DUPLICATE", ["items", "6"]),
        ("FUTURE_OBSERVATION", ["5", "statedAt"]),
        ("INVALID", ["7", "source"]),
        ("NOT_FOUND", ["2", "predictor"]),
        ("NOT_FOUND", ["4", "claim"]),
    ]
    assert [item["forecast"]["probability"] for item in accepted["recorded"]] == [0.3, 0.2]
    assert accepted["recorded"][1]["probabilityBefore"] == accepted["recorded"][0]["probabilityAfter"]


async def test_a_forecast_can_be_retracted_once(graph: Database) -> None:
    """The retraction stands beside it, and the one before counts again."""
    await submit(graph, forecast(probability=0.5, statedAt="2026-03-01T00:00:00Z"))
    key = (await submit(graph, forecast(probability=0.01)))["recorded"]["forecast"]["key"]
    retract = {"forecast": key, "note": "a slip", "by": "desk"}
    answer = await mutate(graph, "retractForecast", retract, ONE)
    again = await mutate(graph, "retractForecast", retract, ONE)
    unknown = await mutate(graph, "retractForecast", retract | {"forecast": "F9"}, ONE)
    own = await mutate(graph, "retractForecast", retract | {"forecast": answer["recorded"]["forecast"]["key"]}, ONE)
    found = (await ask(graph, CLAIM)).data["prediction"]

    assert answer["recorded"]["forecast"]["retracts"] == key
    assert answer["recorded"]["probabilityAfter"] > answer["recorded"]["probabilityBefore"]
    assert [refusal["__typename"] for refusal in (again, unknown, own)] == ["Duplicate", "NotFound", "Invalid"]
    assert found["consensus"]["members"][-1]["probability"] == 0.5
    assert found["forecasts"]["totalCount"] == 3


async def test_a_claim_with_forecasts_is_not_deleted(graph: Database) -> None:
    """Nor is who made them: they are history."""
    await submit(graph, forecast())
    found = [("PREDICTION", "P_1", "has 1 forecast"), ("PREDICTOR", "bob", "is referred to by 1 forecast")]
    for subject, key, reason in found:
        refused = await mutate(graph, "deleteSubject", {"subject": subject, "id": key})
        assert reason in refused["message"]


async def test_forecasts_are_sorted_by_their_makers(graph: Database) -> None:
    """Several by one predictor keep places of their own across pages."""
    days = [f"2026-03-0{day}T00:00:00Z" for day in range(1, 5)]
    items = [forecast(who, 0.3, statedAt=day) for who in ("bob", "ada") for day in days]
    await mutate(graph, "submitForecastBatch", {"items": items}, MANY)
    document = """query ($after: String) { prediction(id: "P_1") { forecasts(first: 3, after: $after,
        sort: [{by: KEY}]) { pageInfo { endCursor hasNextPage } nodes { key predictor { key } } } } }"""
    found: list[Json] = []
    after = None
    while True:
        page = (await ask(graph, document, after=after)).data["prediction"]["forecasts"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert [node["predictor"]["key"] for node in found] == ["ada"] * 4 + ["bob"] * 4
    assert len({node["key"] for node in found}) == 8
