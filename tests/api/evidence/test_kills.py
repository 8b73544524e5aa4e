"""kill -9 of the service amid streams: what was acknowledged is there, and what is sent again counts once."""

import asyncio
import json
import random

import httpx

from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_text
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.ledger.derived import verify
from tests.helpers.intake import BUNDLE, StreamedIntake, check_ledger, until_acknowledged
from tests.helpers.processes import serving_fork, variables

NUM_KILLS = 2
SECONDS_BEFORE_KILL = (0.1, 1.0)


async def test_an_acknowledged_line_survives_a_kill(database: Database, database_address: DatabaseAddress) -> None:
    """Clients have lines under way whenever the service is killed; they go on with the service that follows."""
    await import_text(database, json.dumps(BUNDLE))
    environment = variables(database_address, FOREGRAPH_SCHEDULER="false", FOREGRAPH_LOG_LEVEL="error")
    rng = random.Random(20261126)
    intake = StreamedIntake()
    tasks: list[asyncio.Task[None]] = []
    async with httpx.AsyncClient() as client:
        for number in range(NUM_KILLS + 1):
            async with serving_fork("serve", "--port", "0", environment=environment) as service:
                intake.url = service.url
                tasks = tasks or intake.start(client)
                await until_acknowledged(intake, 30)
                if number < NUM_KILLS:
                    await asyncio.sleep(rng.uniform(*SECONDS_BEFORE_KILL))
                    service.process.kill()
                    await service.process.wait()
                else:
                    intake.is_over = True
                    await asyncio.gather(*tasks)

    assert intake.num_retried > 0
    rows = [row.model_dump() for row in (await export_bundle(database)).evidence]
    check_ledger(intake, rows)
    assert [str(found) async for found in verify(database)] == []
