"""The application on a real socket in this process, so that clients may be slow, and connections break."""

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from api.process import SOCKETS
from api.service import bind
from tests.helpers.processes import PLAIN


class _Server(uvicorn.Server):
    """uvicorn, which leaves the signals to the tests."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serving_app(app: ASGIApp, **given: Any) -> AsyncIterator[str]:
    """Serve an application, with further settings of uvicorn; gives its address."""
    with bind("127.0.0.1", 0) as listener:
        common = {"lifespan": "on", "log_config": None, "access_log": False, "timeout_graceful_shutdown": 2}
        config = uvicorn.Config(app, **{**common, **SOCKETS, **given})
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def asking_app(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that is served."""
    async with serving_app(app) as url, httpx.AsyncClient(base_url=url, timeout=60, verify=PLAIN) as client:
        yield client
