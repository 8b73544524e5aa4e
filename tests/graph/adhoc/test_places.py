"""Places hold for all processes of a folder together, and are free again however their holder ends."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graph.adhoc.limits import AdhocLimits
from graph.adhoc.places import Places
from graph.adhoc.running import Adhoc
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.errors import BusyError, ConfigurationError
from graph.server.files import try_lock

HOLD = """
import asyncio, sys, time
from pathlib import Path
from graph.adhoc.places import Places

async def hold() -> None:
    places = Places(Path(sys.argv[1]), at_once=3, at_once_per_caller=2)
    for caller in sys.argv[2:]:
        await places.take(caller, 5.0)

asyncio.run(hold())
print("held", flush=True)
time.sleep(60)
"""

COMPETE = """
import asyncio, os, sys
from pathlib import Path
from graph.adhoc.places import Places
from graph.server.files import try_lock

async def compete() -> None:
    folder, caller = Path(sys.argv[1]), sys.argv[2]
    places = Places(folder, at_once=2, at_once_per_caller=1)
    for _ in range(50):
        place = await places.take(caller, 60.0)
        own = try_lock(folder / f"witness of {caller}")
        assert own is not None, "two of one caller"
        one = try_lock(folder / "witness 0")
        other = try_lock(folder / "witness 1") if one is None else one
        assert other is not None, "three at once"
        await asyncio.sleep(0.001)
        os.close(own)
        os.close(other)
        places.give_back(place)
        await asyncio.sleep(0.001)

asyncio.run(compete())
"""


@contextmanager
def holding(folder: Path, *callers: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a place for each of some callers; killed at the end of the block."""
    command = [sys.executable, "-c", HOLD, str(folder), *callers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


async def test_places_of_a_killed_process_are_free(tmp_path: Path) -> None:
    """Until then they count for all processes, in all and for their caller."""
    places = Places(tmp_path, at_once=3, at_once_per_caller=2)
    with holding(tmp_path, "a", "b") as other:
        place = await places.take("a", 0.1)
        with pytest.raises(BusyError, match="3 statements are still running, which is the most"):
            await places.take("c", 0.1)
        places.give_back(place)
        with holding(tmp_path, "a"), pytest.raises(BusyError, match="2 statements of this caller"):
            await places.take("a", 0.1)
        waiting = [asyncio.create_task(places.take(caller, 30.0)) for caller in ("a", "a", "c")]
        await asyncio.sleep(0.2)
        assert [task.done() for task in waiting].count(True) == 1
        other.kill()
        other.wait()
        taken = await asyncio.gather(*waiting)

    assert len(set(taken)) == places.num_taken == 3
    with pytest.raises(BusyError):
        await places.take("d", 0.0)


def test_processes_that_compete_never_have_too_many(tmp_path: Path) -> None:
    """Two at once, one of each caller: each process that has a place finds a witness that nobody else has."""
    commands = [[sys.executable, "-c", COMPETE, str(tmp_path), caller] for caller in ("a", "a", "a", "b", "c")]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]

    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]

    assert ended == [("", 0)] * len(commands)


async def test_processes_look_for_a_place_one_after_the_other(tmp_path: Path) -> None:
    """Else two of one caller could each miss the other; one that is stopped meanwhile keeps nobody for long."""
    places = Places(tmp_path, at_once=2, at_once_per_caller=1)
    gate = try_lock(tmp_path / "gate")
    assert gate is not None
    waiting = asyncio.create_task(places.take("a", 30.0))
    with pytest.raises(BusyError, match="another process"):
        await places.take("b", 0.0)
    assert not waiting.done()
    os.close(gate)

    await waiting
    assert places.num_taken == 1


async def test_runners_of_one_folder_share_their_places(
    graph: Database, database_address: DatabaseAddress, tmp_path: Path
) -> None:
    """As workers of a service do: what a caller runs in one of them counts in the other."""
    limits = AdhocLimits(at_once=2, at_once_per_caller=1)
    async with (
        Adhoc(database_address, limits, places=tmp_path) as one,
        Adhoc(database_address, limits, places=tmp_path) as other,
    ):
        async with one.run("RETURN 1", caller="a") as first:
            with pytest.raises(BusyError, match="1 statement of this caller is still running"):
                async with other.run("RETURN 1", caller="a"):
                    pass
            async with other.run("RETURN 2", caller="b") as answer:
                assert [batch async for batch in answer.batches()] == [[[2]]]
            assert [batch async for batch in first.batches()] == [[[1]]]
        async with other.run("RETURN 3", caller="a") as answer:
            assert [batch async for batch in answer.batches()] == [[[3]]]
        assert (one.num_running, other.num_running) == (0, 1)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")

    with pytest.raises(ConfigurationError, match="cannot write"):
        Places(file / "places", at_once=2, at_once_per_caller=1)


async def test_callers_wait_for_their_own_places(tmp_path: Path) -> None:
    """A place that is given back goes to whoever waits, and others' places are theirs."""
    places = Places(tmp_path, at_once=2, at_once_per_caller=1)
    first = await places.take("a", 0.1)
    waiting = asyncio.create_task(places.take("a", 10))
    await asyncio.sleep(0)
    await places.take("b", 0.1)
    with pytest.raises(BusyError, match="this caller"):
        await places.take("a", 0.01)
    places.give_back(first)
    await waiting

    assert places.num_taken == 2
