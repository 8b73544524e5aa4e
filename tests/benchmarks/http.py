"""Documents over a real socket: a served process, and keep-alive clients in a process of their own."""

import asyncio
import itertools
import json
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, closing
from multiprocessing import get_context
from random import Random
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

import psutil

from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.migrations import migrate
from graph.database.sessions import Database
from graph.model.kinds import ClaimStatus
from resolvers.schema import build_schema
from tests.benchmarks.synthetic import synthetic_bundles
from tests.helpers.pages import PAGE
from tests.helpers.processes import Service, serving, variables
from tests.helpers.random_documents import Documents

NUM_PREDICTIONS: Final = 5_000
SEED: Final = 20260101
NUM_IDS: Final = 64
FEW, MANY = 1, 16
WARM_SECONDS, ROUND_SECONDS, NUM_ROUNDS = 4.0, 2.0, 3
NUM_TEXTS, NUM_LEVELS, SHORT_SECONDS = 200, 3, 0.5
READ_CHUNK: Final = 1 << 16
DELIMITER: Final = b"\r\n\r\n"

FIELDS = "key title text status statedProbability fromYear deadline direction convictionLevel url"
LOOKUP = f"query ($id: ID!) {{ prediction(id: $id) {{ {FIELDS} }} }}"
LIST = f"""query ($id: ID!) {{ predictions(first: 100, filter: {{status: [OPEN], domain: $id}},
    sort: {{by: POSTERIOR, order: DESCENDING}}) {{ nodes {{ {FIELDS} }} }} }}"""
EXPOSURES = """query ($id: ID!) { ticker(id: $id) { exposures(first: 50) { nodes { sign relevance impact basis
    source lagDays prediction { key title statedProbability } } } } }"""


class Question(NamedTuple):
    """A document and the ids that it is asked with in turn."""

    name: str
    document: str
    ids: list[str]


class Drive(NamedTuple):
    """
    Answers to one load.

    Attributes:
        waits: Seconds from sending a request to its whole answer, of each answer.
        elapsed: Seconds that all took together.
    """

    waits: list[float]
    elapsed: float


class Speed(NamedTuple):
    """
    A question's speed under one load.

    Attributes:
        rate: Answers a second.
        median: Seconds of an answer.
        p99: Seconds that one answer of a hundred exceeds.
        api: Processor seconds of the API's process for an answer.
        neo4j: Processor seconds of Neo4j for an answer.
        num_answers: How many answers the others are of.
    """

    rate: float
    median: float
    p99: float
    api: float
    neo4j: float
    num_answers: int

    @classmethod
    def of(cls, waits: list[float], elapsed: float, processor: tuple[float, float]) -> Self:
        """Sum up answers that took `elapsed` seconds together and `processor` seconds of the API and Neo4j."""
        api, neo4j = (seconds / len(waits) for seconds in processor)
        p99 = statistics.quantiles(waits, n=100, method="inclusive")[-1]
        return cls(len(waits) / elapsed, statistics.median(waits), p99, api, neo4j, len(waits))


class Clients(NamedTuple):
    """Clients in a process of their own, and the service's place."""

    pool: ProcessPoolExecutor
    host: str
    port: int

    async def ask(self, question: Question, num_connections: int, seconds: float) -> Drive:
        """Ask a question over as many connections at once, for so long."""
        bodies = [json.dumps({"query": question.document, "variables": {"id": node_id}}) for node_id in question.ids]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, drive, self.host, self.port, bodies, num_connections, seconds)


class Load(NamedTuple):
    """Clients of one service, so many at a time, and the processes that work for them: the API's and Neo4j's."""

    clients: Clients
    processes: tuple[psutil.Process, psutil.Process]
    num_connections: int

    @classmethod
    def of(cls, pool: ProcessPoolExecutor, service: Service, neo4j_pid: int, num_connections: int) -> Self:
        """So many connections to a service."""
        place = urlsplit(service.url)
        clients = Clients(pool, place.hostname or "", place.port or 0)
        return cls(clients, (psutil.Process(service.process.pid), psutil.Process(neo4j_pid)), num_connections)


def drive(host: str, port: int, bodies: list[str], num_connections: int, seconds: float) -> Drive:
    """
    Ask in turn over kept connections, each of them as soon as its last answer is there; run in a process of its own.

    Raises:
        RuntimeError: An answer is not 200, or has errors or a null at its root.
    """
    requests = itertools.cycle([request(host, body.encode()) for body in bodies])

    async def ask_until(end: float) -> list[float]:
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 24)
        taken = []
        with closing(writer):
            while (started := time.perf_counter()) < end:
                writer.write(next(requests))
                _check(await read_answer(reader))
                taken.append(time.perf_counter() - started)
        await writer.wait_closed()
        return taken

    async def ask() -> Drive:
        started = time.perf_counter()
        taken = await asyncio.gather(*(ask_until(started + seconds) for _ in range(num_connections)))
        return Drive(list(itertools.chain.from_iterable(taken)), time.perf_counter() - started)

    return asyncio.run(ask())


def send_each(host: str, port: int, texts: list[str]) -> float:
    """Send each document once over one kept connection; returns the seconds that all took."""

    async def send() -> float:
        started = time.perf_counter()
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 24)
        with closing(writer):
            for text in texts:
                writer.write(request(host, text.encode()))
                await read_answer(reader)
        await writer.wait_closed()
        return time.perf_counter() - started

    return asyncio.run(send())


def make_texts(ids: Mapping[str, list[str]]) -> list[str]:
    """Requests with documents that differ in what they follow, and so in the statements that read them."""
    documents = Documents(build_schema()._schema, ids, Random(SEED))
    made = (documents.document(NUM_LEVELS) for _ in range(NUM_TEXTS))
    return [json.dumps({"query": text, "variables": given}) for text, given in made]


def request(host: str, body: bytes) -> bytes:
    """An HTTP request that asks a document."""
    lines = [
        "POST /graphql HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + DELIMITER + body


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """
    Read an answer's body.

    Raises:
        RuntimeError: Its status is not 200.
    """
    status, answer = await read_response(reader)
    if status != 200:
        raise RuntimeError(f"{status} {answer[:1_000].decode(errors='replace')}")
    return answer


async def read_response(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read a response's status and body."""
    head = (await reader.readuntil(DELIMITER)).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


def _check(answer: bytes) -> None:
    # Not parsed: that would take the processor from those who are measured. An error's answer begins or ends with it.
    if not answer.startswith(b'{"data":{"') or answer.endswith(b":null}}") or b'"errors":[' in answer:
        raise RuntimeError(answer[:1_000].decode())


def load(address: DatabaseAddress) -> list[Question]:
    """Fill a database; give what is asked of it."""

    async def work() -> list[Question]:
        async with Database.open(address) as database:
            await migrate(database)
            for bundle in bundles:
                await import_bundle(database, bundle)
        return [
            Question("page", PAGE, ids),
            Question("lookup", LOOKUP, ids),
            Question("list of 100 x 10", LIST, domains),
            Question("exposures", EXPOSURES, tickers),
        ]

    bundles = list(synthetic_bundles(NUM_PREDICTIONS, SEED))
    predictions = [prediction for bundle in bundles for prediction in bundle.predictions]
    ids = [predictions[number * len(predictions) // NUM_IDS].id for number in range(NUM_IDS)]
    domains = _most_common(row.domain_id for row in predictions if row.status is ClaimStatus.OPEN and row.domain_id)[:4]
    tickers = _most_common(row.symbol for bundle in bundles for row in bundle.exposures)[:24]
    return asyncio.run(work())


def _most_common(names: Iterable[str]) -> list[str]:
    return [name for name, _ in Counter(names).most_common()]


async def benchmark_http(address: DatabaseAddress, neo4j_pid: int) -> None:
    """
    Page, lookup, list and exposures by one kept connection and by sixteen, in turn.

    One service keeps no responses; another one keeps all of them, and reads the data's version for each request.
    """
    loop = asyncio.get_running_loop()
    reading, keeping = (
        variables(address, FOREGRAPH_SCHEDULER="false", FOREGRAPH_RESPONSE_CACHE_BYTES=size)
        for size in ("0", str(1 << 28))
    )
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        questions = await loop.run_in_executor(pool, load, address)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        async with (
            serving("serve", "--port", "0", environment=reading) as reader,
            serving("serve", "--port", "0", environment=keeping) as keeper,
            emptying(reader),
            emptying(keeper),
        ):
            print(f"over HTTP: {NUM_PREDICTIONS:,} predictions, {psutil.cpu_count()} processors", flush=True)
            loads = [
                Load.of(pool, service, neo4j_pid, number)
                for service, number in ((reader, FEW), (reader, MANY), (keeper, MANY))
            ]
            for question in questions:
                _print_speeds(question.name, *await _measure_in_turn(question, loads))
            by_name = {question.name: question for question in questions}
            ids = {"prediction": by_name["page"].ids, "ticker": by_name["exposures"].ids}
            await _measure_beside_new_texts(loads[0].clients, by_name["page"], make_texts(ids))


async def _measure_beside_new_texts(clients: Clients, pages: Question, texts: list[str]) -> None:
    """Tell how long pages take one client while another one sends documents that nobody has sent before, each once."""
    loop = asyncio.get_running_loop()
    quiet = await clients.ask(pages, FEW, ROUND_SECONDS)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
        sending = loop.run_in_executor(other, send_each, clients.host, clients.port, texts)
        beside = list[float]()
        while not sending.done():
            beside += (await clients.ask(pages, FEW, SHORT_SECONDS)).waits
        seconds = await sending
    p95, p95_beside = (statistics.quantiles(waits, n=20, method="inclusive")[-1] for waits in (quiet.waits, beside))
    print(
        f"page beside {len(texts)} new documents in {seconds:.1f} s: p95 {1e3 * p95_beside:.1f} ms "
        f"({len(beside)} answers), without them {1e3 * p95:.1f} ms",
        flush=True,
    )


async def _measure_in_turn(question: Question, loads: list[Load]) -> list[Speed]:
    """The speeds under some loads, which take turns once the services and Neo4j are warm."""
    for load in loads:
        await load.clients.ask(question, MANY, WARM_SECONDS)
    waits: list[list[float]] = [[] for _ in loads]
    elapsed, used = [0.0 for _ in loads], [(0.0, 0.0) for _ in loads]
    for _ in range(NUM_ROUNDS):
        for number, load in enumerate(loads):
            before = processor_seconds(load.processes)
            answers = await load.clients.ask(question, load.num_connections, ROUND_SECONDS)
            after = processor_seconds(load.processes)
            waits[number] += answers.waits
            elapsed[number] += answers.elapsed
            used[number] = (used[number][0] + after[0] - before[0], used[number][1] + after[1] - before[1])
    return [Speed.of(*measured) for measured in zip(waits, elapsed, used, strict=True)]


def processor_seconds(processes: tuple[psutil.Process, psutil.Process]) -> tuple[float, float]:
    api, neo4j = (process.cpu_times() for process in processes)
    return api.user + api.system, neo4j.user + neo4j.system


def _print_speeds(name: str, few: Speed, many: Speed, kept: Speed) -> None:
    titles = f"connections {FEW}", f"connections {MANY}", f"connections {MANY}, responses kept"
    for title, speed in zip(titles, (few, many, kept), strict=True):
        print(
            f"{name}, {title}: {speed.rate:.0f} a second, p50 {1e3 * speed.median:.1f} ms, "
            f"p99 {1e3 * speed.p99:.1f} ms; processor ms an answer: API {1e3 * speed.api:.2f}, "
            f"Neo4j {1e3 * speed.neo4j:.2f} ({speed.num_answers} answers)"
        )
    print(
        f"{name}, connections {MANY} against {FEW}: answers a second {many.rate / few.rate:.2f}, "
        f"processor an answer {(many.api + many.neo4j) / (few.api + few.neo4j):.2f}; "
        f"p99 against p50 {many.p99 / many.median:.1f}"
    )
    print(
        f"{name}, responses kept against read: answers a second {kept.rate / many.rate:.2f}, "
        f"processor an answer {(kept.api + kept.neo4j) / (many.api + many.neo4j):.2f}",
        flush=True,
    )


@asynccontextmanager
async def emptying(service: Service) -> AsyncIterator[None]:
    """Read the service's log away, so that it never waits for somebody to read it."""

    async def read(stream: asyncio.StreamReader) -> None:
        while await stream.read(READ_CHUNK):
            pass

    assert service.process.stderr is not None
    task = asyncio.create_task(read(service.process.stderr))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
