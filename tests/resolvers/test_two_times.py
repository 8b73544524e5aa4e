"""The past does not change: answers as of a moment stay what they were, whatever is written later."""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.errors import BundleError
from graph.ledger.beliefs import open_beliefs
from graph.ledger.derived import rebuild, verify
from graph.model.bundle import Bundle
from graph.outcomes.sweep import sweep
from tests.helpers.asking import ask
from tests.helpers.mutating import mutate

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

FIELDS = """probability asOf insideLogOdds insideProbability baseRate referenceClassKey timeRemainingFraction
  insideWeight outsideWeight isBlended blendReason policy"""
POSTERIOR = f"""query ($id: ID!, $at: DateTime, $known: DateTime) {{
  claim(id: $id) {{ posterior(asOf: $at, knownAt: $known) {{ {FIELDS} isReconstructed }} }}
}}"""
DRIFT = "aboveStated belowStated isAlert alertedAt outcomeCount isReconstructed"
RECORD = f"""query ($at: DateTime, $known: DateTime) {{
  predictor(id: "ada") {{
    record(asOf: $at, knownAt: $known) {{ kappa resolvedCount brier isReconstructed }}
    drift(asOf: $at, knownAt: $known) {{ {DRIFT} }}
  }}
}}"""
CLASS_DRIFT = f"""query ($at: DateTime, $known: DateTime) {{
  referenceClass(id: "r") {{ drift(asOf: $at, knownAt: $known) {{ {DRIFT} }} }}
}}"""
WINDOW = {"window_start": "2026-01-01T00:00:00Z", "window_end": "2028-01-01T00:00:00Z"}
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)


async def load(database: Database, **lists: list[dict[str, Any]]) -> None:
    await import_bundle(database, Bundle.model_validate({"format": "foregraph-bundle/1", **lists}))


async def posterior(
    database: Database, claim: str, at: datetime | None = None, known: datetime | None = None
) -> dict[str, Any]:
    """A claim's belief, figure by figure."""
    moments = {name: moment and moment.isoformat() for name, moment in (("at", at), ("known", known))}
    found: dict[str, Any] = (await ask(database, POSTERIOR, id=claim, **moments)).data["claim"]["posterior"]
    return found


async def now() -> datetime:
    """This moment, and a later one from now on."""
    moment = datetime.now(UTC)
    await asyncio.sleep(0.002)
    return moment


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def blended(stated: float, base_rate: float, moment: datetime, start: datetime, end: datetime) -> float:
    """The formula of the README, by plain arithmetic."""
    outside = 0.7 * min(1, max(0, (end - moment) / (end - start)))
    return 1 / (1 + math.exp(-((1 - outside) * logit(stated) + outside * logit(base_rate))))


@pytest.fixture
async def classed(database: Database) -> Database:
    """A prediction in a class, with a window."""
    await load(
        database,
        reference_classes=[{"id": "r", "description": "Such cases", "base_rate": 0.1}],
        predictions=[{"id": "P", "title": "It holds", "stated_probability": 0.8, "reference_class_id": "r", **WINDOW}],
    )
    return database


async def test_a_base_rate_that_is_edited_moves_the_present_alone(classed: Database) -> None:
    at = await now()
    before = await posterior(classed, "P", at)
    await mutate(classed, "upsertReferenceClass", id="r", baseRate=0.9)

    assert await posterior(classed, "P", at) == before
    assert before["probability"] == pytest.approx(blended(0.8, 0.1, at, START, END), rel=1e-11)
    assert not before["isReconstructed"]
    present = await posterior(classed, "P")
    assert present["probability"] == pytest.approx(
        blended(0.8, 0.9, datetime.fromisoformat(present["asOf"]), START, END), rel=1e-11
    )


async def test_a_window_that_is_moved_moves_the_present_alone(classed: Database) -> None:
    """The time that remained is that of the old window; so is the history."""
    at = await now()
    question = 'query ($at: DateTime!) { claim(id: "P") { timeRemainingFraction(asOf: $at) } }'
    before, share = await posterior(classed, "P", at), (await ask(classed, question, at=at.isoformat())).data
    await mutate(
        classed, "upsertPrediction", id="P", windowStartsAt="2026-06-01T00:00:00Z", windowEndsAt="2040-01-01T00:00:00Z"
    )

    assert await posterior(classed, "P", at) == before
    assert (await ask(classed, question, at=at.isoformat())).data == share
    assert share["claim"]["timeRemainingFraction"] == pytest.approx((END - at) / (END - START), rel=1e-11)
    present = await posterior(classed, "P")
    as_of = datetime.fromisoformat(present["asOf"])
    moved = blended(0.8, 0.1, as_of, datetime(2026, 6, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))
    assert present["probability"] == pytest.approx(moved, rel=1e-11)


async def test_an_outcome_entered_today_says_nothing_of_what_was_known(classed: Database) -> None:
    """October knew nothing of it; asked by what is known now, October's belief is April's."""
    at = await now()
    april = datetime(2026, 4, 1, tzinfo=UTC)
    before = await posterior(classed, "P", at)
    await mutate(classed, "resolveClaim", claim="P", outcome="TRUE", resolvedAt=april.isoformat())

    assert await posterior(classed, "P", at) == before
    hindsight = await posterior(classed, "P", at, await now())
    assert datetime.fromisoformat(hindsight["asOf"]) == april
    assert hindsight["probability"] == pytest.approx(blended(0.8, 0.1, april, START, END), rel=1e-11)
    assert await posterior(classed, "P") == hindsight


async def test_a_retroactive_outcome_leaves_hindsight_out_of_every_field(database: Database) -> None:
    """Evidence and edits after the moment of the outcome do not count, now or as of then; reopened, they do again."""
    await load(
        database,
        reference_classes=[{"id": "r", "description": "Such cases", "base_rate": 0.1}],
        predictions=[{"id": "P", "title": "It holds", "stated_probability": 0.5}],
    )
    await mutate(database, "submitEvidence", claim="P", direction="FOR", likelihoodRatio=4)
    middle = await now()
    await mutate(database, "submitEvidence", claim="P", direction="FOR", likelihoodRatio=100)
    window: dict[str, Any] = {"windowStartsAt": "2026-01-01T00:00:00Z", "windowEndsAt": "2030-01-01T00:00:00Z"}
    await mutate(database, "upsertPrediction", id="P", referenceClass="r", **window)
    selected = f"... on OutcomeRecorded {{ recorded {{ after {{ {FIELDS} }} }} }}"
    answer = await mutate(
        database, "resolveClaim", claim="P", outcome="TRUE", resolvedAt=middle.isoformat(), selected=selected
    )
    await mutate(database, "upsertReferenceClass", id="r", baseRate=0.3)

    then, present = await posterior(database, "P", middle), await posterior(database, "P")
    assert then["probability"] == pytest.approx(0.8, abs=1e-12)
    assert then == present
    assert present == answer["recorded"]["after"] | {"isReconstructed": False}
    assert [str(difference) async for difference in verify(database)] == []
    await rebuild(database)
    assert await posterior(database, "P") == present
    await mutate(database, "reopenClaim", claim="P")
    assert (await posterior(database, "P"))["insideProbability"] == pytest.approx(400 / 401, abs=1e-12)
    assert await posterior(database, "P", middle) == then


async def test_a_record_and_a_drift_are_those_of_the_outcomes_known_then(database: Database) -> None:
    """It is what the ledger used: outcomes that are entered later count from when they are entered."""
    claims = [f"P{number}" for number in range(6)]
    await load(
        database,
        predictors=[{"id": "ada", "name": "Ada"}],
        predictions=[
            {"id": claim, "title": "It holds", "stated_probability": 0.9, "predictor_id": "ada"} for claim in claims
        ],
    )

    async def found(at: datetime | None = None, known: datetime | None = None) -> dict[str, Any]:
        given = {name: moment and moment.isoformat() for name, moment in (("at", at), ("known", known))}
        predictor: dict[str, Any] = (await ask(database, RECORD, **given)).data["predictor"]
        return predictor

    at = await now()
    before = await found(at)
    for claim in claims[:5]:
        outcome, moment = "FALSE" if claim < "P2" else "TRUE", f"2026-06-1{claim[1:]}T00:00:00Z"
        await mutate(database, "resolveClaim", claim=claim, outcome=outcome, resolvedAt=moment)
    after = await now()

    assert await found(at) == before
    record = before["record"]
    assert (record["resolvedCount"], record["kappa"], record["isReconstructed"]) == (0, 0.5, False)
    assert (before["drift"]["outcomeCount"], before["drift"]["isAlert"]) == (0, False)
    present = await found()
    assert await found(at, after) == present
    # Two that fail at nine tenths: 0.9 / √0.09 is 3 each; three that hold take (1/3 + .5) each away.
    assert present["drift"] == {
        "aboveStated": 0.0,
        "belowStated": pytest.approx(2 * 2.5 - 3 * (1 / 3 + 0.5), rel=1e-9),
        "isAlert": False,
        "alertedAt": None,
        "outcomeCount": 5,
        "isReconstructed": False,
    }
    assert present["record"]["resolvedCount"] == 5
    await mutate(database, "reopenClaim", claim="P0")
    await mutate(database, "upsertPrediction", id="P0", predictor=None)
    assert await found(after) == present
    assert (await found())["record"]["resolvedCount"] == 4
    assert (await found())["drift"]["outcomeCount"] == 4


async def test_a_class_drifts_from_the_rate_and_by_the_members_of_then(database: Database) -> None:
    """Members that leave it, and rates that change, leave what was asked about before."""
    claims = [f"P{number}" for number in range(6)]
    await load(
        database,
        reference_classes=[{"id": "r", "description": "Such cases", "base_rate": 0.9}],
        predictions=[{"id": claim, "title": "It holds", "reference_class_id": "r"} for claim in claims],
    )

    async def found(at: datetime | None = None, known: datetime | None = None) -> dict[str, Any]:
        given = {name: moment and moment.isoformat() for name, moment in (("at", at), ("known", known))}
        drift: dict[str, Any] = (await ask(database, CLASS_DRIFT, **given)).data["referenceClass"]["drift"]
        return drift

    at = await now()
    nothing = {"aboveStated": 0.0, "belowStated": 0.0, "isAlert": False, "alertedAt": None, "outcomeCount": 0}
    assert await found(at) == nothing | {"isReconstructed": False}
    for claim in claims[:5]:
        outcome, moment = "FALSE" if claim < "P2" else "TRUE", f"2026-06-1{claim[1:]}T00:00:00Z"
        await mutate(database, "resolveClaim", claim=claim, outcome=outcome, resolvedAt=moment)
    after = await now()
    present = await found()
    # The figures of a predictor who says .9; three that hold take (1/3 + .5) each away.
    below = 2 * 2.5 - 3 * (1 / 3 + 0.5)
    assert present == nothing | {
        "belowStated": pytest.approx(below, rel=1e-9),
        "outcomeCount": 5,
        "isReconstructed": False,
    }
    assert await found(at, after) == await found(after) == present
    assert (await found(datetime(2026, 6, 12, 12, tzinfo=UTC), after))["outcomeCount"] == 3
    assert await found(at) == nothing | {"isReconstructed": False}
    assert await found(START) == nothing | {"isReconstructed": True}

    await mutate(database, "upsertPrediction", id="P0", referenceClass=None)
    await mutate(database, "reopenClaim", claim="P1")
    await mutate(database, "upsertReferenceClass", id="r", baseRate=0.5)

    assert await found(after) == present
    changed = await found()
    assert (changed["outcomeCount"], changed["aboveStated"]) == (3, 1.5)  # (1 - .5) / .5 - .5 each
    assert await found(await now()) == changed


async def test_what_was_not_recorded_yet_is_reconstructed(classed: Database) -> None:
    """From the values that were recorded first."""
    early = datetime(2026, 3, 1, tzinfo=UTC)
    await mutate(classed, "upsertReferenceClass", id="r", baseRate=0.9)

    found = await posterior(classed, "P", early)

    assert found["isReconstructed"]
    assert found["probability"] == pytest.approx(blended(0.8, 0.1, early, START, END), rel=1e-11)


async def test_evidence_counts_from_its_observation_where_what_is_known_now_is_asked(database: Database) -> None:
    await load(database, scenarios=[{"id": "S", "title": "It may", "stated_probability": 0.5}])
    await mutate(
        database, "submitEvidence", claim="S", direction="FOR", likelihoodRatio=4, observedAt="2026-03-01T00:00:00Z"
    )
    await mutate(
        database, "submitEvidence", claim="S", direction="FOR", likelihoodRatio=9, observedAt="2026-05-01T00:00:00Z"
    )
    april, after = datetime(2026, 4, 1, tzinfo=UTC), await now()

    assert (await posterior(database, "S", april))["probability"] == 0.5
    assert (await posterior(database, "S", april, after))["probability"] == pytest.approx(0.8, abs=1e-12)


LISTS = ("claims", "predictors", "referenceClasses")
ANSWERS = f"""
query ($at: DateTime!) {{
  claims(first: 50, sort: [{{ by: KEY, order: ASCENDING }}]) {{ nodes {{
    key
    posterior(asOf: $at) {{ {FIELDS} isReconstructed interval {{ lowProbability highProbability }} }}
    timeRemainingFraction(asOf: $at)
    evidence(asOf: $at) {{ totalCount }}
    probabilityHistory(from: "2025-06-01T00:00:00Z", to: $at, maxPoints: 40) {{ at probability }}
  }} }}
  predictors {{ nodes {{ key record(asOf: $at) {{
    kappa kappaSource resolvedCount ownKappa brier logScore isReconstructed
  }} }} }}
  referenceClasses {{ nodes {{ key drift(asOf: $at) {{ {DRIFT} }} }} }}
  dates: claimFamily(name: "dates", asOf: $at) {{ members {{ claimKey role }} timeline(asOf: $at) {{
    asOf absentAt happenedAt isContradictory largestFall leftOutKeys isReconstructed
    nodes {{ claimKey role deadline probability ownProbability coherentProbability hazard }}
  }} }}
  group: claimFamily(name: "group", asOf: $at) {{ members {{ claimKey }} isExhaustive outcomes(asOf: $at) {{
    asOf ownSum noneProbability isContradictory leftOutKeys isReconstructed
    nodes {{ claimKey ownProbability coherentProbability ownMarginalProbability coherentMarginalProbability }}
  }} }}
}}"""


DISTRIBUTION = """mean meanError standardDeviation standardDeviationError quantiles { level value standardError }
  shortfall shortfallError negativeProbability"""
EXPOSURE = f"""
query ($at: DateTime!) {{
  portfolioExposure(portfolio: "book", asOf: $at) {{
    ... on PortfolioExposureResult {{
      asOf expectedRelevance grossRelevance benchmarkRelevance activeRelevance exposedWeightShare impactWeightShare
      silentSymbols unknownSymbols duplicateSymbols beyondCount unstatedCount contradictoryCount independentDrivers
      basis {{ positionsAsOf beliefsAsOf exposuresAsOf isReconstructed reconstructedCount reconstructedExposureCount }}
      relevance {{ {DISTRIBUTION} }}
      valueChange {{ {DISTRIBUTION} }}
      diagnostics {{ asOf method isConverged sampleCount seed }}
      tickers: groups(by: TICKER) {{ groupKey expectedRelevance riskShare }}
      years: groups(by: YEAR) {{ groupKey expectedRelevance riskShare }}
      contributions {{ totalCount nodes {{
        prediction {{ key }} probability coefficient expectedRelevance riskShare worstProbability worstLift
      }} }}
      drivers {{ totalCount nodes {{
        claim {{ key }} probability expectedIfTrue expectedIfFalse expectedIfTrueError expectedIfFalseError
        varianceShare standardError
      }} }}
      hedges(tickers: ["A", "B"], claims: ["P0"]) {{ nodes {{
        size varianceShare varianceSharePerUnit standardError
      }} }}
    }}
    ... on UserError {{ code path }}
  }}
}}"""


async def answers(database: Database, at: datetime) -> dict[str, Any]:
    """Everything that is asked as of a moment, by claim and predictor; and what a portfolio was exposed to."""
    found = (await ask(database, ANSWERS, at=at.isoformat())).data
    exposed = (await ask(database, EXPOSURE, at=at.isoformat())).data
    async with open_beliefs(database, at) as table:
        rows = {row[0]: (row[3:7], row[8]) async for batch in table.batches() for row in batch}
    nodes = {node["key"]: node for name in LISTS for node in found[name]["nodes"]}
    families = {name: (found[name], None) for name in ("dates", "group")}
    whole = families | {"book": (exposed["portfolioExposure"], None)}
    return {key: (node, rows.get(key)) for key, node in nodes.items()} | whole


Write = Callable[[Database, random.Random], Awaitable[object]]
CLAIMS = [f"P{number}" for number in range(5)]


async def _edit_window(database: Database, rng: random.Random) -> object:
    start = START + timedelta(days=rng.randrange(200))
    end = start + timedelta(days=rng.randrange(100, 2_000))
    window: dict[str, Any] = {"windowStartsAt": start.isoformat(), "windowEndsAt": end.isoformat()}
    return await mutate(database, "upsertPrediction", id=rng.choice(CLAIMS), **window)


async def _edit_class(database: Database, rng: random.Random) -> object:
    return await mutate(
        database, "upsertPrediction", id=rng.choice(CLAIMS), referenceClass=rng.choice(["r", "q", None])
    )


async def _edit_predictor(database: Database, rng: random.Random) -> object:
    return await mutate(database, "upsertPrediction", id=rng.choice(CLAIMS), predictor=rng.choice(["ada", "bob", None]))


async def _edit_stated(database: Database, rng: random.Random) -> object:
    return await mutate(database, "upsertPrediction", id=rng.choice(CLAIMS), statedProbability=rng.uniform(0.1, 0.9))


async def _edit_rate(database: Database, rng: random.Random) -> object:
    return await mutate(database, "upsertReferenceClass", id=rng.choice("rq"), baseRate=rng.uniform(0.1, 0.9))


async def _edit_record(database: Database, rng: random.Random) -> object:
    return await mutate(
        database,
        "upsertPredictor",
        id=rng.choice(["ada", "bob"]),
        recordResolvedCount=9,
        recordKappa=rng.uniform(0.2, 0.9),
    )


async def _submit(database: Database, rng: random.Random) -> object:
    direction, ratio = rng.choice(["FOR", "AGAINST"]), rng.uniform(1.5, 9)
    return await mutate(
        database, "submitEvidence", claim=rng.choice(CLAIMS), direction=direction, likelihoodRatio=ratio
    )


async def _resolve(database: Database, rng: random.Random) -> object:
    at = rng.choice([None, START + timedelta(days=rng.randrange(10, 300)), datetime.now(UTC) - timedelta(seconds=0.05)])
    outcome: dict[str, Any] = {"outcome": rng.choice(["TRUE", "FALSE"]), "acceptBeforeWindow": True}
    return await mutate(database, "resolveClaim", claim=rng.choice(CLAIMS), resolvedAt=at and at.isoformat(), **outcome)


async def _annul(database: Database, rng: random.Random) -> object:
    return await mutate(database, "annulClaim", claim=rng.choice(CLAIMS))


async def _reopen(database: Database, rng: random.Random) -> object:
    return await mutate(database, "reopenClaim", claim=rng.choice(CLAIMS))


async def _record_sign(database: Database, rng: random.Random) -> object:
    return await mutate(
        database, "recordMilestone", milestone=f"{rng.choice(CLAIMS)}:e", outcome=rng.choice(["HIT", "MISSED"])
    )


async def _sweep(database: Database, _rng: random.Random) -> object:
    return await sweep(database)


async def _delete(database: Database, _rng: random.Random) -> object:
    await mutate(database, "deleteSubject", id="S", subject="SCENARIO")
    return await mutate(database, "upsertScenario", id="S", title="It may", statedProbability=0.4)


async def _save_family(database: Database, rng: random.Random) -> object:
    name, kind = rng.choice([("dates", "BY_WHEN"), ("group", "EXCLUSIVE")])
    members: list[Any] = [{"claim": claim} for claim in rng.sample(CLAIMS, rng.randrange(2, 5))]
    if kind == "BY_WHEN":
        members[0]["role"] = rng.choice(["BY", "NOT_BEFORE"])
    return await mutate(database, "saveClaimFamily", {"name": name, "kind": kind, "members": members})


async def _delete_family(database: Database, rng: random.Random) -> object:
    return await mutate(database, "deleteClaimFamily", {"name": rng.choice(["dates", "group"])})


async def _import(database: Database, rng: random.Random) -> None:
    claim = {"id": "P0", "title": "Another title", "stated_probability": 0.5, "from_year": rng.choice([2026, 2027])}
    rate = {"id": "r", "description": "Such cases", "base_rate": rng.uniform(0.1, 0.9)}
    with suppress(BundleError):  # as the stated probability is fixed once there is evidence
        await load(database, predictions=[claim], reference_classes=[rate])


def _exposure(rng: random.Random) -> dict[str, Any]:
    return {
        "sign": rng.choice(["BENEFITS", "HARMS"]),
        "prediction": rng.choice(CLAIMS),
        "ticker": rng.choice("AB"),
    }


async def _edit_exposure(database: Database, rng: random.Random) -> object:
    ends = _exposure(rng)
    impact = rng.choice([None, rng.uniform(0.01, 0.3) * (1 if ends["sign"] == "BENEFITS" else -1)])
    return await mutate(database, "upsertExposure", ends | {"relevance": rng.random(), "impact": impact})


async def _remove_exposure(database: Database, rng: random.Random) -> object:
    return await mutate(database, "removeExposure", _exposure(rng))


async def _import_exposure(database: Database, rng: random.Random) -> None:
    ends = _exposure(rng)
    row = {"sign": ends["sign"], "prediction_id": ends["prediction"], "symbol": ends["ticker"]}
    with suppress(BundleError):  # as a prediction does not both benefit and harm a ticker
        await load(database, exposures=[row | {"relevance": rng.random(), "lag_days": rng.randrange(90)}])


async def _save_book(database: Database, rng: random.Random) -> object:
    weights = {symbol: rng.uniform(-2, 2) for symbol in rng.sample("ABC", rng.randrange(1, 4))}
    positions = [{"ticker": symbol, "weight": weight} for symbol, weight in weights.items()]
    return await mutate(database, "savePortfolio", {"name": "book", "positions": positions})


WRITES: list[Write] = [
    *(_edit_window, _edit_class, _edit_predictor, _edit_stated, _edit_rate, _edit_record, _submit, _submit),
    *(_resolve, _resolve, _annul, _reopen, _record_sign, _sweep, _delete, _import),
    *(_save_family, _save_family, _save_family, _delete_family),
    *(_edit_exposure, _edit_exposure, _edit_exposure, _remove_exposure, _remove_exposure, _import_exposure, _save_book),
]


@pytest.mark.parametrize("seed", range(2))
async def test_random_writes_leave_every_earlier_answer_as_it_was(database: Database, seed: int) -> None:
    """
    Bit for bit, by the mutations themselves: every field that takes a moment, the table of all beliefs, and whole
    measurements of a portfolio, but for the moment of the influences, which have no versions.

    Writes that a rule refuses, such as evidence on a closed claim, are part of it.
    """
    rng = random.Random(seed)
    await load(
        database,
        predictors=[{"id": name, "name": name} for name in ("ada", "bob")],
        reference_classes=[{"id": key, "description": "Such cases", "base_rate": 0.2} for key in "rq"],
        scenarios=[{"id": "S", "title": "It may", "stated_probability": 0.6}],
        predictions=[
            {
                "id": claim,
                "title": "It holds",
                "stated_probability": 0.5,
                "predictor_id": "ada",
                "reference_class_id": "r",
                **WINDOW,
            }
            for claim in CLAIMS
        ],
        milestones=[
            {"id": f"{claim}:e", "prediction_id": claim, "kind": "EVENT", "label": "It", "expected_date": "2026-10-05"}
            for claim in CLAIMS
        ],
        influences=[
            {"kind": "PREREQUISITE_OF", "parent_id": one, "child_id": other, "p_if_true": 0.7, "p_if_false": 0.3}
            for one, other in pairwise(CLAIMS)
        ],
        tickers=[{"symbol": symbol} for symbol in "ABC"],
        exposures=[
            {"sign": "BENEFITS", "prediction_id": claim, "symbol": symbol, "relevance": 0.5, "impact": 0.1}
            for claim, symbol in (("P1", "A"), ("P3", "B"), ("P4", "A"))
        ],
    )
    await _save_book(database, rng)
    for name, kind in (("dates", "BY_WHEN"), ("group", "EXCLUSIVE")):
        members = [{"claim": claim} for claim in CLAIMS[:3]]
        await mutate(database, "saveClaimFamily", {"name": name, "kind": kind, "members": members})
    moments = [datetime(2026, 2, 1, tzinfo=UTC), await now()]
    before = [await answers(database, at) for at in moments]
    order = [*WRITES, _resolve, _reopen]
    rng.shuffle(order)

    for write in order:
        await write(database, rng)
        moments.append(await now())
        before.append(await answers(database, moments[-1]))

    num_changed = sum(first[key] != second[key] for first, second in pairwise(before[1:]) for key in first)
    assert num_changed > 5 * len(order)  # time alone moves what is open; there is enough to compare
    for at, expected in zip(moments, before, strict=True):
        assert await answers(database, at) == expected
    assert [str(difference) async for difference in verify(database)] == []
