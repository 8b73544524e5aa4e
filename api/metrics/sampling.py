"""Gauges of a service's state, set again and again as long as it runs, since each worker can see its own only."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from prometheus_client import Gauge
from starlette.datastructures import State

from api.metrics.instruments import (
    ANALYSTS,
    DATABASE_IS_UP,
    INFERENCE,
    IS_READY,
    KEPT_BYTES,
    MARGINAL_AGE,
    MARGINAL_LAG,
    PLACES,
    RESPONSES,
    REVISION,
)
from graph.database.sessions import Database
from graph.errors import ForegraphError
from graph.network.overview import get_freshness

SAMPLE_SECONDS: Final = 2.0
MOST_SECONDS: Final = 2.0
"""How long the database may take to answer."""


async def sample_again_and_again(state: State) -> None:
    """Set the gauges every few seconds until cancelled, for figures of several workers."""
    while True:
        await sample(state)
        await asyncio.sleep(SAMPLE_SECONDS)


async def sample(state: State) -> None:
    """Set all gauges once, from an application's state."""
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
    IS_READY.set(state.readiness.reason is None)
    await _sample_graph(service.database)


def _set(gauge: Gauge, values: Mapping[str, float], *labels: str) -> None:
    for state, value in values.items():
        gauge.labels(*labels, state).set(value)


async def _sample_graph(database: Database) -> None:
    """Set the gauges of the graph; a database that does not answer leaves the last ones."""
    try:
        async with asyncio.timeout(MOST_SECONDS):
            revision, marginals = await database.read(get_freshness, unknown_names_are_fine=True)
    except (ForegraphError, TimeoutError):
        DATABASE_IS_UP.set(0)
        return
    DATABASE_IS_UP.set(1)
    REVISION.set(revision)
    if marginals is not None:
        MARGINAL_LAG.set(revision - marginals.revision)
        MARGINAL_AGE.set((datetime.now(UTC) - marginals.as_of).total_seconds())
