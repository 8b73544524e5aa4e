"""The service with both samples, served on a real socket, and agents of the SDK's own client."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent, Tool

from api.app import create_app
from api.settings import Settings
from graph.adhoc.running import Adhoc
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.sample import Sample
from graph.sample.loading import load_samples
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.serving_app import serving_app


@pytest.fixture(scope="package")
async def sample(migrated_database: Database) -> AsyncIterator[Database]:
    """A database with both samples in it."""
    await empty(migrated_database)
    await import_once(migrated_database, load_samples(Sample.ALL))
    yield migrated_database
    await empty(migrated_database)


@pytest.fixture(scope="package")
async def adhoc(database_address: DatabaseAddress) -> AsyncIterator[Adhoc]:
    """Runs analysts' statements."""
    async with Adhoc(database_address) as opened:
        yield opened


@pytest.fixture(scope="package")
async def url(sample: Database, adhoc: Adhoc) -> AsyncIterator[str]:
    """The address of a service over it."""
    settings = Settings(
        warm_up=False,
        scheduler=False,
        graphiql=False,
        allowed_hosts=("proxied.example",),
        request_timeout_seconds=300.0,  # a first what-if on a busy machine
    )
    async with serving_app(create_app(settings, sample, adhoc=adhoc)) as address:
        yield address


@pytest.fixture
def agent(url: str) -> "Agent":
    """Calls the service's tools over HTTP."""
    return Agent(f"{url}/mcp")


class Agent:
    """
    Calls tools, each by a client that is opened for it, as a client lives in one task.

    Args:
        server: The address of a service, or the command that starts a server.
    """

    def __init__(self, server: str | StdioServerParameters) -> None:
        self._server = server

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool."""
        async with Client(self._server) as client:
            return await client.call_tool(name, arguments)

    async def list_tools(self) -> list[Tool]:
        """List the tools."""
        async with Client(self._server) as client:
            return (await client.list_tools()).tools


def text_of(result: CallToolResult) -> str:
    """The text of an answer or a refusal."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def call(agent: Agent | Client, name: str, **arguments: Any) -> Any:
    """The answer of a call that must succeed."""
    result = await agent.call_tool(name, arguments)
    assert not result.is_error, text_of(result)
    return result.structured_content


async def refusal(agent: Agent | Client, name: str, **arguments: Any) -> str:
    """The text of a call that must be refused."""
    result = await agent.call_tool(name, arguments)
    assert result.is_error, text_of(result)
    assert result.structured_content is None
    return text_of(result)
