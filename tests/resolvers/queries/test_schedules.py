"""Schedules and deliveries in GraphQL."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from graph.database.sessions import Database
from graph.saved.sealing import Seals
from resolvers.base.context import Service, Webhooks
from tests.helpers.asking import ask, ask_wrong
from tests.helpers.graph_dump import ask as ask_database

SET = """
mutation Set($input: ScheduleQueryInput!) {
  scheduleQuery(input: $input) {
    __typename
    ... on QueryScheduled { isNew schedule { name query parameters url format intervalMinutes utcHour nextAt } }
    ... on UserError { message path }
  }
}
"""
SEALS = Seals(b"a secret of the tests")
SCHEDULE = {
    "name": "nightly",
    "query": "coming-milestones",
    "url": "https://hooks.example.org/a",
    "utcHour": 4,
    "parameters": {"days": 30},
}


@pytest.fixture
async def service(small: Database) -> AsyncIterator[Service]:
    """A service that may send to one host."""
    yield Service.make(small, webhooks=Webhooks(["hooks.example.org"], SEALS))
    await ask_database(small, "MATCH (n:QueryDelivery|QuerySchedule|ChangeWebhook) DELETE n")


async def set_schedule(service: Service, **changes: Any) -> dict[str, Any]:
    """The answer to setting the schedule with some changes."""
    answer: dict[str, Any] = (await ask(service, SET, input={**SCHEDULE, **changes})).data["scheduleQuery"]
    return answer


async def test_a_schedule_is_set_listed_paused_and_deleted(service: Service) -> None:
    made = await set_schedule(service)
    paused = await set_schedule(service, isPaused=True, utcHour=None, intervalMinutes=60)
    document = "{ querySchedules { totalCount nodes { name url intervalMinutes utcHour nextAt } } }"
    listed = (await ask(service, document)).data["querySchedules"]
    rotated = Service.make(service.database, webhooks=Webhooks(seals=Seals(b"another secret of the tests")))
    unread = (await ask(rotated, document)).data["querySchedules"]["nodes"]
    stored = await ask_database(service.database, "MATCH (n) WHERE n:QuerySchedule OR n:Receipt RETURN properties(n)")
    delete = """
      mutation { unscheduleQuery(input: { name: "nightly" }) { __typename ... on QueryUnscheduled { name } } }
    """
    deleted = (await ask(service, delete)).data["unscheduleQuery"]
    again = (await ask(service, delete)).data["unscheduleQuery"]

    assert made["isNew"] is True
    assert "T04:00:00Z" in made["schedule"].pop("nextAt")
    assert made["schedule"] == {**SCHEDULE, "format": "JSON", "intervalMinutes": None}
    assert paused["isNew"] is False
    node = {"name": "nightly", "url": SCHEDULE["url"], "intervalMinutes": 60, "utcHour": None, "nextAt": None}
    assert listed == {"totalCount": 1, "nodes": [node]}
    assert unread == [{**node, "url": None}]
    assert "hooks.example.org" not in repr(stored)
    assert (deleted["name"], again["__typename"]) == ("nightly", "NotFound")
    assert (await ask(service, document)).data == {"querySchedules": {"totalCount": 0, "nodes": []}}


@pytest.mark.parametrize(
    ("changes", "kind", "path"),
    [
        ({"url": "https://evil.example/"}, "Invalid", ["input", "url"]),
        ({"url": "http://hooks.example.org/"}, "Invalid", ["input", "url"]),
        ({"url": "https://hooks.example.org@evil.example/"}, "Invalid", ["input", "url"]),
        ({"query": "nobody"}, "NotFound", ["input", "query"]),
        ({"utcHour": 24}, "Invalid", ["input", "utcHour"]),
        ({"utcHour": None}, "Invalid", ["input", "intervalMinutes"]),
        ({"utcHour": None, "intervalMinutes": 1}, "Invalid", ["input", "intervalMinutes"]),
        ({"parameters": {"days": "x"}}, "Invalid", ["input", "parameters"]),
        ({"name": "Every night"}, "Invalid", ["input", "name"]),
    ],
)
async def test_a_wrong_schedule_is_refused(
    service: Service, changes: dict[str, Any], kind: str, path: list[str]
) -> None:
    answer = await set_schedule(service, **changes)

    assert (answer["__typename"], answer["path"]) == (kind, path)


async def test_no_host_is_allowed_by_default(small: Database) -> None:
    answer = await set_schedule(Service.make(small))

    assert (answer["__typename"], "allowed hosts: none" in answer["message"]) == ("Invalid", True)


LIST = """
query List($filter: QueryDeliveryFilterInput, $sort: [QueryDeliverySortInput!], $first: Int, $after: String, $last: Int,
  $before: String) {
  queryDeliveries(filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id attemptCount dueAt lastError nextAttemptAt }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }
"""
MADE = """
UNWIND range(0, 17) AS i
CREATE (:QueryDelivery {id: 'd' + right('0' + i, 2), schedule: 's' + i % 2, query: 'q' + i % 3, parameters: '{}',
  sealed_url: '', format: 'CSV', num_attempts: 6, last_error: 'why',
  due_at: datetime('2026-09-01T04:00:00Z') + duration({days: i / 4}),
  status: ['DEAD', 'DELIVERED', 'PENDING'][i / 2 % 3]})
"""
STATUSES = ("DEAD", "DELIVERED", "PENDING")


def made(*, status: str | None = None, schedule: str | None = None, query: str | None = None) -> list[str]:
    """The ids of those that `MADE` makes, the first due first, by the rule by which it makes them."""
    return [
        f"d{i:02d}"
        for i in range(18)
        if status in {None, STATUSES[i // 2 % 3]} and schedule in {None, f"s{i % 2}"} and query in {None, f"q{i % 3}"}
    ]


async def list_ids(service: Service, **variables: Any) -> list[str]:
    """The ids of a page."""
    found = (await ask(service, LIST, **variables)).data["queryDeliveries"]
    return [node["id"] for node in found["nodes"]]


async def test_deliveries_are_a_list_as_all_others(service: Service, small: Database) -> None:
    """Filtered, in both directions, from both ends: each once, and as many as are counted."""
    await ask_database(small, MADE)
    for given in ({}, {"status": "DEAD"}, {"schedule": "s1"}, {"schedule": "s0", "status": "PENDING", "query": "q1"}):
        expected, wanted = made(**given), {name: [value] for name, value in given.items()}
        for order, ids in (("ASCENDING", expected), ("DESCENDING", expected[::-1])):
            for size, cursor, has_more, end in (
                ("first", "after", "hasNextPage", "endCursor"),
                ("last", "before", "hasPreviousPage", "startCursor"),
            ):
                shown, position, goes_on = list[str](), None, True
                while goes_on:
                    variables = {"filter": wanted, "sort": [{"by": "DUE", "order": order}], size: 5, cursor: position}
                    page = (await ask(service, LIST, **variables)).data["queryDeliveries"]
                    ids_shown = [node["id"] for node in page["nodes"]]
                    shown = shown + ids_shown if size == "first" else ids_shown + shown
                    position, goes_on = page["pageInfo"][end], page["pageInfo"][has_more]
                    assert page["totalCount"] == len(expected)
                assert shown == ids, (given, order, size)
    due = {"dueFrom": "2026-09-02T00:00:00Z", "dueTo": "2026-09-02T04:00:00Z"}
    assert await list_ids(service, filter=due) == ["d07", "d06", "d05", "d04"]
    assert await list_ids(service, filter={"schedule": ["nobody"]}) == []


async def test_schedules_and_webhooks_are_lists_as_all_others(service: Service, small: Database) -> None:
    """By name, or by when they are due next, paused ones last."""
    for number, hour in enumerate((7, 3, None, 5)):
        await set_schedule(service, name=f"s{number}", utcHour=hour or 0, isPaused=hour is None)
    await ask_database(
        small,
        "UNWIND [['a', ['WRITE']], ['b', []], ['c', ['DUE']]] AS row "
        "CREATE (:ChangeWebhook {name: row[0], sealed_url: '', kinds: row[1], claim_ids: [], since: '1-0-0'})",
    )
    document = """query List($filter: QueryScheduleFilterInput, $sort: [QueryScheduleSortInput!], $last: Int) {
      querySchedules(filter: $filter, sort: $sort, last: $last) { totalCount nodes { name nextAt } } }"""

    async def names(**variables: Any) -> list[str]:
        return [node["name"] for node in (await ask(service, document, **variables)).data["querySchedules"]["nodes"]]

    shown = (await ask(service, document, sort=[{"by": "NEXT"}])).data["querySchedules"]["nodes"]
    moments = [node["nextAt"] for node in shown]
    assert moments[:-1] == sorted(moments[:-1])
    assert shown[-1] == {"name": "s2", "nextAt": None}
    assert await names() == ["s0", "s1", "s2", "s3"]
    assert await names(sort=[{"by": "NAME", "order": "DESCENDING"}], last=2) == ["s1", "s0"]
    assert await names(filter={"isPaused": True}) == ["s2"]
    assert await names(filter={"query": ["another"]}) == []
    hooks = """{ changeWebhooks(filter: { kind: [WRITE, ROWS] }, first: 1, sort: [{ by: NAME, order: DESCENDING }]) {
      totalCount nodes { name } pageInfo { hasNextPage } } }"""
    found = (await ask(service, hooks)).data["changeWebhooks"]
    assert found == {"totalCount": 2, "nodes": [{"name": "b"}], "pageInfo": {"hasNextPage": True}}


@pytest.mark.parametrize(
    ("variables", "argument"),
    [
        ({"first": 1, "last": 1}, "last"),
        ({"first": 101}, "first"),
        ({"after": "eA=="}, "after"),
        ({"sort": []}, "sort"),
        ({"filter": {"status": []}}, "filter.status"),
    ],
)
async def test_a_wrong_page_names_the_argument(service: Service, variables: dict[str, Any], argument: str) -> None:
    assert (await ask_wrong(service, LIST, **variables))["extensions"]["argument"] == argument


async def test_a_dead_delivery_is_retried_once(service: Service, small: Database) -> None:
    """It waits again, with all its attempts."""
    await ask_database(small, MADE)
    retry = """
      mutation Retry($id: ID!) { retryDelivery(input: { id: $id }) { __typename ... on UserError { path } } }
    """
    retried = (await ask(service, retry, id="d00")).data["retryDelivery"]
    again = (await ask(service, retry, id="d00")).data["retryDelivery"]
    (waiting,) = (await ask(service, LIST, filter={"status": ["PENDING"]}, last=1)).data["queryDeliveries"]["nodes"]

    assert (retried["__typename"], again["__typename"]) == ("DeliveryRetried", "Conflict")
    assert (waiting["id"], waiting["attemptCount"], waiting["nextAttemptAt"] is not None) == ("d00", 0, True)
