"""Outcomes and milestones by mutation: answers, refusals, retries, dry runs."""

import asyncio
from typing import Any

import pytest

from graph.database.sessions import Database
from tests.helpers.asking import ask, place_of
from tests.helpers.bundles import bundle, claim, event, prediction
from tests.helpers.copies import import_once
from tests.helpers.stored import everything

REFUSAL = "... on UserError { code message path } ... on ClaimClosed { status resolvedAt } "
RECORD = (
    "record { predictor { key } before { kappa resolvedCount brier } after { kappa resolvedCount brier kappaSource } } "
)
RECORDED = (
    "recorded { evidence { kind by note totalLogLikelihoodRatio policy } claim { key status resolvedAt } "
    "step { totalLogLikelihoodRatio insideProbability } before { probability } after { probability asOf } } "
)
WRITTEN = "isDryRun isReplayed bookmark "
RESOLVE = f"""mutation ($claim: ID!, $outcome: ClaimOutcome!, $at: DateTime, $key: String, $dry: Boolean! = false) {{
  answer: resolveClaim(
    input: {{claim: $claim, outcome: $outcome, resolvedAt: $at, note: "So it was.", by: "ada"}}
    idempotencyKey: $key, dryRun: $dry
  ) {{ __typename ... on OutcomeRecorded {{ {WRITTEN} {RECORDED} {RECORD} }} {REFUSAL} }}
}}"""
ANNUL = f"""mutation ($claim: ID!) {{
  answer: annulClaim(input: {{claim: $claim, note: "It was none."}}) {{ __typename
    ... on OutcomeRecorded {{ {RECORDED} {RECORD} }} {REFUSAL} }}
}}"""
UNRESOLVE = f"""mutation ($claim: ID!) {{
  answer: reopenClaim(input: {{claim: $claim}}) {{ __typename
    ... on OutcomeRecorded {{ {RECORDED} {RECORD} }} ... on UserError {{ code message path }} }}
}}"""
MILESTONE = f"""mutation ($id: ID!, $outcome: MilestoneOutcome!, $on: Date, $dry: Boolean! = false) {{
  answer: recordMilestone(input: {{milestone: $id, outcome: $outcome, observedOn: $on, note: "Seen."}}, dryRun: $dry) {{
    __typename
    ... on MilestoneRecorded {{ {WRITTEN} milestone {{ key milestoneStatus reachedOn note }} {RECORDED} {RECORD} }}
    {REFUSAL} }}
}}"""
SWEEP = """mutation ($asOf: DateTime, $key: String, $dry: Boolean! = false) {
  answer: sweepMilestones(input: {asOf: $asOf}, idempotencyKey: $key, dryRun: $dry) { __typename
    ... on MilestonesSwept { isDryRun isReplayed asOf predictionCount overdueCount missedCount failures misses {
      milestone { key milestoneStatus missEmittedBy } claim { key } step { totalLogLikelihoodRatio }
      before { probability } after { probability }
      evidence { kind idempotencyKey contributions { label expectedOn weight criterion } } } }
    ... on UserError { code path } }
}"""


async def answer(database: Database, document: str, **variables: Any) -> dict[str, Any]:
    """The one answer of a mutation."""
    found: dict[str, Any] = (await ask(database, document, **variables)).data["answer"]
    return found


@pytest.fixture
async def graph(database: Database) -> Database:
    """Three predictions of one predictor's with their chains, due by now, so that outcomes count; and a scenario."""
    stated = {"P_1": 0.8, "P_2": 0.83, "P_3": 0.8}
    window = {"window_start": "2026-01-01T00:00:00Z", "window_end": "2026-10-01T00:00:00Z"}
    await import_once(
        database,
        bundle(
            predictors=[{"id": "ada", "name": "Ada"}],
            predictions=[
                prediction(name, stated_probability=p, predictor_id="ada", **window) for name, p in stated.items()
            ],
            scenarios=[claim("S_1")],
            milestones=[
                *(event(name) for name in stated),
                {
                    "id": "P_1:sign",
                    "prediction_id": "P_1",
                    "kind": "RESEARCHED",
                    "label": "A sign",
                    "expected_date": "2026-09-15",
                    "confidence": 0.75,
                },
            ],
        ),
    )
    return database


async def test_kappa_follows_the_record(graph: Database) -> None:
    """0.80 and 0.83, both true: 0.6429, Brier 0.03445; a third 0.80, true: 0.6875, Brier 0.0363."""
    answers = [await answer(graph, RESOLVE, claim=f"P_{n}", outcome="TRUE") for n in (1, 2, 3)]

    records = [found["record"] for found in answers]
    assert [record["after"]["resolvedCount"] for record in records] == [1, 2, 3]
    assert records[0]["before"] == {"kappa": 0.5, "resolvedCount": 0, "brier": None}
    assert records[1]["after"]["kappa"] == 0.6429
    assert records[1]["after"]["brier"] == pytest.approx(0.03445, abs=1e-12)
    assert records[2]["after"]["kappa"] == 0.6875
    assert round(records[2]["after"]["brier"], 4) == 0.0363
    assert records[2]["predictor"] == {"key": "ada"}


async def test_an_outcome_is_answered_with_its_ledger_row(graph: Database) -> None:
    """Who found so and why stands in the ledger; the belief is what it was, as of then."""
    found = await answer(graph, RESOLVE, claim="P_1", outcome="FALSE", at="2026-09-01T12:00:00Z")

    assert (found["__typename"], found["isDryRun"], found["isReplayed"]) == ("OutcomeRecorded", False, False)
    recorded = found["recorded"]
    assert recorded["evidence"] == {
        "kind": "resolution",
        "by": "ada",
        "note": "So it was.",
        "totalLogLikelihoodRatio": 0.0,
        "policy": "foregraph-1",
    }
    assert recorded["claim"]["status"] == "RESOLVED_FALSE"
    assert recorded["claim"]["resolvedAt"] == recorded["after"]["asOf"]
    assert recorded["before"]["probability"] == recorded["after"]["probability"] == pytest.approx(0.8, abs=1e-15)


async def test_what_is_closed_says_so_and_can_be_opened(graph: Database) -> None:
    """Resolve, annul and unresolve each tell what stands against them."""
    opened = await answer(graph, UNRESOLVE, claim="S_1")
    resolved = await answer(graph, RESOLVE, claim="S_1", outcome="TRUE")
    again = await answer(graph, RESOLVE, claim="S_1", outcome="TRUE")
    annulled = await answer(graph, ANNUL, claim="S_1")
    reopened = await answer(graph, UNRESOLVE, claim="S_1")
    finally_annulled = await answer(graph, ANNUL, claim="S_1")

    assert (opened["__typename"], place_of(opened)) == ("Conflict", "input.claim")
    assert resolved["record"] is None
    assert (again["__typename"], again["status"], place_of(again)) == ("ClaimClosed", "RESOLVED_TRUE", "input.claim")
    assert annulled["__typename"] == "ClaimClosed"
    assert reopened["recorded"]["claim"] == {"key": "S_1", "status": "OPEN", "resolvedAt": None}
    assert finally_annulled["recorded"]["evidence"]["kind"] == "annulment"


@pytest.mark.parametrize(
    ("variables", "kind", "path"),
    [
        ({"claim": "P_9", "outcome": "TRUE"}, "NotFound", "input.claim"),
        ({"claim": "P_1", "outcome": "TRUE", "at": "2999-01-01T00:00:00Z"}, "FutureObservation", "input.resolvedAt"),
        ({"claim": "not an id", "outcome": "TRUE"}, "Invalid", "input.claim"),
        ({"claim": "P_1", "outcome": "TRUE", "key": "x" * 201}, "Invalid", "idempotencyKey"),
    ],
)
async def test_a_wrong_outcome_is_refused_and_nothing_is_written(
    graph: Database, variables: dict[str, Any], kind: str, path: str
) -> None:
    """The refusal names its place in the input."""
    before = await everything(graph)

    found = await answer(graph, RESOLVE, **variables)

    assert (found["__typename"], place_of(found)) == (kind, path)
    assert await everything(graph) == before


async def test_fifty_retries_get_one_answer(graph: Database) -> None:
    """Sent at once under one key: one row, equal answers."""
    answers = await asyncio.gather(
        *(answer(graph, RESOLVE, claim="P_1", outcome="TRUE", key="once") for _ in range(50))
    )

    assert sum(not found["isReplayed"] for found in answers) == 1
    stripped = [
        {name: value for name, value in found.items() if name not in {"isReplayed", "bookmark"}} for found in answers
    ]
    assert all(found == stripped[0] for found in stripped)
    other = await answer(graph, RESOLVE, claim="P_2", outcome="TRUE", key="once")
    assert other["__typename"] == "KeyReused"


async def test_a_dry_run_shows_the_effect(graph: Database) -> None:
    """No row is there to be shown, and the claim is as it was."""
    before = await everything(graph)

    found = await answer(graph, RESOLVE, claim="P_1", outcome="TRUE", dry=True)

    assert (found["isDryRun"], found["bookmark"], found["recorded"]["evidence"]) == (True, None, None)
    assert found["recorded"]["claim"]["status"] == "OPEN"
    assert found["record"]["after"]["resolvedCount"] == 1
    assert await everything(graph) == before


async def test_a_milestone_is_recorded_once(graph: Database) -> None:
    """A sign is evidence, the event an outcome; each is told when it is there already."""
    sign = await answer(graph, MILESTONE, id="P_1:sign", outcome="HIT", on="2026-09-10")
    again = await answer(graph, MILESTONE, id="P_1:sign", outcome="HIT")
    turned = await answer(graph, MILESTONE, id="P_1:sign", outcome="MISSED")
    check_in = await answer(graph, MILESTONE, id="P_1:check-in-1", outcome="HIT")
    event_hit = await answer(graph, MILESTONE, id="P_1:event", outcome="HIT", on="2026-10-01")
    late = await answer(graph, MILESTONE, id="P_1:check-in-2", outcome="MISSED")

    assert sign["milestone"] == {
        "key": "P_1:sign",
        "milestoneStatus": "HIT",
        "reachedOn": "2026-09-10",
        "note": "Seen.",
    }
    assert sign["recorded"]["evidence"]["kind"] == "milestone_hit"
    assert sign["recorded"]["after"]["probability"] > sign["recorded"]["before"]["probability"]
    assert (again["__typename"], turned["__typename"]) == ("Duplicate", "Conflict")
    assert (check_in["recorded"], check_in["milestone"]["milestoneStatus"]) == (None, "HIT")
    assert event_hit["recorded"]["claim"]["status"] == "RESOLVED_TRUE"
    assert event_hit["record"]["after"]["resolvedCount"] == 1
    assert late["__typename"] == "ClaimClosed"


async def test_a_dry_milestone_keeps_nothing(graph: Database) -> None:
    """Neither evidence nor status."""
    before = await everything(graph)

    found = await answer(graph, MILESTONE, id="P_1:event", outcome="MISSED", dry=True)

    assert found["recorded"]["evidence"] is None
    assert found["milestone"]["milestoneStatus"] == "OVERDUE"  # as before, since its day is over
    assert await everything(graph) == before


async def test_a_sweep_reports_what_it_has_found(graph: Database) -> None:
    """Three predictions with three check-ins each, all due by mid-August."""
    dry = await answer(graph, SWEEP, asOf="2026-08-15T00:00:00Z", dry=True)
    found = await answer(graph, SWEEP, asOf="2026-08-15T00:00:00Z", key="s")
    replayed = await answer(graph, SWEEP, asOf="2026-08-15T00:00:00Z", key="s")
    ahead = await answer(graph, SWEEP, asOf="2999-08-15T00:00:00Z")

    assert (found["predictionCount"], found["overdueCount"], found["missedCount"], found["failures"]) == (3, 9, 9, [])
    assert (dry["missedCount"], dry["isDryRun"], {miss["evidence"] for miss in dry["misses"]} == {None}) == (
        9,
        True,
        True,
    )
    miss = found["misses"][0]
    assert miss["milestone"] == {"key": "P_1:check-in-1", "milestoneStatus": "OVERDUE", "missEmittedBy": "sweep"}
    assert miss["evidence"]["idempotencyKey"] == "miss:P_1:check-in-1"
    assert miss["evidence"]["contributions"][0]["expectedOn"] == "2026-03-11"
    assert miss["after"]["probability"] < miss["before"]["probability"]
    assert {**replayed, "isReplayed": False} == found
    assert (ahead["__typename"], place_of(ahead)) == ("FutureObservation", "input.asOf")
