"""
Warming up: what a service that has just started does before clients ask, so that none of them waits for it.

A Neo4j that has just started plans each statement for up to a second, and Java has not compiled its code yet. This
process is slow on its own first requests, too. So the statements of the documents in `api/usual` are planned, and the
documents are asked, as clients ask them, until asking them again is no faster. What else clients may ask for is planned
after that, beside them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from starlette.applications import Starlette
from starlette.types import ASGIApp

from api.admission import Admissions
from api.documents import Documents, identify
from api.front import NO_STORE
from api.inward import post
from api.logging import get_logger, is_own_request
from api.usual import SAMPLE, UNKNOWN_ID, VARIABLES, choose_variables, list_usual
from graph.database.sessions import Database
from graph.reading.warming import warm
from resolvers.base.context import Context

MAX_ROUNDS: Final = 8
ENOUGH: Final = 0.8  # a round that takes more than this share of the fastest is no faster than it
PLANNED_AT_ONCE: Final = 2
"""Documents planned at a time: eight took 1.6 times the processor time of one after the other."""
USES_BEFORE_COMPILING: Final = 10
"""Uses of a statement after which Neo4j plans it once more, with generated code; the embedded one is told not to."""
PAUSE_SECONDS: Final = 0.3
"""Clients that have not asked for so long are taken to pause."""

MOST_PAUSE_SECONDS: Final = 5.0
"""Longest wait for a pause before each step: what is not planned yet costs those who ask for it up to a second."""

Ask = Callable[[str, Mapping[str, str]], Awaitable[Any]]
"""Sends a document with its variables, and returns the response's JSON."""


async def warm_up(app: Starlette) -> None:
    """
    Have the statements of the usual documents planned, and ask an application these documents until they get no faster.

    What the database had planned before is forgotten, since it may have been started again.

    Raises:
        UnavailableError: The database cannot be reached.
    """
    app.state.service.statements.forget()
    with _asking():
        await _plan(app, SAMPLE, {})
        known = await _find_known_of(app)
        await plan_usual(app, known)
        await repeat_until_warm(lambda: ask_usual(app, known))


async def warm_rest(app: Starlette, database: Database) -> None:
    """
    Do what no usual document waits for: pass the use at which the database plans a statement again, and have those
    planned by which unknown documents are read. Each step begins when clients pause, or have not for long.

    Raises:
        ForegraphError: The database cannot be reached, or took too long.
    """
    admissions: Admissions = app.state.admissions
    pause = partial(admissions.wait_for_pause, PAUSE_SECONDS, most_seconds=MOST_PAUSE_SECONDS)
    with _asking():
        known = await _find_known_of(app)
        for text in USES_BEFORE_COMPILING * tuple(list_usual().values()):
            await pause()
            await ask(app, text, choose_variables(text, known))
        await warm(database, pause)


@contextmanager
def _asking() -> Iterator[None]:
    """Mark the requests made within the block as the service's own."""
    token = is_own_request.set(True)
    try:
        yield
    finally:
        is_own_request.reset(token)


async def _find_known_of(app: ASGIApp) -> dict[str, str]:
    return await find_known(lambda document, variables: ask(app, document, variables))


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
    known = dict.fromkeys(VARIABLES, UNKNOWN_ID)
    data = (await ask(SAMPLE, {})).get("data") or {"predictions": {"nodes": []}, "domains": {"nodes": []}}
    for prediction in data["predictions"]["nodes"]:
        known |= {"id": prediction["key"], "prediction": prediction["key"]}
        for exposure in prediction["exposures"]["nodes"]:
            known["ticker"] = exposure["ticker"]["symbol"]
    for domain in data["domains"]["nodes"]:
        known["domain"] = domain["key"]
    return known


async def ask_usual(app: ASGIApp, known: Mapping[str, str]) -> None:
    """Ask each usual document once, all at the same time, so that Neo4j plans on every processor."""
    documents = list_usual()
    answers = await asyncio.gather(*(ask(app, text, choose_variables(text, known)) for text in documents.values()))
    for name, answer in zip(documents, answers, strict=True):
        if any(
            error["extensions"]["code"] != "NOT_FOUND" for error in answer.get("errors", ())
        ):  # an empty graph has none
            get_logger().warning("a usual document was refused", document=name, reason=str(answer["errors"])[:500])


async def plan_usual(app: Starlette, known: Mapping[str, str]) -> None:
    """
    Have the statements planned that the usual documents need, the longest documents first.

    Few at a time: while Neo4j's planner is not compiled yet, each statement is planned by interpreted code, and what
    one has had compiled makes the next faster.
    """
    places = asyncio.Semaphore(PLANNED_AT_ONCE)

    async def plan(text: str) -> None:
        async with places:
            await _plan(app, text, choose_variables(text, known))

    await asyncio.gather(*map(plan, sorted(list_usual().values(), key=len, reverse=True)))


async def _plan(app: Starlette, text: str, variables: Mapping[str, str]) -> None:
    """Have a valid document's statements planned: the composed one at once, all others by asking the document."""
    documents: Documents = app.state.documents
    documents.keep(text)
    kept = documents.find(identify(text))
    for operation in () if kept is None else kept.operations:
        if operation.compiled is not None:
            await operation.compiled.prepare(Context(app.state.service), dict(variables))
    await ask(app, text, variables)


async def ask(app: ASGIApp, document: str, variables: Mapping[str, str]) -> Any:
    """Send an application a document as a client would that wants it answered anew, and return the response's JSON."""
    return await post(app, document, variables, headers={"cache-control": NO_STORE})
