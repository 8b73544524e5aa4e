"""Several workers: all answer, one that dies comes back, and nothing outlives the supervisor."""

import asyncio
import json
import signal
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.service import bind, bind_group
from api.settings import Settings
from api.worker import share
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import ConfigurationError
from tests.helpers.processes import PLAIN, Service, run, serving, serving_fork, variables
from tests.helpers.stores import copy_migrated_store

QUESTION = {"query": "{ predictions(first: 1) { edges { node { id } } } }"}
BODY = json.dumps(QUESTION).encode()
PATIENCE_SECONDS = 240


def processes_of(service: Service) -> list[psutil.Process]:
    """All that a service has started."""
    return psutil.Process(service.process.pid).children(recursive=True)


def workers_of(service: Service) -> dict[str, psutil.Process]:
    """The workers by their numbers."""
    lines = [(process, _command(process)) for process in processes_of(service)]
    return {line[line.index("api.worker") + 1]: process for process, line in lines if "api.worker" in line}


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # it has ended meanwhile, and may not have been waited for yet
        return []


async def ask_once(service: Service) -> Any:
    """Ask over a connection of its own."""
    async with httpx.AsyncClient(base_url=service.url, timeout=60, verify=PLAIN) as client:
        return (await client.post("/graphql", json=QUESTION)).json()


async def count_requests(service: Service) -> int:
    """The documents answered, and priced, by the figures of whichever worker answers."""
    async with httpx.AsyncClient(base_url=service.url, timeout=30, verify=PLAIN) as client:
        text = (await client.get("/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    name, path = "foregraph_request_seconds_count", "/graphql"
    num_requests = sum(one.value for one in samples if one.name == name and one.labels["path"] == path)
    priced = [one.value for one in samples if one.name == "foregraph_document_cost_count"]
    assert priced == [num_requests, num_requests] or num_requests == 0
    assert {"foregraph_subscribers", "foregraph_feed_wait_seconds", "foregraph_database_nodes"} <= {
        one.name for one in samples
    }
    return int(num_requests)


async def readiness(service: Service) -> int:
    """The status of /readyz; 0 where nobody answers at once."""
    try:
        async with httpx.AsyncClient(base_url=service.url, timeout=5, verify=PLAIN) as client:
            return (await client.get("/readyz")).status_code
    except httpx.HTTPError:
        return 0


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something to become so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await is_so():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.05)


async def until_gone(processes: list[psutil.Process]) -> None:
    """Wait for the end of all."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout=60)
    assert alive == []


async def test_all_workers_answer_one_that_dies_comes_back_and_none_stops_amid_a_request(
    database: Database, database_address: DatabaseAddress
) -> None:
    """The signal to stop goes to the supervisor alone, as it does from a container's engine."""
    environment = variables(database_address, FOREGRAPH_LOG_FORMAT="json")
    async with serving("serve", "--port", "0", "--workers", "2", environment=environment) as service:
        assert await readiness(service) == 200
        answers = [await ask_once(service) for _ in range(40)]
        counts_before = [await count_requests(service) for _ in range(4)]
        workers = workers_of(service)
        workers["1"].kill()

        async def has_come_back() -> bool:
            now = workers_of(service)
            return "1" in now and now["1"] != workers["1"] and await readiness(service) == 200

        await until(has_come_back)
        assert workers_of(service)["2"] == workers["2"]
        answers += [await ask_once(service) for _ in range(40)]
        counts_after = [await count_requests(service) for _ in range(4)]
        processes = processes_of(service)
        reader, writer = await _ask_half(service)
        stopping = asyncio.create_task(service.stop(signal.SIGTERM))
        await until(lambda: _is(service, 0))
        writer.write(BODY)
        last_answer = await reader.read()
        writer.close()
        finished = await stopping
        await until_gone(processes)

    assert last_answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert last_answer.endswith(b'{"data":{"predictions":{"edges":[]}}}')
    assert "; 2 workers; started in" in service.ready_line
    assert answers == [{"data": {"predictions": {"edges": []}}}] * 80
    assert (counts_before, counts_after) == ([40] * 4, [80] * 4)
    assert finished.code == 0
    assert "Traceback" not in finished.errors
    events = [json.loads(line) for line in finished.errors.splitlines() if line.startswith("{")]
    counts = Counter(event["worker"] for event in events if event["event"] == "request" and event["path"] == "/graphql")
    assert counts.total() == 81
    assert sorted(counts) == [1, 2]
    assert [event["exit_code"] for event in events if "exit_code" in event] == [-signal.SIGKILL]


async def _ask_half(service: Service) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which a worker waits for the body of a request."""
    place = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    )
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    return reader, writer


async def test_workers_and_their_neo4j_come_back_and_end_together(tmp_path: Path) -> None:
    """A Neo4j that is killed is started again, and all are warm before any says so; nothing outlives the supervisor."""
    copy_migrated_store(tmp_path / ".foregraph")
    async with serving_fork("up", "--port", "0", "--workers", "2", environment={}, directory=tmp_path) as service:
        before = await ask_once(service)
        (java,) = _neo4j_in(tmp_path)
        java.kill()
        await until(lambda: _is(service, 503))
        await until(lambda: _is(service, 200))
        assert await ask_once(service) == before
        assert len(workers_of(service)) == 2
        processes = [*processes_of(service), *_neo4j_in(tmp_path)]
        service.process.kill()
        await until_gone(processes)

    assert len(before["data"]["predictions"]["edges"]) == 1


async def _is(service: Service, status: int) -> bool:
    return await readiness(service) == status


def _neo4j_in(folder: Path) -> list[psutil.Process]:
    noted = json.loads((folder / ".foregraph" / "run.json").read_text())
    return [psutil.Process(noted["pid"])]


async def test_workers_that_cannot_be_started_end_the_service_with_their_exit_code(
    database: Database, database_address: DatabaseAddress
) -> None:
    """And a database that cannot be reached is told once."""
    environment = variables(database_address, FOREGRAPH_NEO4J_PASSWORD="wrong-password")

    finished = await run("serve", "--port", "0", "--workers", "2", environment=environment)

    assert finished.code == 3
    assert finished.errors.count("refused the user or the password") == 1


@pytest.mark.parametrize(("number", "has_jobs"), [(1, True), (2, False), (3, False)])
def test_workers_share_what_is_set_for_the_whole_service(number: int, *, has_jobs: bool) -> None:
    part = share(Settings(workers=3, max_concurrent_documents=16), number=number, num_workers=3)

    assert (part.max_concurrent_documents, part.scheduler) == (6, has_jobs)
    assert not share(Settings(scheduler=False), number=1, num_workers=3).scheduler


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere workers share one socket")
def test_connections_are_spread_over_the_sockets_of_a_group() -> None:
    with bind_group("127.0.0.1", 0, 2) as listeners:
        addresses = [listener.getsockname() for listener in listeners]
        clients = [socket.create_connection(addresses[0]) for _ in range(64)]
        counts = []
        for listener in listeners:
            listener.settimeout(0)
            counts.append(_count_waiting(listener))
        for client in clients:
            client.close()

    assert addresses[0] == addresses[1]
    assert sum(counts) == 64
    assert min(counts) > 8  # fewer by chance once in 10**10 runs


def _count_waiting(listener: socket.socket) -> int:
    number = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return number
        number += 1


@pytest.mark.parametrize("in_group", [False, True])
def test_a_group_joins_no_other_service_on_its_port(*, in_group: bool) -> None:
    """A second service would take half of the first one's requests."""
    with (
        bind("127.0.0.1", 0, in_group=in_group) as other,
        pytest.raises(ConfigurationError, match="is taken"),
        bind_group("127.0.0.1", other.getsockname()[1], 2),
    ):
        pass
