"""POST /mcp: who may ask, how much at once, and clients that leave."""

import asyncio
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from api.app import create_app
from api.settings import Settings
from graph.database.sessions import Database
from tests.api.mcp.conftest import Agent, call

HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
ENDLESS = "UNWIND range(1, 100000000) AS i WITH i WHERE i < 0 RETURN i"


async def post(url: str, content: Any, **headers: str) -> httpx.Response:
    """The response to one message."""
    async with httpx.AsyncClient(timeout=60) as client:
        sent = {"content": content} if isinstance(content, bytes) else {"json": content}
        return await client.post(f"{url}/mcp", headers={**HEADERS, **headers}, **sent)


async def test_no_session_is_kept(url: str) -> None:
    """A tool can be called without a greeting, and a greeting gives no id of a session."""
    greeted = await post(url, INITIALIZE)
    listed = await post(url, LIST)

    assert greeted.json()["result"]["serverInfo"]["name"] == "foregraph"
    assert "mcp-session-id" not in greeted.headers
    assert len(listed.json()["result"]["tools"]) > 8


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "proxied.example"])
async def test_a_foreign_host_is_refused(url: str, host: str) -> None:
    """A page that has its name resolve to this machine sends its own name; one allowed for the rest is not for this."""
    response = await post(url, INITIALIZE, host=host)

    assert response.status_code == 421
    assert response.json()["errors"][0]["extensions"]["code"] == "WRONG_HOST"


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1.evil.example", "null"])
async def test_a_page_of_another_origin_is_refused(url: str, origin: str) -> None:
    assert (await post(url, INITIALIZE, origin=origin)).status_code == 403


async def test_a_page_of_this_machine_may_ask(url: str) -> None:
    assert (await post(url, INITIALIZE, origin="http://localhost:6274")).status_code == 200


async def test_there_are_no_streams(url: str) -> None:
    """A stream that stays open could be opened without end."""
    async with httpx.AsyncClient() as client:
        for method in ("GET", "DELETE"):
            response = await client.request(method, f"{url}/mcp", headers=HEADERS)

            assert response.status_code == 405
            assert response.headers["allow"] == "POST"


async def test_a_body_of_brackets_is_refused_before_it_is_parsed(url: str) -> None:
    response = await post(url, b"[" * 200_001)

    assert response.status_code == 413
    assert "brackets" in response.text


async def test_a_large_body_is_refused(url: str) -> None:
    """By its length, before it has been sent."""
    async with asyncio.timeout(30):
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = f"POST /mcp HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: 9000000\r\n\r\n".encode())
        status = await reader.readline()
        writer.close()

    assert status.split()[1] == b"413"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"jsonrpc": "2.0"}', b"\xff"])
async def test_what_is_no_message_is_refused(url: str, content: bytes) -> None:
    response = await post(url, content)

    assert response.status_code == 400
    assert "error" in response.json()


async def test_an_agent_that_leaves_ends_its_statement_on_the_server(url: str, sample: Database) -> None:
    async def list_running() -> list[str]:
        async with sample.open_session() as session:
            rows = await session.run("SHOW TRANSACTIONS YIELD currentQuery RETURN currentQuery")
            return [row[0] async for row in rows if "100000000" in (row[0] or "") and "SHOW" not in row[0]]

    async def until_running(num: int) -> None:
        async with asyncio.timeout(10):
            while len(await list_running()) != num:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.05)

    params = {"name": "run_cypher", "arguments": {"statement": ENDLESS, "timeoutMs": 20_000}}
    asking = asyncio.create_task(post(url, {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params}))
    await until_running(1)

    asking.cancel()

    await until_running(0)


async def test_many_agents_are_answered_at_once(url: str) -> None:
    agent = Agent(f"{url}/mcp")
    answers = await asyncio.gather(*(call(agent, "search", text="robots") for _ in range(8)))

    assert len(set(map(str, answers))) == 1


async def test_without_its_lifespan_the_application_says_that_it_does_not_run(sample: Database) -> None:
    app: Starlette = create_app(Settings(), sample)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        assert (await client.post("/mcp", json=INITIALIZE, headers=HEADERS)).status_code == 503


def test_the_sdk_is_imported_with_the_first_agent_only() -> None:
    """It takes 0.4 s, which no start of the service and no other command waits for."""
    code = "import api.app, api.cli, sys; print([name for name in sys.modules if name.partition('.')[0] == 'mcp'])"

    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
