"""What a what-if by AUTO costs in computing: on the sample, at 2,000 claims and at 10,000, with samples at hand."""

import statistics
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np

from graph.bundles.batches import MAX_ROWS
from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.migrations import migrate
from graph.database.sessions import Database
from graph.inference.network.diagnostics import METHODS
from graph.model.bundle import Bundle
from graph.network.engine import Engine
from graph.network.questions import Observation
from graph.network.view import View
from graph.sample import Sample
from graph.sample.loading import load_samples
from tests.benchmarks.synthetic import synthetic_bundles

NUM_QUESTIONS: Final = 40
NUM_HUBS: Final = 8
SEED: Final = 20260101


class Size(NamedTuple):
    """A graph, and the milliseconds that a what-if may take on it."""

    name: str
    make: Callable[[], Bundle]
    target: float


def _make_synthetic(num_predictions: int) -> Bundle:
    (bundle,) = synthetic_bundles(num_predictions, SEED, MAX_ROWS)
    return bundle


SIZES: Final = (
    Size("the sample", lambda: load_samples(Sample.ALL), 20.0),
    Size("2,000 predictions", lambda: _make_synthetic(2_000), 50.0),
    Size("10,000 predictions", lambda: _make_synthetic(10_000), 150.0),
)


async def benchmark_what_if(start: Callable[[AsyncExitStack], DatabaseAddress]) -> None:
    """
    Ask about claims drawn at random, then about those on which most depends.

    Args:
        start: Starts an empty Neo4j, which ends with the stack.
    """
    for size in SIZES:
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(Database.open(start(stack)))
            await migrate(database)
            await import_bundle(database, size.make())
            await _ask_all(database, size)


async def _ask_all(database: Database, size: Size) -> None:
    engine, moment = Engine(), datetime.now(UTC)  # one moment, so that no hour turns
    try:
        async with database.reading() as reading:
            view = await engine.view(reading, now=moment)
        async with database.reading() as reading:
            await engine.prepare(reading, now=moment)
        free = np.flatnonzero(~view.evidence.is_observed)
        num_children = np.bincount(view.network.link_parents, minlength=view.network.num_claims)
        hubs = free[np.argsort(-num_children[free])[:NUM_HUBS]]
        chosen = np.random.default_rng(SEED).choice(free, min(free.size, NUM_QUESTIONS), replace=False)
        print(f"{size.name}: {view.network.num_claims:,} claims, {view.network.num_links:,} links", flush=True)
        for name, claims in (("claims at random", chosen.tolist()), ("the largest hubs", hubs.tolist())):
            for is_intervention in (False, True):
                # The last one first, whose answer is not kept until it is asked about again.
                await _ask(database, engine, view, claims[-1], is_intervention=is_intervention)
                found = [await _ask(database, engine, view, claim, is_intervention=is_intervention) for claim in claims]
                _tell(f"{name}, {'do' if is_intervention else 'observed'}", found, size.target)
    finally:
        engine.close()


class _Answered(NamedTuple):
    seconds: float
    methods: tuple[str, ...]


async def _ask(database: Database, engine: Engine, view: View, claim: int, *, is_intervention: bool) -> _Answered:
    """Suppose a claim true; returns the CPU seconds of this process, reading the graph's revision included."""
    async with database.reading() as reading:
        began = time.process_time()
        found = await engine.what_if(
            reading,
            [Observation(view.ids[claim], outcome=True)],
            is_intervention=is_intervention,
            now=view.moment,
        )
        seconds = time.process_time() - began
    shifts = found.question.shifts
    codes = [] if shifts.methods is None else np.unique(shifts.methods[shifts.deltas != 0.0]).tolist()
    return _Answered(seconds, tuple(METHODS[code].name for code in codes))


def _tell(name: str, answers: list[_Answered], target: float) -> None:
    spent = sorted(1e3 * one.seconds for one in answers)
    median, most = statistics.median(spent), spent[-1]
    tenth = spent[int(0.9 * (len(spent) - 1))]
    methods = Counter("+".join(one.methods) or "nothing moves" for one in answers)
    told = ", ".join(f"{method} {count}" for method, count in methods.most_common())
    verdict = "met" if median <= target else "MISSED"
    print(
        f"  {name:<28} CPU {median:6.1f} ms in the median, {tenth:6.1f} in nine of ten, {most:6.1f} at most; "
        f"target {target:.0f}: {verdict}; {told}",
        flush=True,
    )
