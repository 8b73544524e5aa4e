"""Propagation runs: what they store is what the network says, and a run that fails takes nothing away."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, LiteralString

import pytest

from graph.database.sessions import Database
from graph.errors import OversizeError
from graph.inference.network.diagnostics import Beliefs, Method
from graph.network.engine import Engine
from graph.network.propagation import is_propagation_due, propagate_all
from graph.network.view import View
from resolvers.base.context import Service
from tests.helpers.asking import ask, service_of
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter
from tests.helpers.diamond import Enumeration, diamond, reference_of_c, references
from tests.helpers.mutating import mutate

RUN = (
    "key method startedAt asOf revision isConverged reason iterationCount residual claimCount "
    "movedCount tolerance sampleCount "
    "seed"
)
SELECTED = f"... on Propagated {{ storedCount run {{ {RUN} durationSeconds }} }}"
MARGINALS = f"""{{ nodes(ids: []) {{ id }} predictions(first: 10) {{ nodes {{ key marginal {{
  probability asOf ageSeconds isStale run {{ {RUN} }} }} }} }} }}"""
MARGINALS_STORED: LiteralString = "MATCH (c:Claim) RETURN [c.id, c.marginal, c.marginal_run_id] ORDER BY c.id"
NOTHING, LONG = timedelta(), timedelta(hours=1)


@pytest.fixture
async def stored(database: Database) -> Database:
    """The diamond, in the database."""
    await import_once(database, diamond())
    return database


def with_engine(database: Database, engine: Engine) -> Service:
    """A service that computes with another engine than the tests' own."""
    return replace(service_of(database), engine=engine)


async def propagated(asked: Database | Service, **options: Any) -> dict[str, Any]:
    """Run the mutation."""
    return await mutate(asked, "propagateBeliefs", selected=SELECTED, **({"method": "LBP"} | options))


async def marginals(database: Database) -> dict[str, Any]:
    """Predictions' marginals as a client reads them."""
    found = (await ask(database, MARGINALS)).data["predictions"]["nodes"]
    return {node["key"]: node["marginal"] for node in found}


async def properties(database: Database, statement: Any) -> list[Any]:
    """What analysts read in Cypher."""
    async with database.open_session() as session:
        return [record.value() async for record in await session.run(statement)]


@pytest.mark.statements
@pytest.mark.parametrize("method", ["AUTO", "EXACT", "LBP", "SAMPLE"])
async def test_what_is_stored_is_what_the_network_says(stored: Database, method: str) -> None:
    """On the claims' nodes and to clients alike, with the run that it comes from."""
    await mutate(
        stored, "submitEvidence", {"claim": "P_C", "direction": "FOR", "strength": "STRONG"}, selected="__typename"
    )

    answer = await propagated(stored, method=method)

    run = answer["run"]
    moment = datetime.fromisoformat(run["asOf"])
    llr = 2.302585092994046
    expected = Enumeration(references(moment)).marginals({}, {"P_C": reference_of_c(moment)[1] * llr})
    assert (answer["storedCount"], run["isConverged"], run["method"], run["claimCount"]) == (4, True, method, 4)
    shown = await marginals(stored)
    for claim in ("P_B", "P_C", "P_D"):
        assert shown[claim]["probability"] == pytest.approx(expected[claim], abs=0.03)
        assert shown[claim]["run"] == {name: run[name] for name in shown[claim]["run"]}
        assert (shown[claim]["asOf"], shown[claim]["isStale"]) == (run["asOf"], False)
        assert 0 <= shown[claim]["ageSeconds"] < 7_200
    on_nodes = await properties(stored, "MATCH (c:Claim) WHERE c.marginal IS NOT NULL RETURN [c.id, c.marginal_run_id]")
    assert sorted(on_nodes) == [[claim, run["key"]] for claim in ("P_B", "P_C", "P_D", "S_A")]


async def test_they_are_those_of_a_what_if(stored: Database) -> None:
    """Both read the same network."""
    await propagated(stored, method="LBP")

    async with stored.reading() as reading:
        view, beliefs = await service_of(stored).engine.beliefs(reading, Method.LBP)
    shown = await marginals(stored)

    assert {claim: m["probability"] for claim, m in shown.items()} == {
        claim: pytest.approx(float(beliefs.marginals[view.indices[claim]]), rel=1e-11) for claim in shown
    }


async def test_a_write_makes_them_stale(stored: Database) -> None:
    """They say so until the next run."""
    await propagated(stored)
    await mutate(stored, "resolveClaim", claim="S_A", outcome="TRUE")

    stale = [marginal["isStale"] for marginal in (await marginals(stored)).values()]
    await propagated(stored)
    fresh = [marginal["isStale"] for marginal in (await marginals(stored)).values()]

    assert (stale, fresh) == ([True] * 3, [False] * 3)
    assert await properties(stored, "MATCH (c:Claim {id: 'S_A'}) RETURN c.marginal") == [1.0]


async def test_storing_raises_no_revision(stored: Database) -> None:
    """Else each run would call for the next."""
    first = (await propagated(stored))["run"]["revision"]

    assert (await propagated(stored))["run"]["revision"] == first


class Diverging(Engine):
    """An engine whose messages never settle."""

    async def beliefs(self, *arguments: Any, **options: Any) -> tuple[View, Beliefs]:
        """The marginals of a run that did not converge."""
        view, found = await super().beliefs(*arguments, **options)
        told = replace(found.diagnostics, converged=False, reason="not converged: messages still change")
        return view, replace(found, diagnostics=told)


class Overflowing(Engine):
    """An engine that comes to no number."""

    async def beliefs(self, *_: Any, **__: Any) -> tuple[View, Beliefs]:
        """Fail as inference does."""
        raise ArithmeticError("expected marginals from 0 to 1, got nan for claim 3")


@pytest.mark.parametrize("engine", [Diverging(), Overflowing()])
async def test_a_run_that_fails_leaves_the_last_good_one(stored: Database, engine: Engine) -> None:
    """It is there, says that it did not converge and why; the marginals stay, and are stale."""
    good = (await propagated(stored))["run"]
    before = await marginals(stored)
    await mutate(stored, "resolveClaim", claim="S_A", outcome="TRUE")

    answer = await propagated(with_engine(stored, engine))

    assert (answer["storedCount"], answer["run"]["isConverged"]) == (0, False)
    assert answer["run"]["reason"].startswith("not converged")
    after = await marginals(stored)
    assert {claim: (m["probability"], m["run"]["key"]) for claim, m in after.items()} == {
        claim: (m["probability"], good["key"]) for claim, m in before.items()
    }
    assert all(marginal["isStale"] for marginal in after.values())
    latest = (await ask(stored, "{ propagationRuns(first: 5) { nodes { key isConverged reason } } }")).data[
        "propagationRuns"
    ]["nodes"]
    assert [(run["key"], run["isConverged"]) for run in latest] == [(answer["run"]["key"], False), (good["key"], True)]


async def test_a_retry_finds_its_answer(stored: Database) -> None:
    """One key, one run."""
    first = await propagated(stored, idempotencyKey="sunday")
    again = await propagated(stored, idempotencyKey="sunday")
    other = await propagated(stored, idempotencyKey="sunday", method="EXACT")

    assert (first["isReplayed"], again["isReplayed"], again["run"]) == (False, True, first["run"])
    assert other["code"] == "KEY_REUSED"
    assert await properties(stored, "MATCH (r:PropagationRun) RETURN count(r)") == [1]


async def test_a_dry_run_keeps_nothing(stored: Database) -> None:
    """It says how many it would have stored."""
    answer = await propagated(stored, dryRun=True)

    assert (answer["isDryRun"], answer["storedCount"], answer["run"]["isConverged"]) == (True, 4, True)
    assert await properties(stored, "MATCH (r:PropagationRun) RETURN r.id") == []
    assert set((await marginals(stored)).values()) == {None}


async def test_a_claim_that_takes_no_part_any_more_loses_its_marginal(stored: Database) -> None:
    """Nothing is worse than a figure that nobody stands by."""
    await propagated(stored)
    await mutate(stored, "annulClaim", claim="P_C")
    answer = await propagated(stored)

    shown = await marginals(stored)

    assert answer["storedCount"] == 3
    assert {claim for claim, marginal in shown.items() if marginal is None} == {"P_C"}


async def test_large_runs_are_stored_in_parts(
    stored: Database, statements: StatementCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them, whatever the parts."""
    monkeypatch.setattr("graph.network.propagation.ATOMIC_CLAIMS", 2)
    monkeypatch.setattr("graph.network.storing.BATCH_CLAIMS", 1)
    statements.reset()

    answer = await propagated(stored)

    assert (answer["storedCount"], answer["run"]["movedCount"]) == (4, 4)
    assert statements.names.count("network/set_marginals") == 4
    assert statements.names.count("database/open_job") == 2
    assert None not in (await marginals(stored)).values()


@pytest.mark.statements
async def test_an_older_run_that_ends_later_takes_nothing_away(stored: Database) -> None:
    """It looked at the graph before a write that the run which has ended already has seen."""
    has_looked, may_store = asyncio.Event(), asyncio.Event()

    class Waiting(Engine):
        async def beliefs(self, *arguments: Any, **options: Any) -> tuple[View, Beliefs]:
            found = await super().beliefs(*arguments, **options)
            has_looked.set()
            await may_store.wait()
            return found

    older = asyncio.create_task(propagated(with_engine(stored, Waiting())))
    await has_looked.wait()
    await mutate(
        stored, "submitEvidence", {"claim": "P_C", "direction": "FOR", "strength": "STRONG"}, selected="__typename"
    )
    newer = await propagated(stored)
    before = await properties(stored, MARGINALS_STORED)
    may_store.set()

    assert newer["storedCount"] == 4
    assert (await older)["storedCount"] == 0
    assert await properties(stored, MARGINALS_STORED) == before
    assert await properties(stored, "MATCH (g:Graph {id: 'graph'}) RETURN g.propagated_revision") == [
        int(newer["run"]["revision"])
    ]


async def test_statements_for_marginals_do_not_grow(stored: Database, statements: StatementCounter) -> None:
    """The runs of all claims of a page are one, and the revision is another."""
    await propagated(stored)
    statements.reset()

    await marginals(stored)

    assert statements.names.count("network/list_runs") <= 2
    assert len(statements.names) <= 5


@pytest.mark.statements
async def test_propagation_is_due_after_writes_once_they_pause(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for the same beliefs, whether or not it converges; writes that never pause do not put it off for ever."""
    pause = [await is_propagation_due(stored, debounce) for debounce in (NOTHING, LONG)]
    await propagate_all(stored, service_of(stored).engine, Method.LBP)
    done = await is_propagation_due(stored, NOTHING)
    await mutate(stored, "resolveClaim", claim="S_A", outcome="TRUE")
    again = [await is_propagation_due(stored, debounce) for debounce in (NOTHING, LONG)]
    monkeypatch.setattr("graph.network.propagation.LONGEST_WAIT", NOTHING)
    at_last = await is_propagation_due(stored, LONG)
    told = await propagate_all(stored, Diverging(), Method.LBP)

    assert (pause, done, again, at_last) == ([True, False], False, [True, False], True)
    assert (told["converged"], told["num_stored"]) == (False, 0)
    assert not await is_propagation_due(stored, NOTHING)


async def test_a_propagation_rests_in_proportion_to_what_it_took(stored: Database) -> None:
    """By the database's clock: of a run of ten seconds that ended fifteen seconds ago one and a half times as long."""
    await propagate_all(stored, service_of(stored).engine, Method.LBP)
    (took,) = await properties(stored, "MATCH (g:Graph {id: 'graph'}) RETURN g.propagation_seconds")
    await mutate(stored, "resolveClaim", claim="S_A", outcome="TRUE")
    await properties(
        stored,
        "MATCH (g:Graph {id: 'graph'}) SET g.propagation_seconds = 10.0, "
        "g.propagated_at = datetime.realtime() - duration({seconds: 15}) RETURN g.id",
    )

    assert 0.0 < took < 60.0
    assert not await is_propagation_due(stored, NOTHING, rest=2.0)
    assert await is_propagation_due(stored, NOTHING, rest=1.4)


async def test_only_the_latest_runs_are_kept(stored: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """By when they began; the marginals' own run is among them."""
    monkeypatch.setattr("graph.network.propagation.KEPT_RUNS", 2)

    keys = [(await propagated(stored))["run"]["key"] for _ in range(4)]

    stored_keys = await properties(stored, "MATCH (r:PropagationRun) RETURN r.id ORDER BY r.started_at")
    assert stored_keys == keys[-2:]


@pytest.mark.statements
async def test_a_graph_that_was_never_written_has_nothing_to_propagate(database: Database) -> None:
    """And a run over it stores nothing."""
    assert not await is_propagation_due(database, NOTHING)
    assert (await propagated(database))["storedCount"] == 0


class Refusing(Engine):
    """An engine to which the network is too large for some methods."""

    def __init__(self, limit: int, *methods: Method) -> None:
        super().__init__()
        self.limit, self.methods = limit, methods

    async def beliefs(self, unit: Any, method: Method, *arguments: Any, **options: Any) -> tuple[View, Beliefs]:
        """The marginals, or a refusal."""
        if method in self.methods:
            message = f"expected at most {self.limit}"
            raise OversizeError(message, size=self.limit + 1, limit=self.limit)
        return await super().beliefs(unit, method, *arguments, **options)


async def test_what_is_too_large_for_samples_is_propagated_by_lbp(stored: Database) -> None:
    """And what is too large for that is tried once."""
    by_lbp = await propagate_all(stored, Refusing(4, Method.SAMPLE), Method.SAMPLE)
    await mutate(stored, "resolveClaim", claim="S_A", outcome="TRUE")
    neither = await propagate_all(stored, Refusing(5, *Method), Method.SAMPLE)

    assert (by_lbp["method"], by_lbp["num_stored"]) == ("LBP", 4)
    assert neither == {"num_stored": 0, "refused": "expected at most 5"}
    assert not await is_propagation_due(stored, NOTHING)
