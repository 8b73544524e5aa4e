"""
Readiness: the service is ready once the usual documents are answered at the speed at which they stay.

A Neo4j that has just started plans each statement for up to a second, and Java has not compiled its code yet. This
process is slow on its own first requests, too. So the documents in `api/usual` are asked, as clients ask them, until
asking them again is no faster. When Neo4j was away because it was started again, all of that begins anew.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message

from api.documents import Documents, identify
from api.front import NO_STORE
from api.logging import get_logger, is_own_request
from api.usual import SAMPLE, UNKNOWN_ID, choose_variables, list_usual
from graph.database.sessions import Database
from graph.errors import ForegraphError
from graph.reading.warming import warm
from resolvers.base.context import Context

MAX_SECONDS: Final = 60.0  # a machine on which it takes longer is busy, and stays so
MAX_ROUNDS: Final = 8
ENOUGH: Final = 0.8  # a round that takes more than this share of the fastest is no faster than it
WATCH_SECONDS: Final = 0.5  # below the time that a Neo4j needs to start, so that none is away unnoticed
WATCH_TIMEOUT_SECONDS: Final = 2.0

Ask = Callable[[str, Mapping[str, str]], Awaitable[Any]]
"""Sends a document with its variables, and returns the response's JSON."""


class Watched(Protocol):
    """A database that can be asked whether it is there, and since when."""

    async def ping(self) -> None:
        """Raise UnavailableError at once unless the database answers."""
        ...

    async def find_start(self) -> int | None:
        """Find when it was started; None if that is not known."""
        ...


class Readiness:
    """
    Whether the usual documents are warm on the Neo4j that runs now.

    Until it is watched it has nothing to say against readiness.

    Args:
        on_change: Told each time whether they are.
        watch_seconds: Pause between looks at the database.
        max_seconds: Time after which warming up ends in any case.

    Attributes:
        warmed_on: When the server was started that is warm; None if that is not known.
        reason_of_others: Set by the owner where something else is not ready yet.
    """

    def __init__(
        self,
        on_change: Callable[[bool], None] = lambda _: None,
        *,
        watch_seconds: float = WATCH_SECONDS,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self.reason_of_others: str | None = None
        self._reason: str | None = None
        self._has_been_ready = False
        self.warmed_on: int | None = None
        self._on_change = on_change
        self._watch_seconds = watch_seconds
        self._max_seconds = max_seconds
        self._warmed = asyncio.Event()

    @property
    def reason(self) -> str | None:
        """Why the service is not ready; None if it is."""
        return self._reason or self.reason_of_others

    async def wait(self) -> None:
        """Wait until the documents are warm."""
        await self._warmed.wait()

    async def settle(self) -> None:
        """Wait as long as they are known not to be warm; after a moment out of reach that is not long."""
        if self._reason is not None:
            await self._warmed.wait()

    @asynccontextmanager
    async def watching(self, database: Watched, warm_up: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Warm up now, and again each time the database was started again, until the block ends."""
        self._lose("the usual documents are being warmed up")
        task = asyncio.create_task(self._watch(database, warm_up), name="readiness")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _watch(self, database: Watched, warm_up: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                async with asyncio.timeout(WATCH_TIMEOUT_SECONDS):
                    await database.ping()
            except TimeoutError:
                pass  # it is busy; what it has planned it still knows
            except ForegraphError as error:
                self._lose(str(error))
            else:
                if self._reason is not None:
                    await self._recover(database, warm_up)
            await asyncio.sleep(self._watch_seconds)

    async def _recover(self, database: Watched, warm_up: Callable[[], Awaitable[None]]) -> None:
        """Become ready: at once on a server that is warm already, since it was only out of reach."""
        start = await database.find_start() if self._has_been_ready else None
        if start is not None and start == self.warmed_on:
            self._win()
        elif await self._warm(warm_up):
            self._win()
            self.warmed_on = await database.find_start()

    async def _warm(self, warm_up: Callable[[], Awaitable[None]]) -> bool:
        """Warm up; returns whether the database was there all the time."""
        self._lose("the usual documents are being warmed up")
        try:
            async with asyncio.timeout(self._max_seconds):
                await warm_up()
        except TimeoutError:
            get_logger().warning(
                "the usual documents are still not warm; serving all the same", seconds=self._max_seconds
            )
        except ForegraphError as error:
            get_logger().warning("could not warm up", reason=str(error))
            self._lose(str(error))
            return False
        return True

    def _win(self) -> None:
        if self._has_been_ready:
            get_logger().info("ready again")
        self._has_been_ready = True
        self._reason = None
        self._warmed.set()
        self._on_change(True)  # noqa: FBT003 - of a callback with one argument

    def _lose(self, reason: str) -> None:
        if self._reason is None:
            self._on_change(False)  # noqa: FBT003 - as above
        self._reason = reason
        self._warmed.clear()


async def warm_up(app: Starlette, database: Database) -> None:
    """
    Ask an application the usual documents until they get no faster, and have the statements of all others planned.

    What the database had planned before is forgotten, since it may have been started again.

    Raises:
        UnavailableError: The database cannot be reached.
    """
    token = is_own_request.set(True)
    app.state.service.statements.forget()
    try:
        known = await find_known(lambda document, variables: ask(app, document, variables))
        await ask_usual(app, known)
        await plan_usual(app, known)
        await warm(database)  # not at the same time, since Neo4j would plan twice what both send
        await repeat_until_warm(lambda: ask_usual(app, known))
    finally:
        is_own_request.reset(token)


async def repeat_until_warm(
    ask_all: Callable[[], Awaitable[None]], *, clock: Callable[[], float] = time.perf_counter
) -> int:
    """Repeat until a round is about as slow as the fastest before it; returns the number of rounds."""
    fastest = float("inf")
    for number in range(1, MAX_ROUNDS + 1):
        started = clock()
        await ask_all()
        seconds = clock() - started
        if seconds > ENOUGH * fastest:
            return number
        fastest = min(fastest, seconds)
    return MAX_ROUNDS


async def find_known(ask: Ask) -> dict[str, str]:
    """Find a value for each variable of the usual documents; on an empty graph those are ids that no node has."""
    known = dict.fromkeys(("id", "prediction", "domain", "ticker", "text"), UNKNOWN_ID)
    data = (await ask(SAMPLE, {})).get("data") or {"predictions": {"nodes": []}}
    for prediction in data["predictions"]["nodes"]:
        known |= {"id": prediction["key"], "prediction": prediction["key"]}
        if prediction["domain"]:
            known["domain"] = prediction["domain"]["key"]
        for exposure in prediction["exposures"]["nodes"]:
            known["ticker"] = exposure["ticker"]["symbol"]
    return known


async def ask_usual(app: ASGIApp, known: Mapping[str, str]) -> None:
    """Ask each usual document once, all at the same time, so that Neo4j plans on every processor."""
    documents = list_usual()
    answers = await asyncio.gather(*(ask(app, text, choose_variables(text, known)) for text in documents.values()))
    for name, answer in zip(documents, answers, strict=True):
        if "errors" in answer:
            get_logger().warning("a usual document was refused", document=name, reason=str(answer["errors"])[:500])


async def plan_usual(app: Starlette, known: Mapping[str, str]) -> None:
    """Have the one statement planned of each query of the usual documents, which have been asked before."""
    documents: Documents = app.state.documents
    for text in list_usual().values():
        kept = documents.find(identify(text))
        for operation in () if kept is None else kept.operations:
            if operation.compiled is not None:
                context = Context(app.state.service)
                await operation.compiled.prepare(context, dict(choose_variables(text, known)))


async def ask(app: ASGIApp, document: str, variables: Mapping[str, str]) -> Any:
    """Send an application a document as a client would that wants it answered anew, and return the response's JSON."""
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

    headers = {"host": "localhost", "content-type": "application/json", "content-length": str(len(body))}
    headers["cache-control"] = NO_STORE
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
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 0),
    }
    try:
        await app(scope, receive, send)
    finally:
        done.set()
    return json.loads(answer)
