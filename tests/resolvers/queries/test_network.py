"""What-if and its like, asked as a client asks them."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from graph.database.sessions import Database
from graph.inference.network.shifts import Shifts, shifts_exactly
from graph.network.engine import Engine
from graph.network.questions import LEAST_TARGET_ERROR
from graph.network.view import network_moment
from tests.helpers.asking import ask, ask_wrong, place_of, service_of, try_ask_at
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter, empty
from tests.helpers.diamond import Enumeration, diamond, references
from tests.helpers.mutating import mutate
from tests.helpers.unchecked import store_unchecked

NOW = datetime(2026, 6, 1, 12, 34, 56, tzinfo=UTC)
WHAT_IF = """
query ($observations: [SupposedOutcome!]!, $method: InferenceMethod! = EXACT, $intervene: Boolean! = false,
       $first: Int! = 20, $after: String, $samples: Int, $seed: Int64, $targetError: Float) {
  whatIf(observations: $observations, method: $method, intervene: $intervene, sampleCount: $samples, seed: $seed,
         targetError: $targetError) {
    __typename
    ... on WhatIfResult {
      shifts(first: $first, after: $after) { totalCount
        nodes { claim { key title ... on Prediction { predictor { name } } } probabilityBefore probabilityAfter
          delta standardError
          method } }
      supposed { claim { key } probabilityBefore probabilityAfter }
      tickers { totalCount nodes { ticker { symbol name } delta standardError claimCount contradictoryCount } }
      diagnostics { method isConverged reason sampleCount matchingCount iterationCount residual seed
        survivingAncestorCount
        weightVariance wallSeconds revision asOf isFromBank claimCount influenceCount standardError
        isPrecise calibrationError errorEstimate replicateCount }
    }
    ... on UserError { code message path }
    ... on ClaimClosed { status }
    ... on TooLarge { size limit }
  }
}
"""


@pytest.fixture
async def stored(database: Database) -> Database:
    """The diamond with tickers that two of its claims move."""
    exposures = [
        {"sign": "BENEFITS", "prediction_id": "P_B", "symbol": "NVDA", "impact": 0.2},
        {"sign": "HARMS", "prediction_id": "P_D", "symbol": "NVDA", "impact": -0.1},
        {"sign": "BENEFITS", "prediction_id": "P_D", "symbol": "TSM", "impact": 0.5},
        {"sign": "BENEFITS", "prediction_id": "P_C", "symbol": "QCOM", "relevance": 0.9},
    ]
    tickers = [{"symbol": symbol, "name": symbol} for symbol in ("NVDA", "QCOM", "TSM")]
    await import_once(
        database,
        type(diamond()).model_validate(
            diamond().model_dump(mode="json") | {"exposures": exposures, "tickers": tickers}
        ),
    )
    return database


def supposing(**outcomes: str) -> list[dict[str, str]]:
    """Outcomes by claim as the query takes them."""
    return [{"claim": claim, "outcome": outcome} for claim, outcome in outcomes.items()]


@pytest.mark.statements
async def test_a_what_if_shows_the_claims_that_move(stored: Database) -> None:
    """Against enumeration, with several outcomes at once; what is supposed stands apart."""
    answer = (await ask(stored, WHAT_IF, observations=supposing(S_A="TRUE", P_C="FALSE"))).data["whatIf"]
    told = answer["diagnostics"]
    moment = datetime.fromisoformat(told["asOf"])
    model = Enumeration(references(moment))
    before, after = model.marginals({}, {}), model.marginals({"S_A": True, "P_C": False}, {})

    shifts = {shift["claim"]["key"]: shift for shift in answer["shifts"]["nodes"]}
    assert set(shifts) == {"P_B", "P_D"}
    for claim, shift in shifts.items():
        assert shift["probabilityBefore"] == pytest.approx(before[claim], abs=0.005)
        assert shift["probabilityAfter"] == pytest.approx(after[claim], abs=0.005)
    assert [(s["claim"]["key"], s["probabilityAfter"]) for s in answer["supposed"]] == [("S_A", 1.0), ("P_C", 0.0)]
    assert answer["shifts"]["totalCount"] == 2
    assert (told["method"], told["isConverged"], told["claimCount"], told["influenceCount"]) == ("EXACT", True, 4, 4)
    assert moment <= datetime.now(UTC)
    assert moment == network_moment(moment)


@pytest.mark.statements
@pytest.mark.parametrize("method", ["EXACT", "LBP", "SAMPLE"])
@pytest.mark.parametrize("intervene", [False, True])
async def test_tickers_move_as_their_exposures_compound(stored: Database, method: str, *, intervene: bool) -> None:
    """By the enumerated joint, over the claims whose impact somebody has stated; in order of size."""
    asked = {"observations": supposing(P_B="TRUE"), "method": method, "intervene": intervene}
    answer = (await ask(stored, WHAT_IF, **asked)).data["whatIf"]
    model = Enumeration(references(datetime.fromisoformat(answer["diagnostics"]["asOf"])))
    cut = frozenset({"P_B"}) if intervene else frozenset[str]()

    def change(**impacts: float) -> float:
        return model.price(impacts, {"P_B": True}, cut) / model.price(impacts, {}) - 1.0

    rows = answer["tickers"]["nodes"]
    found = {row["ticker"]["symbol"]: (row["delta"], row["claimCount"], row["contradictoryCount"]) for row in rows}
    tolerance = 0.005 if method == "EXACT" else 0.02
    assert found == {
        "NVDA": (pytest.approx(change(P_B=0.2, P_D=-0.1), abs=tolerance), 2, 0),
        "TSM": (pytest.approx(change(P_D=0.5), abs=tolerance), 1, 0),
    }
    assert [abs(row["delta"]) for row in rows] == sorted((abs(row["delta"]) for row in rows), reverse=True)
    assert answer["tickers"]["totalCount"] == 2
    assert (rows[0]["standardError"] is None) is (method == "EXACT")


async def test_contradicting_exposures_move_no_ticker(stored: Database) -> None:
    """A harm with a gain and a claim of both signs are left out, and counted."""
    impacts = {"HARMS": 0.3, "BENEFITS": 0.1}
    rows = [{"sign": "HARMS", "prediction_id": "P_C", "symbol": "TSM", "impact": 0.3}]
    rows += [{"sign": sign, "prediction_id": "P_B", "symbol": "TSM", "impact": impacts[sign]} for sign in impacts]
    before = (await ask(stored, WHAT_IF, observations=supposing(S_A="TRUE"))).data["whatIf"]["tickers"]["nodes"]
    await store_unchecked(stored, exposures=rows)

    after = (await ask(stored, WHAT_IF, observations=supposing(S_A="TRUE"))).data["whatIf"]["tickers"]["nodes"]

    moves = [{row["ticker"]["symbol"]: (row["delta"], row["claimCount"]) for row in rows} for rows in (before, after)]
    assert moves[0] == moves[1]
    assert {row["ticker"]["symbol"]: row["contradictoryCount"] for row in after} == {"NVDA": 0, "TSM": 2}


async def test_statements_do_not_grow_with_the_answer(stored: Database, statements: StatementCounter) -> None:
    """The revision, the claims of both lists and what hangs on them, the tickers' exposures and the tickers."""
    await ask(stored, WHAT_IF, observations=supposing(S_A="TRUE"))
    statements.reset()

    await ask(stored, WHAT_IF, observations=supposing(S_A="TRUE"))

    assert sorted(statements.names) == [
        "database/get_revision",
        "network/list_exposures",
        "reading/expand_claims",
        "reading/get_nodes",
        "reading/get_nodes",
        "reading/get_nodes",
    ]


async def test_a_page_of_shifts_is_the_first_of_them(stored: Database) -> None:
    """By size."""
    whole = (await ask(stored, WHAT_IF, observations=supposing(S_A="FALSE"))).data["whatIf"]
    part = (await ask(stored, WHAT_IF, observations=supposing(S_A="FALSE"), first=1)).data["whatIf"]

    assert part["shifts"]["nodes"] == whole["shifts"]["nodes"][:1]
    assert part["shifts"]["totalCount"] == len(whole["shifts"]["nodes"]) == 3


async def test_samples_come_with_what_says_how_good_they_are(stored: Database) -> None:
    """Standard errors, ancestors, the seed, and whether the kept bank answered."""
    asked = {"observations": supposing(S_A="TRUE"), "method": "SAMPLE"}
    kept = (await ask(stored, WHAT_IF, **asked)).data["whatIf"]["diagnostics"]
    own = (await ask(stored, WHAT_IF, **asked, samples=1_024, seed=3)).data["whatIf"]["diagnostics"]

    assert (kept["isFromBank"], kept["sampleCount"], kept["seed"]) == (True, 16_384, "1")
    assert 0 < kept["matchingCount"] < kept["sampleCount"]
    assert 0 < kept["standardError"] < 0.05
    assert kept["survivingAncestorCount"] > 400
    assert (own["sampleCount"], own["seed"]) == (1_024, "3")


async def test_a_precision_is_reached_by_more_samples(stored: Database) -> None:
    """Replicates come in fours, until errors of the shifts are small enough; the seed decides what is drawn."""
    asked = {"observations": supposing(S_A="TRUE"), "method": "SAMPLE", "intervene": True, "samples": 1_024}
    rough = (await ask(stored, WHAT_IF, **asked, targetError=0.1)).data["whatIf"]["diagnostics"]
    target = max(LEAST_TARGET_ERROR, 0.6 * rough["standardError"])
    fine = (await ask(stored, WHAT_IF, **asked, targetError=target)).data["whatIf"]["diagnostics"]

    assert rough["replicateCount"] == 4
    assert fine["replicateCount"] > 4
    assert fine["replicateCount"] % 4 == 0
    assert rough["isPrecise"]
    assert fine["isPrecise"]
    assert fine["standardError"] <= target
    assert fine["standardError"] < rough["standardError"]


async def test_unless_asked_for_another_each_part_has_the_best_method(stored: Database) -> None:
    """Here exact inference, which draws nothing and knows no error; LBP says how far off it may be."""
    document = WHAT_IF.replace("$method: InferenceMethod! = EXACT, ", "").replace("method: $method, ", "")
    asked = {"observations": supposing(S_A="TRUE")}
    answer = (await ask(stored, document, **asked)).data["whatIf"]
    by_lbp = (await ask(stored, WHAT_IF, **asked, method="LBP")).data["whatIf"]
    told = answer["diagnostics"]

    assert told["method"] == "AUTO"
    assert {shift["method"] for shift in answer["shifts"]["nodes"]} == {"EXACT"}
    assert (told["sampleCount"], told["calibrationError"], told["errorEstimate"]) == (0, 0.0, None)
    assert told["isConverged"]
    assert told["isPrecise"]
    assert {shift["method"] for shift in by_lbp["shifts"]["nodes"]} == {"LBP"}
    exact = {shift["claim"]["key"]: shift["delta"] for shift in answer["shifts"]["nodes"]}
    for shift in by_lbp["shifts"]["nodes"]:
        error = abs(shift["delta"] - exact[shift["claim"]["key"]])
        assert error <= by_lbp["diagnostics"]["errorEstimate"] + 1e-6


@pytest.mark.parametrize(
    ("observations", "kind", "path"),
    [
        ([], "Invalid", "observations"),
        (supposing(P_NONE="TRUE"), "NotFound", "observations.0.claim"),
        (supposing(TK_UNKNOWN="TRUE"), "Invalid", "observations.0.claim"),
        ([*supposing(P_B="TRUE"), *supposing(P_B="FALSE")], "Conflict", "observations.1.claim"),
        ([*supposing(P_B="TRUE"), *supposing(P_B="TRUE")], "Duplicate", "observations.1.claim"),
        (supposing(**{"not a key": "TRUE"}), "Invalid", "observations.0.claim"),
    ],
)
async def test_what_cannot_be_supposed_is_refused_by_type(
    stored: Database, observations: list[Any], kind: str, path: str
) -> None:
    """With the place in the input."""
    answer = (await ask(stored, WHAT_IF, observations=observations)).data["whatIf"]

    assert (answer["__typename"], place_of(answer)) == (kind, path)


async def test_closed_claims_are_refused_by_type(stored: Database) -> None:
    """With what became of them."""
    await mutate(stored, "resolveClaim", claim="P_B", outcome="TRUE")

    answer = (await ask(stored, WHAT_IF, observations=supposing(P_B="FALSE"))).data["whatIf"]

    assert (answer["__typename"], answer["status"]) == ("ClaimClosed", "RESOLVED_TRUE")


async def test_numbers_out_of_range_are_refused(stored: Database) -> None:
    """Samples, seeds and precisions have their bounds."""
    outside: list[tuple[dict[str, Any], str]] = [
        ({"samples": 1_000}, "sampleCount"),
        ({"seed": -1}, "seed"),
        ({"targetError": 0.0}, "targetError"),
        ({"targetError": 0.2}, "targetError"),
    ]
    for arguments, path in outside:
        asked = {"observations": supposing(S_A="TRUE")} | arguments
        answer = (await ask(stored, WHAT_IF, **asked)).data["whatIf"]
        assert (answer["code"], place_of(answer)) == ("INVALID", path)
    error = await ask_wrong(stored, WHAT_IF, observations=supposing(S_A="TRUE"), first=0)
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("INVALID", "first")


async def test_a_network_too_large_is_refused_by_type(stored: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its size, and the limit."""
    monkeypatch.setattr("graph.network.fetching.MAX_INFLUENCES", 3)

    answer = (await ask(stored, WHAT_IF, observations=supposing(S_A="TRUE"))).data["whatIf"]

    assert (answer["code"], answer["size"], answer["limit"]) == ("TOO_LARGE", "5", "3")


async def test_too_much_at_once_is_told_as_busy(stored: Database) -> None:
    """A fault of the moment, which a client may try again."""
    engine = Engine(patience_seconds=0.01)
    for _ in range(2):
        await engine._slots._free.acquire()

    error = await ask_wrong(replace(service_of(stored), engine=engine), WHAT_IF, observations=supposing(S_A="TRUE"))

    assert (error["extensions"]["code"], error["extensions"]["isRetryable"]) == ("BUSY", True)


async def test_fields_of_one_request_wait_for_each_other(stored: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes longer than others would wait for a thread, of which there is one."""

    def slow(*arguments: Any, **options: Any) -> Shifts:
        time.sleep(0.1)
        return shifts_exactly(*arguments, **options)

    monkeypatch.setattr("graph.network.engine.shifts_exactly", slow)
    service = replace(service_of(stored), engine=Engine(num_slots=1, patience_seconds=0.02))
    fields = " ".join(
        f"""{claim}: whatIf(observations: [{{ claim: "{claim}", outcome: TRUE }}], method: EXACT) {{
        __typename ... on WhatIfResult {{ shifts {{ totalCount }} }} }}"""
        for claim in ("S_A", "P_B", "P_C")
    )

    answer = (await ask(service, f"{{ {fields} }}")).data

    assert {found["__typename"] for found in answer.values()} == {"WhatIfResult"}


async def test_a_client_that_leaves_stops_the_work(stored: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a tenth of a second or so; its slot is free again."""
    engine = service_of(stored).engine
    started, stopped = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(*_: Any, should_stop: Any, **__: Any) -> None:
        loop.call_soon_threadsafe(started.set)
        while not should_stop():
            pass
        loop.call_soon_threadsafe(stopped.set)

    monkeypatch.setattr("graph.network.engine.shifts_exactly", endless)
    task = asyncio.create_task(ask(stored, WHAT_IF, observations=supposing(S_A="TRUE")))
    await asyncio.wait_for(started.wait(), 30)
    task.cancel()

    await asyncio.wait_for(stopped.wait(), 5)
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.1)
    assert engine._slots._free._value == 2


SENSITIVITY = """
query ($target: ID!, $first: Int! = 20) { sensitivity(target: $target) {
  __typename
  ... on SensitivityResult { marginalProbability nearCount diagnostics { isFromBank sampleCount }
    effects(first: $first) { totalCount
      nodes { parameter kind claim { key } parent { key } probability derivative standardError } } }
  ... on UserError { code path }
} }
"""


@pytest.mark.statements
async def test_sensitivity_is_the_slope_of_enumeration(stored: Database) -> None:
    """By differences of the model made anew; a stated probability of its own without a class counts in full."""
    answer = (await ask(stored, SENSITIVITY, target="P_D")).data["sensitivity"]
    effects = answer["effects"]["nodes"]

    stated = {row["claim"]["key"]: row for row in effects if row["parameter"] == "STATED"}
    assert stated["P_D"]["derivative"] == pytest.approx(1.0, abs=0.05)  # with no evidence it is its own marginal
    assert stated["P_D"]["probability"] == 0.35
    tables = [row for row in effects if row["kind"] is not None]
    assert len(tables) == 8
    assert {row["parent"]["key"] for row in tables} == {"S_A", "P_B", "P_C"}
    assert answer["marginalProbability"] == pytest.approx(0.35, abs=0.02)
    assert answer["effects"]["totalCount"] == len(effects) == 12
    sizes = [abs(row["derivative"]) for row in effects]
    assert sizes == sorted(sizes, reverse=True)


INFORMATION = """
query ($targets: [ID!]!) { valueOfInformation(targets: $targets) {
  __typename
  ... on ValueOfInformationResult { reductionFloorBits diagnostics { sampleCount }
    claims { totalCount nodes { claim { key } marginalProbability expectedReductionBits standardError meanShifts } } }
  ... on UserError { code path }
} }
"""


@pytest.mark.statements
async def test_what_is_worth_learning_is_mutual_information(stored: Database) -> None:
    """By the enumerated joint: the root mean square shift of the target when the claim is learned."""
    answer = (await try_ask_at(NOW, stored, INFORMATION, targets=["P_D"])).data["valueOfInformation"]
    model = Enumeration(references(network_moment(NOW)))
    before = model.marginals({}, {})

    claims = {row["claim"]["key"]: row for row in answer["claims"]["nodes"]}
    assert set(claims) == {"S_A", "P_B", "P_C"}
    for claim, row in claims.items():
        if_true = model.marginals({claim: True}, {})["P_D"] - before["P_D"]
        if_false = model.marginals({claim: False}, {})["P_D"] - before["P_D"]
        expected = (before[claim] * if_true**2 + (1.0 - before[claim]) * if_false**2) ** 0.5
        assert row["meanShifts"] == [pytest.approx(expected, abs=0.02)]
        assert row["marginalProbability"] == pytest.approx(before[claim], abs=0.02)


async def test_targets_are_checked(stored: Database) -> None:
    """Each once, known, and open."""
    for targets, kind in (([], "Invalid"), (["P_D", "P_D"], "Duplicate"), (["P_NONE"], "NotFound")):
        answer = (await ask(stored, INFORMATION, targets=targets)).data["valueOfInformation"]
        assert answer["__typename"] == kind
    assert (await ask(stored, SENSITIVITY, target="P_NONE")).data["sensitivity"]["code"] == "NOT_FOUND"


@pytest.mark.statements
async def test_tables_that_contradict_each_other_are_shown(stored: Database) -> None:
    """Worked by hand for P_D: 0.5 of 0.7 and 0.2 make 0.45; P_C alone makes less."""
    document = """{ incoherence { revision asOf claims { totalCount nodes { claim { key } contradiction
        priorMarginalProbability lowestProbability
      lowestParentKey highestProbability highestParentKey tableCount } } contradictions { totalCount } } }"""
    answer = (await ask(stored, document)).data["incoherence"]
    moment = datetime.fromisoformat(answer["asOf"])

    row = next(row for row in answer["claims"]["nodes"] if row["claim"]["key"] == "P_D")
    p_c = references(moment)["P_C"]
    by_c = p_c * 0.1 + (1.0 - p_c) * 0.5
    assert {row["lowestParentKey"], row["highestParentKey"]} == {"P_B", "P_C"}
    assert (row["highestProbability"], row["lowestProbability"]) == (pytest.approx(0.45), pytest.approx(by_c))
    assert row["contradiction"] == pytest.approx(max(0.45, by_c) - min(by_c, 0.35))
    assert row["tableCount"] == 2
    sizes = [row["contradiction"] for row in answer["claims"]["nodes"]]
    assert sizes == sorted(sizes, reverse=True)


async def test_an_empty_graph_has_nothing_incoherent(migrated_database: Database) -> None:
    """No claim at all is no fault."""
    await empty(migrated_database)

    assert (
        await ask(migrated_database, "{ incoherence { claims { totalCount } contradictions { totalCount } } }")
    ).data == {"incoherence": {"claims": {"totalCount": 0}, "contradictions": {"totalCount": 0}}}
