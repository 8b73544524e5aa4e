"""Limits, names and logs around every request."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from typing import Any

import httpx
import pytest
import structlog
from starlette.types import Receive, Scope, Send

from api.logging import configure_logging, get_logger
from api.middleware import AccessLogMiddleware, RequestIdMiddleware, split_host
from tests.helpers.service_fakes import Slow, build_app, codes, messages, open_client


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What the service logs, a JSON object a line."""
    root, stream = logging.getLogger(), StringIO()
    handlers, level = root.handlers, root.level
    configure_logging(log_format="json", log_level="debug", stream=stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def read_log(log: StringIO, event: str) -> list[dict[str, Any]]:
    """The log's entries of one event."""
    entries = [json.loads(line) for line in log.getvalue().splitlines()]
    return [entry for entry in entries if entry["event"] == event]


async def ask(document: str = "{ requestId }", **headers: str) -> httpx.Response:
    """One request to a fresh application."""
    async with open_client(build_app()) as client:
        return await client.post("/graphql", json={"query": document}, headers=headers)


async def test_a_sane_request_id_is_kept_and_echoed() -> None:
    response = await ask(**{"x-request-id": "trace-1.2_3"})

    assert response.headers["x-request-id"] == "trace-1.2_3"
    assert response.json() == {"data": {"requestId": "trace-1.2_3"}}


@pytest.mark.parametrize("incoming", [b"", b"a b", b"x" * 65, b'a"b', b"\xe4"])
async def test_another_request_id_is_replaced(incoming: bytes) -> None:
    """It goes into logs and headers, so it may not carry anything else there."""
    async with open_client(build_app()) as client:
        response = await client.get("/healthz", headers={b"x-request-id": incoming})

    assert len(response.headers["x-request-id"]) == 32


async def test_a_request_is_logged_once_with_what_it_did(log: StringIO) -> None:
    response = await ask("query Greeting { hello }", **{"x-request-id": "r-7"})

    [entry] = read_log(log, "request")
    assert response.status_code == 200
    assert {k: entry[k] for k in ("method", "path", "status", "request_id", "operation", "statements", "level")} == {
        "method": "POST",
        "path": "/graphql",
        "status": 200,
        "request_id": "r-7",
        "operation": "Greeting",
        "statements": 0,
        "level": "info",
    }
    assert 0 < entry["ms"] < 10_000


async def test_an_unexpected_exception_is_logged_with_the_requests_id_and_answered_without_its_text(
    log: StringIO,
) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("the secret word is xyzzy")

    async with open_client(RequestIdMiddleware(AccessLogMiddleware(broken))) as client:
        response = await client.get("/", headers={"x-request-id": "r-8"})

    assert response.status_code == 500
    assert response.json() == {
        "errors": [
            {
                "message": "Something went wrong here; the log knows more.",
                "extensions": {"code": "INTERNAL", "requestId": "r-8"},
            }
        ]
    }
    [failure] = read_log(log, "request failed")
    assert (failure["request_id"], failure["level"]) == ("r-8", "error")
    assert "xyzzy" in json.dumps(failure["exception"])
    assert read_log(log, "request")[0]["status"] == 500


async def test_health_checks_are_quiet(log: StringIO) -> None:
    async with open_client(build_app()) as client:
        await client.get("/healthz")

    assert [entry["level"] for entry in read_log(log, "request")] == ["debug"]


def test_libraries_log_in_the_same_form(log: StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("port %d", 8000)
    get_logger().warning("own", n=1)

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["event"], line["level"], line["logger"]) for line in lines] == [
        ("port 8000", "warning", "uvicorn.error"),
        ("own", "warning", "foregraph"),
    ]


def test_a_level_hides_what_is_less_severe() -> None:
    root, stream = logging.getLogger(), StringIO()
    handlers, level = root.handlers, root.level
    try:
        configure_logging(log_format="console", log_level="warning", stream=stream)
        get_logger().info("quiet")
        get_logger().warning("loud")
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()

    assert "loud" in stream.getvalue()
    assert "quiet" not in stream.getvalue()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST.:1", "graph.example:8000"])
async def test_loopback_and_allowed_names_are_answered(host: str) -> None:
    async with open_client(build_app(allowed_hosts=("graph.example",))) as client:
        response = await client.get("/healthz", headers={"host": host})

    assert response.status_code == 200


@pytest.mark.parametrize("host", ["rebound.example", "localhost.rebound.example", "127.0.0.1.rebound.example", "a@b:1"])
async def test_another_name_is_refused(host: str) -> None:
    """A page whose name is rebound to 127.0.0.1 is of the service's own origin to the browser."""
    async with open_client(build_app()) as client:
        response = await client.post("/graphql", json={"query": "{ hello }"}, headers={"host": host})

    assert response.status_code == 421
    assert codes(response) == ["WRONG_HOST"]
    assert "FOREGRAPH_ALLOWED_HOSTS" in messages(response)[0]


async def test_a_request_without_a_host_is_refused() -> None:
    async with open_client(build_app()) as client:
        response = await client.get("/healthz", headers={"host": ""})

    assert response.status_code == 400


@pytest.mark.parametrize(
    ("host", "name"), [("[::1]", "::1"), ("[::1", ""), ("a:b:c", ""), ("a:", "a"), ("", ""), (":80", "")]
)
def test_a_host_header_is_taken_apart(host: str, name: str) -> None:
    assert split_host(host) == name


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_above_the_limit_is_refused(*, is_chunked: bool) -> None:
    body = json.dumps({"query": "{ hello }", "variables": {"x": "y" * 2000}}).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    async with open_client(build_app(max_body_bytes=1024)) as client:
        headers = {"content-type": "application/json"}
        response = await client.post("/graphql", content=chunks() if is_chunked else body, headers=headers)

    assert ("content-length" in response.request.headers) is not is_chunked
    assert response.status_code == 413
    assert messages(response) == ["The request's body is larger than 1024 bytes."]


async def test_a_body_at_the_limit_is_taken() -> None:
    body = b'{"query": "{ hello }"}'.ljust(1024)

    async with open_client(build_app(max_body_bytes=1024)) as client:
        response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})

    assert response.status_code == 200


@pytest.mark.parametrize("length", ["9" * 5000, "99999"])
async def test_an_announced_length_is_enough_to_refuse(length: str) -> None:
    async with open_client(build_app(max_body_bytes=1024)) as client:
        headers = {"content-type": "application/json", "content-length": length}
        response = await client.post("/graphql", content=b"{}", headers=headers)

    assert response.status_code == 413


async def test_a_document_that_takes_too_long_is_stopped() -> None:
    slow = Slow()

    async with open_client(build_app(slow, request_timeout_seconds=0.1)) as client:
        response = await client.post("/graphql", json={"query": "{ slow }"})

    assert response.status_code == 504
    assert codes(response) == ["TIMED_OUT"]
    assert "within 0.1 seconds" in messages(response)[0]
    assert slow.cancelled.is_set()


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(3600)

    async with open_client(build_app(request_timeout_seconds=0.1)) as client:
        response = await client.post("/graphql", content=endless(), headers={"content-type": "application/json"})

    assert response.status_code == 408
    assert "did not arrive within 0.1 seconds" in messages(response)[0]


async def test_responses_are_not_sniffed() -> None:
    assert (await ask()).headers["x-content-type-options"] == "nosniff"
