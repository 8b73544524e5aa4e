"""The law of the incremental network: after any writes it equals the network that is read as a whole."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.errors import RefusedError
from graph.inference.evidence import Direction
from graph.inference.network.diagnostics import Method
from graph.ledger.derived import rebuild, refresh_posteriors
from graph.ledger.intake import Intake
from graph.ledger.items import EvidenceItem
from graph.model.kinds import ClaimStatus
from graph.network.engine import Engine
from graph.network.propagation import Request, propagate
from graph.outcomes.milestones import Observation, record_milestone
from graph.outcomes.resolution import Outcome, annul, resolve, unresolve
from graph.outcomes.sweep import sweep
from graph.subjects.deletions import delete_subject, remove_edge
from graph.subjects.upserts import Change, add_validation, upsert
from tests.graph.network.test_fetching import assert_same
from tests.helpers.bundles import Json, bundle, claim, event, killing, prediction, requiring
from tests.helpers.database import StatementCounter

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
PREDICTIONS = [f"P_{number}" for number in range(8)]
SCENARIOS = [f"S_{number}" for number in range(5)]


def graph() -> Any:
    """Predictions with windows, some in a class and with milestones, under scenarios; two of these are new later."""
    return bundle(
        predictors=[{"id": "ada", "name": "Ada"}],
        tickers=[{"symbol": "NVDA", "name": "NVIDIA"}],
        reference_classes=[{"id": "such", "description": "Such", "base_rate": 0.2}],
        scenarios=[claim(name, 0.3) for name in SCENARIOS[:3]],
        predictions=[
            prediction(name, predictor_id="ada", **({"reference_class_id": "such"} if name > "P_3" else {}))
            for name in PREDICTIONS
        ],
        influences=[
            *(requiring(SCENARIOS[number % 3], name) for number, name in enumerate(PREDICTIONS)),
            killing("P_0", "P_1"),
            killing("P_1", "P_2"),
            requiring("P_2", "P_3"),
        ],
        milestones=[event("P_6"), event("P_7")],
    )


class Writer:
    """Writes of every kind, each with values drawn at random; what a write refuses has changed nothing."""

    def __init__(self, database: Database, rng: np.random.Generator) -> None:
        self._database, self._rng = database, rng
        self._intake = Intake(database)

    def kinds(self) -> list[Callable[[], Awaitable[object]]]:
        """One function for each kind of write."""
        return [
            self.submit_evidence,
            self.submit_evidence,
            self.upsert_scenario,
            self.upsert_prediction,
            self.upsert_influence,
            self.upsert_influence,
            self.upsert_influence_without_table,
            self.upsert_class,
            self.upsert_ticker,
            self.upsert_exposure,
            self.remove_influence,
            self.remove_influence,
            self.delete_scenario,
            self.delete_scenario,
            self.delete_and_recreate,
            self.delete_milestone,
            self.resolve,
            self.unresolve,
            self.annul,
            self.record_milestone,
            self.sweep,
            self.add_validation,
            self.import_some,
            self.import_again,
            self.rebuild,
            self.refresh,
            self.propagate,
            self.dry_run,
        ]

    def any_of(self, ids: list[str]) -> str:
        """One of some ids."""
        return ids[int(self._rng.integers(len(ids)))]

    def probability(self) -> float:
        """A probability of three digits."""
        return round(float(self._rng.uniform(0.05, 0.95)), 3)

    def ends(self) -> Json:
        """A scenario and a prediction, or two predictions in the order in which they may influence each other."""
        if self._rng.random() < 0.5:
            return {
                "kind": "PREREQUISITE_OF",
                "parent_id": self.any_of(SCENARIOS),
                "child_id": self.any_of(PREDICTIONS),
            }
        parent, child = sorted(self._rng.choice(len(PREDICTIONS), 2, replace=False).tolist())
        return {"kind": "KILLS", "parent_id": PREDICTIONS[parent], "child_id": PREDICTIONS[child]}

    async def submit_evidence(self) -> object:
        """Two items for one claim, and one for another."""
        one, other = self.any_of(PREDICTIONS), self.any_of(SCENARIOS)
        return await self._intake.submit(
            [EvidenceItem(name, Direction.FOR, self._rng.uniform(1.1, 5.0)) for name in (one, one, other)]
        )

    async def upsert_scenario(self) -> object:
        """New, or with another probability, or without one."""
        probability = None if self._rng.random() < 0.3 else self.probability()
        return await upsert(self._database, Change("scenarios", claim(self.any_of(SCENARIOS), probability)))

    async def upsert_prediction(self) -> object:
        """Another window, into a class, or out of it."""
        values: Json = {"from_year": 2026 + int(self._rng.integers(3))}
        values |= {"reference_class_id": self.any_of(["such", ""]) or None}
        return await upsert(self._database, Change("predictions", {"id": self.any_of(PREDICTIONS), **values}))

    async def upsert_influence(self) -> object:
        """New or changed."""
        ends = self.ends()
        low, high = sorted((self.probability(), self.probability()))
        p_if_true, p_if_false = (low, high) if ends["kind"] == "KILLS" else (high, low)
        tables = {"p_if_true": p_if_true, "p_if_false": p_if_false}
        return await upsert(self._database, Change("influences", {**ends, **tables}))

    async def upsert_influence_without_table(self) -> object:
        """Which takes a known table away."""
        values = {**self.ends(), "p_if_true": None, "p_if_false": None}
        return await upsert(self._database, Change("influences", values))

    async def upsert_class(self) -> object:
        """Another base rate for all its members."""
        values = {"id": "such", "description": "Such", "base_rate": self.probability()}
        return await upsert(self._database, Change("reference_classes", values))

    async def upsert_ticker(self) -> object:
        """Nothing to the network."""
        return await upsert(self._database, Change("tickers", {"symbol": "NVDA", "name": f"N {self.probability()}"}))

    async def upsert_exposure(self) -> object:
        """Likewise."""
        values = {"sign": "BENEFITS", "prediction_id": self.any_of(PREDICTIONS), "symbol": "NVDA"}
        return await upsert(self._database, Change("exposures", values))

    async def remove_influence(self) -> object:
        """One that may be there."""
        return await remove_edge(self._database, Change("influences", self.ends()), "removeInfluence")

    async def delete_scenario(self) -> object:
        """With all its influences, unless it has evidence."""
        return await delete_subject(self._database, "Scenario", self.any_of(SCENARIOS))

    async def delete_and_recreate(self) -> object:
        """Between two looks at the network; its influences do not come back."""
        name = self.any_of(SCENARIOS)
        await delete_subject(self._database, "Scenario", name)
        return await upsert(self._database, Change("scenarios", claim(name, self.probability())))

    async def delete_milestone(self) -> object:
        """With its check-ins."""
        return await delete_subject(self._database, "Milestone", "P_7:event")

    async def resolve(self) -> object:
        """As true or false."""
        status = ClaimStatus.RESOLVED_TRUE if self._rng.random() < 0.5 else ClaimStatus.RESOLVED_FALSE
        return await resolve(self._database, self.any_of(PREDICTIONS), Outcome(status=status))

    async def unresolve(self) -> object:
        """Whichever is closed."""
        for name in PREDICTIONS:
            try:
                return await unresolve(self._database, name, Outcome(status=ClaimStatus.OPEN))
            except RefusedError:
                continue
        return None

    async def annul(self) -> object:
        """Out of the network."""
        return await annul(self._database, self.any_of(PREDICTIONS), Outcome(status=ClaimStatus.ANNULLED))

    async def record_milestone(self) -> object:
        """A check-in that came true."""
        return await record_milestone(self._database, "P_6:check-in-1", Observation(is_hit=True))

    async def sweep(self) -> object:
        """Misses become evidence."""
        return await sweep(self._database)

    async def add_validation(self) -> object:
        """Nothing to the network."""
        values = {"prediction_id": self.any_of(PREDICTIONS), "observed_at": "2026-05-01", "status": "ON_TRACK"}
        return await add_validation(self._database, values)

    async def import_some(self) -> object:
        """New claims with influences on old ones."""
        name = f"S_NEW_{int(self._rng.integers(1 << 30))}"
        rows = {
            "scenarios": [claim(name, self.probability())],
            "influences": [requiring(name, self.any_of(PREDICTIONS))],
        }
        return await import_bundle(self._database, bundle(**rows))

    async def import_again(self) -> object:
        """Claims, class and influences as they were at first."""
        return await import_bundle(self._database, graph())

    async def rebuild(self) -> object:
        """Whatever is derived."""
        return await rebuild(self._database)

    async def refresh(self) -> object:
        """Posteriors alone."""
        return await refresh_posteriors(self._database)

    async def propagate(self) -> object:
        """Marginals alone."""
        return await propagate(self._database, Engine(), Request(), now=NOW)

    async def dry_run(self) -> object:
        """Nothing at all."""
        return await upsert(self._database, Change("scenarios", claim("S_DRY")), is_dry_run=True)


@pytest.mark.statements
@pytest.mark.parametrize("seed", [pytest.param(0, marks=pytest.mark.one_release), 1])
async def test_the_network_after_any_writes_is_the_one_read_as_a_whole(
    database: Database, statements: StatementCounter, seed: int
) -> None:
    """Bit for bit: snapshot, arrays, intercepts and marginals; and nothing but the first is read as a whole."""
    rng = np.random.default_rng(seed)
    await import_bundle(database, graph())
    writer, engine, num_done = Writer(database, rng), Engine(), 0
    async with database.reading() as reading:
        await engine.beliefs(reading, Method.LBP, now=NOW)
    for number in rng.permutation(len(writer.kinds())).tolist():
        try:
            await writer.kinds()[number]()
            num_done += 1
        except RefusedError:
            pass
        if rng.random() < 0.3:  # several writes between two looks
            continue
        statements.reset()
        async with database.reading() as reading:
            found, beliefs = await engine.beliefs(reading, Method.LBP, now=NOW)
            num_whole = statements.names.count("network/list_claims")
            whole = Engine()
            expected, told = await whole.beliefs(reading, Method.LBP, now=NOW)
        assert num_whole == 0
        assert_same(found.snapshot, expected.snapshot)
        assert (found.ids, found.structure_key, found.evidence_key) == (
            expected.ids,
            expected.structure_key,
            expected.evidence_key,
        )
        assert_array_equal(found.inside_weights, expected.inside_weights)
        ours, theirs = await engine._get_model(found, engine._slots), await whole._get_model(expected, whole._slots)
        for name in ("intercepts", "slopes", "pulls", "probabilities", "normal_errors"):
            assert_array_equal(getattr(ours, name), getattr(theirs, name))
        assert_array_equal(beliefs.marginals, told.marginals)
    assert num_done > len(writer.kinds()) / 2


async def test_a_claim_that_was_deleted_and_made_anew_has_none_of_its_old_influences(database: Database) -> None:
    """Between two looks; on whichever side of them it was."""
    await import_bundle(
        database,
        bundle(
            scenarios=[claim("S_0"), claim("S_1"), claim("S_2")],
            influences=[requiring("S_0", "S_1"), requiring("S_1", "S_2")],
        ),
    )
    engine = Engine()
    async with database.reading() as reading:
        before = await engine.view(reading, now=NOW)
        await delete_subject(database, "Scenario", "S_1")
        await upsert(database, Change("scenarios", claim("S_1")))
        after = await engine.view(reading, now=NOW)
        expected = await Engine().view(reading, now=NOW)

    assert (before.num_influences, after.num_influences) == (2, 0)
    assert_same(after.snapshot, expected.snapshot)
