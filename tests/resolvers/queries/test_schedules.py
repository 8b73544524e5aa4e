"""Schedules and deliveries in GraphQL."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from graph.database.sessions import Database
from resolvers.base.context import Service
from tests.helpers.asking import ask
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
    yield Service.make(small, webhook_hosts=["hooks.example.org"])
    await ask_database(small, "MATCH (n) WHERE n:QueryDelivery OR n:QuerySchedule DELETE n")


async def set_schedule(service: Service, **changes: Any) -> dict[str, Any]:
    """The answer to setting the schedule with some changes."""
    answer: dict[str, Any] = (await ask(service, SET, input={**SCHEDULE, **changes})).data["scheduleQuery"]
    return answer


async def test_a_schedule_is_set_listed_paused_and_deleted(service: Service) -> None:
    made = await set_schedule(service)
    paused = await set_schedule(service, isPaused=True, utcHour=None, intervalMinutes=60)
    listed = (await ask(service, "{ querySchedules { name intervalMinutes utcHour nextAt } }")).data["querySchedules"]
    delete = """
      mutation { unscheduleQuery(input: { name: "nightly" }) { __typename ... on QueryUnscheduled { name } } }
    """
    deleted = (await ask(service, delete)).data["unscheduleQuery"]
    again = (await ask(service, delete)).data["unscheduleQuery"]

    assert made["isNew"] is True
    assert "T04:00:00Z" in made["schedule"].pop("nextAt")
    assert made["schedule"] == {**SCHEDULE, "format": "JSON", "intervalMinutes": None}
    assert paused["isNew"] is False
    assert listed == [{"name": "nightly", "intervalMinutes": 60, "utcHour": None, "nextAt": None}]
    assert (deleted["name"], again["__typename"]) == ("nightly", "NotFound")
    assert (await ask(service, "{ querySchedules { name } }")).data == {"querySchedules": []}


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


async def test_deliveries_are_listed_by_status_and_retried(service: Service, small: Database) -> None:
    """The latest first; a dead one waits again."""
    await ask_database(
        small,
        "UNWIND range(1, 3) AS i CREATE (:QueryDelivery {id: 'nightly@' + i, schedule: 'nightly', query: 'a', "
        "parameters: '{}', url: 'https://hooks.example.org/', format: 'CSV', num_attempts: 6, last_error: 'why', "
        "due_at: datetime('2026-09-01T04:00:00Z') + duration({days: i}), status: 'DEAD'})",
    )
    document = """
      query List($status: DeliveryStatus, $dueTo: DateTime) {
        queryDeliveries(status: $status, first: 2, dueTo: $dueTo) { id attemptCount dueAt lastError nextAttemptAt }
      }
    """
    retry = """
      mutation Retry($id: ID!) { retryDelivery(input: { id: $id }) { __typename ... on UserError { path } } }
    """
    first = (await ask(service, document)).data["queryDeliveries"]
    second = (await ask(service, document, dueTo=first[-1]["dueAt"])).data["queryDeliveries"]
    retried = (await ask(service, retry, id="nightly@1")).data["retryDelivery"]
    again = (await ask(service, retry, id="nightly@1")).data["retryDelivery"]
    waiting = (await ask(service, document, status="PENDING")).data["queryDeliveries"]

    assert [found["id"] for found in (*first, *second)] == ["nightly@3", "nightly@2", "nightly@1"]
    assert (first[0]["attemptCount"], first[0]["lastError"], first[0]["nextAttemptAt"]) == (6, "why", None)
    assert (retried["__typename"], again["__typename"]) == ("DeliveryRetried", "Conflict")
    assert [(found["id"], found["attemptCount"]) for found in waiting] == [("nightly@1", 0)]
    assert waiting[0]["nextAttemptAt"] is not None
