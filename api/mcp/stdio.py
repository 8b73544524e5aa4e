"""The Model Context Protocol over standard input and output, by an application in this process."""

from contextlib import AsyncExitStack
from typing import Final

from mcp.server.stdio import stdio_server

from api.app import create_app
from api.mcp.asking import Asker
from api.mcp.server import create_server
from api.settings import Settings
from graph.adhoc.running import Adhoc
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.network.compiling import compiling_kernels
from resolvers.base.roles import LOCAL

LEFT_OUT: Final = {"warm_up": False, "scheduler": False, "graphiql": False}
"""What a service does that one agent does without."""


async def serve_stdio(settings: Settings, address: DatabaseAddress) -> None:
    """Serve one agent until it closes standard input."""
    async with AsyncExitStack() as stack:
        stack.enter_context(compiling_kernels())
        database = await stack.enter_async_context(Database.open(address))
        adhoc = None
        if settings.adhoc:
            runner = Adhoc(address, settings.adhoc_limits(), places=settings.find_places())
            adhoc = await stack.enter_async_context(runner)
        app = create_app(settings.model_copy(update=LEFT_OUT), database, adhoc=adhoc)
        await stack.enter_async_context(app.router.lifespan_context(app))
        server = create_server(lambda request: Asker(app, LOCAL))
        reading, writing = await stack.enter_async_context(stdio_server())
        await server.run(reading, writing, server.create_initialization_options())
