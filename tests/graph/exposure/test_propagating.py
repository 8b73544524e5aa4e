"""Sources of propagation: by hand on a chain, by enumeration on a diamond, and the law that they add up."""

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.exposure.history import Cause, read_record
from graph.exposure.past import recall_joint
from graph.exposure.positions import Position, Positions
from graph.exposure.propagating import MOST_SWEPT, OTHER_STATES, Propagated, SourceKind, split_propagation
from graph.exposure.store import Holder
from graph.inference.evidence import Direction
from graph.inference.log_odds import logit, sigmoid
from graph.ledger.items import EvidenceItem
from graph.model.kinds import ClaimStatus
from graph.network.view import find_different, make_view, mix
from graph.outcomes.resolution import Outcome, resolve
from graph.subjects.upserts import Change, upsert
from tests.helpers.asking import ask, service_of
from tests.helpers.bundles import bundle, prediction
from tests.helpers.database import empty
from tests.helpers.diamond import Enumeration, diamond, reference_of_c, references

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

ROOT = Holder("", sees_all=True)
DEADLINE = datetime(2026, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """A split, and what it is of: propagation's part as the whole change has it, and both moments."""

    split: Propagated
    whole: float
    start: datetime
    end: datetime

    def deltas(self) -> dict[str, float]:
        """Parts by claim, or by kind where there is none."""
        return {own.claim_id or own.kind.value: own.delta for own in self.split.sources}


async def tell(
    database: Database, weights: Mapping[str, float], start: datetime, most: int = 8, most_swept: int = MOST_SWEPT
) -> Told:
    """Split what the network did to positions since a moment."""
    end = datetime.now(UTC)
    book = Positions.of([Position(symbol, weight) for symbol, weight in weights.items()])
    engine = service_of(database).engine
    record = await database.read(lambda unit: read_record(unit, book, ROOT, start, end))
    async with database.reading() as reading:
        before, after = [await recall_joint(reading, engine, moment) for moment in (start, end)]
        split = await split_propagation(reading, engine, record, before, after, most=most, most_swept=most_swept)
    whole = record.split_marginals(before.by_id(), after.by_id()).totals().get(Cause.PROPAGATION, 0.0)
    return Told(split, whole, start, end)


async def submit(database: Database, claim_id: str, ratio: float) -> str:
    """Submit evidence for a claim, and return the key of its row."""
    item = EvidenceItem(claim_id, Direction.FOR if ratio > 1.0 else Direction.AGAINST, max(ratio, 1.0 / ratio))
    (answer,) = (await service_of(database).intake.submit([item])).payload["items"]
    return str(answer["evidence_id"])


CHAIN = {"S_A": 0.4, "P_B": 0.5, "P_C": 0.45}
"""Stated so that the tables P(B | A) = 0.8, 0.3 and P(C | B) = 0.7, 0.2 fit."""


async def import_chain(database: Database) -> None:
    """A scenario, a prediction that follows from it, and another one from that; a ticker gains from the last."""
    await empty(database)
    tables = [("S_A", "P_B", 0.8, 0.3), ("P_B", "P_C", 0.7, 0.2)]
    rows = bundle(
        tickers=[{"symbol": "T"}],
        scenarios=[{"id": "S_A", "title": "A", "stated_probability": CHAIN["S_A"]}],
        predictions=[
            {"id": key, "title": key, "stated_probability": CHAIN[key], "imported_on": "2026-01-01"}
            for key in ("P_B", "P_C")
        ],
        influences=[
            {"kind": "PREREQUISITE_OF", "parent_id": parent, "child_id": child, "p_if_true": one, "p_if_false": other}
            for parent, child, one, other in tables
        ],
        exposures=[{"sign": "BENEFITS", "prediction_id": "P_C", "symbol": "T", "relevance": 0.5}],
    )
    await import_bundle(database, rows)


def chain_marginal(ratios: Mapping[str, float]) -> float:
    """P(C) with likelihood ratios on A, B and C, summed over the eight worlds."""
    weights: dict[bool, list[float]] = {True: [], False: []}
    for a, b, c in itertools.product((True, False), repeat=3):
        p_b, p_c = (0.8 if a else 0.3), (0.7 if b else 0.2)
        weight = (0.4 if a else 0.6) * (p_b if b else 1 - p_b) * (p_c if c else 1 - p_c)
        for key, is_true in (("S_A", a), ("P_B", b), ("P_C", c)):
            weight *= ratios.get(key, 1.0) if is_true else 1.0
        weights[c].append(weight)
    return sum(weights[True]) / (sum(weights[True]) + sum(weights[False]))


async def test_sources_of_a_chain_by_hand(migrated_database: Database) -> None:
    """Evidence on both claims upstream and on the prediction itself, in both orders, with the rows of each."""
    await import_chain(migrated_database)
    start = datetime.now(UTC)
    ratios = {"P_B": 3.0, "S_A": 4.0, "P_C": 2.0}
    keys = {key: await submit(migrated_database, key, ratio) for key, ratio in ratios.items()}
    told = await tell(migrated_database, {"T": 10.0}, start)

    def value(*come: str) -> float:
        own = sigmoid(logit(0.45) + (math.log(2.0) if "P_C" in come else 0.0))
        return 10.0 * 0.5 * (chain_marginal({key: ratios[key] for key in come}) - own)

    expected = {
        "P_B": (value("P_B") - value() + value("P_C", "S_A", "P_B") - value("P_C", "S_A")) / 2,
        "S_A": (value("P_B", "S_A") - value("P_B") + value("P_C", "S_A") - value("P_C")) / 2,
        "OWN_PREDICTIONS": (value("P_B", "S_A", "P_C") - value("P_B", "S_A") + value("P_C") - value()) / 2,
    }
    # Without evidence the marginals are the beliefs themselves, and a claim's own evidence alone moves both alike.
    assert value() == pytest.approx(0.0, abs=1e-12)
    assert value("P_C") == pytest.approx(0.0, abs=1e-12)
    assert told.deltas() == pytest.approx(expected, abs=1e-9)
    assert math.fsum(told.deltas().values()) == pytest.approx(told.whole, abs=1e-12)
    assert (told.split.num_claims, told.split.num_told) == (2, 2)
    for own in told.split.sources:
        assert own.standard_error == 0.0
        assert [row.entry_ids for row in own.recorded] == ([(keys[own.claim_id],)] if own.claim_id else [])
        assert own.num_claims == (1 if own.claim_id else 0)


ASKED = """query ($from: DateTime!, $sources: Int, $propagated: Boolean) {
  exposureChange(positions: [{ticker: "T", weight: 10}], from: $from, propagated: $propagated) {
    ... on ExposureChange {
      totals { cause delta }
      propagation(sources: $sources) {
        delta claimCount toldApartCount
        sources { kind delta standardError claimKey title claimCount records { cause at evidenceKeys } }
      }
    }
  }
}"""


async def test_the_schema_tells_sources(migrated_database: Database) -> None:
    """An outcome and evidence upstream; what is not told apart is counted; null without marginals."""
    await import_chain(migrated_database)
    start = datetime.now(UTC)
    key = await submit(migrated_database, "P_B", 3.0)
    await resolve(migrated_database, "S_A", Outcome(status=ClaimStatus.RESOLVED_TRUE))

    async def find(sources: int, *, propagated: bool = True) -> dict[str, Any]:
        given = {"from": start.isoformat(), "sources": sources, "propagated": propagated}
        found: dict[str, Any] = (await ask(migrated_database, ASKED, **given)).data["exposureChange"]
        return found

    change = await find(2)
    split = change["propagation"]
    (total,) = [own["delta"] for own in change["totals"] if own["cause"] == "PROPAGATION"]
    assert split["delta"] == pytest.approx(total, abs=1e-11)
    assert math.fsum(own["delta"] for own in split["sources"]) == pytest.approx(total, abs=1e-11)
    sources = {own["claimKey"]: own for own in split["sources"] if own["kind"] == "CLAIM"}
    assert (sources["S_A"]["title"], sources["S_A"]["records"][0]["cause"]) == ("A", "RESOLUTION")
    assert [(row["cause"], row["evidenceKeys"]) for row in sources["P_B"]["records"]] == [("EVIDENCE", [key])]
    assert sources["P_B"]["delta"] > 0.0
    assert sources["S_A"]["delta"] > 0.0
    fewer = (await find(1))["propagation"]
    others = [own for own in fewer["sources"] if own["kind"] == "OTHER_CLAIMS"]
    assert (fewer["claimCount"], fewer["toldApartCount"], others[0]["claimCount"]) == (2, 1, 1)
    assert fewer["delta"] == pytest.approx(total, abs=1e-11)
    assert (await find(1, propagated=False))["propagation"] is None


@pytest.mark.parametrize("sources", [0, 9])
async def test_a_number_of_sources_is_bounded(migrated_database: Database, sources: int) -> None:
    await import_chain(migrated_database)
    start = datetime.now(UTC)
    await submit(migrated_database, "P_B", 3.0)
    with pytest.raises(AssertionError, match="expected 1 to 8 claims"):
        await ask(migrated_database, ASKED, **{"from": start.isoformat(), "sources": sources, "propagated": True})


WEIGHTS = {"A": 2.0, "B": -1.5}
EFFECTS = {"P_B": 2.0 * 0.5, "P_D": -1.5 * -0.75}


async def import_diamond(database: Database) -> None:
    """The diamond, of which two predictions bear on tickers."""
    await empty(database)
    exposures = [
        {"sign": "BENEFITS", "prediction_id": "P_B", "symbol": "A", "relevance": 0.5},
        {"sign": "HARMS", "prediction_id": "P_D", "symbol": "B", "relevance": 0.75},
    ]
    await import_bundle(database, diamond())
    await import_bundle(database, bundle(tickers=[{"symbol": "A"}, {"symbol": "B"}], exposures=exposures))


class Worlds:
    """What the network adds to the diamond's portfolio, by enumeration, for claims with or without what came."""

    def __init__(self, outcomes: Mapping[str, bool], ratios: Mapping[str, float], told: Told) -> None:
        self.outcomes, self.ratios, self.told = outcomes, ratios, told

    def value(self, come: Sequence[str]) -> float:
        """Some causes have come, by claim or by kind."""
        claims = {*come, *(EFFECTS if "OWN_PREDICTIONS" in come else ())}
        moment = min(self.told.end if "TIME" in come else self.told.start, DEADLINE)
        known = {key: outcome for key, outcome in self.outcomes.items() if key in claims}
        logs = {key: math.log(ratio) for key, ratio in self.ratios.items() if key in claims and key not in known}
        if "P_C" in logs:
            logs["P_C"] *= reference_of_c(moment)[1]
        marginals = Enumeration(references(moment)).marginals(known, logs)
        stated = {"P_B": 0.5, "P_D": 0.35}
        return math.fsum(
            effect * (marginals[key] - float(known.get(key, sigmoid(logit(stated[key]) + logs.get(key, 0.0)))))
            for key, effect in EFFECTS.items()
        )

    def shares(self, order: Sequence[str]) -> dict[str, float]:
        """The mean of what each cause adds in an order and in its reverse."""
        found = dict.fromkeys(order, 0.0)
        for own in (list(order), list(reversed(order))):
            for number, cause in enumerate(own):
                found[cause] += (self.value(own[: number + 1]) - self.value(own[:number])) / 2.0
        return found


@pytest.mark.parametrize("seed", range(6))
async def test_sources_of_a_diamond_are_those_of_enumeration(migrated_database: Database, seed: int) -> None:
    """Random evidence on all claims, and now and then an outcome."""
    rng = random.Random(seed)
    await import_diamond(migrated_database)
    start = datetime.now(UTC)
    ratios: dict[str, float] = {}
    outcomes: dict[str, bool] = {}
    for key in rng.sample(["S_A", "P_B", "P_C", "P_D"], rng.randint(2, 4)):
        if rng.random() < 0.25:
            outcomes[key] = rng.random() < 0.5
            status = ClaimStatus.RESOLVED_TRUE if outcomes[key] else ClaimStatus.RESOLVED_FALSE
            await resolve(migrated_database, key, Outcome(status=status))
        else:
            ratios[key] = math.exp(rng.uniform(-2.0, 2.0))
            await submit(migrated_database, key, ratios[key])
    told = await tell(migrated_database, WEIGHTS, start)
    outside = [key for key in [*ratios, *outcomes] if key not in EFFECTS]
    in_order = sorted(
        outside,
        key=lambda key: min(row.at for own in told.split.sources if own.claim_id == key for row in own.recorded),
    )
    worlds = Worlds(outcomes, ratios, told)
    expected = worlds.shares(["TIME", *in_order, "OWN_PREDICTIONS"])

    found = dict.fromkeys(expected, 0.0) | told.deltas()
    assert found == pytest.approx(expected, abs=1e-6)
    assert math.fsum(found.values()) == pytest.approx(told.whole, abs=1e-12)
    assert told.split.num_claims == len(outside)
    if len(outside) == 2:
        one = await tell(migrated_database, WEIGHTS, start, most=1)
        assert math.fsum(one.deltas().values()) == pytest.approx(one.whole, abs=1e-12)
        assert "OTHER_CLAIMS" in one.deltas()


async def test_changed_exposures_are_told_apart(migrated_database: Database) -> None:
    """They count by what the network adds to a belief; a network that has not changed has no other source."""
    await import_chain(migrated_database)
    await submit(migrated_database, "P_B", 3.0)
    start = datetime.now(UTC)
    ends = {"sign": "BENEFITS", "prediction_id": "P_C", "symbol": "T"}
    await upsert(migrated_database, Change("exposures", {**ends, "relevance": 0.9}))
    told = await tell(migrated_database, {"T": 10.0}, start)

    expected = 10.0 * (0.9 - 0.5) * (chain_marginal({"P_B": 3.0}) - 0.45)
    assert told.deltas() == pytest.approx({"HOLDINGS": expected}, abs=1e-9)
    assert told.whole == pytest.approx(expected, abs=1e-9)
    assert told.split.num_claims == 0


async def test_fewer_claims_are_told_apart_where_samples_take_long(migrated_database: Database) -> None:
    """
    The others are one source; sampled parts have standard errors, and add up all the same.

    Where samples would take too long LBP stands in for them: parts are those of samples within their errors, and what
    it leaves of the whole is a part of its own.
    """
    await empty(migrated_database)
    rng = np.random.default_rng(3)
    parents, children = [f"P_{n:03}" for n in range(60)], [f"P_{n:03}" for n in range(60, 150)]
    tables = [
        {"kind": "PREREQUISITE_OF", "parent_id": str(parent), "child_id": child, "p_if_true": 0.7, "p_if_false": 0.3}
        for child in children
        for parent in rng.choice(parents, 6, replace=False)
    ]
    rows = bundle(
        tickers=[{"symbol": "T"}],
        predictions=[prediction(key, stated_probability=0.5) for key in (*parents, *children)],
        influences=tables,
        exposures=[{"sign": "BENEFITS", "prediction_id": key, "symbol": "T", "relevance": 0.5} for key in parents[:5]],
    )
    await import_bundle(migrated_database, rows)
    start = datetime.now(UTC)
    for key in children:
        await submit(migrated_database, key, 2.0)
    told = await tell(migrated_database, {"T": 1.0}, start, most=2)
    least = await tell(migrated_database, {"T": 1.0}, start, most=2, most_swept=OTHER_STATES * len(parents))
    rough = await tell(migrated_database, {"T": 1.0}, start, most=2, most_swept=1)

    assert (told.split.num_claims, told.split.num_told) == (len(children), 2)
    assert (least.split.num_claims, least.split.num_told) == (len(children), 0)
    assert (rough.split.num_claims, rough.split.num_told) == (len(children), 2)
    assert [own.split.is_approximate for own in (told, least, rough)] == [False, False, True]
    for own in (told, least, rough):
        assert math.fsum(own.deltas().values()) == pytest.approx(own.whole, abs=1e-12)
    (others,) = [own for own in told.split.sources if own.kind is SourceKind.OTHER_CLAIMS]
    assert others.num_claims == len(children) - 2
    assert others.standard_error is not None
    assert 0.0 < others.standard_error < 0.05
    assert rough.deltas().keys() == told.deltas().keys() | {"APPROXIMATION"}
    for source in rough.split.sources:
        assert (source.standard_error is None) == (source.kind is not SourceKind.APPROXIMATION)
        assert source.delta == pytest.approx(told.deltas().get(source.claim_id or source.kind.value, 0.0), abs=0.02)


async def test_a_mixed_network_has_each_claims_own_values(migrated_database: Database) -> None:
    """All of one end or of the other is that end, to the last bit; and what differs is what was written."""
    await import_diamond(migrated_database)
    start = datetime.now(UTC)
    await submit(migrated_database, "S_A", 3.0)
    end = datetime.now(UTC)
    engine = service_of(migrated_database).engine
    async with migrated_database.reading() as reading:
        before, after = [(await recall_joint(reading, engine, moment)).view for moment in (start, end)]
    one, other = before.snapshot, after.snapshot

    assert [one.ids[place] for place in np.flatnonzero(find_different(one, other))] == ["S_A"]
    assert not find_different(one, one).any()
    for is_second, expected in ((False, before), (True, after)):
        mixed = mix(one, other, np.full(len(one.ids), is_second), other.families)
        moments = np.full(len(one.ids), np.datetime64(expected.moment.replace(tzinfo=None), "us"))
        view = make_view(mixed, end, moments=moments)
        assert (view.structure_key, view.evidence_key) == (expected.structure_key, expected.evidence_key)
