"""kill -9 of the service and of Neo4j amid intake: what was acknowledged is there and told, and nothing is twice."""

import asyncio
import json
import random
import signal
from pathlib import Path

import httpx
import psutil
import pytest

from tests.helpers.intake import BUNDLE, Intake, check_ledger, until_acknowledged
from tests.helpers.processes import Service, run, serving_fork
from tests.helpers.stores import copy_migrated_store
from tests.helpers.subscribing import Follower

SECONDS_BEFORE_KILL = (0.3, 2.0)


def neo4j_of(service: Service) -> psutil.Process:
    """The Neo4j that a service has started."""
    children = psutil.Process(service.process.pid).children(recursive=True)
    (java,) = [child for child in children if "java" in child.name()]
    return java


async def test_an_acknowledged_item_survives_a_kill_of_any_process(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Turn by turn the service and its Neo4j are killed at a random moment; clients go on with what they have open,
    and a subscriber with the last event that it has: it is told of each row of the ledger, and of none by two ids.
    """
    num_kills = int(pytestconfig.getoption("--kills"))
    environment = {"FOREGRAPH_SCHEDULER": "false", "FOREGRAPH_LOG_LEVEL": "error"}
    rng = random.Random(20261122)
    bundle = json.dumps(BUNDLE).encode()
    copy_migrated_store(tmp_path / ".foregraph")
    intake = Intake()
    follower = Follower()
    kills_left = num_kills
    started = False
    async with asyncio.timeout(60 * (num_kills + 2)):
        async with httpx.AsyncClient(timeout=60) as client:
            tasks: list[asyncio.Task[None]] = []
            while kills_left:
                async with serving_fork("serve", "--port", "0", environment=environment, directory=tmp_path) as service:
                    intake.url = follower.url = service.url
                    if not started:
                        imported = await run("import", "-", environment=environment, directory=tmp_path, given=bundle)
                        assert imported.code == 0, imported.errors
                        await follower.start(client)
                        tasks = intake.start(client)
                        started = True
                    await until_acknowledged(intake, 5)
                    if kills_left % 2 == 0:
                        await asyncio.sleep(rng.uniform(*SECONDS_BEFORE_KILL))
                        neo4j_of(service).send_signal(signal.SIGKILL)
                        kills_left -= 1
                        await until_acknowledged(intake, 5)  # the service has started it again
                    if kills_left:
                        await asyncio.sleep(rng.uniform(*SECONDS_BEFORE_KILL))
                        service.process.kill()
                        await service.process.wait()
                        kills_left -= 1
            async with serving_fork("serve", "--port", "0", environment=environment, directory=tmp_path) as service:
                intake.url = follower.url = service.url
                await until_acknowledged(intake, 5)
                intake.is_over = True
                await asyncio.gather(*tasks)
                await follower.stop(client)
                # Both use the Neo4j that runs already.
                exported = await run("export", "-", environment=environment, directory=tmp_path)
                verified = await run("verify", environment=environment, directory=tmp_path)
                await service.stop(signal.SIGTERM)

    assert exported.code == 0, exported.errors
    assert verified.code == 0, verified.output
    rows = json.loads(exported.output)["evidence"]
    check_ledger(intake, rows)
    assert sorted(key for keys in follower.told.values() for key in keys) == sorted(row["id"] for row in rows)
    print(  # noqa: T201
        f"{num_kills} kills, {len(intake.acknowledged)} acknowledged, {intake.num_retried} retries, "
        f"{len(follower.told)} events told over {follower.num_broken + 1} connections"
    )
