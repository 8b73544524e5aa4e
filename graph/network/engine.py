"""
The network of all claims: fetched whole by a few statements, computed on beside the event loop, never stale.

Every question first asks the graph's revision. What was fetched counts for one revision; what was computed from it,
for the numbers that it depends on:

    snapshot   claims and influences as stored                    until the revision rises
    view       the same as arrays at a moment                     until then, or the next full hour
    model      calibrated: who bears on whom, reference beliefs   until a number of these changes
    base       LBP on the evidence                                until the model or the evidence changes
    bank       joint samples given the evidence                   likewise

Time moves reference beliefs, and with them the model. So the network's moment is the last full hour: answers are at
most an hour old by the clock, and none by what was written, and the model is not made anew for each question.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

import numpy as np

from graph.database.sessions import Unit
from graph.errors import (
    DuplicateError,
    InvalidError,
    OversizeError,
)
from graph.inference.log_odds import FloatArray
from graph.inference.network.bank import NUM_REPLICATES, Bank, draw_bank
from graph.inference.network.diagnostics import Beliefs, Method
from graph.inference.network.errors import ShouldStop, TooLargeError
from graph.inference.network.exact import infer_exactly
from graph.inference.network.incoherence import Incoherence, find_incoherence
from graph.inference.network.information import ValueOfInformation, value_of_information
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.lbp import Propagation
from graph.inference.network.lbp import propagate as propagate_by_lbp
from graph.inference.network.sensitivity import Sensitivity, find_sensitivity
from graph.inference.network.shifts import Shifts, shifts_by_lbp, shifts_by_samples, shifts_exactly
from graph.network.questions import (
    DEFAULT_SAMPLING,
    MOST_TARGETS,
    SEED,
    Observation,
    Sampling,
    WhatIf,
    find_claim,
    find_outcomes,
    what_if_answer,
)
from graph.network.threads import SharedTasks, ThreadSlots
from graph.network.view import Snapshot, View, fetch_snapshot, fetch_state, make_view, network_moment

NUM_SLOTS: Final = 2
"""Inferences at a time: each keeps a processor busy."""

PATIENCE_SECONDS: Final = 2.0
"""How long a question waits for its turn, so that a page of quick ones is answered, before it is told to come back."""

INFERENCE_BYTES: Final = 1 << 29
"""What one inference may use besides what is kept: two at a time make 1 GiB."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A view with what every question over it needs."""

    view: View
    model: CalibratedNetwork
    base: Propagation


class Engine:
    """One process's inference over one database's network: what it keeps, and its two threads."""

    def __init__(self, *, num_slots: int = NUM_SLOTS, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._slots = ThreadSlots(num_slots, patience_seconds)
        self._shared = SharedTasks()
        self._fetching = asyncio.Lock()
        self._snapshot: Snapshot | None = None
        self._view: View | None = None
        self._model: tuple[bytes, CalibratedNetwork] | None = None
        self._base: tuple[tuple[bytes, bytes], Propagation] | None = None
        self._bank: tuple[tuple[bytes, bytes], Bank] | None = None

    def close(self) -> None:
        """Let the threads end; inference that is under way stops when its caller is cancelled."""
        self._slots.close()

    async def view(self, unit: Unit, *, now: datetime | None = None) -> View:
        """
        The network as it is now.

        Args:
            unit: Where to read; what it sees is what counts.
            now: The clock, for tests.

        Raises:
            BusyError: Writes come faster than the network can be read, or too much is under way.
            OversizeError: The network is too large.
        """
        moment = network_moment(now or datetime.now(UTC))
        snapshot = await self._get_snapshot(unit)
        known = self._view
        if known is not None and known.snapshot is snapshot and known.moment == moment:
            return known

        async def make() -> View:
            return await self._slots.run(lambda _: make_view(snapshot, moment))

        view = await self._shared.get(("view", snapshot.state, moment), make)
        self._view = view
        return view

    async def _get_snapshot(self, unit: Unit) -> Snapshot:
        state = await fetch_state(unit)
        known = self._snapshot
        if known is not None and known.state == state:
            return known
        async with self._fetching:  # who comes second finds what the first has fetched
            known = self._snapshot
            if known is None or known.state != state:
                known = self._snapshot = await fetch_snapshot(unit, state)
            return known

    async def _prepare(self, view: View) -> _Prepared:
        key = (view.structure_key, view.evidence_key)
        model = await self._get_model(view)
        known = self._base
        if known is not None and known[0] == key:
            return _Prepared(view, model, known[1])

        async def propagate() -> Propagation:
            def work(should_stop: ShouldStop) -> Propagation:
                return propagate_by_lbp(model, view.evidence, should_stop=should_stop)

            return await self._slots.run(work)

        base = await self._shared.get(("base", key), propagate)
        self._base = key, base
        return _Prepared(view, model, base)

    async def _get_model(self, view: View) -> CalibratedNetwork:
        known = self._model
        if known is not None and known[0] == view.structure_key:
            return known[1]

        async def build() -> CalibratedNetwork:
            def work(should_stop: ShouldStop) -> CalibratedNetwork:
                return calibrate(view.network, max_memory_bytes=INFERENCE_BYTES, should_stop=should_stop)

            with _refusing_oversize():
                return await self._slots.run(work)

        model = await self._shared.get(("model", view.structure_key), build)
        self._model = view.structure_key, model
        return model

    async def _get_bank(self, prepared: _Prepared, sampling: Sampling) -> Bank:
        """The bank that is kept; for other samples than its, one that is not."""
        view = prepared.view
        key = (view.structure_key, view.evidence_key)
        is_kept = sampling == DEFAULT_SAMPLING
        if is_kept and self._bank is not None and self._bank[0] == key:
            return self._bank[1]

        async def draw() -> Bank:
            def work(should_stop: ShouldStop) -> Bank:
                return draw_bank(
                    prepared.model,
                    view.evidence,
                    seed=sampling.seed,
                    num_samples=sampling.num_samples // NUM_REPLICATES,
                    proposal=prepared.base.proposal,
                    max_memory_bytes=INFERENCE_BYTES,
                    should_stop=should_stop,
                )

            with _refusing_oversize():
                return await self._slots.run(work)

        if is_kept:
            self._bank = None  # the old one makes room first
        bank = await self._shared.get(("bank", key, sampling), draw)
        if is_kept:
            self._bank = key, bank
        return bank

    async def what_if(
        self,
        unit: Unit,
        observations: Sequence[Observation],
        *,
        is_intervention: bool = False,
        method: Method = Method.LBP,
        sampling: Sampling = DEFAULT_SAMPLING,
        first: int = 20,
        now: datetime | None = None,
    ) -> WhatIf:
        """
        What would follow if these claims resolved so.

        Args:
            unit: Where to read.
            observations: What is supposed.
            is_intervention: Whether somebody brings it about, so that it says nothing of the claims' own parents.
            method: How to compute it.
            sampling: For SAMPLE.
            first: How many shifts to return.
            now: The clock, for tests.

        Raises:
            RefusedError: An observation is of a claim that is not there, takes no part or has its outcome, is there
                twice or contradicts another; or the question is too large for the method.
            BusyError: Too much is under way.
        """
        view = await self.view(unit, now=now)
        outcomes = find_outcomes(view, observations)
        prepared = await self._prepare(view)
        shifts = await self._shifts(prepared, outcomes, method, sampling, is_intervention=is_intervention)
        return what_if_answer(view, outcomes, shifts, first)

    async def _shifts(
        self,
        prepared: _Prepared,
        outcomes: Mapping[int, bool],
        method: Method,
        sampling: Sampling,
        *,
        is_intervention: bool,
    ) -> Shifts:
        model, evidence = prepared.model, prepared.view.evidence
        bank = await self._get_bank(prepared, sampling) if method is Method.SAMPLE else None

        def work(should_stop: ShouldStop) -> Shifts:
            if bank is not None:
                return shifts_by_samples(
                    bank,
                    outcomes,
                    seed=sampling.seed,
                    is_intervention=is_intervention,
                    max_memory_bytes=INFERENCE_BYTES,
                    should_stop=should_stop,
                )
            if method is Method.EXACT:
                return shifts_exactly(
                    model, evidence, outcomes, is_intervention=is_intervention, should_stop=should_stop
                )
            return shifts_by_lbp(
                model, evidence, outcomes, base=prepared.base, is_intervention=is_intervention, should_stop=should_stop
            )

        with _refusing_oversize():
            return await self._slots.run(work)

    async def beliefs(
        self, unit: Unit, method: Method, sampling: Sampling = DEFAULT_SAMPLING, *, now: datetime | None = None
    ) -> tuple[View, Beliefs]:
        """
        Every claim's marginal as things stand.

        Raises:
            OversizeError: The network is too large for the method.
            BusyError: Too much is under way.
            ArithmeticError: A marginal came out that is none.
        """
        prepared = await self._prepare(await self.view(unit, now=now))
        view = prepared.view
        if method is Method.LBP:
            return view, prepared.base.beliefs
        if method is Method.SAMPLE:
            return view, (await self._get_bank(prepared, sampling)).beliefs

        def work(should_stop: ShouldStop) -> Beliefs:
            return infer_exactly(prepared.model, view.evidence, should_stop=should_stop)

        with _refusing_oversize():
            return view, await self._slots.run(work)

    async def sensitivity(
        self, unit: Unit, target_id: str, *, path: str = "target", now: datetime | None = None
    ) -> tuple[View, float, Sensitivity]:
        """
        A claim's marginal, and its derivatives by the stated numbers near it.

        Raises:
            RefusedError: The claim is not there, takes no part or has its outcome; or the network is too large.
            BusyError: Too much is under way.
        """
        view = await self.view(unit, now=now)
        target = find_claim(view, target_id, path)
        bank = await self._get_bank(await self._prepare(view), DEFAULT_SAMPLING)

        def work(should_stop: ShouldStop) -> Sensitivity:
            return find_sensitivity(
                bank, target, seed=SEED, inside_weights=view.inside_weights, should_stop=should_stop
            )

        with _refusing_oversize():
            return view, float(bank.beliefs.marginals[target]), await self._slots.run(work)

    async def value_of_information(
        self, unit: Unit, target_ids: Sequence[str], *, path: str = "targets", now: datetime | None = None
    ) -> tuple[View, FloatArray, ValueOfInformation]:
        """
        What learning each claim would tell of the targets, and every claim's marginal.

        Raises:
            RefusedError: A target is not there, takes no part, has its outcome or is there twice; or the network is
                too large.
            BusyError: Too much is under way.
        """
        view = await self.view(unit, now=now)
        if not 1 <= len(target_ids) <= MOST_TARGETS:
            message = f"expected 1 to {MOST_TARGETS} targets, got {len(target_ids)}"
            raise InvalidError(message, path=path)
        targets: list[int] = []
        for number, claim_id in enumerate(target_ids):
            target = find_claim(view, claim_id, f"{path}[{number}]")
            if target in targets:
                message = f"expected each target once, got {claim_id!r} twice"
                raise DuplicateError(message, existing_key=claim_id, path=f"{path}[{number}]")
            targets.append(target)
        bank = await self._get_bank(await self._prepare(view), DEFAULT_SAMPLING)
        found = await self._slots.run(lambda _: value_of_information(bank, np.array(targets, np.int64)))
        return view, bank.beliefs.marginals, found

    async def incoherence(self, unit: Unit, *, now: datetime | None = None) -> tuple[View, Incoherence]:
        """
        By how much each claim's tables contradict each other and its reference belief.

        Raises:
            OversizeError: The network is too large.
            BusyError: Too much is under way.
        """
        view = await self.view(unit, now=now)
        return view, await self._slots.run(lambda _: find_incoherence(view.network))


@contextmanager
def _refusing_oversize() -> Iterator[None]:
    """Refuses what is too large for a method as a request that the client can mend."""
    try:
        yield
    except TooLargeError as error:
        raise OversizeError(str(error), size=error.size, limit=error.limit) from error
