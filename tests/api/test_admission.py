"""So many documents at a time: more wait in order, and too many are told to come again."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from api.admission import Admission, Admissions, QueueError, is_mutation
from api.app import create_app
from api.logging import is_own_request
from api.settings import Settings
from graph.errors import BusyError
from tests.helpers.service_fakes import Slow, build_app, build_schema, codes, messages, open_client, until_waiting

SLOW = {"query": "{ slow }"}


async def hold(admission: Admission, entered: list[int], number: int, leave: asyncio.Event) -> None:
    """Take a place until told to leave."""
    async with admission.admit():
        entered.append(number)
        await leave.wait()


async def test_no_more_run_than_there_are_places_and_others_follow_in_order() -> None:
    admission, leave = Admission(2), [asyncio.Event() for _ in range(4)]
    entered: list[int] = []
    tasks = [asyncio.create_task(hold(admission, entered, n, leave[n])) for n in range(4)]
    await asyncio.sleep(0.01)
    assert entered == [0, 1]
    leave[1].set()
    await asyncio.sleep(0.01)
    assert entered == [0, 1, 2]
    for event in leave:
        event.set()
    await asyncio.gather(*tasks)

    assert entered == [0, 1, 2, 3]


async def test_a_full_queue_refuses_at_once() -> None:
    admission, leave = Admission(1, max_waiting=1), asyncio.Event()
    tasks = [asyncio.create_task(hold(admission, [], n, leave)) for n in range(2)]
    await asyncio.sleep(0.01)

    with pytest.raises(BusyError, match="1 documents are running and 1 are waiting"):
        await hold(admission, [], 2, leave)
    leave.set()
    await asyncio.gather(*tasks)


async def test_a_queue_longer_than_the_setting_is_refused_at_once() -> None:
    """And where nobody may wait, as soon as all places are taken."""
    slow = Slow()
    app: Any = build_app(slow, max_concurrent_documents=1, max_waiting_documents=0)
    async with open_client(app) as client:
        running = asyncio.create_task(client.post("/graphql", json=SLOW))
        await slow.started.wait()
        refused = await asyncio.wait_for(client.post("/graphql", json=SLOW), timeout=2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert (refused.status_code, codes(refused)) == (503, ["BUSY"])


async def test_who_would_wait_for_longer_than_the_patience_is_refused_at_once() -> None:
    """Two places and documents of two seconds: the fifth that waits has a place after five, the sixth after six."""
    admission, leave, entered = Admission(2, patience_seconds=5, mean_seconds=2), asyncio.Event(), list[int]()
    tasks = [asyncio.create_task(hold(admission, entered, n, leave)) for n in range(10)]
    await asyncio.sleep(0.01)
    refused = [n for n, task in enumerate(tasks) if task.done()]
    leave.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)

    assert refused == [7, 8, 9]
    assert [type(answer) for answer in answers] == [type(None)] * 7 + [QueueError] * 3
    assert entered == list(range(7))


async def test_one_that_holds_a_place_for_long_holds_up_nobody() -> None:
    """Four places, of which one is held for a hundred times as long as the others are, in turn, by fifty that wait."""
    admission, entered = Admission(4, patience_seconds=2), list[int]()

    async def stay(number: int, seconds: float) -> None:
        async with admission.admit():
            entered.append(number)
            await asyncio.sleep(seconds)

    long = asyncio.create_task(stay(0, 2.0))
    await asyncio.gather(*(stay(number, 0.02) for number in range(1, 50)))
    await long
    await asyncio.gather(*(stay(number, 0.02) for number in range(50, 104)))

    assert sorted(entered) == list(range(104))


async def test_documents_that_began_together_are_taken_to_end_together() -> None:
    """The first of sixteen ends after half a second: as many wait as can be served within the patience."""
    admission, entered, started = Admission(16, patience_seconds=4), list[int](), asyncio.Event()

    async def stay(number: int) -> None:
        async with admission.admit():
            entered.append(number)
            await asyncio.sleep(0.5 + 0.02 * number if number < 16 else 0.0)
            started.set()

    first = [asyncio.create_task(stay(number)) for number in range(32)]
    await started.wait()
    await asyncio.gather(*first, *(stay(number) for number in range(32, 80)))

    assert sorted(entered) == list(range(80))


async def test_a_place_that_nobody_takes_is_no_slow_document() -> None:
    """Who waited for it has left just when it became free; the time until the next document does not count."""
    admission, leave, entered = Admission(1, patience_seconds=1), asyncio.Event(), list[int]()
    first, waiting = (asyncio.create_task(hold(admission, entered, n, leave)) for n in range(2))
    await asyncio.sleep(0.01)
    leave.set()
    waiting.cancel()
    await asyncio.wait([first, waiting])
    await asyncio.sleep(0.3)
    await hold(admission, entered, 2, leave)
    await asyncio.gather(*(hold(admission, entered, n, leave) for n in range(3, 23)))

    assert entered == [0, *range(2, 23)]


async def test_documents_that_are_quick_again_may_wait_again() -> None:
    """The time of the last ones counts."""
    admission, leave, entered = Admission(1, patience_seconds=5, mean_seconds=100), asyncio.Event(), list[int]()
    for _ in range(100):
        async with admission.admit():
            pass
    tasks = [asyncio.create_task(hold(admission, entered, n, leave)) for n in range(10)]
    await asyncio.sleep(0.01)
    leave.set()
    await asyncio.gather(*tasks)

    assert entered == list(range(10))


@pytest.mark.parametrize(("num_waiting", "seconds"), [(0, 1), (1, 2), (9, 10), (200, 30)])
async def test_a_refusal_tells_when_to_come_again(num_waiting: int, seconds: int) -> None:
    """By how many wait and how long documents take: from a second to half a minute."""
    admission = Admission(1, max_waiting=num_waiting, patience_seconds=1e9, mean_seconds=0.999)
    gone = asyncio.Event()
    tasks = [asyncio.create_task(hold(admission, [], n, gone)) for n in range(num_waiting + 1)]
    await asyncio.sleep(0)

    with pytest.raises(QueueError) as refused:
        await hold(admission, [], -1, gone)
    gone.set()
    await asyncio.gather(*tasks)

    assert refused.value.retry_seconds == seconds


async def test_patience_ends() -> None:
    admission, leave = Admission(1, patience_seconds=0.02), asyncio.Event()
    task = asyncio.create_task(hold(admission, [], 0, leave))
    await asyncio.sleep(0.01)

    with pytest.raises(BusyError, match=r"none ended within 0\.02 seconds"):
        await hold(admission, [], 1, leave)
    leave.set()
    await task


async def test_whoever_is_cancelled_leaves_the_queue_and_its_place() -> None:
    """Else a place would be lost with each client that leaves."""
    admission, leave = Admission(1, max_waiting=1), asyncio.Event()
    tasks = [asyncio.create_task(hold(admission, [], n, leave)) for n in range(2)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    leave.set()
    entered: list[int] = []

    await asyncio.gather(*(hold(admission, entered, n, leave) for n in range(2)))

    assert entered == [0, 1]


async def test_a_document_that_finds_no_place_is_told_when_to_come_again() -> None:
    """Health is answered meanwhile."""
    slow = Slow()
    app: Any = build_app(slow, max_concurrent_documents=1)
    async with open_client(app) as client:
        running = asyncio.create_task(client.post("/graphql", json=SLOW))
        await slow.started.wait()
        waiting = [asyncio.create_task(client.post("/graphql", json=SLOW)) for _ in range(256)]
        await until_waiting(app, len(waiting))
        refused = await client.post("/graphql", json=SLOW)
        health = await client.get("/healthz")
        for task in (running, *waiting):
            task.cancel()
        await asyncio.gather(running, *waiting, return_exceptions=True)

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert codes(refused) == ["BUSY"]
    assert refused.json()["errors"][0]["extensions"]["isRetryable"] is True
    assert "Too much is under way: 1 documents are running and 256 are waiting" in messages(refused)[0]
    assert health.status_code == 200


async def test_a_client_that_leaves_the_queue_makes_room() -> None:
    slow = Slow()
    app: Any = build_app(slow, max_concurrent_documents=1)
    body = json.dumps(SLOW).encode()
    leave = asyncio.Event()
    messages_in = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages_in:
            return messages_in.pop()
        await leave.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers, "query_string": b""}
    async with open_client(app) as client:
        running = asyncio.create_task(client.post("/graphql", json=SLOW))
        await slow.started.wait()
        departing = asyncio.create_task(app(scope, receive, send))
        await asyncio.sleep(0.05)
        leave.set()
        await asyncio.wait_for(departing, timeout=60)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        after = await asyncio.wait_for(client.post("/graphql", json={"query": "{ hello }"}), timeout=60)

    assert after.json() == {"data": {"hello": "hello world"}}


async def test_documents_within_the_limit_all_run() -> None:
    settings = Settings(max_concurrent_documents=2)
    app = create_app(settings, Slow(), schema=build_schema())  # type: ignore[arg-type]  # stands where a database would
    async with open_client(app) as client:
        answers: list[httpx.Response] = await asyncio.gather(
            *(client.post("/graphql", json={"query": "{ hello }"}) for _ in range(20))
        )

    assert {answer.text for answer in answers} == {'{"data":{"hello":"hello world"}}'}


async def test_mutations_find_places_while_queries_hold_all_of_theirs() -> None:
    slow = Slow()
    app: Any = build_app(slow, max_concurrent_documents=1)
    async with open_client(app) as client:
        running = asyncio.create_task(client.post("/graphql", json=SLOW))
        await slow.started.wait()
        waiting = asyncio.create_task(client.post("/graphql", json={"query": "{ hello }"}))
        added = await asyncio.wait_for(client.post("/graphql", json={"query": "mutation { add(number: 1) }"}), 60)
        assert not waiting.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        asked = await asyncio.wait_for(waiting, timeout=60)

    assert added.json() == {"data": {"add": 2}}
    assert asked.json() == {"data": {"hello": "hello world"}}


async def test_each_kind_has_so_many_places() -> None:
    admissions, entered = Admissions(1, 2), []

    async def hold_one(*, is_mutation: bool) -> None:
        async with admissions.admit(is_mutation=is_mutation):
            entered.append(is_mutation)
            await asyncio.sleep(3600)

    tasks = [asyncio.create_task(hold_one(is_mutation=kind)) for kind in (True, False) for _ in range(4)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert sorted(entered) == [False, True, True]


TWO = "query Q { hello } mutation M { add(number: 1) }"


@pytest.mark.parametrize(
    ("document", "name", "expected"),
    [
        ("{ hello }", None, False),
        ("mutation { add(number: 1) }", None, True),
        ("# mutation\n{ hello }", None, False),
        ('{ hello(name: "mutation") }', None, False),
        ("fragment F on Mutation { add(number: 1) } mutation { ...F }", None, True),
        (TWO, "Q", False),
        (TWO, "M", True),
        (TWO, None, False),
        (TWO, "N", False),
        ("mutation {", None, False),
        ("mutation " + "{ a " * 5_000, None, False),
        ("mutation { " + "add(number: 1) " * 2_000 + "}", None, False),
    ],
)
def test_a_documents_kind_is_that_of_the_operation_that_runs(document: str, name: str | None, expected: bool) -> None:
    assert is_mutation(document, name) is expected


async def test_a_pause_of_clients_is_waited_for() -> None:
    """Without clients there is no wait; with them until they have paused, or for as long as was said."""
    admissions, waited = Admissions(2, 2), []

    async def wait(seconds: float, most_seconds: float) -> float:
        started = asyncio.get_running_loop().time()
        await admissions.wait_for_pause(seconds, most_seconds=most_seconds)
        return asyncio.get_running_loop().time() - started

    async def go_on_asking() -> None:
        while True:
            async with admissions.admit(is_mutation=False):
                await asyncio.sleep(0.01)

    waited.append(await wait(5.0, 9.0))
    clients = asyncio.create_task(go_on_asking())
    await asyncio.sleep(0)
    waited.append(await wait(5.0, 0.3))
    clients.cancel()
    waited.append(await wait(0.3, 9.0))

    assert waited[0] < 0.1
    assert 0.29 < waited[1] < 4.0
    assert 0.2 < waited[2] < 4.0


async def test_the_services_own_requests_are_no_clients() -> None:
    """Warming up asks too, and would wait for itself."""
    admissions = Admissions(2, 2)
    token = is_own_request.set(True)
    async with admissions.admit(is_mutation=False):
        pass
    is_own_request.reset(token)

    await asyncio.wait_for(admissions.wait_for_pause(60.0, most_seconds=90.0), timeout=60)
