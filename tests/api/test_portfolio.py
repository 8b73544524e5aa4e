"""Portfolios from the command line and over HTTP: files with faults, tables, CSV, JSON, and stored ones."""

import csv
import io
import json
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from api.access.keys import KeyFile
from api.app import create_app
from api.portfolio import Asked, ask, decode, print_answer, show, to_json
from api.settings import Settings
from graph.database.sessions import Database
from graph.errors import BundleError, InvalidError, NotFoundError
from graph.exposure.files import read_positions_file
from graph.exposure.positions import MOST_POSITIONS, Position
from graph.exposure.store import Draft, Holder, save_portfolio
from graph.sample.loading import load_illustration
from graph.subjects.files import EXPOSURES, TICKERS, import_file
from resolvers.base.roles import Role
from tests.helpers.asking import ask as ask_schema
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.graph_dump import everything
from tests.helpers.keys import bearing
from tests.helpers.serving_app import asking_app

SAVE = """mutation ($p: [PositionInput!]!) { savePortfolio(input: {name: "large", positions: $p}, dryRun: true) {
  ... on PortfolioSaved { isNew } ... on UserError { message } } }"""
BOOK = (
    b"\xef\xbb\xbfTicker;Weight;Benchmark;Note\n"
    b"VOLTA.EX;30;30;x\nACCEL.EX;35;50;=1+1\nTURBI.EX;-25;;\n\nVOLTA.EX;10;;\nGONE.EX;5;;\n"
)
SCHEMA = """{ portfolioExposure(positions: [{ticker: "VOLTA.EX", weight: 40}, {ticker: "ACCEL.EX", weight: 35},
  {ticker: "TURBI.EX", weight: -25}]) { ... on PortfolioExposureResult {
    expectedRelevance contributions(first: 100) { nodes { prediction { key } expectedRelevance riskShare } } } } }"""


@pytest.fixture(scope="module")
async def sampled(migrated_database: Database) -> AsyncIterator[Database]:
    """The illustrative sample, and a portfolio of ada's in it."""
    await empty(migrated_database)
    await import_once(migrated_database, load_illustration())
    draft = Draft("growth", [Position("VOLTA.EX", 40.0), Position("ACCEL.EX", 35.0), Position("TURBI.EX", -25.0)])
    await save_portfolio(migrated_database, draft, Holder("ada", sees_all=False))
    yield migrated_database
    await empty(migrated_database)


async def test_a_file_and_a_stored_portfolio_have_the_figures_of_the_schema(
    sampled: Database, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """By JSON, CSV and table; what was summed, passed over and not found is told."""
    answer = await ask(sampled, Asked.read(BOOK, None, ["IL_K_AI_WINTER=true"]))
    stored = await ask(sampled, Asked.read(None, "growth", []))
    expected = (await ask_schema(sampled, SCHEMA)).data["portfolioExposure"]

    by_key = {part["prediction"]["key"]: part for part in expected["contributions"]["nodes"]}
    for found in (answer, stored):
        told = to_json(found)
        assert told["expected_relevance"] == pytest.approx(expected["expectedRelevance"], rel=1e-11)
        parts = {part["prediction"]: part for part in told["contributions"]}
        assert {key: part["expected_relevance"] for key, part in parts.items()} == pytest.approx(
            {key: part["expectedRelevance"] for key, part in by_key.items()}, rel=1e-11
        )
        assert math.fsum(part["risk_share"] for part in told["contributions"]) == pytest.approx(1.0, abs=1e-10)
    assert answer.shift is not None
    assert answer.shift.before == pytest.approx(answer.found.expected, rel=1e-12)
    assert answer.notes == (
        "VOLTA.EX is on lines 2, 6; their sizes were added up",
        "sizes are weight",
        "columns passed over: note",
        "not in the graph: 1 ticker: GONE.EX",
    )

    notes: list[str] = []
    show(answer, "csv", notes.append)
    rows = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))
    assert [row["prediction"] for row in rows] == [part.claim_id for part in answer.table.contributions]
    assert math.fsum(float(row["expected_relevance"]) for row in rows) == pytest.approx(answer.found.expected)
    assert tuple(notes) == answer.notes

    show(answer, "json", notes.append)
    assert json.loads(capsysbinary.readouterr().out) == to_json(answer)

    console = Console(width=140, file=io.StringIO(), record=True)
    print_answer(answer, console)
    text = console.export_text()
    assert f"expected relevance {answer.found.expected:+.4g}" in text
    bars = {line.split("│")[1].strip(): line.split("│")[-2] for line in text.splitlines() if line.startswith("│ IL")}
    expected = {part.claim_id: part.expected for part in answer.table.contributions}
    assert bars.keys() == expected.keys()
    starts = {len(bar) - len(bar.lstrip()) for key, bar in bars.items() if expected[key] > 0}
    ends = {len(bar.rstrip()) for key, bar in bars.items() if expected[key] < 0}
    (middle,), (end,) = starts, ends  # all begin or end at one place, where a character may be shared
    assert middle <= end <= middle + 2


async def test_active_weights_are_measured_from_a_file(sampled: Database) -> None:
    """The benchmark's weights are taken off; without any there is nothing to take off."""
    active = await ask(sampled, Asked.read(BOOK, None, [], is_active=True))
    plain = b"symbol,value\nVOLTA.EX,10\nACCEL.EX,-15\nTURBI.EX,-25\nGONE.EX,5\n"
    apart = await ask(sampled, Asked.read(plain, None, []))

    assert active.found.expected == pytest.approx(apart.found.expected, rel=1e-12)
    with pytest.raises(InvalidError, match="expected positions with a benchmark's weight"):
        await ask(sampled, Asked.read(plain, None, [], is_active=True))
    with pytest.raises(NotFoundError, match="no portfolio has the name 'nope'"):
        await ask(sampled, Asked.read(None, "nope", []))


def test_every_faulty_line_of_a_file_is_listed() -> None:
    text = 'symbol,quantity,price\nVOLTA.EX,1,2\nnvda,x,3\nACCEL.EX,1\nTURBI.EX,1e9,1e9\nA,"1,000",nan\nB,1_0,inf\n'
    with pytest.raises(BundleError) as refusal:
        read_positions_file(text)

    assert [problem.path for problem in refusal.value.problems] == [
        "line 3, symbol",
        "line 3, quantity",
        "line 4",
        "line 5, quantity and price",
        "line 6, quantity",
        "line 6, price",
        "line 7, quantity",
        "line 7, price",
    ]
    assert str(refusal.value).startswith("the file has 8 problems, nothing was measured:")


@pytest.mark.parametrize(
    ("text", "name", "options", "message"),
    [
        (None, None, {}, "expected a FILE of positions or --portfolio NAME"),
        (b"symbol,weight\nA,1\n", "growth", {}, "and not both"),
        (b"", None, {}, "expected the columns symbol and weight"),
        (b"symbol,price\nA,1\n", None, {}, 'got "symbol, price"'),
        (b"symbol,weight,weight\n", None, {}, "expected each column once"),
        (b"symbol,weight\n", None, {}, "expected 1 to 10000 positions, got 0"),
        (b"symbol,weight\n" + b"A,1\n" * 10_001, None, {}, "got 10001"),
        (b"\xff\xfe", None, {}, "expected text in UTF-8"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(
    text: bytes | None, name: str | None, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidError) as refusal:
        Asked.read(text, name, [], **options)
    assert message in str(refusal.value)


def test_quantities_and_prices_multiply_and_separators_are_told_apart() -> None:
    for text in ("symbol,quantity,price,weight\nA,2,1.5,9\n", "symbol\tshares\tprice\nA\t-2\t1.5\n"):
        (position,) = read_positions_file(text).positions
        assert position.weight == (9.0 if "weight" in text else -3.0)  # a weight is taken first


async def test_files_of_tickers_and_exposures_change_what_they_name(sampled: Database) -> None:
    """A dry run tells each change and keeps nothing; the import makes just these; once more changes nothing."""
    tickers = (
        "Symbol,Security,GICS Sector,Country,Currency,CIK\n"
        "MMM,3M,Industrials,United States,USD,1\n"
        "VOLTA.EX,Volta,Utilities,Norway,NOK,2\n"
    )
    exposures = (
        "prediction,symbol,sign,relevance,impact,low,high,basis\n"
        "IL_DC_POWER,MMM,+,0.5,0.2,0.05,0.5,They said so\n"
        "IL_DC_POWER,VOLTA.EX,BENEFITS,0.125,,,,\n"
    )
    for text, kind, path in ((tickers, TICKERS, "name"), (exposures, EXPOSURES, "relevance")):
        before = await everything(sampled)
        dry = await import_file(sampled, text, kind, is_dry_run=True)
        assert await everything(sampled) == before
        done = await import_file(sampled, text, kind)
        again = await import_file(sampled, text, kind)

        assert (dry.created, dry.differences) == (done.created, done.differences)
        assert [row_id.split("|")[-1] for row_id in done.created] == ["MMM"]
        assert path in {found.property for found in done.differences}
        assert dry.lines()[-1] == "1 would be created, 1 would be updated, 0 unchanged"
        assert again.lines()[-1] == "0 created, 0 updated, 2 unchanged"
    found = await ask_schema(
        sampled,
        """{ portfolioExposure(positions: [{ticker: "VOLTA.EX", weight: 1}, {ticker: "ACCEL.EX", weight: 1}]) {
          ... on PortfolioExposureResult { countries: groups(by: COUNTRY) { groupKey expectedRelevance }
            currencies: groups(by: CURRENCY) { groupKey expectedRelevance }
            tickers: groups(by: TICKER) { groupKey expectedRelevance } } }
        own: ticker(id: "MMM") { exposures { nodes { impact impactLow impactHigh } } }
        narrow: portfolioExposure(positions: [{ticker: "MMM", weight: 1}]) {
          ... on PortfolioExposureResult {
            valueChange { mean quantiles { value } } contributions { nodes { probability } } } }
        ticker(id: "VOLTA.EX") { name sector country currency exchange exposures(first: 50) { nodes {
          relevance impact basis prediction { key } } } } }""",
    )
    ticker = found.data["ticker"]
    (own,) = [row for row in ticker["exposures"]["nodes"] if row["prediction"]["key"] == "IL_DC_POWER"]
    assert [ticker[name] for name in ("name", "sector", "country", "currency")] == [
        "Volta",
        "Utilities",
        "Norway",
        "NOK",
    ]
    names = {"VOLTA.EX": ("Norway", "NOK"), "ACCEL.EX": (None, None)}
    (ranged,) = found.data["own"]["exposures"]["nodes"]
    (part,) = found.data["narrow"]["contributions"]["nodes"]
    change = found.data["narrow"]["valueChange"]
    assert ranged == {"impact": 0.2, "impactLow": 0.05, "impactHigh": 0.5}
    assert change["mean"] == pytest.approx(part["probability"] * (0.2 + 0.05 + 0.5) / 3, abs=0.03)
    assert change["quantiles"][-1]["value"] > 0.4  # 0.2 without a range
    by_ticker = {row["groupKey"]: row["expectedRelevance"] for row in found.data["portfolioExposure"]["tickers"]}
    for place, by in enumerate(("countries", "currencies")):
        groups = {row["groupKey"]: row["expectedRelevance"] for row in found.data["portfolioExposure"][by]}
        assert groups == {names[symbol][place]: value for symbol, value in by_ticker.items()}
    assert ticker["exchange"] is not None  # the file has no such column
    assert (own["relevance"], own["impact"], own["basis"]) == (0.125, None, None)


async def test_all_faults_of_a_file_of_exposures_are_listed(sampled: Database) -> None:
    """Those of single values, of names that the graph does not have, of lines that repeat others; nothing is done."""
    text = (
        "prediction,symbol,sign,relevance,impact\n"
        "IL_DC_POWER,ACCEL.EX,BENEFITS,2,\n"
        "NOPE,GONE.EX,HARMS,0.5,\n"
        "IL_HBM_SHORTAGE,TURBI.EX,HARMS,0.5,0.2\n"
    )
    before = await everything(sampled)
    with pytest.raises(BundleError) as refusal:
        await import_file(sampled, text, EXPOSURES)
    assert sorted(problem.path for problem in refusal.value.problems) == [
        "line 2, relevance",
        "line 3, prediction_id",
        "line 3, symbol",
        "line 4, impact",
    ]
    for wrong in ("A,TURBI.EX,up\nA,TURBI.EX,-,1\n", "A,TURBI.EX,-\nA,TURBI.EX,HARMS\n"):
        with pytest.raises(BundleError, match=r"line 3"):
            await import_file(sampled, "prediction,symbol,sign\n" + wrong, EXPOSURES)
    with pytest.raises(InvalidError, match="expected the columns symbol as well"):
        await import_file(sampled, "ticker name\nA\n", TICKERS)
    with pytest.raises(BundleError, match="line 2, currency: "):
        await import_file(sampled, "symbol,currency\nA,dollars\n", TICKERS)
    assert await everything(sampled) == before


def test_a_file_in_another_encoding_is_told() -> None:
    with pytest.raises(InvalidError, match="got another byte at 1"):
        decode(b"a\xe9")


async def test_spreadsheets_read_what_their_owner_may(sampled: Database, tmp_path: Path) -> None:
    """The rows of the schema to the owner and to operators, a refusal to others, and errors with the field at fault."""
    keys = KeyFile(tmp_path / "keys.json")
    ada, bob = (keys.create(name, [Role.ANALYST]) for name in ("ada", "bob"))
    operator = keys.create("root", [Role.OPERATOR])
    expected = (await ask_schema(sampled, SCHEMA)).data["portfolioExposure"]["contributions"]["nodes"]
    settings = Settings(warm_up=False, scheduler=False, response_cache_bytes=0, keys_file=tmp_path / "keys.json")
    async with asking_app(create_app(settings, sampled)) as client:

        async def get(key: str, **params: str) -> httpx.Response:
            return await client.get("/exposure.csv", params=params, headers=bearing(key))

        async def save(number: int) -> dict[str, Any]:
            positions = [{"ticker": f"A{n}", "weight": 1.0} for n in range(number)]
            response = await client.post(
                "/graphql", json={"query": SAVE, "variables": {"p": positions}}, headers=bearing(ada)
            )
            found: dict[str, Any] = response.json()["data"]["savePortfolio"]
            return found

        for key in (ada, operator):
            rows = list(csv.DictReader(io.StringIO((await get(key, portfolio="growth")).text)))
            assert [row["prediction"] for row in rows] == [part["prediction"]["key"] for part in expected]
            assert [float(row["expected_relevance"]) for row in rows] == pytest.approx(
                [part["expectedRelevance"] for part in expected], rel=1e-11
            )
        answers = (
            (await get(bob, portfolio="growth"), 403, "FORBIDDEN", "portfolio"),
            (await get(ada, portfolio="nope"), 404, "NOT_FOUND", "portfolio"),
            (await get(ada), 400, "INVALID", "portfolio"),
            (await get(ada, portfolio="growth", active="yes"), 400, "INVALID", "active"),
            (await get(ada, portfolio="growth", asof="x"), 400, "INVALID", "asof"),
            (await get(ada, portfolio="growth", asOf="x"), 400, "INVALID", "asOf"),
            (await get(ada, portfolio="growth", asOf="2999-01-01T00:00:00Z"), 400, "INVALID", "asOf"),
            (await get(ada, portfolio="growth", asOf="1999-01-01T00:00:00Z"), 404, "NOT_FOUND", "portfolio"),
        )
        for response, status, code, argument in answers:
            (error,) = response.json()["errors"]
            assert (response.status_code, error["extensions"]["code"]) == (status, code)
            assert error["extensions"]["argument"] == argument
        assert await save(MOST_POSITIONS) == {"isNew": True}
        assert "expected 1 to 10000 positions, got 10001" in (await save(MOST_POSITIONS + 1))["message"]


OWN = """{ portfolio(name: "growth") { name } portfolios { nodes { name } }
  portfolioVersions(name: "growth") { nodes { key } } portfolioExposure(portfolio: "growth") { __typename } }"""


async def test_nobody_gets_an_answer_that_was_kept_for_another(sampled: Database, tmp_path: Path) -> None:
    """However often the owner has asked the same document, another is refused, and sees none of the names."""
    keys = KeyFile(tmp_path / "keys.json")
    ada, bob = (keys.create(name, [Role.ANALYST]) for name in ("ada", "bob"))
    settings = Settings(warm_up=False, scheduler=False, keys_file=tmp_path / "keys.json")
    async with asking_app(create_app(settings, sampled)) as client:

        async def get(key: str) -> dict[str, Any]:
            found: dict[str, Any] = (await client.post("/graphql", json={"query": OWN}, headers=bearing(key))).json()
            return found

        for _ in range(4):
            assert (await get(ada))["data"]["portfolio"] == {"name": "growth"}
        for _ in range(4):
            found = await get(bob)
            assert {error["extensions"]["code"] for error in found["errors"]} == {"FORBIDDEN"}
            assert found["data"] is None or not (found["data"]["portfolio"] or found["data"]["portfolios"]["nodes"])
