"""Subscriptions last as long as the key that opened them, whichever way it came."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest

from api.access.callers import Access
from api.access.keys import KeyFile, read_keys
from api.access.sessions import ENDED
from resolvers.base.roles import Caller, Role, include
from tests.api.subscriptions.conftest import Guarded, until_followed
from tests.helpers.keys import bearing
from tests.helpers.subscribing import APPENDED, Socket, connecting, read_events
from tests.helpers.writes import submitted


async def begin(socket: Socket, **payload: str) -> None:
    """Begin the protocol with a key in the first message, and subscribe."""
    await socket.send(type="connection_init", payload=payload)
    assert (await socket.receive())["type"] == "connection_ack"
    await socket.subscribe(APPENDED)


async def test_a_key_may_come_in_the_first_message(guarded: Guarded) -> None:
    """Under either header's name, in any case; without one nobody may subscribe, and a wrong one closes."""
    key = guarded.file.create("page", [Role.READER])
    for payload in ({"Authorization": f"Bearer {key}"}, {"x-api-key": key}):
        async with connecting(guarded.url, is_begun=False) as socket:
            await begin(socket, **payload)
            await until_followed(guarded.feed, 1)
        await until_followed(guarded.feed, 0)
    async with connecting(guarded.url) as socket:
        await socket.subscribe(APPENDED)
        message = await socket.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "UNAUTHENTICATED")
    for payload in ({"x-api-key": "fgk_wrong"}, {"authorization": key}):
        async with connecting(guarded.url, is_begun=False) as socket:
            await socket.send(type="connection_init", payload=payload)
            assert await socket.wait_closed() == (4403, "Forbidden")


async def test_revoking_a_key_ends_what_it_opened_and_nothing_else(guarded: Guarded) -> None:
    """Over WebSocket, whichever way the key came, and as a stream; at once nothing more is told."""
    keys = {name: guarded.file.create(name, [Role.READER]) for name in ("gone", "stays")}
    headers = {**bearing(keys["gone"]), "accept": "text/event-stream"}
    async with (
        connecting(guarded.url, is_begun=False) as first,
        connecting(guarded.url, additional_headers=bearing(keys["gone"])) as second,
        connecting(guarded.url, additional_headers=bearing(keys["stays"])) as other,
        httpx.AsyncClient(timeout=20) as client,
        client.stream("POST", f"{guarded.url}/graphql", json={"query": APPENDED}, headers=headers) as stream,
    ):
        await begin(first, authorization=f"Bearer {keys['gone']}")
        await second.subscribe(APPENDED)
        await other.subscribe(APPENDED)
        events = read_events(stream)
        await until_followed(guarded.feed, 4)
        guarded.file.revoke("gone")
        assert await first.wait_closed() == await second.wait_closed() == (4403, ENDED)
        told = [event async for event in events]
        assert [event["event"] for event in told] == ["next", "complete"]
        (error,) = orjson.loads(told[0]["data"])["errors"]
        assert (error["message"], error["extensions"]["code"]) == (ENDED, "UNAUTHENTICATED")
        await until_followed(guarded.feed, 1)
        await submitted("P_3")(guarded.database)
        assert (await other.receive())["type"] == "next"


async def test_a_key_that_expires_ends_what_it_opened(guarded: Guarded) -> None:
    key = guarded.file.create("short", [Role.READER], datetime.now(UTC) + timedelta(seconds=1.5))
    async with connecting(guarded.url, is_begun=False) as socket:
        await begin(socket, authorization=f"Bearer {key}")
        assert await socket.wait_closed() == (4403, ENDED)
    await until_followed(guarded.feed, 0)


@pytest.mark.parametrize(("seconds", "holds"), [(60, True), (-1, False)])
def test_a_token_lasts_until_its_own_end(tmp_path: Path, seconds: float, holds: bool) -> None:
    ends_at = datetime.now(UTC).timestamp() + seconds
    token = Caller("oidc:ada", include({Role.READER}), ends_at=ends_at)
    assert Access(tmp_path / "none.json", Role.PUBLIC).holds(token) is holds


async def test_a_key_with_other_roles_is_over(tmp_path: Path) -> None:
    """A file that is edited by hand, or a key that is deleted from it."""
    file = tmp_path / "keys.json"
    key = KeyFile(file).create("ada", [Role.READER])
    caller = await Access(file, Role.PUBLIC).identify_by(key)
    (kept,) = read_keys(file)
    for edited in ([], [replace(kept, roles=(Role.ANALYST,))]):
        with KeyFile(file)._changing() as keys:
            keys[:] = edited
        assert not Access(file, Role.PUBLIC).holds(caller)
        with KeyFile(file)._changing() as keys:
            keys[:] = [kept]
    assert Access(file, Role.PUBLIC).holds(caller)
