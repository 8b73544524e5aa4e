"""No statement holds the database, or fills this process's memory."""

import asyncio
import contextlib
from pathlib import Path

import psutil
import pytest

from graph.adhoc.limits import AdhocLimits
from graph.adhoc.running import Adhoc
from graph.adhoc.watching import OVERRUN_SECONDS
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import RefusedError
from tests.helpers.adhoc import fetch_rows, read_statements
from tests.helpers.graph_dump import ask

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

BOMBS = read_statements(Path(__file__).with_name("bombs.cypher"))
PARAMETERS = {"many": 1_000_000, "long": "x" * 100_000, "pattern": "(x+x+)+y"}
MOST_GROWTH = 150 << 20
LIMITS = AdhocLimits(default_seconds=0.3)  # most bombs burn all of their time, and would burn any other


@pytest.mark.parametrize("bomb", BOMBS, ids=range(len(BOMBS)))
async def test_no_bomb_outlives_its_time(graph: Database, database_address: DatabaseAddress, bomb: str) -> None:
    """Each is refused, or stops on the server by itself soon after its time; the database answers all the while."""
    before = psutil.Process().memory_info().rss
    async with Adhoc(database_address, LIMITS) as adhoc:
        with contextlib.suppress(RefusedError):
            await fetch_rows(adhoc, bomb, PARAMETERS)
        await ask(graph, "RETURN 1")
        async with asyncio.timeout(3 * OVERRUN_SECONDS):
            while adhoc.num_running:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.05)
        assert adhoc.num_overruns == 0

    assert psutil.Process().memory_info().rss - before < MOST_GROWTH
