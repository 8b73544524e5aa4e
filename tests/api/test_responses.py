"""Responses are kept as long as nothing is written, and no answer is ever older than what has been acknowledged."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock

import httpx
import pytest

from api.app import create_app
from api.documents import identify
from api.execution import Answer
from api.front import Front
from api.responses import LARGEST_SHARE, Responses, compute_etag, is_known
from api.scheduling import list_jobs
from api.settings import Settings
from graph.adhoc.running import Adhoc
from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.sample.loading import load_sample
from resolvers.base.context import Service
from tests.api.test_front import front_of
from tests.helpers.asking import SCHEMA
from tests.helpers.copies import import_once
from tests.helpers.mutating import Json, mutation
from tests.helpers.processes import serving_fork, variables
from tests.helpers.service_fakes import codes, open_client
from tests.helpers.small_graph import small_graph

DOMAIN = "query ($id: ID!) { domain(id: $id) { key name } }"
RENAME = 'mutation ($name: String!) { upsertDomain(input: {id: "chips", name: $name}) { ... on Written { bookmark } } }'
NOW = 'query ($asOf: DateTime) { prediction(id: "P_00") { posterior(asOf: $asOf) { probability } } }'
NUM_WRITES, NUM_READERS = 100, 1


def answer(size: int) -> Answer:
    """An answer of so many bytes."""
    return Answer(b"x" * size, has_errors=False, status=200)


def test_those_unused_longest_go_first() -> None:
    responses = Responses(60_000)
    for number in range(12):
        responses.keep(b"%d" % number, "v", answer(4_800))
        responses.find(b"0")

    assert [number for number in range(12) if responses.find(b"%d" % number) is None] == [1]
    assert 50_000 < responses.num_bytes <= 60_000


def test_one_response_does_not_take_all_room() -> None:
    responses = Responses(60_000)
    responses.keep(b"small", "v", answer(10))
    responses.keep(b"large", "v", answer(60_000 // LARGEST_SHARE))
    responses.keep(b"small", "w", answer(20))

    assert responses.find(b"large") is None
    assert len(responses) == 1
    responses.drop(b"small")
    assert (len(responses), responses.num_bytes) == (0, 0)


@pytest.mark.parametrize(
    ("header", "expected"),
    [("", False), ("*", True), ('"a"', True), ('W/"a"', True), ('"b", "a"', True), ('"ab"', False), ("a", False)],
)
def test_a_tag_is_compared_weakly(header: str, expected: bool) -> None:
    assert is_known('"a"', header) is expected


def test_a_tag_is_of_the_body_and_its_type() -> None:
    assert compute_etag(b"body", "a/b") == f'"{hashlib.sha256(b"a/bbody").hexdigest()[:32]}"'


class Pair:
    """One application that keeps responses, and another one, with connections of its own, that keeps nothing."""

    def __init__(self, keeping: httpx.AsyncClient, plain: httpx.AsyncClient, app: Any) -> None:
        self.keeping, self.plain, self._app = keeping, plain, app

    @property
    def front(self) -> Front:
        """The front of the one that keeps responses."""
        return front_of(self._app)

    @property
    def num_hits(self) -> int:
        """How many responses were kept ones."""
        return self.front._responses.num_hits

    @property
    def service(self) -> Service:
        """The service of the one that keeps responses."""
        service: Service = self._app.state.service
        return service

    async def ask(self, document: str, **asked: Any) -> Any:
        """Ask the one that keeps responses."""
        return (await self.keeping.post("/graphql", json={"query": document, "variables": asked})).json()

    async def ask_plain(self, document: str, **asked: Any) -> Any:
        """Ask the other one."""
        return (await self.plain.post("/graphql", json={"query": document, "variables": asked})).json()


@pytest.fixture
async def pair(database: Database, database_address: DatabaseAddress) -> AsyncIterator[Pair]:
    """Two applications on the small graph."""
    await import_once(database, small_graph())
    async with Database.open(database_address) as other, Adhoc(database_address) as adhoc:
        keeping = create_app(Settings(), database)
        plain = create_app(Settings(document_cache_bytes=0, response_cache_bytes=0), other, adhoc=adhoc)
        async with open_client(keeping) as first, open_client(plain) as second:
            yield Pair(first, second, keeping)


async def test_a_response_is_given_again_until_something_is_written(pair: Pair) -> None:
    hits = []
    for name in ("Chips", "Wafers"):
        await pair.ask_plain(RENAME, name=name)
        for _ in range(4):
            assert (await pair.ask(DOMAIN, id="chips"))["data"]["domain"]["name"] == name
        hits.append(pair.num_hits)

    assert hits == [2, 5]  # of the first four, the endpoint answers the first, and the second is kept


async def test_variables_are_told_apart_and_their_order_is_not(pair: Pair) -> None:
    document = "query ($id: ID!, $first: Int) { domain(id: $id) { key } domains(first: $first) { nodes { key } } }"
    for asked in ({"id": "chips", "first": 1}, {"id": "chips", "first": 2}, {"id": "space", "first": 1}) * 3:
        expected = await pair.ask_plain(document, **asked)
        assert await pair.ask(document, **asked) == expected
    hits = pair.num_hits
    await pair.ask(document, first=1, id="space")

    assert pair.num_hits == hits + 1


async def test_what_changes_with_time_is_not_kept_unless_a_moment_is_given(pair: Pair) -> None:
    moments: list[Json] = [{}, {"asOf": None}, {"asOf": "2026-03-01T00:00:00Z"}]
    hits = []
    for asked in moments:
        for _ in range(4):
            await pair.ask(NOW, **asked)
        hits.append(pair.num_hits)

    assert hits == [0, 0, 3]


async def test_what_changes_with_the_day_is_kept_until_the_next(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A milestone is overdue just after the first moment of a day, in UTC."""
    document = '{ prediction(id: "P_00") { milestones { nodes { milestoneStatus } } } }'
    moments = [
        *[datetime(2026, 3, 1, 0, 0, 0, 1, tzinfo=UTC)] * 3,
        datetime(2026, 3, 2, tzinfo=UTC),
        datetime(2026, 3, 2, 0, 0, 0, 1, tzinfo=UTC),
    ]
    hits = []
    for moment in moments:
        monkeypatch.setattr("api.front.datetime", Mock(wraps=datetime, resolution=datetime.resolution))
        monkeypatch.setattr("api.front.datetime.now", lambda _, moment=moment: moment)
        await pair.ask(document)
        hits.append(pair.num_hits)

    assert hits == [0, 0, 1, 2, 2]


async def test_answers_with_errors_are_not_kept(pair: Pair) -> None:
    document = (
        'query ($id: ID!) { domain(id: "chips") { key } prediction(id: $id) { incoming(after: "x") { totalCount } } }'
    )
    for _ in range(4):
        assert "errors" in await pair.ask(document, id="P_00")

    assert pair.num_hits == 0


async def test_mutations_are_not_kept(pair: Pair) -> None:
    """The same write twice is two writes."""
    evidence = mutation("submitEvidence", "input")
    for _ in range(3):
        await pair.ask(evidence, input={"claim": "P_01", "direction": "FOR", "strength": "WEAK"})
    found = await pair.ask_plain('{ prediction(id: "P_01") { evidence { totalCount } } }')

    assert found["data"]["prediction"]["evidence"]["totalCount"] == 3


async def test_a_client_that_shows_its_bookmark_may_have_a_kept_response(pair: Pair) -> None:
    """Kept after that write; one that is older is not given, whoever wrote."""
    for _ in range(3):
        await pair.ask(DOMAIN, id="chips")
    written = await pair.ask_plain(RENAME, name="Wafers")
    headers = {"foregraph-bookmark": written["data"]["upsertDomain"]["bookmark"]}
    body = {"query": DOMAIN, "variables": {"id": "chips"}}
    before = pair.num_hits
    answers = [await pair.keeping.post("/graphql", json=body, headers=headers) for _ in range(3)]

    assert {found.json()["data"]["domain"]["name"] for found in answers} == {"Wafers"}
    assert pair.num_hits == before + 2


async def test_a_bookmark_of_no_database_is_refused_and_leaves_the_next_answer_alone(pair: Pair) -> None:
    body = {"query": DOMAIN, "variables": {"id": "chips"}}
    for _ in range(3):
        await pair.ask(DOMAIN, id="chips")
    refused = await pair.keeping.post("/graphql", json=body, headers={"foregraph-bookmark": "FB:kcwQAAAA"})
    after = await pair.ask(DOMAIN, id="chips")

    assert codes(refused) == ["INVALID"]
    assert after["data"]["domain"]["key"] == "chips"


async def test_a_get_is_answered_without_a_body_while_nothing_has_changed(pair: Pair) -> None:
    document = '{ domain(id: "chips") { name } }'
    await pair.ask(document)
    parameters = {"documentId": identify(document)}
    first = await pair.keeping.get("/graphql", params=parameters)
    headers = {"if-none-match": first.headers["etag"]}
    same = await pair.keeping.get("/graphql", params=parameters, headers=headers)
    await pair.ask_plain(RENAME, name="Wafers")
    changed = await pair.keeping.get("/graphql", params=parameters, headers=headers)

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    assert same.headers["cache-control"] == first.headers["cache-control"] == "private, no-cache"
    assert same.headers["vary"] == "Accept, Foregraph-Bookmark"
    assert changed.json() == {"data": {"domain": {"name": "Wafers"}}}
    assert changed.headers["etag"] != first.headers["etag"]


READS = [
    "{ predictions(first: 50) { nodes { key title status statedProbability } totalCount } }",
    """{ prediction(id: "P_00") { status evidence { totalCount } milestones { nodes { key milestoneStatus } }
    incoming { totalCount } exposures { nodes { sign ticker { symbol } } } validations { totalCount }
    documents { nodes { key title } } forecasts { totalCount }
    predictor { name recordResolvedCount recordKappa } referenceClass { baseRate }
    episode { title } domain { name } marginal { probability isStale } } }""",
    """{ tickers { nodes { symbol name } } killers { nodes { key title } } scenarios { nodes { key title } }
    predictors { nodes { key name } } propagationRuns { nodes { key } } domains { nodes { key name } } }""",
    "{ claimFamilies { totalCount nodes { name kind members { claimKey role } } } }",
    "{ savedQueries(first: 100) { totalCount nodes { name version statement } } }",
]
P_00, M_0 = {"prediction": "P_00"}, "P_00:m0"
ENDS: Json = {"kind": "KILLS", "parent": "TK_HUB", "child": "P_03"}
EXPOSURE: Json = {"sign": "BENEFITS", "prediction": "P_00", "ticker": "NVDA"}
FORECAST: Json = {"claim": "P_00", "predictor": "bob", "probability": 0.4}
FAMILY: Json = {"name": "outcomes", "kind": "EXCLUSIVE", "members": [{"claim": "P_01"}, {"claim": "P_03"}]}
LINK: Json = {"document": "doc_1", "claim": "P_01"}
WRITES: list[tuple[str, Json]] = [
    ("upsertDomain", {"input": {"id": "chips", "name": "Wafers"}}),
    ("upsertTicker", {"input": {"symbol": "NVDA", "name": "Nvidia"}}),
    ("upsertEpisode", {"input": {"id": "EP_1", "title": "Another title", "number": 1}}),
    ("upsertDocument", {"input": {"id": "doc_1", "title": "Another paper"}}),
    ("upsertPredictor", {"input": {"id": "ada", "name": "Ada L."}}),
    ("upsertReferenceClass", {"input": {"id": "chips_on_time", "baseRate": 0.3}}),
    ("upsertKiller", {"input": {"id": "TK_HUB", "title": "Darkness"}}),
    ("upsertScenario", {"input": {"id": "S_1", "title": "A fast world"}}),
    ("upsertPrediction", {"input": {"id": "P_00", "title": "Another title"}}),
    ("upsertMilestone", {"input": {"id": M_0, **P_00, "label": "Another label", "expectedOn": "2026-04-01"}}),
    ("recordMilestone", {"input": {"milestone": M_0, "outcome": "HIT", "observedOn": "2026-03-01"}}),
    ("sweepMilestones", {"input": {"asOf": "2026-11-01T00:00:00Z"}}),
    ("submitEvidence", {"input": {"claim": "P_00", "direction": "FOR", "strength": "WEAK"}}),
    ("submitEvidenceBatch", {"input": {"items": [{"claim": "P_00", "direction": "AGAINST", "strength": "STRONG"}]}}),
    ("retractEvidence", {"input": {"evidence": "e1", "reason": "It was of another year."}}),
    ("submitForecast", {"input": FORECAST}),
    ("submitForecastBatch", {"input": {"items": [FORECAST]}}),
    ("retractForecast", {"input": {"forecast": "f1", "note": "It was of another claim."}}),
    ("addValidation", {"input": {**P_00, "observedOn": "2026-04-01", "finding": "partial"}}),
    ("upsertInfluence", {"input": {**ENDS, "probabilityIfTrue": 0.2, "probabilityIfFalse": 0.5}}),
    ("removeInfluence", {"input": ENDS}),
    ("upsertExposure", {"input": {**EXPOSURE, "relevance": 0.4}}),
    ("removeExposure", {"input": EXPOSURE}),
    ("linkDocument", {"input": LINK}),
    ("unlinkDocument", {"input": LINK}),
    ("resolveClaim", {"input": {"claim": "P_00", "outcome": "TRUE"}}),
    ("reopenClaim", {"input": {"claim": "P_00"}}),
    ("annulClaim", {"input": {"claim": "P_02"}}),
    ("propagateBeliefs", {"input": {"method": "LBP"}}),
    ("deleteSubject", {"input": {"id": "P_11", "subject": "PREDICTION"}}),
    ("saveQuery", {"input": {"name": "titles", "statement": "MATCH (n:Claim) RETURN n.title AS title"}}),
    ("savePortfolio", {"input": {"name": "book", "positions": [{"ticker": "NVDA", "weight": 1.0}]}}),
    ("deletePortfolio", {"input": {"name": "book"}}),
    ("saveClaimFamily", {"input": FAMILY}),
    ("deleteClaimFamily", {"input": {"name": "outcomes"}}),
    ("deleteSavedQuery", {"input": {"name": "titles"}}),
    ("importBundle", {"input": {"bundle": load_sample().model_dump(mode="json", exclude_none=True)}}),
]


OF_WEBHOOKS = {"scheduleQuery", "unscheduleQuery", "retryDelivery", "followChanges", "unfollowChanges"}
"""Writes that no read of another kind shows, and that need an address to send to."""


def test_every_mutation_is_among_the_writes() -> None:
    assert {name for name, _ in WRITES} | OF_WEBHOOKS == set(SCHEMA._schema.mutation_type.fields)  # type: ignore[union-attr]  # is one


async def check_reads(pair: Pair) -> None:
    """Every read is as one without anything kept, and then a kept one."""
    for document in READS:
        expected = await pair.ask_plain(document)
        assert "errors" not in expected
        for _ in range(2):
            assert await pair.ask(document) == expected
    before = pair.num_hits
    for document in READS:
        await pair.ask(document)
    assert pair.num_hits == before + len(READS)


async def check_version_rises(pair: Pair, write: Callable[[], Awaitable[Any]]) -> None:
    """A write raises the version, and all reads see it."""
    before = await pair.service.database.read_version()
    await write()
    assert await pair.service.database.read_version() != before
    await check_reads(pair)


async def test_no_kind_of_write_leaves_an_old_response(pair: Pair) -> None:
    """Every mutation, at the other application."""
    for _ in range(2):
        await check_reads(pair)
    for name, asked in WRITES:
        document = mutation(name, *asked)
        before = await pair.service.database.read_version()
        written = await pair.ask_plain(document, **asked)
        assert "errors" not in written, written
        assert "message" not in written["data"][name], written
        assert await pair.service.database.read_version() != before, name
        await check_reads(pair)


async def test_no_job_and_no_hand_leaves_an_old_response(pair: Pair, database_address: DatabaseAddress) -> None:
    await check_reads(pair)
    async with Database.open(database_address) as other:
        by_hand = "MATCH (p:Prediction {id: 'P_00'}) SET p.title = 'By hand'"

        async def write_by_hand() -> None:
            async with other.open_session() as session:
                await (await session.run(by_hand)).consume()

        await check_version_rises(pair, write_by_hand)
        await check_version_rises(pair, lambda: import_bundle(other, load_sample()))
        for job in list_jobs(Settings()):
            await job.run(Service.make(other))
            await check_reads(pair)


async def post(client: httpx.AsyncClient, document: str, **asked: Any) -> Any:
    """Ask, and give the data."""
    found = (await client.post("/graphql", json={"query": document, "variables": asked})).json()
    assert "errors" not in found, found
    return found["data"]


async def test_two_processes_never_answer_what_is_older_than_an_acknowledged_write(
    database: Database, database_address: DatabaseAddress
) -> None:
    """Writers at both, readers at both; each reader knows which writes were acknowledged before it asked."""
    environment = variables(database_address, FOREGRAPH_SCHEDULER="false", FOREGRAPH_LOG_FORMAT="json")
    acknowledged = 0
    is_over = False

    async def write(clients: list[httpx.AsyncClient]) -> None:
        nonlocal acknowledged, is_over
        for number in range(1, NUM_WRITES + 1):
            await post(clients[number % 2], RENAME, name=str(number))
            acknowledged = number
            for client in (clients[0], clients[1]) * 2:
                assert (await post(client, DOMAIN, id="chips"))["domain"]["name"] == str(number)
            await asyncio.sleep(0)
        is_over = True

    async def read(client: httpx.AsyncClient) -> int:
        num_read = 0
        while not is_over:
            least = acknowledged
            domain = (await post(client, DOMAIN, id="chips"))["domain"]
            assert domain is None or int(domain["name"]) >= least
            num_read += 1
        return num_read

    async with (
        serving_fork("serve", "--port", "0", environment=environment) as first,
        serving_fork("serve", "--port", "0", environment=environment) as second,
    ):
        services = (first, second)
        logs = [asyncio.create_task(count_hits(service.process.stderr)) for service in services]
        clients = [httpx.AsyncClient(base_url=service.url, timeout=60) for service in services]
        await asyncio.gather(write(clients), *(read(client) for client in clients for _ in range(NUM_READERS)))
        for client, service in zip(clients, services, strict=True):
            await client.aclose()
            service.process.terminate()
        hits = [await log for log in logs]

    assert min(hits) > NUM_WRITES


async def count_hits(log: asyncio.StreamReader | None) -> int:
    """Count the answers of a service that took no statement."""
    assert log is not None
    return sum([json.loads(line).get("statements") == 0 async for line in log if line.startswith(b"{")])
