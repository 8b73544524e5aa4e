"""Shared tasks and threads for inference."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from graph.errors import BusyError
from graph.inference.network.errors import ShouldStop
from graph.network.threads import SharedTasks, ThreadSlots, Turn, current_turn


async def endless(stopped: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        stopped.set()


async def test_concurrent_callers_share_a_result() -> None:
    """The task runs once for those who wait for it together, and again for who comes later."""
    shared = SharedTasks()
    results = iter(range(10))

    async def count() -> int:
        await asyncio.sleep(0)
        return next(results)

    assert await asyncio.gather(*(shared.get("key", count) for _ in range(3)), shared.get("other", count)) == [
        0,
        0,
        0,
        1,
    ]
    assert await shared.get("key", count) == 2


async def test_concurrent_callers_share_a_failure() -> None:
    """And the next caller tries again."""
    shared = SharedTasks()

    async def fail() -> None:
        await asyncio.sleep(0)
        raise BusyError("no")

    async def succeed() -> str:
        return "yes"

    failures = await asyncio.gather(*(shared.get("key", fail) for _ in range(2)), return_exceptions=True)

    assert [type(failure) for failure in failures] == [BusyError, BusyError]
    assert await shared.get("key", succeed) == "yes"


async def test_a_task_is_cancelled_when_its_last_caller_is() -> None:
    """One who leaves earlier does not take it from the others."""
    shared, stopped = SharedTasks(), asyncio.Event()
    callers = [asyncio.create_task(shared.get("key", lambda: endless(stopped))) for _ in range(2)]
    await asyncio.sleep(0)

    callers[0].cancel()
    await asyncio.wait(callers[:1])
    assert not stopped.is_set()
    callers[1].cancel()
    await asyncio.wait_for(stopped.wait(), 1)
    await asyncio.gather(*callers, return_exceptions=True)


async def test_a_task_may_go_on_without_callers() -> None:
    """Who comes later finds it; the next such task ends it, and so does closing."""
    shared, stopped = SharedTasks(), {name: asyncio.Event() for name in "abc"}

    async def leave(name: str) -> None:
        caller = asyncio.create_task(shared.get(name, lambda: endless(stopped[name]), goes_on=True))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.wait([caller])

    await leave("a")
    await leave("a")
    assert not stopped["a"].is_set()
    await leave("b")
    await asyncio.wait_for(stopped["a"].wait(), 60)
    assert not stopped["b"].is_set()
    waiting = asyncio.create_task(shared.get("b", lambda: endless(stopped["c"]), goes_on=True))
    await asyncio.sleep(0)
    await leave("c")
    assert not stopped["b"].is_set(), "somebody waits for it again"
    waiting.cancel()
    await asyncio.wait([waiting])
    await asyncio.wait_for(stopped["c"].wait(), 60)
    assert not stopped["b"].is_set(), "it is the last one that was left"
    shared.close()
    await asyncio.wait_for(stopped["b"].wait(), 60)


async def test_a_cancelled_task_makes_room_at_once() -> None:
    """Who asks while it is still being cancelled does not get its cancellation."""
    shared, stopped = SharedTasks(), asyncio.Event()
    caller = asyncio.create_task(shared.get("key", lambda: endless(stopped)))
    await asyncio.sleep(0)

    async def succeed() -> str:
        return "yes"

    caller.cancel()
    await asyncio.wait([caller])

    assert await shared.get("key", succeed) == "yes"


async def test_work_runs_in_a_thread_of_its_own() -> None:
    """With a `ShouldStop` that is false; its error is the caller's."""
    slots = ThreadSlots(1, patience_seconds=1.0)

    def fail(_: ShouldStop) -> None:
        raise ZeroDivisionError

    name, should_stop = await slots.run(lambda should_stop: (threading.current_thread().name, should_stop()))

    assert name.startswith("inference")
    assert should_stop is False
    with pytest.raises(ZeroDivisionError):
        await slots.run(fail)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Ends what waits for it, at the latest with the test."""
    event = threading.Event()
    yield event
    event.set()


async def test_full_slots_refuse_until_one_is_free(release: threading.Event) -> None:
    """With the number of threads, after the patience."""
    slots = ThreadSlots(2, patience_seconds=0.02)
    running = [asyncio.create_task(slots.run(lambda _: release.wait(5))) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(BusyError, match="all 2 inference threads are busy; try again"):
        await slots.run(lambda _: True)
    release.set()

    assert await asyncio.gather(*running) == [True, True]
    assert await slots.run(lambda _: "free") == "free"


async def test_what_has_had_a_thread_waits_for_the_next(release: threading.Event) -> None:
    """The parts of a request are not in each other's way, and another request is refused."""
    slots = ThreadSlots(1, patience_seconds=0.02)

    async def compute(turn: Turn) -> bool:
        current_turn.set(turn)
        return await slots.run(lambda _: release.wait(5))

    own, another = Turn(), Turn()
    parts = [asyncio.create_task(compute(own)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await asyncio.create_task(compute(another))
    release.set()

    assert await asyncio.gather(*parts) == [True] * 3
    assert (own.has_begun, another.has_begun) == (True, False)


async def test_cancelled_work_is_stopped_and_keeps_its_slot_until_then() -> None:
    """A thread cannot be ended from outside."""
    slots = ThreadSlots(1, patience_seconds=0.02)
    begun, may_end, was_stopped = threading.Event(), threading.Event(), threading.Event()

    def work(should_stop: ShouldStop) -> None:
        begun.set()
        may_end.wait(5)
        if should_stop():
            was_stopped.set()

    caller = asyncio.create_task(slots.run(work))
    await asyncio.to_thread(begun.wait, 5)
    caller.cancel()
    await asyncio.wait([caller])

    with pytest.raises(BusyError):
        await slots.run(lambda _: True)
    may_end.set()
    assert await asyncio.to_thread(was_stopped.wait, 5)
    await asyncio.sleep(0.02)
    assert await slots.run(lambda _: True)
