"""Requests that the service sends to its own application, which answers them as it does those of clients."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message

from api.access.callers import CALLER
from resolvers.base.roles import LOCAL, Caller


async def post(
    app: ASGIApp,
    document: str,
    variables: Mapping[str, Any],
    *,
    caller: Caller = LOCAL,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """
    Post a document to an application's `/graphql`, and return the response's JSON.

    Args:
        app: The application.
        document: The document.
        variables: Its variables.
        caller: On whose behalf it is sent.
        headers: Further headers.
    """
    body = json.dumps({"query": document, "variables": dict(variables)}).encode()
    answer = bytearray()
    is_sent = False
    done = asyncio.Event()

    async def receive() -> Message:
        nonlocal is_sent
        if is_sent:
            await done.wait()
            return {"type": "http.disconnect"}
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        answer.extend(message.get("body", b""))

    sent = {"host": "localhost", "content-type": "application/json", "content-length": str(len(body))}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in {**sent, **(headers or {})}.items()],
        "client": (caller.address, 0),
        CALLER: caller,
        "server": ("localhost", 0),
    }
    try:
        await app(scope, receive, send)
    finally:
        done.set()
    return json.loads(answer)
