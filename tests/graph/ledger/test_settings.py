"""A graph's policy: set, followed by all that is stored and answered, and recorded, so that the past stays."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database, Reading
from graph.errors import ConflictError
from graph.forecasts.backtesting import read_record
from graph.inference.evidence import Direction
from graph.inference.explaining import ContributionKind
from graph.inference.history import course_beliefs_at
from graph.inference.log_odds import logit, sigmoid
from graph.inference.time import utc_moments
from graph.ledger.beliefs import open_beliefs
from graph.ledger.claim_history import load_histories
from graph.ledger.claim_state import ClaimState
from graph.ledger.derived import adopt_policy, refresh_posteriors, verify
from graph.ledger.effects import Effects
from graph.ledger.explanations import ExplanationKey, list_explanations, list_learned_rates
from graph.ledger.items import EvidenceItem
from graph.ledger.pasts import PastKey, list_pasts
from graph.ledger.settings import get_setting, rules_under
from graph.model.kinds import ClaimStatus
from graph.network.fetching import fetch_snapshot
from graph.network.view import make_view
from graph.outcomes.resolution import Outcome, resolve
from graph.outcomes.retractions import Retraction, retract
from graph.outcomes.sweep import sweep
from tests.helpers.asking import service_of
from tests.helpers.bundles import bundle
from tests.helpers.database import empty
from tests.helpers.stored import read

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

NOW = datetime.now(UTC).replace(microsecond=0)
START, END = NOW - timedelta(days=146), NOW + timedelta(days=218)
"""A window of 364 days, of which two fifths have passed."""
F, RATE = 4.4 / 14.0, 0.355
"""The share of early ones, learned from four true claims of which none came early; the population's rate."""
EARLY, LATE = NOW - timedelta(days=2000), NOW - timedelta(days=1000)


def window(start: datetime = START, end: datetime = END) -> dict[str, str]:
    """A window as a bundle has it."""
    return {"window_start": start.isoformat(), "window_end": end.isoformat()}


def resolved(number: int, came_true: bool, at: datetime = LATE) -> dict[str, Any]:
    """One of Ada's predictions that were due long ago: stated .7, resolved on the last day."""
    return {
        "id": f"old-{number:02}",
        "title": "It held",
        "stated_probability": 0.7,
        "predictor_id": "ada",
        "status": "RESOLVED_TRUE" if came_true else "RESOLVED_FALSE",
        "resolved_at": at.isoformat(),
        **window(EARLY, LATE),
    }


BUNDLE = bundle(
    predictors=[{"id": "ada", "name": "Ada"}, {"id": "bob", "name": "Bob"}],
    reference_classes=[{"id": "r", "description": "Such cases", "base_rate": 0.1}],
    predictions=[
        {"id": "plain", "title": "Plain", "stated_probability": 0.82, **window()},
        {"id": "classed", "title": "Classed", "stated_probability": 0.82, "reference_class_id": "r", **window()},
        {"id": "hers", "title": "Hers", "stated_probability": 0.6, "predictor_id": "ada", **window()},
        {"id": "closed", "title": "Closed", "stated_probability": 0.6, "reference_class_id": "r", **window()},
        *(resolved(number, came_true=number < 4) for number in range(20)),
    ],
    killers=[
        {"id": "TK", "title": "No window", "stated_probability": 0.2},
        {"id": "noted", "title": "With evidence", "stated_probability": 0.2},
    ],
    milestones=[
        {
            "id": "plain:event",
            "prediction_id": "plain",
            "kind": "EVENT",
            "label": "It holds",
            "expected_date": END.date().isoformat(),
        }
    ],
)


def prior(stated: float, effects: tuple[float, float] = (0.0, 0.0), *, days: float = 364.0) -> float:
    """The calibrated prior by the formula, of a claim stated when its window opens."""
    x = min(4.595, max(-4.595, math.log(stated / (1.0 - stated))))
    h = 3.0 * math.tanh(x / 3.0)
    return -0.20 + 1.45 * h * 0.6 - 0.04 * math.log(1.0 + days) + effects[0] + effects[1] * h


def silence(moment: datetime) -> float:
    """Log-likelihood ratio of nothing having happened by a moment in the window."""
    return math.log(1.0 - F * min(1.0, max(0.0, (moment - START) / (END - START))))


async def belief(database: Database, claim: str, moment: datetime, known_at: datetime | None = None) -> float:
    """A belief of a moment, from versions."""
    (past,) = await database.read(lambda unit: list_pasts(unit, [PastKey(claim, moment, known_at or moment)]))
    found = None if past is None else past.belief()
    assert found is not None
    return found.probability


async def state_of(database: Database, claim: str) -> ClaimState:
    """A claim's present state."""
    rows = await database.read(lambda unit: unit.run("ledger/list_claim_states", ids=[claim]))
    return ClaimState.from_row(rows[0])


async def present(database: Database, claim: str, moment: datetime) -> float:
    """A belief from what a claim's node has."""
    found = (await state_of(database, claim)).belief(moment)
    assert found is not None
    return found.probability


async def differences(database: Database) -> list[str]:
    """What is stored and differs from what is recomputed."""
    return [str(found) async for found in verify(database)]


async def table(database: Database, moment: datetime, policy: str | None = None) -> dict[str, float]:
    """The table of all beliefs."""
    async with open_beliefs(database, moment, policy=policy) as found:
        return {row[0]: row[6] async for rows in found.batches() for row in rows}


async def add_evidence(database: Database) -> tuple[str, float]:
    """Add evidence of ln 4 that no predictor stands for; its id and kappa."""
    item = EvidenceItem("noted", Direction.FOR, 4.0)
    (answer,) = (await service_of(database).intake.submit([item])).payload["items"]
    return answer["evidence_id"], answer["step"]["kappa"]


@pytest.fixture(scope="module")
async def moments(migrated_database: Database) -> dict[str, datetime]:
    """The graph under foregraph-1 with a missed check-in and an outcome, then under foregraph-2; moments on the way."""
    database = migrated_database
    await empty(database)
    await import_bundle(database, BUNDLE)
    await sweep(database)
    await add_evidence(database)
    await resolve(database, "closed", Outcome(status=ClaimStatus.RESOLVED_TRUE, at=NOW - timedelta(days=1)))
    before = datetime.now(UTC)
    first = await table(database, before)
    await adopt_policy(database, "foregraph-2")
    after = datetime.now(UTC)
    assert await table(database, before) == first
    return {"before": before, "after": after}


@pytest.fixture
def database(migrated_database: Database, moments: dict[str, datetime]) -> Database:
    """The graph."""
    return migrated_database


async def test_beliefs_follow_the_formula_of_the_policy(database: Database, moments: dict[str, datetime]) -> None:
    """A prior fixed when stated, silence since, and the class; a missed check-in counts as silence, not as evidence."""
    at = moments["after"]
    found = await state_of(database, "plain")
    assert found.check_ins < 0.0
    assert await present(database, "plain", at) == pytest.approx(sigmoid(prior(0.82) + silence(at)), rel=1e-12)
    classed = prior(0.82) + 0.35 * (logit(0.1) - logit(RATE)) + silence(at)
    assert await present(database, "classed", at) == pytest.approx(sigmoid(classed), rel=1e-12)
    assert await present(database, "TK", at) == pytest.approx(sigmoid(prior(0.2)), rel=1e-12)
    assert await present(database, "plain", END + timedelta(days=900)) == await present(database, "plain", END)


async def test_effects_of_a_predictor_are_those_known_when_it_was_stated(database: Database) -> None:
    """Ada says .7 of what comes true one time in five: both effects lower her prior; later outcomes were not known."""
    found = await state_of(database, "hers")
    intercept, slope = found.rules.effects
    assert max(intercept, slope) < 0.0
    old = await state_of(database, "old-01")
    assert old.rules.effects == (0.0, 0.0)
    rows = await database.read(lambda unit: unit.run("ledger/list_claim_states", ids=["hers"]))
    learned = await database.read(lambda unit: Effects().of(unit, [row["claim"] for row in rows]))
    assert learned["hers"] == (intercept, slope)
    (row,) = await read(database, "MATCH (p:Predictor {id: 'ada'}) RETURN p.kappa AS kappa, p.kappa_source AS source")
    assert (row["kappa"], row["source"]) == (round(1.0 + slope, 4), "resolved_predictions")


async def test_every_way_to_a_belief_gives_the_same_one(database: Database, moments: dict[str, datetime]) -> None:
    """Node, versions, table, history, stored values and the network's prior agree to the bit; nothing differs."""
    at = moments["after"] + timedelta(seconds=1)
    await refresh_posteriors(database, at)
    ids = ["plain", "classed", "hers", "closed", "TK", "old-00"]
    expected = {claim: await present(database, claim, at) for claim in ids}
    found = await table(database, at)
    assert {claim: found[claim] for claim in ids} == expected
    assert {claim: await belief(database, claim, at) for claim in ids} == expected
    histories = await database.read(lambda unit: load_histories(unit, ids))
    assert {claim: histories[claim].belief_at(at) for claim in ids} == expected
    stored = await read(database, "MATCH (c:Claim) WHERE c.id IN $ids RETURN [c.id, c.posterior] AS found", ids=ids)
    assert dict(row["found"] for row in stored) == expected
    reading = Reading(database)
    view = make_view(await fetch_snapshot(reading), at)
    await reading.close()
    for claim in ("classed", "hers", "TK"):
        assert view.network.prior_marginals[view.indices[claim]] == pytest.approx(expected[claim], rel=1e-12)
    assert await differences(database) == []


async def test_the_past_stays_what_it_was(database: Database, moments: dict[str, datetime]) -> None:
    """Before the change answers follow foregraph-1; a claim closed by then keeps its belief, whatever comes later."""
    before, after = moments["before"], moments["after"]
    own = (await state_of(database, "classed")).rules
    assert own.since is not None
    assert before < own.since < after
    history = (await database.read(lambda unit: load_histories(unit, ["classed"])))["classed"]
    jump = course_beliefs_at(history.course, utc_moments([own.since - timedelta(microseconds=1), own.since]))
    assert jump[0] == pytest.approx(await belief(database, "classed", before), abs=1e-6)
    assert jump[1] == pytest.approx(await present(database, "classed", own.since), rel=1e-12)
    closed = (await state_of(database, "closed")).belief(after)
    assert closed is not None
    assert (closed.policy, closed.probability) == ("foregraph-1", await belief(database, "closed", before))


async def test_any_belief_is_told_under_any_policy(database: Database, moments: dict[str, datetime]) -> None:
    """Under foregraph-1 it is what it would be had nothing changed: missed check-ins weigh, and nothing is silent."""
    at = moments["after"]
    under = await table(database, at, "foregraph-1")
    was = await table(database, moments["before"], "foregraph-1")
    assert under["classed"] == pytest.approx(was["classed"], abs=1e-4)
    assert under["plain"] == was["plain"] < 0.82
    calibrated = await table(database, at, "foregraph-2")
    assert calibrated["closed"] != (await table(database, at))["closed"]
    state = await state_of(database, "plain")
    rules = rules_under("foregraph-1", state.rules, state.window)
    assert (rules.policy, rules.share, rules.since) == ("foregraph-1", 0.0, state.rules.since)


async def test_timing_is_learned_from_what_came_true(database: Database) -> None:
    """Of four true claims none came before its last day: (4.4 + 0) / (10 + 4)."""
    setting = await database.read(get_setting)
    assert setting.policy == "foregraph-2"
    assert setting.timing.short == pytest.approx(0.23)
    assert setting.timing.long == pytest.approx(F)


async def test_a_missed_check_in_has_no_weight_that_could_be_retracted(database: Database) -> None:
    """It counts as silence, as its row would say if it were recorded now."""
    (row,) = await read(
        database, "MATCH (e:Evidence {claim_id: 'plain'}) RETURN e.id AS id, e.check_in_log_odds AS sum"
    )
    assert row["sum"] == (await state_of(database, "plain")).check_ins
    with pytest.raises(ConflictError, match="no weight"):
        await retract(database, row["id"], Retraction(reason="Mistaken"))


async def test_evidence_without_a_predictor_keeps_the_kappa_that_it_was_recorded_with(database: Database) -> None:
    """It was 1 under foregraph-1 and is .5 under foregraph-2; what is retracted takes away what it had added."""
    (old,) = await read(database, "MATCH (e:Evidence {claim_id: 'noted'}) RETURN e.id AS id, e.kappa AS kappa")
    before = await state_of(database, "noted")
    assert old["kappa"] == 1.0
    assert before.inside_log_odds == pytest.approx(logit(0.2) + math.log(4.0), rel=1e-12)

    new, kappa = await add_evidence(database)
    assert kappa == 0.5
    with_both = (await state_of(database, "noted")).inside_log_odds
    assert with_both == pytest.approx(logit(0.2) + 1.5 * math.log(4.0), rel=1e-12)

    await retract(database, old["id"], Retraction(reason="Mistaken"))
    half = (await state_of(database, "noted")).inside_log_odds
    assert half == pytest.approx(logit(0.2) + 0.5 * math.log(4.0), rel=1e-12)
    await retract(database, new, Retraction(reason="Mistaken"))
    stored = await read(
        database, "MATCH (e:Evidence {claim_id: 'noted'}) RETURN e.kappa AS kappa ORDER BY e.recorded_at"
    )
    assert [row["kappa"] for row in stored] == [1.0, 0.5, 1.0, 0.5]
    assert (await state_of(database, "noted")).inside_log_odds == pytest.approx(logit(0.2), rel=1e-12)
    assert await differences(database) == []


@pytest.mark.parametrize("policy", [None, "foregraph-1", "foregraph-2"])
async def test_contributions_add_up_to_the_log_odds(
    database: Database, moments: dict[str, datetime], policy: str | None
) -> None:
    """Of open and closed claims, under the policy in force and any other; each row of evidence is named once."""
    at = moments["after"]
    ids = ["plain", "classed", "hers", "closed", "TK"]
    keys = [ExplanationKey(PastKey(claim, at, at), policy) for claim in ids]
    explained = await database.read(lambda unit: list_explanations(unit, keys))
    found = {claim: each for claim, each in zip(ids, explained, strict=True) if each is not None}
    expected = await table(database, at, policy)
    assert list(found) == ids
    for claim, explanation in found.items():
        total = math.fsum(part.log_odds for part in explanation.contributions)
        assert total == pytest.approx(logit(expected[claim]), abs=1e-12)
        assert explanation.interval.low <= expected[claim] + 1e-12
        assert expected[claim] <= explanation.interval.high + 1e-12
    evidence = [part for part in found["plain"].contributions if part.kind is ContributionKind.EVIDENCE]
    assert len(evidence) == (1 if policy == "foregraph-1" else 0)


async def test_a_class_has_the_rate_that_its_members_show(database: Database, moments: dict[str, datetime]) -> None:
    """One of one came true by now, none before: means of Beta(8 m + 1, 8 (1 - m)) and of the prior, m = .365."""
    asked = [("r", moment, moment) for moment in (moments["after"], moments["before"] - timedelta(days=1))]
    now, then = await database.read(lambda unit: list_learned_rates(unit, asked))
    assert now is not None
    assert then is not None
    assert (now.num_true, then.num_resolved) == (1, 0)
    assert now.rate == pytest.approx(3.92 / 9.0)
    assert then.rate == pytest.approx(0.365)


async def test_a_backtest_knows_an_outcome_since_it_was_recorded(database: Database) -> None:
    """That of a claim which had been open; the others came in with theirs, and were known when they say so."""
    record = await read_record(database)
    known, at = record.questions.known_at, record.questions.resolved_at
    (late,) = np.flatnonzero(known > at)
    others = np.arange(at.size) != late
    assert (known[others] == at[others]).all()
    assert record.questions.outcomes[late]
