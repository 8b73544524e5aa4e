"""Beliefs as clients read them: the sample's own figures, the past, and time's drift."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.ledger.derived import adopt_policy
from graph.model.kinds import ClaimStatus
from graph.sample.loading import load_sample
from graph.subjects.upserts import Change, upsert
from tests.helpers.asking import ask, ask_wrong
from tests.helpers.copies import import_once

D3 = "CMQ_056"
FIRST = "2026-05-02T22:07:21.384228Z"
SECOND = "2026-05-30T22:15:00.756418Z"
BELIEF = """query ($id: ID!, $asOf: DateTime) { prediction(id: $id) { statedProbability posterior(asOf: $asOf) {
    probability asOf insideLogOdds insideProbability baseRate referenceClassKey timeRemainingFraction
    insideWeight outsideWeight
    isBlended blendReason policy } evidence(asOf: $asOf) { totalCount nodes { key ours { priorLogOdds
    totalAdjustedLogLikelihoodRatio posteriorLogOdds insideProbability posteriorProbability } } } } }"""


@pytest.fixture
async def sample(database: Database) -> Database:
    """The three predictions that the project ships."""
    await import_once(database, load_sample())
    return database


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def shown(number: float) -> float:
    """A computed number with the twelve significant digits that answers have."""
    return float(f"{number:.12g}")


async def belief(database: Database, moment: str | None) -> dict[str, Any]:
    asked = await ask(database, BELIEF, id=D3, asOf=moment)
    found: dict[str, Any] = asked.data["prediction"]
    return found


async def test_the_sample_is_blended_once(sample: Database) -> None:
    """Two weak misses and one blend give 0.4183, where the replaced system fell to 0.1889."""
    found = (await belief(sample, SECOND))["posterior"]

    inside = logit(0.82) + (0.6429 + 0.6875) * math.log(2 / 3)
    weight = 1 - 0.7 * 0.5881123843731557
    assert found["insideLogOdds"] == shown(inside)
    assert found["probability"] == shown(sigmoid(weight * inside + (1 - weight) * logit(0.1)))
    assert round(found["probability"], 4) == 0.4183
    assert found["timeRemainingFraction"] == shown(0.5881123843731557)
    assert found["blendReason"] == (
        "blend 58% inside / 41% outside (TRF=0.588, base_rate=0.100 from humanoid_commercial_volume)"
    )
    assert found["asOf"] == SECOND


@pytest.mark.parametrize(
    ("moment", "kappas"),
    [("2026-05-02T22:07:21.384227Z", []), (FIRST, [0.6429]), (SECOND, [0.6429, 0.6875])],
)
async def test_the_past_is_read_as_the_ledger_stood(sample: Database, moment: str, kappas: list[float]) -> None:
    """A row counts from its very moment on, not a microsecond before."""
    found = await belief(sample, moment)

    assert found["posterior"]["insideLogOdds"] == shown(logit(0.82) + sum(kappas) * math.log(2 / 3))
    assert found["evidence"]["totalCount"] == len(kappas)
    assert len(found["evidence"]["nodes"]) == len(kappas)
    whole = await belief(sample, None)
    assert whole["evidence"]["totalCount"] == len(whole["evidence"]["nodes"]) == 2


async def test_an_imported_row_shows_what_our_policy_makes_of_it(sample: Database) -> None:
    """Its own figures stand as they came; ours go on from the row before."""
    second, first = (row["ours"] for row in (await belief(sample, None))["evidence"]["nodes"])

    assert first["posteriorProbability"] == shown(0.4129529469303463)
    assert first["insideProbability"] == shown(0.7782805072082809)
    assert second["priorLogOdds"] == first["posteriorLogOdds"]
    assert second["totalAdjustedLogLikelihoodRatio"] == shown(0.6875 * math.log(2 / 3))


HISTORY = """query ($id: ID!, $from: DateTime, $to: DateTime, $most: Int!) { prediction(id: $id) {
    probabilityHistory(from: $from, to: $to, maxPoints: $most) { at probability } } }"""


async def test_the_history_meets_the_belief_at_every_point(sample: Database) -> None:
    """Each point of the curve is the posterior as of its moment, drift and steps included."""
    asked = await ask(sample, HISTORY, id=D3, to=SECOND, **{"from": "2026-04-01T00:00:00Z"}, most=12)
    points = asked.data["prediction"]["probabilityHistory"]

    assert len(points) <= 12
    assert points[0]["at"] == "2026-04-01T00:00:00Z"
    assert points[-1]["at"] == SECOND
    for point in points:
        found = await belief(sample, point["at"])
        assert point["probability"] == pytest.approx(found["posterior"]["probability"], rel=1e-12), point
    values = [point["probability"] for point in points]
    assert max(values) > values[-1], "the step down, after the drift up towards the inside view"


async def test_a_history_without_evidence_drifts_from_the_outside_view_to_the_inside_view(sample: Database) -> None:
    """At the window's start the base rate weighs 0.7; at the deadline nothing."""
    asked = await ask(sample, HISTORY, id=D3, to="2026-03-01T00:00:00Z", **{"from": None}, most=50)
    points = asked.data["prediction"]["probabilityHistory"]

    assert points[0]["at"] == "2026-01-01T00:00:00Z"
    assert points[0]["probability"] == shown(sigmoid(0.3 * logit(0.82) + 0.7 * logit(0.1)))
    values = [point["probability"] for point in points]
    assert values == sorted(values)


async def test_a_prediction_without_a_class_stands_still(sample: Database) -> None:
    """Without an outside view time alone changes nothing."""
    asked = await ask(sample, HISTORY, id="P_SMALL_LANGUAGE_MODELS", most=10, to="2026-06-01T00:00:00Z")
    points = asked.data["prediction"]["probabilityHistory"]

    assert [point["probability"] for point in points] == pytest.approx([0.412] * len(points), rel=1e-12)


UNDER = """query ($id: ID!, $to: DateTime, $policy: String) {
  claim(id: $id) { probabilityHistory(to: $to, policy: $policy, maxPoints: 60) { at probability } } }"""
THEN = """query ($id: ID!, $at: DateTime, $policy: String) {
  claim(id: $id) { posterior(asOf: $at, policy: $policy) { probability } } }"""


async def test_a_history_under_a_policy_is_that_of_its_posteriors(database: Database) -> None:
    """Before any version and after some, of a claim with evidence and a class."""
    await import_once(database, load_sample())

    async def compare(policy: str | None, to: str) -> list[dict[str, Any]]:
        points = (await ask(database, UNDER, id=D3, to=to, policy=policy)).data["claim"]["probabilityHistory"]
        for point in points[:: len(points) // 6]:
            then = (await ask(database, THEN, id=D3, at=point["at"], policy=policy)).data["claim"]["posterior"]
            assert point["probability"] == pytest.approx(then["probability"], rel=1e-11)
        found: list[dict[str, Any]] = points
        return found

    to = datetime.now(UTC).isoformat()
    plain, own, calibrated = [await compare(policy, to) for policy in (None, "foregraph-1", "foregraph-2")]
    assert plain == own
    assert own[-1] != calibrated[-1]

    await adopt_policy(database, "foregraph-2")
    await upsert(database, Change("reference_classes", {"id": "humanoid_commercial_volume", "base_rate": 0.3}))
    to = datetime.now(UTC).isoformat()
    mixed, again, still = [await compare(policy, to) for policy in (None, "foregraph-1", "foregraph-2")]
    assert mixed[0] == again[0] == own[0]
    assert mixed[-1] == still[-1] != again[-1]

    error = await ask_wrong(database, UNDER, id=D3, policy="foregraph-9")
    assert error["extensions"]["argument"] == "policy"


async def test_a_wrong_history_is_refused(sample: Database) -> None:
    """Each says which argument, what was expected and what came."""
    turned = await ask_wrong(sample, HISTORY, id=D3, to=FIRST, **{"from": SECOND}, most=10)
    few = await ask_wrong(sample, HISTORY, id=D3, most=3)

    assert turned["extensions"]["argument"] == "from"
    assert "not after `to`" in turned["message"]
    assert few["message"] == "maxPoints: expected 4 to 10000 points, got 3"


async def test_a_day_bounds_a_range_as_a_whole(sample: Database) -> None:
    """Deadlines and points of a curve, from a day's first moment to its last; no posterior is as of a day."""
    filtered = "filter: {deadlineFrom: $from, deadlineTo: $to}"
    counts = f"query ($from: DateTime, $to: DateTime) {{ predictions({filtered}) {{ totalCount }} }}"
    last = {"from": "2026-12-31T00:00:00Z", "to": "2026-12-31T23:59:59.999999Z"}
    (whole,) = (await ask(sample, counts, **{"from": "2026-12-31", "to": "2026-12-31"})).data.values()
    (exact,) = (await ask(sample, counts, **last)).data.values()
    assert whole == exact
    assert whole["totalCount"] > 0

    curve = '{ prediction(id: "CMQ_056") { probabilityHistory(from: "2026-01-01", to: "2026-06-30") { at } } }'
    points = [point["at"] for point in (await ask(sample, curve)).data["prediction"]["probabilityHistory"]]
    assert (points[0], points[-1]) == ("2026-01-01T00:00:00Z", "2026-06-30T23:59:59.999999Z")

    refused = await ask_wrong(sample, '{ prediction(id: "CMQ_056") { posterior(asOf: "2026-06-30") { probability } } }')
    assert "got 2026-06-30, a day" in refused["message"]


async def test_a_page_reads_its_beliefs_within_its_statements(sample: Database) -> None:
    """Posterior, past and history cost no statement of their own."""
    document = """query ($id: ID!, $asOf: DateTime) { prediction(id: $id) { now: posterior { probability }
        then: posterior(asOf: $asOf) { probability } probabilityHistory { probability } storedPosteriorProbability
        referenceClass { key } evidence { nodes { key } }
        predictor { record { kappa kappaSource resolvedCount curve { predictionCount } } kappa } } }"""

    asked = await ask(sample, document, id=D3, asOf=FIRST)

    assert asked.num_statements == 2
    found = asked.data["prediction"]
    assert found["predictor"]["record"] == {
        "kappa": 0.6875,
        "kappaSource": "predictor_table",
        "resolvedCount": 0,
        "curve": [],
    }
    assert found["predictor"]["kappa"] == 0.6875
    assert found["storedPosteriorProbability"] == pytest.approx(found["now"]["probability"], abs=1e-4)
    assert found["then"]["probability"] == shown(0.4129529469303463)


async def test_a_claim_whose_outcome_is_known_keeps_its_last_belief(database: Database) -> None:
    """Time moves it no more once it is resolved, in the history either."""
    resolved_at = datetime(2026, 6, 1, tzinfo=UTC)
    bundle = load_sample().model_copy(
        update={
            "predictions": tuple(
                p.model_copy(update={"status": ClaimStatus.RESOLVED_TRUE, "resolved_at": resolved_at})
                if p.id == D3
                else p
                for p in load_sample().predictions
            )
        }
    )
    await import_bundle(database, bundle)

    then = (await belief(database, resolved_at.isoformat()))["posterior"]
    later = (await belief(database, (resolved_at + timedelta(days=90)).isoformat()))["posterior"]
    asked = await ask(database, HISTORY, id=D3, **{"from": SECOND}, to="2026-09-01T00:00:00Z", most=8)
    points = asked.data["prediction"]["probabilityHistory"]

    assert later == then
    assert then["asOf"] == "2026-06-01T00:00:00Z"
    assert points[-1] == {"at": "2026-09-01T00:00:00Z", "probability": then["probability"]}
    assert len(points) <= 8
