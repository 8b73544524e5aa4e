"""Reads whose cost follows what they return: asked of a small and a large graph over a socket, in turn."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from multiprocessing import get_context
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import psutil

from api.preparing import migrate_graph
from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from tests.benchmarks.http import Clients, Question, Speed, emptying, processor_seconds
from tests.benchmarks.synthetic import HUB_KILLER_ID, HUB_PREDICTOR_ID, synthetic_bundles
from tests.helpers.pages import PAGE
from tests.helpers.processes import serving, variables

SEED: Final = 20260101
NUM_IDS: Final = 64
WARM_SECONDS, ROUND_SECONDS, NUM_ROUNDS = 4.0, 2.0, 3
ONE: Final = 1

LOOKUP = "query ($id: ID!) { prediction(id: $id) { key title text status statedProbability deadline } }"
LIST = """query ($id: ID!) { predictions(first: 100, filter: {domain: $id, status: [OPEN]}, sort: {by: POSTERIOR,
    order: DESCENDING}) { nodes {
    key title text status storedPosteriorProbability fromYear deadline predictedDirection } } }"""
MADE = """query ($id: ID!) { predictions(first: 20, filter: {predictor: $id}) { nodes { key title deadline
    statedProbability predictor { name } } } }"""
EXPOSURES = """query ($id: ID!) { ticker(id: $id) { exposures(first: 50) { nodes { sign relevance impact
    prediction { key title statedProbability } } } } }"""
HUB = """query ($id: ID!) { killer(id: $id) { title outgoing(first: 20) { totalCount nodes { deltaImplied claim {
    key title statedProbability domain { key } } } pageInfo { endCursor } }
    cascades(first: 20) { reached { claim { key } } } } }"""
NEIGHBORHOOD = """query ($id: ID!) { neighborhood(id: $id, depth: 2, first: 200,
    kinds: [PREREQUISITE_OF, KILLS, CORRELATES_WITH, BENEFITS, HARMS]) {
    nodes { key ... on Claim { title statedProbability } ... on Ticker { name } }
    edges { kind fromId toId probabilityIfTrue probabilityIfFalse relevance } isTruncated } }"""
SEARCH = """query ($id: String!) { search(text: $id, first: 20) { nodes { key
    ... on Claim { title statedProbability } } } }"""
LIST_BY_TEXT = (
    """query ($id: String!) { predictions(filter: {text: $id}, first: 20) { nodes { key title deadline } } }"""
)
CASCADES = """query ($id: ID!) { killer(id: $id) { cascades(first: 20, depth: 4) { reached { depth
    claim { key title } } } } }"""
RECORD = """query ($id: ID!) { predictor(id: $id) { record { kappa resolvedCount brier
    curve { predictionCount frequency } } } }"""
CALENDAR = """{ milestones(first: 20, filter: {status: [PENDING], kind: [CHECK_IN]}) { nodes {
    label milestoneKind expectedOn prediction { key title } } } }"""
FEED = "{ evidence(first: 20) { nodes { kind by recordedAt claim { key title } } } }"
CHANGES = """{ claims(first: 20, sort: {by: UPDATED, order: DESCENDING}) { nodes { key displayName updatedAt } } }"""
MOVERS = """{ predictions(first: 20, sort: {by: CHANGE_7_DAYS}) { nodes { key title storedPosteriorProbability } } }"""
LEADERS = """{ predictors(first: 20, filter: {resolvedCountFrom: 1}, sort: {by: BRIER}) { nodes { key name } } }"""
BY_MODE = """query ($id: ID!) { predictions(last: 20, filter: {domain: $id, mode: [FORECAST]}, sort: {by: STATED}) {
    nodes { key title mode statedProbability } } }"""
MADE_LATELY = """query ($id: ID!) { predictor(id: $id) { predictions(first: 20, sort: {by: UPDATED,
    order: DESCENDING}) { nodes { key title updatedAt } } } }"""
OF_KIND = "{ claims(first: 20, filter: {kind: [SCENARIO]}) { nodes { key displayName } } }"
SCENARIOS = "{ scenarios(first: 20, sort: {by: POSTERIOR}) { nodes { key title storedPosteriorProbability } } }"
CLAIMS = "{ claims(first: 20) { nodes { key displayName deadline } } }"
DOCUMENTS = "{ documents(first: 20, sort: {by: PUBLISHED, order: DESCENDING}) { nodes { key title publishedAt } } }"
VALIDATIONS = "{ validations(first: 20) { nodes { key displayName prediction { key title } } } }"
TICKERS = "{ tickers(first: 20, sort: {by: UPDATED}) { nodes { symbol name } } }"
WITH_EVIDENCE = """{ predictions(first: 20, filter: {hasEvidence: true}, sort: {by: POSTERIOR}) { nodes {
    key title storedPosteriorProbability } } }"""
MADE_LAST = "query ($id: ID!) { predictor(id: $id) { predictions(last: 20) { nodes { key title deadline } } } }"
OF_DOMAIN = """query ($id: ID!) { domain(id: $id) { predictions(first: 20, filter: {status: [OPEN]}) { nodes {
    key title deadline } } } }"""
LEDGER = "query ($id: ID!) { prediction(id: $id) { evidence(last: 20) { nodes { kind recordedAt } } } }"
HUB_LAST = """query ($id: ID!) { killer(id: $id) { outgoing(last: 20, filter: {status: [OPEN]}) { nodes {
    deltaImplied claim { key title } } } } }"""
TICKER_OPEN = """query ($id: ID!) { ticker(id: $id) { exposures(first: 20, filter: {status: [OPEN]}) { nodes { relevance
    prediction { key title } } } } }"""
NOTHING: Final = [""]
TEXTS: Final = ["reactor output", "humanoid factory", "fusion", "robot labor", "open frontier model"]
QUESTIONS: Final[tuple[tuple[str, str, list[str] | None], ...]] = (
    ("page of a prediction", PAGE, None),
    ("lookup", LOOKUP, None),
    ("list of 100", LIST, ["domain_00"]),
    ("exposures of a ticker", EXPOSURES, ["AAA"]),
    ("page of a hub killer", HUB, [HUB_KILLER_ID]),
    ("list of the predictor with most predictions", MADE, [HUB_PREDICTOR_ID]),
    ("neighbourhood", NEIGHBORHOOD, None),
    ("neighbourhood of a hub", NEIGHBORHOOD, [HUB_KILLER_ID]),
    ("search", SEARCH, TEXTS),
    ("list by text", LIST_BY_TEXT, TEXTS),
    ("cascades of a hub", CASCADES, [HUB_KILLER_ID]),
    ("record of the predictor with most predictions", RECORD, [HUB_PREDICTOR_ID]),
    ("calendar", CALENDAR, NOTHING),
    ("feed of evidence", FEED, NOTHING),
    ("changes", CHANGES, NOTHING),
    ("movers of 7 days", MOVERS, NOTHING),
    ("leaderboard", LEADERS, NOTHING),
    ("list of a domain and a mode", BY_MODE, ["domain_00"]),
    ("latest changes of the predictor with most predictions", MADE_LATELY, [HUB_PREDICTOR_ID]),
    ("claims of a kind", OF_KIND, NOTHING),
    ("list of scenarios", SCENARIOS, NOTHING),
    ("claims of all kinds", CLAIMS, NOTHING),
    ("latest documents", DOCUMENTS, NOTHING),
    ("latest validations", VALIDATIONS, NOTHING),
    ("tickers", TICKERS, NOTHING),
    ("predictions with evidence", WITH_EVIDENCE, NOTHING),
    ("last of the predictor with most predictions", MADE_LAST, [HUB_PREDICTOR_ID]),
    ("open predictions of a domain", OF_DOMAIN, ["domain_00"]),
    ("last of a ledger", LEDGER, None),
    ("last influences of a hub", HUB_LAST, [HUB_KILLER_ID]),
    ("open predictions on a ticker", TICKER_OPEN, ["AAA"]),
)
"""Names, documents, and the ids or texts to ask for; None for predictions all over the graph."""


class Graph(NamedTuple):
    """
    A graph that is asked.

    Attributes:
        size: Its number of predictions.
        address: The address of its Neo4j.
        pid: The process of its Neo4j.
    """

    size: int
    address: DatabaseAddress
    pid: int

    @property
    def predictions(self) -> list[str]:
        """The ids of predictions all over the graph."""
        return [f"P_{number * self.size // NUM_IDS:06d}" for number in range(NUM_IDS)]


def fill(graph: Graph) -> None:
    """Import a graph; run in a process of its own, whose memory ends with it."""

    async def work() -> None:
        async with Database.open(graph.address) as database:
            await migrate_graph(database)  # as by the command, so that no service makes its beliefs anew
            for bundle in synthetic_bundles(graph.size, SEED):
                await import_bundle(database, bundle)

    asyncio.run(work())


async def benchmark_flat(graphs: list[Graph]) -> None:
    """Ask each question of each graph by one kept connection, in turn, and tell how its cost grows."""
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for graph in graphs:
            await loop.run_in_executor(pool, fill, graph)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        async with AsyncExitStack() as stack:
            services = []
            for graph in graphs:
                environment = variables(graph.address, FOREGRAPH_SCHEDULER="false", FOREGRAPH_RESPONSE_CACHE_BYTES="0")
                service = await stack.enter_async_context(serving("serve", "--port", "0", environment=environment))
                await stack.enter_async_context(emptying(service))
                place = urlsplit(service.url)
                processes = psutil.Process(service.process.pid), psutil.Process(graph.pid)
                services.append((Clients(pool, place.hostname or "", place.port or 0), processes))
            for name, document, ids in QUESTIONS:
                asked = [Question(name, document, ids or graph.predictions) for graph in graphs]
                _print(name, graphs, await _measure_in_turn(services, asked))


async def _measure_in_turn(
    services: list[tuple[Clients, tuple[psutil.Process, psutil.Process]]], asked: list[Question]
) -> list[Speed]:
    waits: list[list[float]] = [[] for _ in asked]
    elapsed, used = [0.0 for _ in asked], [(0.0, 0.0) for _ in asked]
    for clients, question in zip((clients for clients, _ in services), asked, strict=True):
        await clients.ask(question, ONE, WARM_SECONDS)
    for _ in range(NUM_ROUNDS):
        for number, ((clients, processes), question) in enumerate(zip(services, asked, strict=True)):
            before = processor_seconds(processes)
            answers = await clients.ask(question, ONE, ROUND_SECONDS)
            after = processor_seconds(processes)
            waits[number] += answers.waits
            elapsed[number] += answers.elapsed
            used[number] = (used[number][0] + after[0] - before[0], used[number][1] + after[1] - before[1])
    return [Speed.of(*measured) for measured in zip(waits, elapsed, used, strict=True)]


def _print(name: str, graphs: list[Graph], speeds: list[Speed]) -> None:
    figures = ", ".join(
        f"at {graph.size:,} {1e3 * speed.median:.1f} ms, processor ms API {1e3 * speed.api:.2f} and "
        f"Neo4j {1e3 * speed.neo4j:.2f}"
        for graph, speed in zip(graphs, speeds, strict=True)
    )
    first, *_, last = speeds
    print(
        f"{name}: {figures}; ratio {last.median / first.median:.2f}, "
        f"of processor time {(last.api + last.neo4j) / (first.api + first.neo4j):.2f}",
        flush=True,
    )
