"""The service as a process: it starts, says so, answers, and stops when it is told to."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import pytest_asyncio
from uvicorn.loops.auto import auto_loop_factory

from api.service import bind
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.sample import Sample
from graph.sample.loading import load_sample, load_samples
from tests.helpers.bombs import Ground, list_bombs
from tests.helpers.copies import import_once
from tests.helpers.processes import Wire, run, serving, serving_fork, variables
from tests.helpers.service_fakes import codes
from tests.helpers.subscribing import APPENDED, connecting

STOPPABLE = """
import time
from api.service import stopping_on_signals
with stopping_on_signals():
    print("up", flush=True)
    time.sleep(60)
"""
SERVE = """
import asyncio, gc
from api.service import serve
from api.settings import load_settings
from graph.database.migrations import migrate
def announce(line):
    print('serving', type(asyncio.get_running_loop()).__module__, gc.get_freeze_count(), flush=True)
serve(load_settings(port=0), migrate, announce)
"""
PREPARE = """
import asyncio
from api.service import serve
from api.settings import load_settings
async def prepare(database):
    try:
        print("preparing", flush=True)
        await asyncio.sleep(60)
    finally:
        print("left", flush=True)
serve(load_settings(port=0), prepare, print)
"""
QUESTION = {"query": "{ predictions(first: 1) { edges { node { id } } } }"}


def starting(script: str, address: DatabaseAddress) -> subprocess.Popen[str]:
    """A process that serves on a Neo4j as a script says."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOREGRAPH_")}
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env={**clean, **variables(address)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest_asyncio.fixture
async def wire(database_address: DatabaseAddress) -> AsyncIterator[Wire]:
    """A wire to the tests' Neo4j."""
    wire = Wire(database_address)
    await wire.mend()
    yield wire
    await wire.cut()


async def test_the_service_says_when_it_is_ready_and_stops_without_failure(
    database: Database, database_address: DatabaseAddress
) -> None:
    """
    Subscribers are closed as their protocols say, so that they come again, and hold nothing up. Requests at once do not
    share what is theirs.
    """
    environment = variables(database_address, FOREGRAPH_LOG_FORMAT="json")
    accept = {"accept": "text/event-stream"}
    streamed = b""
    async with (
        serving("serve", "--port", "0", environment=environment) as service,
        httpx.AsyncClient(limits=httpx.Limits(max_connections=21), timeout=60) as client,
        connecting(service.url) as socket,
        connecting(service.url, is_begun=False) as silent,
        client.stream("POST", f"{service.url}/graphql", json={"query": APPENDED}, headers=accept) as stream,
    ):
        await socket.subscribe(APPENDED)
        ready = await client.get(f"{service.url}/readyz")
        answers = await asyncio.gather(*(client.post(f"{service.url}/graphql", json=QUESTION) for _ in range(100)))
        finished = await service.stop(signal.SIGTERM)
        closed = [(await one.wait_closed())[0] for one in (socket, silent)]
        with suppress(httpx.RemoteProtocolError):  # broken off, where it is not ended
            async for chunk in stream.aiter_bytes():
                streamed += chunk

    assert closed == [1012, 1012]
    assert stream.status_code == 200
    assert b"event: " not in streamed  # an event `complete` would say that there is no more to come
    assert ready.json() == {"status": "ready"}
    assert [answer.json() for answer in answers] == [{"data": {"predictions": {"edges": []}}}] * 100
    assert len({answer.headers["x-request-id"] for answer in answers}) == 100
    assert f"data at {database_address.uri}" in service.ready_line
    assert finished.code == 0
    assert finished.seconds < 5
    assert "Traceback" not in finished.errors
    assert '"event": "request"' in finished.errors
    assert database_address.password not in finished.errors + service.ready_line


async def test_a_stop_ends_what_runs_and_says_so(database: Database, database_address: DatabaseAddress) -> None:
    """Requests for minutes of work, a body that does not come, and a write that waits for a lock are not waited for."""
    await import_once(database, load_sample())
    claim = load_sample().predictions[0].id
    (bomb,) = [bomb for bomb in list_bombs(ground(claim)) if bomb.name == "nine of them, 16 times at once"]
    headers = {"content-type": "application/json"}
    environment = variables(database_address, FOREGRAPH_REQUEST_TIMEOUT_SECONDS="600")
    async with serving_fork("serve", "--port", "0", environment=environment) as service:
        async with (
            httpx.AsyncClient(base_url=service.url, headers=headers, timeout=120) as client,
            database.open_session() as session,
        ):
            transaction = await session.begin_transaction()
            await (await transaction.run("MATCH (n {id: $id}) SET n.lock = 1", id=claim)).consume()
            sent = [client.post("/graphql", content=bomb.body) for _ in range(bomb.times)]
            waiting = [asyncio.create_task(request) for request in (*sent, client.post("/graphql", json=write(claim)))]
            slow_body = asyncio.create_task(send_half(service.url))
            await asyncio.sleep(1)  # so that they are under way; the bomb takes far longer
            finished = await service.stop(signal.SIGTERM)
            answers = await asyncio.gather(*waiting)
            slow_answer = await slow_body
            await transaction.rollback()
        environment["FOREGRAPH_REQUEST_TIMEOUT_SECONDS"] = "60"
    async with (
        serving_fork("serve", "--port", "0", environment=environment) as service,
        httpx.AsyncClient(base_url=service.url, headers=headers, timeout=120) as client,
    ):
        repeated = (await client.post("/graphql", json=write(claim))).json()

    stopped = [answer for answer in answers if answer.status_code != 200]
    assert len(stopped) > len(answers) // 2
    assert {answer.status_code for answer in stopped} == {503}
    assert {code for answer in stopped for code in codes(answer)} == {"BUSY"}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in stopped)
    assert slow_answer.startswith(b"HTTP/1.1 503 ")
    assert finished.code == 0
    assert finished.seconds < 30
    assert "Traceback" not in finished.errors
    assert repeated["data"]["submitEvidence"]["__typename"] == "EvidenceRecorded", repeated


def ground(claim: str) -> Ground:
    """Ground for bombs about one claim."""
    return Ground(hub=claim, ticker="", predictor="", ledger=claim, open_claims=[claim])


def write(claim: str) -> dict[str, Any]:
    """A mutation that adds evidence on a claim."""
    query = """mutation ($input: EvidenceInput!) {
      submitEvidence(input: $input, idempotencyKey: "once") { __typename ... on UserError { message } }
    }"""
    return {"query": query, "variables": {"input": {"claim": claim, "direction": "FOR", "strength": "STRONG"}}}


async def send_half(url: str) -> bytes:
    """Send a request without the end of its body; the response."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = f"POST /graphql HTTP/1.1\r\nhost: {place.netloc}\r\ncontent-type: application/json\r\ncontent-length: 99"
    writer.write(f"{head}\r\n\r\n{{".encode())
    with closing(writer):
        return await reader.read()


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_stops_on_signals_that_it_was_started_with_ignored(signal_number: int) -> None:
    """As a shell starts its background jobs."""
    command = ["/bin/sh", "-c", """trap '' INT TERM; exec "$@" """, "sh", sys.executable, "-c", STOPPABLE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal_number)
        _, errors = process.communicate(timeout=240)

    assert errors.endswith("KeyboardInterrupt\n")


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_is_not_ready_yet_stops_on_signals(
    database_address: DatabaseAddress, signal_number: int
) -> None:
    """What it was doing is left properly."""
    with starting(PREPARE, database_address) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "preparing\n"
        process.send_signal(signal_number)
        output, errors = process.communicate(timeout=240)

    assert output == "left\n"
    assert errors.endswith("KeyboardInterrupt\n")


def test_a_service_that_is_ready_runs_on_uvloop_with_what_it_has_loaded_frozen(
    database: Database, database_address: DatabaseAddress
) -> None:
    """A full collection would hold up requests for as long as it visits the schema."""
    with starting(SERVE, database_address) as process:
        assert process.stdout is not None
        announced = next(
            line for line in process.stdout if line.startswith("serving ")
        )  # after lines of the log, if any
        _, loop, num_frozen = announced.split()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=240)

    assert loop == "uvloop"
    assert int(num_frozen) > 50_000
    assert process.returncode == 0


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, auto_loop_factory()], ids=["asyncio", "own"])
def test_answers_are_sent_without_delay(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Else a client that keeps its connection waits 40 ms for each, until its delayed acknowledgement is sent."""

    async def accept_one() -> int:
        accepted: asyncio.Queue[int] = asyncio.Queue()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            option: int = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            accepted.put_nowait(option)
            writer.close()

        with bind("127.0.0.1", 0) as listener:
            async with await asyncio.start_server(answer, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname())
                option = await accepted.get()
                writer.close()
                await writer.wait_closed()
        return option

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(accept_one()) != 0


async def test_up_fills_an_empty_database_with_the_samples_chosen(
    database: Database, database_address: DatabaseAddress
) -> None:
    """One that has claims is left as it is."""
    told = {}
    for sample, num_claims in ((Sample.NONE, 0), (Sample.PAGES, 11), (Sample.ALL, 11)):
        environment = variables(database_address, FOREGRAPH_SAMPLE=sample.value)
        async with serving_fork("up", "--port", "0", environment=environment) as service:
            told[sample] = (await service.stop(signal.SIGTERM)).errors

        async with database.open_session() as session:
            result = await session.run("MATCH (claim:Claim) RETURN claim.id AS id")
            ids = {record["id"] async for record in result}
        assert len(ids) == num_claims
        if sample is not Sample.ALL:
            assert ids == claims_of(sample)
    assert ["loading the sample" in errors for errors in told.values()] == [False, True, False]


def claims_of(sample: Sample) -> set[str]:
    """The claims of the samples chosen."""
    chosen = load_samples(sample)
    return {claim.id for claim in (*chosen.predictions, *chosen.scenarios, *chosen.killers)}


@pytest.mark.parametrize("command", ["serve", "up"])
async def test_strangers_who_may_write_are_refused_before_anything_starts(tmp_path: Path, command: str) -> None:
    environment = {"FOREGRAPH_ANONYMOUS_ROLE": "operator"}
    finished = await run(command, "--host", "0.0.0.0", environment=environment, directory=tmp_path)

    assert finished.code == 3
    assert "would let anyone who reaches the service write" in finished.errors
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a Path may not be asked here


def port_beside(port: int) -> int:
    """The next port; for the last one, the one before."""
    return port + 1 if port < 65_535 else port - 1


async def test_a_taken_port_is_told_before_neo4j_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        finished = await run("serve", "--port", str(port), environment={}, directory=tmp_path)

    assert finished.code == 3
    assert finished.errors.endswith(
        f"foregraph: port {port} of 127.0.0.1 is taken by another program; "
        f"stop it, or choose another port: `FOREGRAPH_PORT={port_beside(port)} make run`, "
        f"or --port {port_beside(port)}\n"
    )
    assert "Neo4j" not in finished.errors
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a Path may not be asked here


async def test_a_database_that_is_not_there_is_told_in_one_message() -> None:
    address = DatabaseAddress("bolt://127.0.0.1:1", "neo4j", "some-password")

    finished = await run("serve", "--port", "0", environment=variables(address))

    assert finished.code == 4
    assert finished.errors.startswith("foregraph: the database is unavailable now")
    assert "Traceback" not in finished.errors


async def test_a_wrong_password_is_told_in_one_message(database_address: DatabaseAddress) -> None:
    environment = variables(database_address, FOREGRAPH_NEO4J_PASSWORD="wrong-password")

    finished = await run("serve", "--port", "0", environment=environment)

    assert finished.code == 3
    assert "refused the user or the password" in finished.errors


async def test_a_database_that_goes_is_unavailable_and_one_that_is_back_is_used_again(
    database: Database, wire: Wire
) -> None:
    async with (
        serving_fork("serve", "--port", "0", environment=variables(wire.address)) as service,
        httpx.AsyncClient(base_url=service.url, timeout=120) as client,
    ):
        before = await client.post("/graphql", json=QUESTION)
        await wire.cut()
        during = await client.post("/graphql", json=QUESTION)
        not_ready = await client.get("/readyz")
        alive = await client.get("/healthz")
        await wire.mend()
        after = await client.post("/graphql", json=QUESTION)
        ready = await client.get("/readyz")

    assert "errors" not in before.json()
    [error] = during.json()["errors"]
    assert error["extensions"]["code"] == "UNAVAILABLE"
    assert "try again" in error["message"]
    assert not_ready.status_code == 503
    assert alive.status_code == 200
    assert after.json() == before.json()
    assert ready.status_code == 200


async def test_up_runs_a_neo4j_of_its_own_that_other_commands_use_and_that_ends_with_it(tmp_path: Path) -> None:
    async with serving("up", "--port", "0", environment={}, directory=tmp_path) as service:
        children = psutil.Process(service.process.pid).children(recursive=True)
        exported = await run("export", environment={}, directory=tmp_path)
        status = await run("status", environment={}, directory=tmp_path)
        async with serving_fork("serve", "--port", "0", environment={}, directory=tmp_path) as second:
            opened = await run("open", environment={"DISPLAY": "", "WAYLAND_DISPLAY": ""}, directory=tmp_path)
            attached = await second.stop(signal.SIGINT)
        finished = await service.stop(signal.SIGINT)
    await asyncio.to_thread(psutil.wait_procs, children, timeout=60)

    assert str(tmp_path / ".foregraph") in service.ready_line
    assert children
    assert exported.code == 0
    rows = json.loads(exported.output)
    assert {row["id"] for name in ("predictions", "scenarios", "killers") for row in rows[name]} == claims_of(
        Sample.ALL
    )
    assert status.code == 0
    assert f"Service    {service.url}/graphql, process {service.process.pid}, since " in status.output
    assert "Nodes      Claim 81, Prediction 59, " in status.output
    assert opened.output == f"{second.url}/graphql\n"
    assert finished.errors.count("starting Neo4j") == 1
    assert "older version" not in finished.errors + attached.errors
    assert "Traceback" not in finished.errors + attached.errors
    assert "starting Neo4j" not in attached.errors + exported.errors + status.errors
    assert finished.code == 0
    assert not [child for child in children if child.is_running()]
