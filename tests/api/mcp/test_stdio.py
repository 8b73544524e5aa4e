"""`foregraph mcp` as an agent's program starts it."""

import os
import sys

from mcp import Client, StdioServerParameters

from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from tests.api.mcp.conftest import Agent, call, refusal
from tests.helpers.processes import variables


async def test_an_agent_has_the_same_tools_over_standard_input(
    sample: Database, database_address: DatabaseAddress, agent: Agent
) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOREGRAPH_")}
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "api", "mcp"], env={**clean, **variables(database_address)}
    )
    statement = "MATCH (c:Claim) RETURN c.id ORDER BY c.id"

    async with Client(command) as own:
        assert (await own.list_tools()).tools == await agent.list_tools()
        rows = await call(own, "run_cypher", statement=statement)
        refused = await refusal(own, "get_claim", claim="NOPE")

    assert rows["rows"] == (await call(agent, "run_cypher", statement=statement))["rows"]
    assert refused == await refusal(agent, "get_claim", claim="NOPE")
