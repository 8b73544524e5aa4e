"""Reads GraphiQL's parts from their jars, and makes the page around them."""

import asyncio
import json
import threading
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from api.logging import get_logger
from graph.errors import ForegraphError
from graph.server.artifacts import Artifact, Fetch, JarFolder, read_lock

_HERE: Final = Path(__file__).parent
LOCK: Final = _HERE / "graphiql.lock"

PARTS_PATH: Final = "/graphiql"

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the editor measures with styles in elements
        "font-src data:",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",  # against clickjacking
    )
)
"""The page's Content-Security-Policy: nothing from elsewhere, no script in the page, and no frame around it."""

_DAY_SECONDS: Final = 86_400

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Part:
    """A file of the page: the package that has it and its path there, or one of our own without a package."""

    package: str | None
    path: str
    media_type: str


_SCRIPT, _STYLE = "text/javascript", "text/css"
_PARTS: Final[Mapping[str, _Part]] = {
    "react.js": _Part("react", "umd/react.production.min.js", _SCRIPT),
    "react-dom.js": _Part("react-dom", "umd/react-dom.production.min.js", _SCRIPT),
    "graphiql.js": _Part("graphiql", "graphiql.min.js", _SCRIPT),
    "graphiql.css": _Part("graphiql", "graphiql.min.css", _STYLE),
    "start.js": _Part(None, "start.js", _SCRIPT),
    "start.css": _Part(None, "start.css", _STYLE),
}


class GraphiQL:
    """
    The page and its parts, in memory once they have been asked for.

    Args:
        find_folder: Finds the folder of jars; raises ConfigurationError where there can be none.
        find_fetch: Finds what downloads a missing jar; raises ConfigurationError.
    """

    def __init__(self, find_folder: Callable[[], Path], find_fetch: Callable[[], Fetch]) -> None:
        self._find_folder, self._find_fetch = find_folder, find_fetch
        self._parts: Mapping[str, bytes] | None = None
        self._loading = asyncio.Lock()
        self._page = _make_page()

    async def prefetch(self) -> None:
        """Download what is missing, so that the page needs no internet later; a failure is logged."""
        try:
            await self._load()
        except ForegraphError as error:
            get_logger().warning("GraphiQL is not available", reason=str(error))

    async def answer_page(self) -> Response:
        """The page; 503 with the reason if its parts are neither here nor to be had."""
        try:
            await self._load()
        except ForegraphError as error:
            message = f"GraphiQL is not available: {error}. The API is; ask it by POST.\n"
            return PlainTextResponse(message, 503, headers={"content-security-policy": POLICY})
        return HTMLResponse(self._page, headers={"content-security-policy": POLICY})

    async def answer_part(self, request: Request) -> Response:
        """A part of the page by its name."""
        part = _PARTS.get(request.path_params["name"])
        if part is None:
            return PlainTextResponse("There is no such part of the page.\n", 404)
        try:
            parts = await self._load()
        except ForegraphError as error:
            return PlainTextResponse(f"{error}\n", 503)
        headers = {"cache-control": f"private, max-age={_DAY_SECONDS}"}
        return Response(parts[request.path_params["name"]], media_type=part.media_type, headers=headers)

    async def _load(self) -> Mapping[str, bytes]:
        async with self._loading:
            if self._parts is None:
                self._parts = await _in_background(self._read)
            return self._parts

    def _read(self) -> Mapping[str, bytes]:
        artifacts = read_lock(LOCK)
        fetch = None

        def fetch_missing(artifact: Artifact, folder: Path) -> Path:
            nonlocal fetch
            fetch = fetch or self._find_fetch()
            return fetch(artifact, folder)

        jars = JarFolder(self._find_folder() / "graphiql", artifacts, fetch_missing, is_patient=False)
        jars.ensure()
        paths = dict(zip((artifact.name for artifact in artifacts), jars.class_path, strict=True))
        versions = {artifact.name: artifact.version for artifact in artifacts}
        parts: dict[str, bytes] = {}
        for name, part in _PARTS.items():
            if part.package is None:
                parts[name] = (_HERE / part.path).read_bytes()
                continue
            with zipfile.ZipFile(paths[part.package]) as jar:
                inside = f"META-INF/resources/webjars/{part.package}/{versions[part.package]}/{part.path}"
                parts[name] = jar.read(inside)
        return parts


def list_tabs() -> list[str]:
    """The documents with which the page opens, in the order of the numbers that their names begin with."""
    paths = sorted((_HERE / "tabs").glob("*.graphql"), key=lambda path: int(path.name.partition("-")[0]))
    return [path.read_text(encoding="utf-8") for path in paths]


async def _in_background(work: Callable[[], T]) -> T:
    """Work in a thread that does not keep the process alive, as a download may hang."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(take: Callable[[Any], None], value: object) -> None:
        if not done.done():
            take(value)

    def run() -> None:
        try:
            found: Any = work()
            take: Callable[[Any], None] = done.set_result
        except Exception as error:  # noqa: BLE001 - it is raised where the work is awaited
            found, take = error, done.set_exception
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, take, found)

    threading.Thread(target=run, name="graphiql", daemon=True).start()
    return await done


def _make_page() -> str:
    tabs = json.dumps([{"query": text} for text in list_tabs()]).replace("<", "\\u003c")
    return Template((_HERE / "page.html").read_text(encoding="utf-8")).substitute(tabs=tabs)
