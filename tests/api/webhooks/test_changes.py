"""Events of the feed, delivered to a real receiver: all, in order, each in one delivery, whatever fails."""

import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.webhooks.delivering import deliver_due
from api.webhooks.sending import Receivers
from graph.bundles.exporting import export_stream
from graph.bundles.restoring import restore
from graph.database.revisions import EventKind
from graph.database.sessions import Database
from graph.errors import ConflictError, InvalidError, NotFoundError
from graph.feed.due import tell_due
from graph.saved import hooks
from graph.saved.holding import count_closed, release_deliveries
from graph.saved.hooks import ChangeHook, are_changes_due, delete_hook, list_hooks, set_hook
from graph.saved.running import SavedQueries
from graph.saved.schedules import BACK_OFF, Deliveries, DeliveryStatus, list_deliveries, retry_delivery
from graph.saved.sealing import Seals
from tests.helpers.asking import ask
from tests.helpers.bundles import bundle, prediction
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.receiving import Receiver, receiving
from tests.helpers.writes import submitted

pytestmark = pytest.mark.statements

NOW = datetime(2026, 9, 1, 12, 3, tzinfo=UTC)
FAILURE = b"HTTP/1.1 503 Service Unavailable\r\n\r\n"
SUCCESS = b"HTTP/1.1 200 OK\r\n\r\n"
SEALS = Seals(b"secret of the tests")
CHANGES = """{ changes(first: 100) { changes { eventId revision kind writtenAt claimKeys influencedClaimKeys
  evidenceKeys
  rows { list key } movedClaimKeys dueMilestoneKeys propagationRunKey isPartial } } }"""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything, unless a test says otherwise."""
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def graph(migrated_database: Database) -> AsyncIterator[Database]:
    """Two claims."""
    await empty(migrated_database)
    await import_once(migrated_database, bundle(predictions=[prediction("P_3"), prediction("P_4")]))
    yield migrated_database
    await empty(migrated_database)


def address_of(receiver: Receiver) -> str:
    """The receiver's address."""
    return f"http://127.0.0.1:{receiver.port}/hook"


async def follow(graph: Database, receiver: Receiver, name: str = "mine", **options: Any) -> None:
    """Set a webhook to the receiver."""
    await set_hook(graph, ChangeHook(name, SEALS.close(address_of(receiver)), **options))


async def deliver(graph: Database, receiver: Receiver, now: datetime = NOW) -> list[Any]:
    """Deliver what is due; returns all bodies that have come so far."""
    receivers = Receivers(frozenset({f"127.0.0.1:{receiver.port}"}), SEALS, allows_loopback=True)
    await deliver_due(SavedQueries(graph, None), receivers, now)
    return [json.loads(came.body) for came in receiver.received]


async def test_a_webhook_is_sent_what_the_feed_shows(graph: Database, receiver: Receiver) -> None:
    """From its first event on, each once, signed over timestamp and body; nothing is due after that."""
    await follow(graph, receiver)
    assert not await are_changes_due(graph)
    for claim_id in ("P_3", "P_4"):
        await submitted(claim_id)(graph)
    assert await are_changes_due(graph)

    (first,) = await deliver(graph, receiver)
    await submitted("P_3")(graph)
    _, second = await deliver(graph, receiver)
    assert not await are_changes_due(graph)

    shown = (await ask(graph, CHANGES)).data["changes"]["changes"][1:]
    assert first["changes"] + second["changes"] == shown
    assert [body["lastEventId"] for body in (first, second)] == [shown[1]["eventId"], shown[2]["eventId"]]
    came = receiver.received[0]
    key = SEALS.signing_key(address_of(receiver)).encode()
    signed = came.headers["foregraph-timestamp"].encode() + b"." + came.body
    assert came.headers["foregraph-signature"] == "v1=" + hmac.new(key, signed, hashlib.sha256).hexdigest()
    assert came.headers["foregraph-delivery"] == f"mine@{first['lastEventId']}"


async def test_a_webhook_has_kinds_and_claims(graph: Database, receiver: Receiver) -> None:
    """What it does not ask for is passed over."""
    await follow(graph, receiver, kinds=(EventKind.WRITE,), claim_ids=("P_4",))
    await submitted("P_3")(graph)
    await submitted("P_4")(graph)
    await tell_due(graph, NOW)

    (body,) = await deliver(graph, receiver)

    assert [change["claimKeys"] for change in body["changes"]] == [["P_4"]]
    assert not await are_changes_due(graph)


async def test_a_failed_delivery_is_tried_again_and_replayed_with_the_same_body(
    graph: Database, receiver: Receiver
) -> None:
    """It waits longer each time, is dead at last, and what comes later is sent meanwhile."""
    await follow(graph, receiver)
    await submitted("P_3")(graph)
    receiver.answers, now = [FAILURE], NOW
    for pause in (*BACK_OFF, timedelta()):
        await deliver(graph, receiver, now)
        now += pause
    (dead,) = await graph.read(lambda unit: list_deliveries(unit, Deliveries((DeliveryStatus.DEAD,)), 10))
    receiver.answers = [SUCCESS]
    await submitted("P_4")(graph)
    await deliver(graph, receiver, now)

    await retry_delivery(graph, dead.id)
    bodies = await deliver(graph, receiver, datetime.now(UTC) + timedelta(seconds=1))

    assert [body["changes"][0]["claimKeys"] for body in bodies] == [["P_3"]] * 6 + [["P_4"], ["P_3"]]
    assert bodies[-1] == bodies[0]


async def test_what_is_restored_is_held_and_goes_on_under_the_ids_that_it_had(
    graph: Database, receiver: Receiver
) -> None:
    """Nothing that was taken before the backup is sent anew, nothing at all before the operator says so."""
    await follow(graph, receiver)
    await submitted("P_3")(graph)
    await deliver(graph, receiver)  # taken before the backup
    receiver.answers, now = [FAILURE], NOW
    await submitted("P_4")(graph)
    for pause in (*BACK_OFF, timedelta()):
        await deliver(graph, receiver, now)
        now += pause
    (dead,) = await graph.read(lambda unit: list_deliveries(unit, Deliveries((DeliveryStatus.DEAD,)), 10))
    backup = io.BytesIO()
    await export_stream(graph, backup.write)
    receiver.answers = [SUCCESS]
    receiver.received.clear()

    await empty(graph)
    backup.seek(0)
    await restore(graph, backup)
    await retry_delivery(graph, dead.id)
    soon = datetime.now(UTC) + timedelta(seconds=1)
    assert await deliver(graph, receiver, soon) == []
    held = await release_deliveries(graph)
    bodies = await deliver(graph, receiver, soon)

    assert (held.num_hooks, held.num_schedules, held.num_pending, held.num_dead) == (1, 0, 1, 0)
    assert (await release_deliveries(graph)).since is None
    sent = {came.headers["foregraph-delivery"]: body for came, body in zip(receiver.received, bodies, strict=True)}
    assert sent.pop(dead.id)["changes"][0]["claimKeys"] == ["P_4"]
    (gone,) = sent.values()  # events of before are not in the graph any more, and those of the restore are no news
    assert (gone["changes"], gone["error"]["code"]) == ([], "EVENT_GONE")
    assert await graph.read(lambda unit: count_closed(unit, SEALS)) == (0, 1)
    assert await graph.read(lambda unit: count_closed(unit, Seals(b"another secret"))) == (1, 1)
    assert await graph.read(lambda unit: count_closed(unit, None)) == (1, 1)


async def test_who_is_behind_is_told_so(graph: Database, receiver: Receiver) -> None:
    """A graph that is replaced has another feed; the webhook goes on in that."""
    await follow(graph, receiver)
    async with graph.open_session() as session:
        await (await session.run("MATCH (hook:ChangeWebhook) SET hook.since = '1-1-0'")).consume()

    (body,) = await deliver(graph, receiver)

    assert (body["changes"], body["error"]["code"]) == ([], "EVENT_GONE")
    await submitted("P_3")(graph)
    assert [change["claimKeys"] for change in (await deliver(graph, receiver))[1]["changes"]] == [["P_3"]]


async def test_a_webhook_that_is_deleted_is_sent_nothing_more(graph: Database, receiver: Receiver) -> None:
    """Not even what waited."""
    await follow(graph, receiver)
    receiver.answers = [FAILURE]
    await submitted("P_3")(graph)
    await deliver(graph, receiver)

    await delete_hook(graph, "mine")

    await submitted("P_4")(graph)
    assert len(await deliver(graph, receiver, NOW + timedelta(days=1))) == 1
    with pytest.raises(NotFoundError):
        await delete_hook(graph, "mine")


async def test_webhooks_are_named_and_bounded(
    graph: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is set again goes on where it stands."""
    await follow(graph, receiver)
    (before,) = await graph.read(list_hooks)
    await submitted("P_3")(graph)
    await follow(graph, receiver, kinds=(EventKind.DUE,))
    (after,) = await graph.read(list_hooks)
    assert (after.since, after.kinds) == (before.since, (EventKind.DUE,))

    monkeypatch.setattr(hooks, "MOST_HOOKS", 1)
    with pytest.raises(ConflictError, match="which is the most"):
        await follow(graph, receiver, "another")
    with pytest.raises(InvalidError, match="expected"):
        await follow(graph, receiver, "no name!")
    with pytest.raises(InvalidError, match="at most 1,000 claims"):
        await follow(graph, receiver, claim_ids=tuple(f"P_{n}" for n in range(1_001)))
