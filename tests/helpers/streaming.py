"""A client that sends a request's body while it reads the answer, which most HTTP clients do not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

HEAD = """POST {path} HTTP/1.1
host: {host}
content-type: application/x-ndjson
transfer-encoding: chunked

"""


class Stream:
    """A POST under way, over HTTP/1.1 with both bodies in chunks."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._status = 0
        self._text = b""
        self._is_over = False

    async def send(self, part: bytes) -> None:
        """Send a part of the body; an empty one is its end."""
        self._writer.write(b"%x\r\n%s\r\n" % (len(part), part))
        await self._writer.drain()

    async def read_line(self) -> bytes:
        """
        The answer's next line; empty at its end.

        Raises:
            OSError: The connection is broken, or the answer is no stream.
        """
        while b"\n" not in self._text and not self._is_over:
            await self._read_part()
        line, newline, self._text = self._text.partition(b"\n")
        return line + newline

    async def _read_part(self) -> None:
        try:
            if not self._status:
                head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
                self._status = int(head.split(" ")[1])
                if self._status != 200:
                    raise ConnectionError(head)
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            self._text += (await self._reader.readexactly(size + 2))[:-2]
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("the connection is broken") from error
        self._is_over = size == 0


@asynccontextmanager
async def streaming(url: str) -> AsyncIterator[Stream]:
    """Open a stream."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(HEAD.replace("\n", "\r\n").format(path=parts.path, host=parts.netloc).encode())
        yield Stream(reader, writer)
    finally:
        writer.close()
