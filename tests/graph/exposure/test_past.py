"""Portfolios at moments in the past: against enumeration, and against the network as it was read at the moment."""

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from api.portfolio import Asked
from api.portfolio import ask as ask_command
from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.errors import InvalidError, OversizeError
from graph.exposure import past
from graph.exposure.measuring import measure, suppose
from graph.exposure.past import read_past, recall_joint
from graph.exposure.positions import Position, Positions
from graph.exposure.store import Draft, Holder, save_portfolio
from graph.exposure.table import open_exposure
from graph.inference.evidence import Direction
from graph.inference.log_odds import logit
from graph.ledger.derived import adopt_policy
from graph.ledger.items import EvidenceItem
from graph.ledger.pasts import PastKey, list_pasts
from graph.model.kinds import ClaimStatus
from graph.network.engine import Engine, Joint
from graph.network.fetching import fetch_snapshot
from graph.network.questions import Observation
from graph.network.view import View, make_view
from graph.outcomes.resolution import Outcome, annul, resolve
from tests.helpers.asking import ask, service_of
from tests.helpers.bundles import bundle, evidence, prediction
from tests.helpers.database import empty
from tests.helpers.diamond import Enumeration, diamond, references

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

BOOK = Positions.of([Position("A", 2.0), Position("B", -1.0)])
EXPOSURES = [("BENEFITS", "P_B", "A", 0.5), ("HARMS", "P_C", "A", 0.25), ("BENEFITS", "P_D", "B", 0.75)]
COEFFICIENTS = {"P_B": 1.0, "P_C": -0.5, "P_D": -0.75}
MID_WINDOW, DEADLINE = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
LATER = timedelta(microseconds=1)


class Story:
    """A graph of which much was written after a moment: the moment, and the network as it was read then."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.moments: list[datetime] = []
        self.views: list[View] = []

    async def note(self) -> None:
        """Note the moment, and the network as it is."""
        async with self.database.reading() as reading:
            snapshot = await fetch_snapshot(reading)
        self.moments.append(datetime.now(UTC))
        self.views.append(make_view(snapshot, self.moments[-1]))


@pytest.fixture(scope="module")
async def story(migrated_database: Database) -> AsyncIterator[Story]:
    """The diamond with evidence; then more of it, restated numbers, another policy, outcomes and an annulment."""
    database = migrated_database
    await empty(database)
    await import_bundle(database, diamond())
    book = [
        {"sign": sign, "prediction_id": key, "symbol": symbol, "relevance": relevance}
        for sign, key, symbol, relevance in EXPOSURES
    ]
    await import_bundle(database, bundle(tickers=[{"symbol": "A"}, {"symbol": "B"}], exposures=book))
    await save_portfolio(database, Draft("book", [Position("A", 2.0), Position("B", -1.0)]), Holder("", sees_all=True))
    story, intake = Story(database), service_of(database).intake
    await intake.submit([EvidenceItem("P_D", Direction.FOR, 3.0)])
    await story.note()
    await save_portfolio(database, Draft("book", [Position("A", 7.0)]), Holder("", sees_all=True))
    await intake.submit([EvidenceItem("P_D", Direction.AGAINST, 5.0), EvidenceItem("P_C", Direction.FOR, 2.0)])
    restated = diamond().model_dump(mode="json", exclude_none=True)
    restated["reference_classes"][0]["base_rate"] = 0.6
    restated["predictions"][0]["stated_probability"] = 0.9
    await import_bundle(database, bundle(**{k: v for k, v in restated.items() if isinstance(v, list)}))
    await story.note()
    await adopt_policy(database, "foregraph-2")
    await resolve(database, "S_A", Outcome(status=ClaimStatus.RESOLVED_TRUE))
    await story.note()
    await annul(database, "P_B", Outcome(status=ClaimStatus.ANNULLED))
    await story.note()
    await intake.submit([EvidenceItem("P_D", Direction.AGAINST, 9.0)])
    yield story
    await empty(database)


async def recall(story: Story, moment: datetime, engine: Engine | None = None) -> Joint:
    """The network at a moment, as it is known now."""
    async with story.database.reading() as reading:
        return await recall_joint(reading, engine or service_of(story.database).engine, moment)


def enumerate_then(story: Story, known: dict[str, bool]) -> float:
    """The expectation at the first moment by brute force."""
    enumeration = Enumeration(references(min(story.moments[0], DEADLINE)))
    marginals = enumeration.marginals(known, {"P_D": logit(0.75)})
    return sum(coefficient * marginals[key] for key, coefficient in COEFFICIENTS.items())


@pytest.mark.every_release
async def test_the_network_is_as_it_was_read_then(story: Story) -> None:
    """To the last bit, whatever was written since: under both policies, with outcomes, before and after each write."""
    for moment, view in zip(story.moments, story.views, strict=True):
        joint = await recall(story, moment)

        assert joint.view.ids == view.ids
        assert (joint.view.structure_key, joint.view.evidence_key) == (view.structure_key, view.evidence_key)
        assert joint.num_reconstructed == 0
    keys = {(view.structure_key, view.evidence_key) for view in story.views}
    assert len(keys) == len(story.views)


async def test_the_expectation_is_that_of_enumeration(story: Story) -> None:
    """Also under supposed outcomes of a claim that is resolved by now, observed and brought about."""
    engine = service_of(story.database).engine
    then = await recall(story, story.moments[0])
    supposed = [Observation("S_A", outcome=True)]
    async with story.database.reading() as reading:
        found = await measure(reading, engine, BOOK, past=then)
        change, tickers, _ = await suppose(reading, engine, found, supposed, is_intervention=False, past=then)
        present = await measure(reading, engine, BOOK)

    assert found.expected == pytest.approx(enumerate_then(story, {}), abs=1e-6)
    assert found.relevance.mean == pytest.approx(found.expected, abs=0.02)
    assert change.before == pytest.approx(found.expected, abs=1e-12)
    assert change.after == pytest.approx(enumerate_then(story, {"S_A": True}), abs=1e-6)
    assert sum(own.delta for own in tickers.values()) == pytest.approx(change.delta, abs=1e-12)
    assert abs(present.expected - found.expected) > 0.05


async def test_the_past_is_read_once_and_leaves_the_present_alone(story: Story) -> None:
    """A further question about a moment takes the samples of the first, and the present keeps its own."""
    engine = Engine(sample_patience_seconds=None)
    try:
        async with story.database.reading() as reading:
            before = await measure(reading, engine, BOOK)
            first = await recall_joint(reading, engine, story.moments[0])
            again = await recall_joint(reading, engine, story.moments[0])
            after = await measure(reading, engine, BOOK)
    finally:
        engine.close()

    assert again.bank is first.bank
    assert after.joint.bank is before.joint.bank
    assert after.joint.view is before.joint.view


async def test_moments_that_are_drawn_together_are_those_drawn_alone(story: Story) -> None:
    """To the last bit, in the order asked for; after the transaction that they were read in has ended."""
    together, alone = (Engine(sample_patience_seconds=None) for _ in range(2))
    moments = story.moments[1::-1]
    try:
        async with story.database.reading() as reading:
            pasts = [await read_past(reading, together, moment) for moment in moments]
        joints = await together.draw_pasts(pasts)
        expected = [await recall(story, moment, alone) for moment in moments]
        async with story.database.reading() as reading:
            kept = [await read_past(reading, together, moment) for moment in moments]
        again = await together.draw_pasts(kept)
    finally:
        together.close()
        alone.close()

    for joint, own in zip(joints, expected, strict=True):
        assert (joint.view.moment, joint.by_id()) == (own.view.moment, own.by_id())
        assert np.array_equal(joint.bank.bits, own.bank.bits)
    assert all(own.recalled is None for own in kept)
    assert [joint.bank for joint in again] == [joint.bank for joint in joints]


async def test_a_moment_that_cannot_be_told_of_is_refused(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yet to come, before anything was recorded, or of a network that is too large."""
    with pytest.raises(InvalidError, match="expected a moment that has come"):
        await recall(story, datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(InvalidError, match="by which something of the network was recorded"):
        await recall(story, datetime(1990, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(past, "MOST_CLAIMS", 3)
    with pytest.raises(OversizeError, match="has 5 claims"):
        await recall(story, story.moments[1] + LATER)


ASKED = """query ($asOf: DateTime!, $whatIf: [SupposedOutcome!]) {
  portfolioExposure(portfolio: "book", asOf: $asOf, whatIf: $whatIf) {
    ... on PortfolioExposureResult {
      asOf expectedRelevance relevance { mean }
      basis { positionsAsOf beliefsAsOf exposuresAsOf influencesAsOf isReconstructed
        reconstructedCount reconstructedExposureCount }
      contributions { totalCount nodes { prediction { key } expectedRelevance } }
      drivers { totalCount }
      hedges(tickers: ["A"]) { nodes { size } }
      surprise { edge }
      whatIf { expectedAfter diagnostics { asOf } }
    }
    ... on UserError { code message path }
  }
}"""


async def ask_then(story: Story, moment: datetime, **variables: Any) -> dict[str, Any]:
    """The stored portfolio at a moment through the schema."""
    asked = await ask(story.database, ASKED, asOf=moment.isoformat(), **variables)
    found: dict[str, Any] = asked.data["portfolioExposure"]
    return found


async def test_the_schema_measures_at_a_moment(story: Story) -> None:
    """The positions held then, and the moments of all that the answer follows from; a table has the same figures."""
    then, holder = story.moments[0], Holder("", sees_all=True)
    found = await ask_then(story, then, whatIf=[{"claim": "S_A", "outcome": "TRUE"}])
    basis = found["basis"]
    parts = {part["prediction"]["key"]: part["expectedRelevance"] for part in found["contributions"]["nodes"]}
    engine = service_of(story.database).engine
    async with open_exposure(story.database, engine, "book", holder, as_of=then) as table:
        rows = {row[0]: row[4] for row in table.rows()}

    answer = await ask_command(story.database, Asked.read(None, "book", ["S_A=true"], as_of=then))
    assert answer.found.expected == pytest.approx(found["expectedRelevance"], abs=1e-9)
    assert answer.shift is not None
    assert answer.shift.after == pytest.approx(found["whatIf"]["expectedAfter"], abs=1e-9)
    assert answer.notes[0].startswith(f"beliefs and exposures are as recorded by {then.isoformat()}, of 0 claims")
    assert found["expectedRelevance"] == pytest.approx(enumerate_then(story, {}), abs=1e-6)
    assert found["whatIf"]["expectedAfter"] == pytest.approx(enumerate_then(story, {"S_A": True}), abs=1e-6)
    assert sum(parts.values()) == pytest.approx(found["expectedRelevance"], abs=1e-9)
    assert rows == pytest.approx(parts, abs=1e-9)
    moments = [basis[name] for name in ("positionsAsOf", "beliefsAsOf", "exposuresAsOf")]
    assert [datetime.fromisoformat(at) for at in (*moments, found["asOf"])] == [then] * 4
    assert datetime.fromisoformat(found["whatIf"]["diagnostics"]["asOf"]) == then
    assert datetime.fromisoformat(basis["influencesAsOf"]) > story.moments[-1]
    counts = basis["reconstructedCount"], basis["reconstructedExposureCount"]
    assert (basis["isReconstructed"], *counts) == (False, 0, 0)


async def test_the_schema_refuses_moments_with_their_path(story: Story) -> None:
    for moment, code, path in (
        (datetime.now(UTC) + timedelta(days=1), "INVALID", ["asOf"]),
        (datetime(1990, 1, 1, tzinfo=UTC), "INVALID", ["asOf"]),
    ):
        refusal = await ask_then(story, moment)
        assert (refusal["code"], refusal["path"]) == (code, path)


CHANGED = """query ($from: DateTime!, $to: DateTime, $policy: String) {
  exposureChange(portfolio: "book", from: $from, to: $to, first: 100, propagated: true, policy: $policy) {
    ... on ExposureChange {
      expectedBefore expectedAfter delta totals { cause delta } parts { cause claimKey delta }
    }
    ... on UserError { code path }
  }
}"""


async def own_beliefs(story: Story, moment: datetime) -> dict[str, float]:
    """The beliefs of the claims themselves at a moment."""
    pasts = await story.database.read(
        lambda unit: list_pasts(unit, [PastKey(key, moment, moment) for key in COEFFICIENTS])
    )
    found: dict[str, float] = {}
    for key, then in zip(COEFFICIENTS, pasts, strict=True):
        belief = None if then is None else then.belief()
        assert belief is not None
        found[key] = belief.probability
    return found


async def test_a_change_of_marginals_has_propagation_as_a_cause(story: Story) -> None:
    """Ends as `asOf` measures them; each prediction's part is what its marginal has more than its own belief."""
    first, last = story.moments[:2]
    asked = await ask(story.database, CHANGED, **{"from": first.isoformat(), "to": last.isoformat()})
    change = asked.data["exposureChange"]
    ends = [(await ask_then(story, moment))["expectedRelevance"] for moment in (first, last)]
    added: dict[str, list[float]] = {}
    for moment, weights in ((first, {"A": 2.0, "B": -1.0}), (last, {"A": 7.0, "B": 0.0})):
        joint, own = await recall(story, moment), await own_beliefs(story, moment)
        for sign, key, symbol, relevance in EXPOSURES:
            coefficient = weights[symbol] * relevance * (-1.0 if sign == "HARMS" else 1.0)
            marginal = joint.beliefs.marginals[joint.view.indices[key]]
            added.setdefault(key, []).append(coefficient * (marginal - own[key]))
    parts = {part["claimKey"]: part["delta"] for part in change["parts"] if part["cause"] == "PROPAGATION"}

    assert (change["expectedBefore"], change["expectedAfter"]) == pytest.approx(ends, abs=1e-10)
    assert math.fsum(part["delta"] for part in change["parts"]) == pytest.approx(change["delta"], abs=1e-10)
    assert math.fsum(total["delta"] for total in change["totals"]) == pytest.approx(change["delta"], abs=1e-10)
    expected = {key: now - then for key, (then, now) in added.items() if now != then}
    assert parts == pytest.approx(expected, abs=1e-10)
    assert max(map(abs, parts.values())) > 0.01
    causes = {part["cause"] for part in change["parts"]}
    assert causes >= {"EVIDENCE", "RESTATEMENT", "POSITIONS", "PROPAGATION"}


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"from": "1990-01-01T00:00:00Z"}, ["portfolio"]),
        ({"from": "2999-01-01T00:00:00Z"}, ["from"]),
        ({"policy": "foregraph-1"}, ["policy"]),
    ],
)
async def test_a_change_of_marginals_that_cannot_be_told_is_refused(
    story: Story, variables: dict[str, str], path: list[str]
) -> None:
    given = {"from": story.moments[0].isoformat(), **variables}
    refusal = (await ask(story.database, CHANGED, **given)).data["exposureChange"]

    assert refusal["path"] == path


async def test_what_was_recorded_later_is_told(migrated_database: Database) -> None:
    """An imported ledger is older than the claims' first records, which serve; the answer counts them."""
    await empty(migrated_database)
    row = evidence(recorded_at="2026-03-01T00:00:00Z", observed_at="2026-03-01T00:00:00Z")
    await import_bundle(migrated_database, bundle(predictions=[prediction(), prediction("P_2")], evidence=[row]))
    engine = service_of(migrated_database).engine
    async with migrated_database.reading() as reading:
        joint = await recall_joint(reading, engine, datetime(2026, 4, 1, tzinfo=UTC))
        with pytest.raises(InvalidError, match="was recorded"):
            await recall_joint(reading, engine, datetime(2026, 2, 1, tzinfo=UTC))

    assert joint.num_reconstructed == 2
