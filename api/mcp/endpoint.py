"""
POST /mcp: the Model Context Protocol over streamable HTTP, for agents on this machine.

Each request stands for itself: there are no sessions that a client could exhaust, and no streams, so GET and DELETE are
405. Its tools ask the service by requests of their own, which have the limits of every other.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from api.access.callers import caller_of
from api.counts import MOST_JSON_BRACKETS, count_json_brackets
from api.deadlines import Deadlines
from api.endpoint import answer_until_departure
from api.mcp.asking import Asker
from api.middleware import error_response, refuse_late, split_host
from api.settings import LOOPBACK_NAMES

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH: Final = "/mcp"


class McpEndpoint:
    """
    Answers POST /mcp within the block of `running`.

    Args:
        deadlines: Limits the time in which a request has to arrive.
        max_body_bytes: Largest body.
        names: Host names by which it is asked.
    """

    def __init__(self, deadlines: Deadlines, max_body_bytes: int, *, names: Collection[str] = LOOPBACK_NAMES) -> None:
        self._deadlines, self._max_body_bytes, self._names = deadlines, max_body_bytes, names
        self._is_wanted = asyncio.Event()
        self._manager: asyncio.Future[StreamableHTTPSessionManager] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer requests within the block; the SDK is imported with the first of them."""
        self._manager = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(self._run(self._manager))
        try:
            yield
        finally:
            self._manager = None
            running.cancel()
            await asyncio.wait([running])

    async def _run(self, opened: "asyncio.Future[StreamableHTTPSessionManager]") -> None:
        """Run the SDK's manager in one task, as its task group demands."""
        await self._is_wanted.wait()
        try:
            made = await asyncio.to_thread(_make_manager, self._max_body_bytes, self._names)
        except Exception as error:
            opened.set_exception(error)
            raise
        async with made.run():
            opened.set_result(made)
            await asyncio.Event().wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        name = split_host(request.headers.get("host", ""))
        if name not in self._names:  # a name that the operator has allowed for the rest of the service
            message = f"{PATH} answers on this machine only, by a loopback name; this is {name[:100]!r}."
            await error_response(421, message)(scope, receive, send)
            return
        try:
            async with self._deadlines.limit(self._deadlines.seconds):
                body = await request.body()
        except ClientDisconnect:
            return
        except TimeoutError:
            await refuse_late(self._deadlines, has_body=False)(scope, receive, send)
            return
        num_brackets = count_json_brackets(body)
        if num_brackets > MOST_JSON_BRACKETS:
            message = f"The request's JSON has {num_brackets} brackets, at most {MOST_JSON_BRACKETS} are allowed."
            await error_response(413, message)(scope, receive, send)
            return
        await self._pass_on(scope, _replay(body, receive), receive, send)

    async def _pass_on(self, scope: Scope, replay: Receive, receive: Receive, send: Send) -> None:
        """Have the SDK answer; stop when the client disconnects, so that what a tool asks for ends."""
        if self._manager is None:
            await error_response(503, "The service is not running.")(scope, receive, send)
            return
        self._is_wanted.set()
        manager = await asyncio.shield(self._manager)
        await answer_until_departure(manager.handle_request(scope, replay, send), receive)


def _make_manager(max_body_bytes: int, hosts: Collection[str]) -> "StreamableHTTPSessionManager":
    """Import the SDK, and make what answers requests without sessions and streams."""
    manager = import_module("mcp.server.streamable_http_manager").StreamableHTTPSessionManager
    security = import_module("mcp.server.transport_security").TransportSecuritySettings
    names = [f"[{name}]" if ":" in name else name for name in hosts]
    made: StreamableHTTPSessionManager = manager(
        import_module("api.mcp.server").create_server(_open_asker),
        json_response=True,
        stateless=True,
        max_request_body_size=max_body_bytes,
        security_settings=security(
            allowed_hosts=[*names, *(f"{name}:*" for name in names)],
            allowed_origins=[f"{scheme}://{name}:*" for name in names for scheme in ("http", "https")],
        ),
    )
    return made


def _open_asker(request: Request) -> Asker:
    return Asker(request.app, caller_of(request.scope))


def _replay(body: bytes, receive: Receive) -> Receive:
    """Receives a body that has arrived, then what comes."""
    is_given = False

    async def receive_next() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_next
