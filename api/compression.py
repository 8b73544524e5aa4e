"""Compression of responses by Accept-Encoding: zstd, else Brotli, else gzip."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type, remove_compress_type

from api.negotiation import GRAPHQL_JSON

SLICE_BYTES: Final = 256 * 1024
"""Most bytes that are compressed at once, some milliseconds of gzip; other requests run in between."""

add_compress_type(GRAPHQL_JSON)
add_compress_type("text/csv")
add_compress_type("application/x-ndjson", streaming=True)  # each line is sent as it comes
remove_compress_type("text/event-stream")  # a subscriber's compressor would take a megabyte for as long as it listens


class CompressionMiddleware:
    """
    Compresses responses for clients that accept it.

    Args:
        app: Answers.
        least_bytes: The smallest body that is compressed; streams are in any case.
    """

    def __init__(self, app: ASGIApp, *, least_bytes: int) -> None:
        self.app = app
        self._compressing = CompressMiddleware(_Slicing(app), minimum_size=least_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, compressed where the client accepts it."""
        if scope["type"] != "http" or not any(name == b"accept-encoding" for name, _ in scope["headers"]):
            await self.app(scope, receive, send)
            return

        async def send_with_own_tag(message: Message) -> None:
            if message["type"] == "http.response.start":
                _weaken_tag(message)
            await send(message)

        await self._compressing(scope, receive, send_with_own_tag)


def _weaken_tag(message: Message) -> None:
    """Make the entity tag of a compressed response weak: its bytes are not those of the response that the tag is of."""
    names = [name for name, _ in message["headers"]]
    if b"content-encoding" in names and b"etag" in names:
        message["headers"] = [
            (name, b"W/" + value if name == b"etag" and value.startswith(b'"') else value)
            for name, value in message["headers"]
        ]


class _Slicing:
    """Sends long bodies in parts, between which other requests run."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_parts(message: Message) -> None:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or len(body) <= SLICE_BYTES:
                await send(message)
                return
            for start in range(0, len(body), SLICE_BYTES):
                part, end = body[start : start + SLICE_BYTES], start + SLICE_BYTES
                await send({**message, "body": part, "more_body": end < len(body) or message.get("more_body", False)})
                await asyncio.sleep(0)

        await self.app(scope, receive, send_in_parts)
