"""Callers are limited, each for itself, in what they ask in a minute and at a time, on every way in."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakeredis import TcpFakeServer
from starlette.types import ASGIApp

from api.access.allowances import MEMORY, Allowance
from api.access.rates import CONCURRENT, MUTATIONS, POINTS, RateLimitedError, Rates
from api.app import create_app
from api.settings import Settings, load_settings
from graph.errors import ConfigurationError
from resolvers.base.roles import LOCAL, Caller, Role, include
from tests.helpers.keys import NO_DATABASE, bearing, issue
from tests.helpers.service_fakes import Slow, open_client
from tests.helpers.service_fakes import build_app as build_fake_app

ADA, BOB = (Caller(name, include({Role.OPERATOR})) for name in ("ada", "bob"))
HOME, AWAY = (Caller("", include({Role.READER}), address) for address in ("10.0.0.1", "10.0.0.2"))


async def count_allowed(rates: Rates, caller: Caller, points: int, *, is_mutation: bool = False) -> int:
    """How often a caller may ask."""
    for number in range(1_000):
        try:
            await rates.spend(caller, points, is_mutation=is_mutation)
        except RateLimitedError:
            return number
    return 1_000


@pytest.mark.parametrize(("points", "number"), [(1, 100), (7, 14), (100, 1), (101, 0), (0, 100)])
async def test_points_of_a_minute_are_counted(points: int, number: int) -> None:
    assert await count_allowed(Rates(Allowance(points=100)), ADA, points) == number


async def test_callers_are_counted_by_name_or_by_address() -> None:
    rates = Rates(Allowance(points=3))
    named = [Caller("ada", include({Role.READER}), address) for address in ("10.0.0.1", "10.0.0.9")]

    assert await count_allowed(rates, named[0], 1) == 3
    assert await count_allowed(rates, named[1], 1) == 0
    assert [await count_allowed(rates, caller, 1) for caller in (BOB, HOME, AWAY, HOME)] == [3, 3, 3, 0]


async def test_mutations_are_counted_beside_points() -> None:
    rates = Rates(Allowance(points=100, mutations=2))

    assert await count_allowed(rates, ADA, 1, is_mutation=True) == 2
    assert await count_allowed(rates, ADA, 1) == 98


async def test_the_service_itself_is_not_limited() -> None:
    assert await count_allowed(Rates(Allowance(1, 1, 1)), LOCAL, 1) == 1_000


async def test_without_an_allowance_nothing_is_limited() -> None:
    rates = Rates(Allowance())
    assert await count_allowed(rates, ADA, 10**9, is_mutation=True) == 1_000
    with rates.hold(ADA), rates.hold(ADA):
        pass


@pytest.mark.parametrize(
    ("allowance", "limit"), [(Allowance(points=5), POINTS), (Allowance(points=50, mutations=1), MUTATIONS)]
)
async def test_a_refusal_names_the_limit_and_when_to_come_again(allowance: Allowance, limit: str) -> None:
    rates = Rates(allowance)
    await rates.spend(ADA, 4, is_mutation=True)
    with pytest.raises(RateLimitedError, match=limit) as refused:
        await rates.spend(ADA, 4, is_mutation=True)

    assert refused.value.limit == limit
    assert 1 <= refused.value.retry_after <= 60


async def test_a_request_that_never_fits_is_not_to_be_tried_again() -> None:
    with pytest.raises(RateLimitedError, match="this request alone needs 11; ask for less") as refused:
        await Rates(Allowance(points=10)).spend(ADA, 11)

    assert refused.value.extensions()["isRetryable"] is False


async def test_places_are_given_back() -> None:
    rates = Rates(Allowance(concurrent=2))
    for _ in range(3):
        with rates.hold(ADA), rates.hold(ADA):
            with pytest.raises(RateLimitedError, match=CONCURRENT), rates.hold(ADA):
                pass
            with rates.hold(BOB):
                pass
    assert not rates._running


@pytest.fixture
def shared_storage() -> Iterator[str]:
    """The address of what stands where a Valkey or Redis would, over a socket."""
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"async+redis://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


async def test_replicas_count_together(shared_storage: str) -> None:
    first, second = (Rates(Allowance(points=10, mutations=9), shared_storage) for _ in range(2))

    assert await count_allowed(first, ADA, 3) == 3
    await second.spend(ADA, 1)
    assert await count_allowed(second, ADA, 1) == 0
    assert await count_allowed(second, BOB, 1, is_mutation=True) == 9


async def test_a_storage_that_is_away_lets_all_through(capsys: pytest.CaptureFixture[str]) -> None:
    rates = Rates(Allowance(points=1), "async+redis://127.0.0.1:1")

    for _ in range(3):
        await rates.spend(ADA, 1)
    assert capsys.readouterr().out.count("rates are not limited") == 1


def serve(folder: Path, **settings: Any) -> tuple[ASGIApp, dict[Role, str]]:
    """A service without a database, with keys."""
    issued = issue(folder / "keys.json")
    app = create_app(Settings(host="0.0.0.0", keys_file=issued.file, **settings), NO_DATABASE)
    return app, issued.valid


SCHEMA_SHOWN = "{ __schema { queryType { name } } }"


@pytest.mark.parametrize("is_kept", [False, True])
async def test_documents_cost_their_price_on_either_way(tmp_path: Path, is_kept: bool) -> None:
    """`claims(first: 9)` is priced at ten rows: nine, and one that tells whether more follow."""
    document = "{ claims(first: 9) { totalCount } }"
    app, keys = serve(tmp_path, rate_points=25)
    if is_kept:
        app.state.documents.keep(document)  # type: ignore[attr-defined]
    async with open_client(app) as client:
        for role, statuses in ((Role.READER, [200, 200, 429, 429]), (Role.ANALYST, [200])):
            found = [await ask(client, document, keys[role]) for _ in statuses]
            assert [response.status_code for response in found] == statuses
        refused = await ask(client, document, keys[Role.READER])
        assert (await ask(client, "{ __typename }", keys[Role.READER])).status_code == 200  # five are left
    (error,) = refused.json()["errors"]
    assert error["extensions"] | {"requestId": "", "retryAfterSeconds": 0} == {
        "code": "RATE_LIMITED",
        "isRetryable": True,
        "limit": "points per minute",
        "most": 25,
        "retryAfterSeconds": 0,
        "requestId": "",
    }
    assert refused.headers["retry-after"] == str(error["extensions"]["retryAfterSeconds"])
    assert "data" not in refused.json()


async def ask(client: httpx.AsyncClient, document: str, key: str) -> httpx.Response:
    """Send a document with a key."""
    return await client.post("/graphql", json={"query": document}, headers=bearing(key))


@pytest.mark.parametrize("is_kept", [False, True])
async def test_mutations_are_limited_before_they_run(tmp_path: Path, is_kept: bool) -> None:
    document = 'mutation { deleteSavedQuery(input: {name: "x"}) { __typename } }'
    app, keys = serve(tmp_path, rate_mutations=1)
    if is_kept:
        app.state.documents.keep(document)  # type: ignore[attr-defined]
    async with open_client(app) as client:
        first, second = [await ask(client, document, keys[Role.ANALYST]) for _ in range(2)]
        assert (await ask(client, SCHEMA_SHOWN, keys[Role.ANALYST])).status_code == 200
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.json()["errors"][0]["extensions"]["limit"] == "mutations per minute"


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [("GET", "/queries/some.csv", Role.READER), ("POST", "/cypher", Role.ANALYST), ("POST", "/evidence", Role.INTAKE)],
)
async def test_routes_are_limited_as_well(tmp_path: Path, method: str, path: str, role: Role) -> None:
    app, keys = serve(tmp_path, rate_points=1_500, rate_mutations=1)
    async with open_client(app) as client:
        first, second = [await client.request(method, path, headers=bearing(keys[role])) for _ in range(2)]
    assert first.status_code != 429
    assert second.status_code == 429
    assert int(second.headers["retry-after"]) >= 1


@pytest.mark.parametrize("is_kept", [False, True])
async def test_requests_at_a_time_are_limited(is_kept: bool) -> None:
    """On either way, and the place is free once the answer is there."""
    slow = Slow()
    app = build_fake_app(slow, rate_concurrent=1)
    if is_kept:
        app.state.documents.keep("{ slow }")  # type: ignore[attr-defined]
        app.state.documents.keep("{ hello }")  # type: ignore[attr-defined]
    async with open_client(app) as client:
        first = asyncio.create_task(client.post("/graphql", json={"query": "{ slow }"}))
        await asyncio.wait_for(slow.started.wait(), 60)
        refused = await client.post("/graphql", json={"query": "{ hello }"})
        first.cancel()
        await asyncio.wait([first])
        assert (await client.post("/graphql", json={"query": "{ hello }"})).status_code == 200
    assert refused.status_code == 429
    assert refused.json()["errors"][0]["extensions"]["limit"] == "requests at a time"
    assert refused.headers["retry-after"] == "1"


async def test_health_is_never_limited(tmp_path: Path) -> None:
    app, _ = serve(tmp_path, rate_points=1, rate_concurrent=1)
    async with open_client(app) as client:
        assert [(await client.get("/healthz")).status_code for _ in range(5)] == [200] * 5


def test_whoever_listens_on_loopback_is_not_limited_unless_asked_for() -> None:
    assert load_settings().find_allowance() == Allowance()
    assert load_settings(rate_points=5).find_allowance() == Allowance(points=5)
    assert load_settings(host="0.0.0.0").find_allowance() == Allowance(1_000_000, 6_000, 32)
    assert load_settings(host="0.0.0.0", rate_mutations=0).find_allowance() == Allowance(1_000_000, None, 32)


def test_counts_are_kept_where_the_setting_says() -> None:
    assert load_settings().find_rate_storage() == MEMORY
    settings = load_settings(rate_storage="redis://:s3cr3t@cache:6379/1")
    assert settings.find_rate_storage() == "async+redis://:s3cr3t@cache:6379/1"
    assert "s3cr3t" not in repr(settings)
    with pytest.raises(ConfigurationError, match="begins with one of redis, rediss"):
        load_settings(rate_storage="http://cache")
