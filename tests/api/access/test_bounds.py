"""Keys that are bound to predictors or sources add nothing else, by no way in, and their kappa weighs what they add."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.access.keys import KeyFile, read_keys
from api.app import create_app
from api.settings import Settings
from graph.bundles.importing import import_text
from graph.database.bounds import UNBOUND, Bounds
from graph.database.sessions import Database
from graph.errors import ConfigurationError, InvalidError
from resolvers.base.roles import Role
from tests.helpers.database import empty
from tests.helpers.keys import bearing
from tests.helpers.service_fakes import open_client

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

BUNDLE = {
    "format": "foregraph-bundle/1",
    "predictors": [{"id": name, "name": name.title()} for name in ("ada", "bob")],
    "predictions": [
        {"id": f"P_{n}", "title": "It comes", "stated_probability": 0.5, "predictor_id": name}
        for n, name in enumerate(("ada", "bob"))
    ],
    "scenarios": [{"id": "S_1", "title": "It stays", "stated_probability": 0.5}],
}
SUBMIT = """mutation ($input: EvidenceInput!) { submitEvidence(input: $input) { __typename
    ... on EvidenceRecorded { recorded { evidence { kappa } step { totalLogLikelihoodRatio
        totalAdjustedLogLikelihoodRatio } } } ... on UserError { code message path } } }"""
BATCH = """mutation ($input: EvidenceBatchInput!) { submitEvidenceBatch(input: $input) { __typename
    ... on EvidenceBatchRecorded { items { status refusals { code path } } } ... on UserError { code } } }"""
FORECAST = """mutation ($input: ForecastInput!) { submitForecast(input: $input) { __typename
    ... on UserError { code path } } }"""
BOUNDS = {
    "by-ada": Bounds(predictors=frozenset({"ada"})),
    "wire": Bounds(sources=frozenset({"news.example"})),
    "weak": Bounds(kappa=0.25),
    "free": UNBOUND,
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Keys by their names; and the file as ``."""
    file = tmp_path_factory.mktemp("bounds") / "keys.json"
    made = {name: KeyFile(file).create(name, [Role.INTAKE], bounds=bounds) for name, bounds in BOUNDS.items()}
    return made | {"": str(file)}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(migrated_database: Database, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The service over two predictions, and a scenario without a predictor."""
    await empty(migrated_database)
    await import_text(migrated_database, json.dumps(BUNDLE))
    settings = Settings(host="0.0.0.0", scheduler=False, warm_up=False, keys_file=Path(keys[""]))
    async with open_client(create_app(settings, migrated_database)) as opened:
        yield opened


async def ask(client: httpx.AsyncClient, key: str, document: str, **given: Any) -> Any:
    """Send a document with one input twice, so that it is asked on both ways in; returns the first answer."""
    answers = []
    for _ in range(2):
        body = {"query": document, "variables": {"input": given}}
        answers.append((await client.post("/graphql", json=body, headers=bearing(key))).json())
    (value,) = answers[0]["data"].values()
    assert [next(iter(answer["data"].values()))["__typename"] for answer in answers] == [value["__typename"]] * 2
    return value


def item(claim: str, **more: Any) -> dict[str, Any]:
    """An item of evidence."""
    return {"claim": claim, "direction": "FOR", "strength": "WEAK"} | more


@pytest.mark.parametrize(
    ("name", "given", "path"),
    [
        ("by-ada", item("P_0", predictor="ada"), None),
        ("by-ada", item("P_1", predictor="bob"), ["input", "predictor"]),
        ("by-ada", item("S_1"), ["input", "predictor"]),
        ("wire", item("S_1", url="https://news.example/1"), None),
        ("wire", item("S_1", url="https://www.news.example:8443/2"), None),
        ("wire", item("S_1", url="https://fakenews.example/1"), ["input", "url"]),
        ("wire", item("S_1", url="https://elsewhere.example/news.example"), ["input", "url"]),
        ("wire", item("S_1"), ["input", "url"]),
        ("free", item("S_1"), None),
    ],
)
async def test_evidence_outside_a_keys_bounds_is_refused(
    client: httpx.AsyncClient, keys: dict[str, str], name: str, given: dict[str, Any], path: list[str] | None
) -> None:
    """On both ways of documents, in a batch, and as a line; and what is within them is added."""
    headers = {"content-type": "application/x-ndjson", **bearing(keys[name])}
    line = json.loads((await client.post("/evidence", content=json.dumps(given), headers=headers)).text.splitlines()[0])
    batch = await ask(client, keys[name], BATCH, items=[{**given, "note": "a batch"}], mode="EACH")
    if path is None:
        assert line["status"] == "RECORDED"
        return
    answer = await ask(client, keys[name], SUBMIT, **given)
    assert (answer["code"], answer["path"]) == ("OUTSIDE_KEY", path)
    assert batch["items"][0]["refusals"] == [{"code": "OUTSIDE_KEY", "path": ["input", "items", "0", path[1]]}]
    assert [refusal["code"] for refusal in line["errors"]] == ["OUTSIDE_KEY"]


async def test_forecasts_outside_are_refused(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    given = {"claim": "P_0", "probability": 0.4}
    at = "https://news.example/poll"
    for name, more, path in (
        ("by-ada", {"predictor": "bob"}, ["input", "predictor"]),
        ("wire", {"predictor": "bob"}, ["input", "source"]),
        ("by-ada", {"predictor": "ada"}, None),
        ("wire", {"predictor": "bob", "source": at}, None),
    ):
        answer = await ask(client, keys[name], FORECAST, **given, **more)
        assert answer.get("path") == path, (name, answer)
        assert answer.get("code") == (None if path is None else "OUTSIDE_KEY")


@pytest.mark.parametrize("is_kept", [False, True])
async def test_bound_keys_write_nothing_else(client: httpx.AsyncClient, keys: dict[str, str], is_kept: bool) -> None:
    document = """mutation { upsertDocument(input: {id: "d", title: "T"}) { ... on UserError { code } } }"""
    body = {"query": document}
    if is_kept:
        assert (await client.post("/graphql", json=body, headers=bearing(keys["free"]))).status_code == 200
    for name, status in (("by-ada", 403), ("wire", 403), ("weak", 200)):
        answer = await client.post("/graphql", json=body, headers=bearing(keys[name]))
        assert answer.status_code == status
        if status == 403:
            assert "bound to predictors or sources" in answer.json()["errors"][0]["message"]
    read = await client.post("/graphql", json={"query": "{ claims { totalCount } }"}, headers=bearing(keys["by-ada"]))
    assert read.json() == {"data": {"claims": {"totalCount": 3}}}


async def test_a_keys_kappa_weighs_its_evidence(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    """As one factor more: a predictor without a record has .5, so that .25 makes it .125."""
    found = {}
    for name in ("free", "weak"):
        for claim, predictor in (("S_1", None), ("P_0", "ada")):
            answer = await ask(client, keys[name], SUBMIT, **item(claim, predictor=predictor, strength="MODERATE"))
            recorded = answer["recorded"]
            found[name, claim] = recorded["evidence"]["kappa"]
            adjusted = recorded["evidence"]["kappa"] * recorded["step"]["totalLogLikelihoodRatio"]
            assert recorded["step"]["totalAdjustedLogLikelihoodRatio"] == pytest.approx(adjusted, rel=1e-9)
    assert found == {("free", "S_1"): 1.0, ("weak", "S_1"): 0.25, ("free", "P_0"): 0.5, ("weak", "P_0"): 0.125}


@pytest.mark.parametrize(
    ("roles", "bounds", "reason"),
    [
        ([Role.OPERATOR], Bounds(kappa=0.5), "not operator"),
        ([Role.INTAKE, Role.OPERATOR], Bounds(sources=frozenset({"a.example"})), "not operator"),
        ([Role.READER], Bounds(predictors=frozenset({"ada"})), "role intake"),
        ([Role.INTAKE], Bounds(kappa=0.0), "from 0.01 to 1"),
        ([Role.INTAKE], Bounds(kappa=1.5), "from 0.01 to 1"),
        ([Role.INTAKE], Bounds(sources=frozenset({"https://a.example"})), "expected hosts"),
    ],
)
def test_bounds_that_would_not_hold_are_refused(tmp_path: Path, roles: list[Role], bounds: Bounds, reason: str) -> None:
    with pytest.raises(InvalidError, match=reason):
        KeyFile(tmp_path / "keys.json").create("ada", roles, bounds=bounds)


def test_bounds_are_kept_in_a_file_that_older_services_refuse(tmp_path: Path) -> None:
    """A service that does not know bounds would take such a key for a free one; rotation keeps them."""
    file = tmp_path / "keys.json"
    KeyFile(file).create("free", [Role.INTAKE])
    assert json.loads(file.read_text())["version"] == 1
    bounds = Bounds(frozenset({"ada"}), frozenset({"news.example"}), 0.5)
    KeyFile(file).create("bound", [Role.INTAKE], bounds=bounds)
    KeyFile(file).rotate("bound")
    assert [key.bounds for key in read_keys(file)] == [UNBOUND, bounds, bounds]
    content = json.loads(file.read_text())
    assert content["version"] == 2
    content["keys"][1]["roles"] = ["operator"]
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigurationError, match="not operator"):
        read_keys(file)
