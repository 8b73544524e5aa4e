"""Gauges of a service's state, set again and again as long as it runs, since each worker can see its own only."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Final

from prometheus_client import Gauge
from starlette.datastructures import State

from api.metrics.instruments import (
    ANALYSTS,
    CONNECTIONS,
    DATABASE_IS_UP,
    DATABASE_LOAD,
    FEED_EVENT_AGE,
    FEED_POSITION,
    FEED_WAIT,
    INFERENCE,
    IS_READY,
    KEPT_BYTES,
    MARGINAL_AGE,
    MARGINAL_LAG,
    PLACES,
    RESPONSES,
    REVISION,
    SAMPLE_AGE,
    SUBSCRIBERS,
)
from graph.database.load import find_load
from graph.database.sessions import Database
from graph.errors import ForegraphError
from graph.feed.events import read_lag
from graph.feed.following import Feed
from graph.network.overview import get_freshness

SAMPLE_SECONDS: Final = 2.0
LOAD_TURNS: Final = 8
"""Every how many times each worker asks for the load of the database's server, which takes that some 20 ms."""
MOST_SECONDS: Final = 2.0
"""How long the database may take to answer."""


async def sample_again_and_again(state: State) -> None:
    """Set the gauges every few seconds until cancelled, for figures of several workers."""
    for turn in count():
        await sample(state, has_load=turn % LOAD_TURNS == 0)
        await asyncio.sleep(SAMPLE_SECONDS)


async def sample(state: State, *, has_load: bool = True) -> None:
    """
    Set the gauges once.

    Args:
        state: An application's state.
        has_load: Whether those of the database's server are set, too.
    """
    service = state.service
    for kind, places in state.admissions.counts().items():
        _set(PLACES, places, kind)
    _set(INFERENCE, service.engine.count_threads())
    kept = {"responses": state.responses, "documents": state.documents}
    _set(KEPT_BYTES, {kind: store.num_bytes for kind, store in kept.items()})
    _set(KEPT_BYTES, {"samples": service.engine.num_sample_bytes})
    responses = state.responses
    _set(RESPONSES, {"hit": responses.num_hits, "stale": responses.num_stale, "missed": responses.num_missed})
    if service.adhoc is not None:
        _set(ANALYSTS, {"running": service.adhoc.num_running, "overrun": service.adhoc.num_overruns})
    if (moment := service.engine.sample_moment) is not None:
        SAMPLE_AGE.set(_age_of(moment))
    _set(CONNECTIONS, service.database.count_connections())
    SUBSCRIBERS.set(service.feed.num_subscribers)
    IS_READY.set(state.readiness.reason is None)
    if await _sample_graph(service.database, service.feed) and has_load:
        await _sample_load(service.database)


def _set(gauge: Gauge, values: Mapping[str, float], *labels: str) -> None:
    for state, value in values.items():
        gauge.labels(*labels, state).set(value)


async def _sample_graph(database: Database, feed: Feed) -> bool:
    """Set the gauges of the graph; returns whether the database answers, without which the last ones stay."""
    try:
        async with asyncio.timeout(MOST_SECONDS):
            revision, marginals = await database.read(get_freshness, unknown_names_are_fine=True)
            await _sample_feed(database, feed)
    except (ForegraphError, TimeoutError):
        DATABASE_IS_UP.set(0)
        return False
    DATABASE_IS_UP.set(1)
    REVISION.set(revision)
    if marginals is not None:
        MARGINAL_LAG.set(revision - marginals.revision)
        MARGINAL_AGE.set(_age_of(marginals.as_of))
    return True


async def _sample_feed(database: Database, feed: Feed) -> None:
    """Set the gauges of the feed, as it is stored and as far as this process has given it to subscribers."""
    position = feed.position
    lag = await database.read(partial(read_lag, position=position), unknown_names_are_fine=True)
    FEED_WAIT.set(0.0 if lag.unread_at is None else _age_of(lag.unread_at))
    if lag.newest_position is not None and lag.written_at is not None:
        FEED_POSITION.set(lag.newest_position)
        FEED_EVENT_AGE.set(_age_of(lag.written_at))


async def _sample_load(database: Database) -> None:
    """Set the gauges of the database's server, where it tells them."""
    with suppress(TimeoutError):
        async with asyncio.timeout(MOST_SECONDS):
            load = await find_load(database)
            for name, figure in (load or {}).items():
                DATABASE_LOAD[name].set(figure)


def _age_of(moment: datetime) -> float:
    """Seconds since a moment, at least 0, as the database's clock may be ahead of this one."""
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())
