"""Compressed responses: the same once unpacked, with tags of their own, and at once where they are streams."""

import asyncio
import gzip
import zlib
from typing import Any

import brotli  # type: ignore[import-untyped]  # it has no types
import httpx
import pytest
import zstandard
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api.compression import SLICE_BYTES, CompressionMiddleware
from api.responses import is_known
from tests.helpers.service_fakes import build_app, open_client

UNPACK: dict[str, Any] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}
LONG = {"query": "query ($n: String!) { hello(name: $n) }", "variables": {"n": "naïve " * 2_000}}


async def ask(client: httpx.AsyncClient, accepted: str, **asked: Any) -> tuple[httpx.Response, bytes]:
    """A response and its body as it was sent."""
    headers = {"accept-encoding": accepted, **asked.pop("headers", {})}
    method = "POST" if "json" in asked else "GET"
    async with client.stream(method, "/graphql", headers=headers, **asked) as response:
        body = b"".join([part async for part in response.aiter_raw()])
    return response, body


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br;q=0.5", "br"),
        ("gzip, zstd;q=0", "gzip"),
        ("*", "zstd"),
        ("identity", None),
        ("deflate", None),
        ("", None),
    ],
)
async def test_a_long_answer_is_compressed_as_the_client_accepts(accepted: str, chosen: str | None) -> None:
    """Kept or not; unpacked it is what it was."""
    async with open_client(build_app()) as client:
        for _ in range(3):
            plain = await client.post("/graphql", json=LONG, headers={"accept-encoding": "identity"})
            response, body = await ask(client, accepted, json=LONG)

            assert response.headers.get("content-encoding") == chosen
            assert int(response.headers["content-length"]) == len(body)
            assert (UNPACK[chosen](body) if chosen else body) == plain.content
            if chosen:
                assert len(body) < len(plain.content) / 20
                assert "accept-encoding" in response.headers["vary"].lower()


async def test_a_short_answer_is_sent_as_it_is() -> None:
    """Packing it would save nothing; and nothing is packed where the settings say so."""
    async with open_client(build_app()) as client:
        short, _ = await ask(client, "gzip", json={"query": "{ hello }"})
    async with open_client(build_app(compress_from_bytes=0)) as client:
        unpacked, _ = await ask(client, "gzip", json=LONG)

    assert "content-encoding" not in short.headers
    assert "content-encoding" not in unpacked.headers


async def test_a_compressed_answer_has_a_weak_tag_that_is_known() -> None:
    """Its bytes are not those that the strong one is of; either is answered 304, packed or not."""
    asked = {"query": LONG["query"], "variables": '{"n": "' + "x" * 5_000 + '"}'}
    async with open_client(build_app()) as client:
        plain, _ = await ask(client, "identity", params=asked)
        packed, _ = await ask(client, "zstd", params=asked)
        tags = plain.headers["etag"], packed.headers["etag"]
        again = [
            await ask(client, accepted, params=asked, headers={"if-none-match": tag})
            for tag in tags
            for accepted in ("identity", "zstd")
        ]

    assert tags[1] == f"W/{tags[0]}"
    assert is_known(tags[0], tags[1])
    assert [(response.status_code, body) for response, body in again] == [(304, b"")] * 4
    assert all("content-encoding" not in response.headers for response, _ in again)


def serving(response: Any) -> CompressionMiddleware:
    """An application that answers one thing."""
    return CompressionMiddleware(Starlette(routes=[Route("/graphql", lambda _: response())]), least_bytes=100)


async def test_each_line_of_a_stream_is_sent_as_it_comes() -> None:
    """A client that waits for one before it sends the next gets it."""
    sent: list[bytes] = []
    told: list[bytes] = []
    unpack = zlib.decompressobj(wbits=31)

    async def lines() -> Any:
        for number in range(3):
            told.append(unpack.decompress(b"".join(sent)))
            sent.clear()
            yield b'{"line": %d}\n' % number

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    async def receive() -> Any:
        await asyncio.Event().wait()  # the client stays

    headers = [(b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": "GET", "path": "/graphql", "headers": headers, "query_string": b""}
    await serving(lambda: StreamingResponse(lines(), media_type="application/x-ndjson"))(scope, receive, send)

    assert told == [b"", b'{"line": 0}\n', b'{"line": 1}\n']
    assert unpack.decompress(b"".join(sent)) == b'{"line": 2}\n'


@pytest.mark.parametrize("media_type", ["text/event-stream", "application/vnd.apache.arrow.stream", "image/png"])
async def test_events_and_packed_formats_are_left_alone(media_type: str) -> None:
    """A compressor for each subscriber would take more memory than all else of it."""
    app = serving(lambda: Response(b"data: x\n\n" * 1_000, media_type=media_type))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        response, body = await ask(client, "gzip, zstd")

    assert "content-encoding" not in response.headers
    assert len(body) == 9_000


@pytest.mark.parametrize("chosen", UNPACK)
async def test_a_very_long_body_is_compressed_in_parts(chosen: str) -> None:
    """Other requests run between two of them."""
    whole = b"".join(b'{"number": %d},' % number for number in range(150_000))
    assert len(whole) > 5 * SLICE_BYTES
    app = serving(lambda: Response(whole, media_type="application/json"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        response, body = await ask(client, chosen)

    assert response.headers["content-encoding"] == chosen
    assert UNPACK[chosen](body) == whole
