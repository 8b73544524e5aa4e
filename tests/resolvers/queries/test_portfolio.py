"""Portfolios through the schema: figures against the sample's rows and the marginals that other queries give."""

import math
from collections import defaultdict
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.model.kinds import ExposureSign
from graph.sample.loading import load_illustration
from resolvers.base.extents import INFERENCE_POINTS
from resolvers.types.portfolio import PAST_ROWS, SAMPLING_POINTS
from tests.helpers.asking import TARIFF, ask, ask_wrong
from tests.helpers.bundles import bundle
from tests.helpers.copies import import_once
from tests.helpers.database import empty

WEIGHTS = {"VOLTA.EX": 40.0, "ACCEL.EX": 35.0, "TURBI.EX": -25.0}
BOOK: list[dict[str, Any]] = [{"ticker": symbol, "weight": weight} for symbol, weight in WEIGHTS.items()]
ABSENT = [{"ticker": symbol, "weight": 1.0} for symbol in ("VOLTA.EX", "NOPE", "NADA")]

FIGURES = """
  expectedRelevance grossRelevance exposedWeightShare impactWeightShare silentSymbols duplicateSymbols
  beyondCount unstatedCount contradictoryCount independentDrivers
  relevance { mean meanError standardDeviation shortfall negativeProbability quantiles { level value } }
  valueChange { mean meanError standardDeviation shortfall quantiles { value } }
  contributions(first: 100) { totalCount nodes {
    prediction { key } probability coefficient expectedRelevance riskShare worstProbability worstLift } }
  diagnostics { isConverged revision }
"""
EXPOSURE = (
    """query ($positions: [PositionInput!]!, $horizon: Date, $whatIf: [SupposedOutcome!]) {
  portfolioExposure(positions: $positions, horizonOn: $horizon, whatIf: $whatIf) {
    ... on PortfolioExposureResult { """
    + FIGURES
    + """
      tickers: groups(by: TICKER) { groupKey expectedRelevance riskShare }
      years: groups(by: YEAR) { groupKey expectedRelevance riskShare }
      drivers(first: 100) { totalCount nodes {
        claim { key } probability expectedIfTrue expectedIfTrueError expectedIfFalse varianceShare standardError } }
      whatIf { expectedBefore expectedAfter delta tickers(first: 100) { nodes { ticker { symbol } delta } } }
    }
    ... on UserError { code message path }
  }
}"""
)
MARGINALS = """query ($key: ID!, $outcome: ClaimOutcome!) {
  whatIf(observations: [{claim: $key, outcome: $outcome}]) { ... on WhatIfResult {
    shifts(first: 100) { nodes { claim { key } probabilityBefore probabilityAfter } } } }
}"""


@pytest.fixture(scope="module")
async def sampled(migrated_database: Database) -> Database:
    """The illustrative sample."""
    await empty(migrated_database)
    await import_once(migrated_database, load_illustration())
    return migrated_database


async def measure(database: Database, positions: list[dict[str, Any]], **variables: Any) -> dict[str, Any]:
    """A portfolio's exposure."""
    asked = await ask(database, EXPOSURE, positions=positions, **variables)
    found: dict[str, Any] = asked.data["portfolioExposure"]
    return found


async def refuse(database: Database, positions: list[dict[str, Any]], **variables: Any) -> dict[str, Any]:
    """The refusal of a portfolio."""
    refusal = await measure(database, positions, **variables)
    assert set(refusal) == {"code", "message", "path"}
    return refusal


async def test_contributions_are_those_of_the_rows_and_add_up(sampled: Database) -> None:
    """Coefficients by hand from the bundle; their products with the marginals add up to the total, shares to 1."""
    found = await measure(sampled, BOOK)
    coefficients: dict[str, float] = defaultdict(float)
    for row in load_illustration().exposures:
        sign = 1.0 if row.sign is ExposureSign.BENEFITS else -1.0
        coefficients[row.prediction_id] += WEIGHTS.get(row.symbol, 0.0) * sign * (row.relevance or 0.0)
    expected = {key: value for key, value in coefficients.items() if value}
    parts = found["contributions"]["nodes"]

    assert {part["prediction"]["key"]: part["coefficient"] for part in parts} == pytest.approx(expected, rel=1e-11)
    for part in parts:
        assert part["expectedRelevance"] == pytest.approx(part["coefficient"] * part["probability"], rel=1e-10)
        assert part["worstLift"] == pytest.approx(part["worstProbability"] / part["probability"], rel=1e-9)
    total = math.fsum(part["expectedRelevance"] for part in parts)
    assert found["expectedRelevance"] == pytest.approx(total, rel=1e-10)
    assert found["grossRelevance"] == pytest.approx(math.fsum(abs(p["expectedRelevance"]) for p in parts), rel=1e-10)
    assert math.fsum(part["riskShare"] for part in parts) == pytest.approx(1.0, abs=1e-10)
    sizes = [abs(part["expectedRelevance"]) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    for groups in (found["tickers"], found["years"]):
        assert math.fsum(group["expectedRelevance"] for group in groups) == pytest.approx(total, rel=1e-10)
        assert math.fsum(group["riskShare"] for group in groups) == pytest.approx(1.0, abs=1e-10)
    assert {group["groupKey"] for group in found["tickers"]} == set(WEIGHTS)


async def test_the_distribution_agrees_with_the_expectation(sampled: Database) -> None:
    """Within sampling error; quantiles ascend, and the worst outcomes are below the quantile of 5 %."""
    found = await measure(sampled, BOOK)
    relevance = found["relevance"]
    values = [quantile["value"] for quantile in relevance["quantiles"]]

    assert relevance["mean"] == pytest.approx(found["expectedRelevance"], abs=6 * relevance["meanError"] + 0.5)
    assert values == sorted(values)
    assert relevance["shortfall"] <= values[1]
    assert 1.0 <= found["independentDrivers"] <= found["contributions"]["totalCount"]
    assert (found["exposedWeightShare"], found["silentSymbols"]) == (1.0, [])
    assert 0.0 < found["impactWeightShare"] <= 1.0
    assert found["valueChange"]["quantiles"][0]["value"] > -100.0
    assert found["diagnostics"]["isConverged"]


async def test_a_what_if_moves_the_total_as_it_moves_the_claims(sampled: Database) -> None:
    """The same marginals as `whatIf` gives, times the coefficients; the tickers' changes add up to the whole."""
    supposed = [{"claim": "IL_K_AI_WINTER", "outcome": "TRUE"}]
    found = await measure(sampled, BOOK, whatIf=supposed)
    asked = await ask(sampled, MARGINALS, key="IL_K_AI_WINTER", outcome="TRUE")
    shifts = {
        shift["claim"]["key"]: shift["probabilityAfter"] - shift["probabilityBefore"]
        for shift in asked.data["whatIf"]["shifts"]["nodes"]
    }
    coefficients = {part["prediction"]["key"]: part["coefficient"] for part in found["contributions"]["nodes"]}
    expected = math.fsum(coefficients[key] * shifts.get(key, 0.0) for key in coefficients)
    change = found["whatIf"]

    assert change["delta"] == pytest.approx(expected, rel=1e-8)
    assert abs(change["delta"]) > 1.0
    assert change["expectedBefore"] == pytest.approx(found["expectedRelevance"], rel=1e-9)
    parts = math.fsum(part["delta"] for part in change["tickers"]["nodes"])
    assert parts == pytest.approx(change["delta"], rel=1e-9)


async def test_a_killer_upstream_is_a_driver(sampled: Database) -> None:
    """Its means given either outcome are those of what-ifs within sampling error, and average to the expectation."""
    found = await measure(sampled, BOOK, whatIf=[{"claim": "IL_K_AI_WINTER", "outcome": "TRUE"}])
    drivers = {driver["claim"]["key"]: driver for driver in found["drivers"]["nodes"]}
    killer = drivers["IL_K_AI_WINTER"]
    spread = found["relevance"]["standardDeviation"]

    assert killer["expectedIfTrueError"] < 0.1 * spread
    error = 5 * killer["expectedIfTrueError"]
    assert killer["expectedIfTrue"] == pytest.approx(found["whatIf"]["expectedAfter"], abs=error)
    mean = killer["probability"] * killer["expectedIfTrue"] + (1 - killer["probability"]) * killer["expectedIfFalse"]
    assert mean == pytest.approx(found["relevance"]["mean"], abs=0.02 * spread)
    shares = [driver["varianceShare"] for driver in found["drivers"]["nodes"]]
    assert shares == sorted(shares, reverse=True)
    assert 0.0 < shares[0] <= 1.0


SURPRISE = """query ($positions: [PositionInput!]!) { portfolioExposure(positions: $positions) {
  ... on PortfolioExposureResult { surprise {
    edge pricedChange grossChange distribution { mean meanError standardDeviation } pricedWeightShare pricedCount
  } contributions(first: 100) { nodes { prediction { key } probability } } } } }"""


async def test_the_surprise_is_what_markets_do_not_expect(sampled: Database) -> None:
    """Weight times impact times probability less the newest price that stands, by the rows; null without a price."""
    rows = load_illustration().exposures
    own = [row for row in rows if row.symbol in WEIGHTS and row.impact is not None]
    priced = own[0].prediction_id
    price = """mutation ($probability: Probability!, $key: String!) { submitForecast(input: {
      claim: "%s", predictor: "IL_MARKET", probability: $probability }, idempotencyKey: $key) { __typename
      ... on UserError { code message path } } }"""
    before = (await ask(sampled, SURPRISE, positions=BOOK)).data["portfolioExposure"]
    await import_bundle(sampled, bundle(predictors=[{"id": "IL_MARKET", "name": "Market", "kind": "MARKET"}]))
    for number, probability in enumerate((0.9, 0.25)):
        asked = await ask(sampled, price % priced, probability=probability, key=f"price {number}")
        assert "Error" not in asked.data["submitForecast"]["__typename"], asked.data
    found = (await ask(sampled, SURPRISE, positions=BOOK)).data["portfolioExposure"]
    surprise = found["surprise"]
    marginals = {part["prediction"]["key"]: part["probability"] for part in found["contributions"]["nodes"]}
    impacts = [(row, WEIGHTS[row.symbol] * (row.impact or 0.0)) for row in own]
    of_priced = [(row, amount) for row, amount in impacts if row.prediction_id == priced]

    assert before["surprise"] is None
    assert surprise["edge"] == pytest.approx(sum(amount * (marginals[priced] - 0.25) for _, amount in of_priced))
    assert surprise["pricedChange"] == pytest.approx(sum(amount * marginals[priced] for _, amount in of_priced))
    assert surprise["grossChange"] == pytest.approx(sum(a * marginals[row.prediction_id] for row, a in impacts))
    error = 6 * surprise["distribution"]["meanError"] + 0.02 * surprise["distribution"]["standardDeviation"]
    assert surprise["distribution"]["mean"] == pytest.approx(surprise["edge"], abs=error)
    assert surprise["pricedCount"] == len(of_priced)
    share = sum(abs(WEIGHTS[symbol]) for symbol in {row.symbol for row, _ in of_priced}) / 100.0
    assert surprise["pricedWeightShare"] == pytest.approx(share)


CHANGED = """query ($positions: [PositionInput!]!, $change: [PositionInput!], $tickers: [ID!], $claims: [ID!]) {
  portfolioExposure(positions: $positions, change: $change) { ... on PortfolioExposureResult {
    expectedRelevance relevance { standardDeviation }
    drivers(first: 100) { nodes { claim { key } varianceShare } }
    hedges(tickers: $tickers, claims: $claims) { totalCount nodes {
      ticker { symbol } claim { key } size varianceShare varianceSharePerUnit standardError } }
    change { expectedRelevance delta grossRelevance relevance { standardDeviation } valueChange { mean } }
  } ... on UserError { code message path } } }"""


async def test_a_hedge_takes_away_the_variance_that_it_says(sampled: Database) -> None:
    """Held beside the portfolio, over the same samples; a claim's contract takes what learning the claim would."""
    wanted = {"tickers": list(WEIGHTS), "claims": ["IL_K_AI_WINTER"]}
    found = (await ask(sampled, CHANGED, positions=BOOK, **wanted)).data["portfolioExposure"]
    hedges = {hedge["ticker"]["symbol"]: hedge for hedge in found["hedges"]["nodes"] if hedge["ticker"]}
    (claim,) = [hedge for hedge in found["hedges"]["nodes"] if hedge["claim"]]
    drivers = {driver["claim"]["key"]: driver["varianceShare"] for driver in found["drivers"]["nodes"]}
    per_unit = [hedge["varianceSharePerUnit"] for hedge in found["hedges"]["nodes"]]

    assert found["change"] is None
    assert (found["hedges"]["totalCount"], per_unit) == (4, sorted(per_unit, reverse=True))
    assert claim["varianceShare"] == pytest.approx(drivers["IL_K_AI_WINTER"], rel=1e-9)
    for symbol, hedge in hedges.items():
        change = [{"ticker": symbol, "weight": hedge["size"]}]
        after = (await ask(sampled, CHANGED, positions=BOOK, change=change, **wanted)).data["portfolioExposure"]
        held = [
            {**position, "weight": position["weight"] + hedge["size"] * (position["ticker"] == symbol)}
            for position in BOOK
        ]
        alone = await measure(sampled, held)
        ratio = after["change"]["relevance"]["standardDeviation"] / found["relevance"]["standardDeviation"]
        assert 1.0 - ratio**2 == pytest.approx(hedge["varianceShare"], abs=1e-9)
        assert after["change"]["expectedRelevance"] == pytest.approx(alone["expectedRelevance"], rel=1e-9)
        assert after["change"]["grossRelevance"] == pytest.approx(alone["grossRelevance"], rel=1e-9)
        assert after["change"]["valueChange"]["mean"] == pytest.approx(alone["valueChange"]["mean"], rel=1e-9)
        delta = alone["expectedRelevance"] - found["expectedRelevance"]
        assert after["change"]["delta"] == pytest.approx(delta, abs=1e-9)


@pytest.mark.parametrize(
    ("variables", "argument", "message"),
    [
        ({"tickers": []}, "tickers", "expected tickers or claims to look at, got neither"),
        ({"tickers": ["VOLTA.EX", "NOPE"]}, "tickers[1]", "the graph lacks 1 ticker: NOPE"),
        ({"tickers": ["VOLTA.EX", "VOLTA.EX", "NOPE"]}, "tickers[2]", "the graph lacks 1 ticker: NOPE"),
        ({"claims": ["NOPE"]}, "claims[0]", "the network has no claim NOPE"),
        ({"claims": [f"P_{n}" for n in range(1_001)]}, "claims", "expected at most 1000 candidates, got 1001"),
    ],
)
async def test_candidates_that_are_wrong_are_refused(
    sampled: Database, variables: dict[str, Any], argument: str, message: str
) -> None:
    """The error names the candidate, at the place where it was given."""
    error = await ask_wrong(sampled, CHANGED, positions=BOOK, **variables)

    assert error["extensions"]["argument"] == argument
    assert message in error["message"]


def test_only_what_is_given_is_priced() -> None:
    """A list that is left out costs nothing; one that is given costs by its items; the past costs another inference."""
    asked = """query ($claims: [ID!], $change: [PositionInput!], $asOf: DateTime) {
      portfolioExposure(positions: [{ticker: "VOLTA.EX", weight: 1}], change: $change, asOf: $asOf) {
        ... on PortfolioExposureResult { hedges(claims: $claims) { nodes { size } } } } }"""
    changes = [{"ticker": "VOLTA.EX", "weight": 1.0}] * 300
    few, moved, many, past = (
        TARIFF.estimate(asked, variables)
        for variables in (
            {"claims": ["A"]},
            {"claims": ["A"], "change": changes},
            {"claims": [f"C_{number}" for number in range(200)]},
            {"claims": ["A"], "asOf": "2026-01-01T00:00:00Z"},
        )
    )

    assert (few.faults, moved.faults, many.faults, past.faults) == ([], [], [], [])
    prices = [found.operations[0] for found in (few, moved, many, past)]
    assert prices[1].rows == prices[0].rows + 300
    assert prices[2].points == prices[0].points + 20 * SAMPLING_POINTS
    assert prices[3].points == prices[0].points + INFERENCE_POINTS
    assert prices[3].rows == prices[0].rows + PAST_ROWS


async def test_a_change_that_is_wrong_is_refused(sampled: Database) -> None:
    """A symbol that the graph does not have is named at its place."""
    change = [{"ticker": "VOLTA.EX", "weight": 1.0}, {"ticker": "NOPE", "weight": 1.0}]
    asked = await ask(sampled, CHANGED, positions=BOOK, change=change, claims=["IL_K_AI_WINTER"])

    assert asked.data["portfolioExposure"] == {
        "code": "NOT_FOUND",
        "message": "the graph lacks 1 ticker: NOPE",
        "path": ["change", "1", "ticker"],
    }


async def test_only_what_is_due_by_the_horizon_counts(sampled: Database) -> None:
    """Nothing is due by last century; what is left out is counted."""
    whole, none = await measure(sampled, BOOK), await measure(sampled, BOOK, horizon="1999-12-31")

    assert (none["expectedRelevance"], none["contributions"]["totalCount"]) == (0.0, 0)
    assert none["silentSymbols"] == list(WEIGHTS)
    assert whole["beyondCount"] == 0
    assert none["beyondCount"] > 0
    assert none["relevance"]["standardDeviation"] == 0.0
    assert none["valueChange"] is None
    assert none["drivers"]["totalCount"] == 0


async def test_positions_of_one_ticker_add_up(sampled: Database) -> None:
    halves = [{"ticker": "VOLTA.EX", "weight": 20.0}, *BOOK[1:], {"ticker": "VOLTA.EX", "weight": 20.0}]
    whole, divided = await measure(sampled, BOOK), await measure(sampled, halves)

    assert divided["duplicateSymbols"] == ["VOLTA.EX"]
    assert divided["expectedRelevance"] == whole["expectedRelevance"]
    assert divided["relevance"] == whole["relevance"]


@pytest.mark.parametrize(
    ("positions", "code", "path", "message"),
    [
        ([], "INVALID", ["positions"], "expected 1 to 10000 positions, got 0"),
        (
            [{"ticker": "VOLTA.EX", "weight": 1e300}],
            "INVALID",
            ["positions", "0", "weight"],
            "expected a finite weight",
        ),
        (
            [
                {"ticker": "VOLTA.EX", "weight": 1.0},
                {"ticker": "NOPE", "weight": 1.0},
                {"ticker": "NADA", "weight": 1.0},
            ],
            "NOT_FOUND",
            ["positions", "1", "ticker"],
            "the graph lacks 2 tickers: NOPE, NADA",
        ),
    ],
)
async def test_a_portfolio_that_is_wrong_is_refused(
    sampled: Database, positions: list[dict[str, Any]], code: str, path: list[str], message: str
) -> None:
    refusal = await refuse(sampled, positions)

    assert (refusal["code"], refusal["path"]) == (code, path)
    assert message in refusal["message"]


async def test_contradicting_suppositions_are_refused(sampled: Database) -> None:
    both = [{"claim": "IL_K_AI_WINTER", "outcome": outcome} for outcome in ("TRUE", "FALSE")]

    assert (await refuse(sampled, BOOK, whatIf=both))["code"] == "CONFLICT"


async def test_a_weight_that_is_no_number_is_refused_by_its_type(sampled: Database) -> None:
    error = await ask_wrong(sampled, EXPOSURE, positions=[{"ticker": "VOLTA.EX", "weight": math.nan}])

    assert "weight" in error["message"]


SAVE = """mutation ($input: SavePortfolioInput!, $key: String, $dryRun: Boolean) {
  savePortfolio(input: $input, idempotencyKey: $key, dryRun: $dryRun) {
    __typename
    ... on PortfolioSaved {
      isNew hasChanged isDryRun isReplayed duplicateSymbols unknownSymbols
      portfolio { key name owner note heldAt positions { nodes { symbol weight benchmarkWeight } } }
    }
    ... on UserError { code message path }
  }
}"""
STORED = """query ($name: String, $positions: [PositionInput!], $active: Boolean) {
  portfolioExposure(portfolio: $name, positions: $positions, active: $active) {
    ... on PortfolioExposureResult {
      expectedRelevance benchmarkRelevance activeRelevance exposedWeightShare silentSymbols unknownSymbols
      relevance { mean standardDeviation } contributions(first: 100) { nodes { prediction { key } coefficient } }
    }
    ... on UserError { code message path }
  }
}"""


async def measure_stored(database: Database, **variables: Any) -> dict[str, Any]:
    """The exposure of a stored portfolio."""
    found: dict[str, Any] = (await ask(database, STORED, **variables)).data["portfolioExposure"]
    return found


async def test_a_stored_portfolio_has_the_figures_of_its_positions(sampled: Database) -> None:
    """Active weights are positions of their own, expectations linear in the weights, and what is unknown is told."""
    benchmark = {"VOLTA.EX": 30.0, "ACCEL.EX": 50.0}
    given = [{**row, "benchmarkWeight": benchmark.get(row["ticker"])} for row in BOOK]
    gone = {"ticker": "GONE.EX", "weight": 100.0}
    request = {"name": "stored", "positions": [*given, gone], "note": "The first."}
    saved = (await ask(sampled, SAVE, input=request, key="stored-1")).data["savePortfolio"]
    again = (await ask(sampled, SAVE, input=request, key="stored-1")).data["savePortfolio"]

    assert (saved["isNew"], saved["hasChanged"], saved["unknownSymbols"]) == (True, True, ["GONE.EX"])
    assert again == {**saved, "isReplayed": True}
    plain, stored = await measure_stored(sampled, positions=BOOK), await measure_stored(sampled, name="stored")
    difference = [{**row, "weight": row["weight"] - benchmark.get(row["ticker"], 0.0)} for row in BOOK]
    apart = await measure_stored(sampled, positions=difference)
    active = await measure_stored(sampled, name="stored", active=True)
    of_benchmark = await measure_stored(
        sampled, positions=[{"ticker": symbol, "weight": weight} for symbol, weight in benchmark.items()]
    )

    for name in ("expectedRelevance", "relevance", "contributions"):
        assert stored[name] == plain[name]
        assert active[name] == apart[name]
    assert stored["benchmarkRelevance"] == pytest.approx(of_benchmark["expectedRelevance"], rel=1e-11)
    assert stored["activeRelevance"] == pytest.approx(apart["expectedRelevance"], rel=1e-11)
    assert (plain["benchmarkRelevance"], plain["activeRelevance"]) == (None, None)
    assert (stored["unknownSymbols"], stored["silentSymbols"]) == (["GONE.EX"], ["GONE.EX"])
    assert stored["exposedWeightShare"] == 0.5


LISTED = """query ($name: String!, $asOf: DateTime, $knownAt: DateTime, $after: String) {
  portfolio(name: $name, asOf: $asOf, knownAt: $knownAt) { key heldAt positions { nodes { symbol weight } } }
  portfolios(last: 100, sort: { by: NAME, order: DESCENDING }) { totalCount nodes { name owner } }
  ofNobody: portfolios(filter: { owner: ["nobody"] }) { totalCount nodes { name } }
  portfolioVersions(name: $name, first: 1, after: $after) {
    totalCount pageInfo { endCursor hasNextPage hasPreviousPage } nodes { key isDeleted }
  }
  recordedLast: portfolioVersions(name: $name, last: 1, sort: { by: RECORDED }) { nodes { heldAt } }
  heldBefore: portfolioVersions(
    name: $name, filter: { heldTo: "2026-02-15T00:00:00Z", isDeleted: false }, sort: { by: HELD }
  ) { totalCount nodes { heldAt } }
}"""


async def test_stored_portfolios_are_listed_and_deleted(sampled: Database) -> None:
    """As of two times, in pages, and with a deletion as a row of its own."""
    since = [("2026-03-01T00:00:00Z", 1.0), ("2026-02-01T00:00:00Z", 2.0)]
    for held_at, weight in since:
        positions = [{"ticker": "VOLTA.EX", "weight": weight}]
        await ask(sampled, SAVE, input={"name": "listed", "heldAt": held_at, "positions": positions})
    now, past = "2999-01-01T00:00:00Z", "2026-02-15T00:00:00Z"

    found = (await ask(sampled, LISTED, name="listed", asOf=past, knownAt=now)).data
    assert [row["weight"] for row in found["portfolio"]["positions"]["nodes"]] == [2.0]
    assert "listed" in {row["name"] for row in found["portfolios"]["nodes"]}
    assert found["portfolios"]["totalCount"] == len(found["portfolios"]["nodes"])
    names = [row["name"] for row in found["portfolios"]["nodes"]]
    assert names == sorted(names, reverse=True)
    assert found["ofNobody"] == {"totalCount": 0, "nodes": []}
    first = found["portfolioVersions"]
    rest = (await ask(sampled, LISTED, name="listed", asOf=past, after=first["pageInfo"]["endCursor"])).data
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"], rest["portfolio"]) == (2, True, None)
    assert rest["portfolioVersions"]["nodes"][0]["key"] == found["portfolio"]["key"]
    assert rest["portfolioVersions"]["pageInfo"] | {"endCursor": ""} == {
        "endCursor": "",
        "hasNextPage": False,
        "hasPreviousPage": True,
    }
    assert found["recordedLast"] == {"nodes": [{"heldAt": "2026-02-01T00:00:00Z"}]}
    assert found["heldBefore"] == {"totalCount": 1, "nodes": [{"heldAt": "2026-02-01T00:00:00Z"}]}

    delete = 'mutation { deletePortfolio(input: {name: "listed"}) { ... on PortfolioDeleted { portfolio { name } } } }'
    assert (await ask(sampled, delete)).data["deletePortfolio"] == {"portfolio": {"name": "listed"}}
    after = (await ask(sampled, LISTED, name="listed")).data
    assert (after["portfolio"], after["portfolioVersions"]["nodes"][0]["isDeleted"]) == (None, True)


HELD = """query ($first: Int, $after: String, $last: Int, $before: String, $filter: PortfolioPositionFilterInput,
    $order: SortOrder! = ASCENDING) {
  portfolio(name: "many") { positions(
    first: $first, after: $after, last: $last, before: $before, filter: $filter, sort: { by: SYMBOL, order: $order }
  ) { totalCount nodes { symbol weight } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }
}"""


async def test_positions_come_in_pages(sampled: Database) -> None:
    """Forwards and backwards each once, in the order of symbols; a filter and the count of what it leaves."""
    weights = {f"S{number * 7 % 50}": float(number) for number in range(50)}
    given = [{"ticker": symbol, "weight": weight} for symbol, weight in weights.items()]
    await ask(sampled, SAVE, input={"name": "many", "positions": given})

    async def page(**variables: Any) -> dict[str, Any]:
        found: dict[str, Any] = (await ask(sampled, HELD, **variables)).data["portfolio"]["positions"]
        assert found["totalCount"] == (2 if "filter" in variables else 50)
        return found

    for order in ("ASCENDING", "DESCENDING"):
        expected = sorted(weights.items(), reverse=order == "DESCENDING")
        forwards: list[tuple[str, float]] = []
        backwards: list[tuple[str, float]] = []
        ahead, back = await page(first=20, order=order), await page(last=20, order=order)
        for _ in range(3):
            forwards += [(row["symbol"], row["weight"]) for row in ahead["nodes"]]
            backwards = [*((row["symbol"], row["weight"]) for row in back["nodes"]), *backwards]
            has_more = ahead["pageInfo"]["hasNextPage"], back["pageInfo"]["hasPreviousPage"]
            assert has_more == (len(forwards) < 50,) * 2
            if len(forwards) < 50:
                ahead = await page(first=20, after=ahead["pageInfo"]["endCursor"], order=order)
                back = await page(last=20, before=back["pageInfo"]["startCursor"], order=order)
        assert forwards == backwards == expected
    found = await page(filter={"symbol": ["S7", "S3", "NOPE"]})
    assert [row["symbol"] for row in found["nodes"]] == ["S3", "S7"]


def test_positions_are_priced_by_what_is_asked() -> None:
    """As a page of any list is."""
    asked = 'query ($first: Int) { portfolio(name: "many") { positions(first: $first) { nodes { symbol } } } }'
    few, many = (TARIFF.estimate(asked, {"first": first}).operations[0] for first in (5, 100))

    assert (few.rows, many.rows) == (1 + 6, 1 + 101)


@pytest.mark.parametrize(
    ("variables", "code", "path"),
    [
        ({}, "INVALID", ["positions"]),
        ({"name": "stored", "positions": BOOK}, "INVALID", ["positions"]),
        ({"name": "no such"}, "NOT_FOUND", ["portfolio"]),
        ({"positions": BOOK, "active": True}, "INVALID", ["active"]),
    ],
)
async def test_a_question_that_names_no_positions_is_refused(
    sampled: Database, variables: dict[str, Any], code: str, path: list[str]
) -> None:
    refusal = await measure_stored(sampled, **variables)

    assert (refusal["code"], refusal["path"]) == (code, path)
