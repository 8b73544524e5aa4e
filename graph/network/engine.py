"""
The engine: answers questions about the network of all claims, and keeps intermediate results while they are valid.

Each question first reads the graph's revision. A kept result is valid as long as the numbers that it depends on, and
after that it is what the next one is made from:

    snapshot   claims and influences as stored                    until the revision rises; then what changed is read
    view       the snapshot as arrays, at a moment                until then, or the next full hour
    model      calibrated intercepts and prior marginals          until an influence or a prior marginal changes; then
                                                                  claims below the change are calibrated anew
    base       LBP given the evidence, where it is needed         until the model or the evidence changes
    bank       joint samples given the evidence                   likewise; then they are weighted to what has changed,
                                                                  as long as enough of them count
    beliefs    marginals given the evidence by AUTO               likewise
    shifts     of the last questions by AUTO                      as long as beliefs and samples are the same

Prior marginals change with time, and the model with them, so the network's moment is the last full hour: answers
reflect every committed write and are at most an hour old by the clock, and questions within an hour share a model.
What the next hour needs can be prepared before it begins.
"""

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

import numpy as np

from graph.errors import (
    BusyError,
    DuplicateError,
    InvalidError,
    OversizeError,
)
from graph.inference.log_odds import FloatArray
from graph.inference.network.auto import ExactParts, complete, infer_exact_parts
from graph.inference.network.bank import NUM_REPLICATES, Bank
from graph.inference.network.compounding import Exposures, PriceChanges, Question, compound, needs_samples
from graph.inference.network.diagnostics import EXACT, Beliefs, Method
from graph.inference.network.errors import ShouldStop
from graph.inference.network.exact import infer_exactly
from graph.inference.network.incoherence import Incoherence, find_incoherence
from graph.inference.network.information import ValueOfInformation, value_of_information
from graph.inference.network.intercepts import CalibratedNetwork, Calibration, recalibrate
from graph.inference.network.sensitivity import Sensitivity, find_sensitivity
from graph.inference.network.shifts import (
    ENOUGH_MATCHING,
    MIN_MATCHING,
    AtHand,
    Base,
    Drawing,
    Shifts,
    shifts_by_auto,
    shifts_by_lbp,
    shifts_by_samples,
    shifts_exactly,
)
from graph.inference.network.structure import KeyArray
from graph.network.banks import INFERENCE_BYTES, Banks, NoSamplesError, Prepared, refusing_oversize
from graph.network.estimates import Estimates
from graph.network.fetching import LockingUnit, fetch_snapshot, fetch_state, update_snapshot
from graph.network.limits import MAX_SAMPLE_BYTES
from graph.network.questions import (
    DEFAULT_SAMPLING,
    MOST_TARGETS,
    SEED,
    Observation,
    Sampling,
    Supposed,
    WhatIf,
    find_claim,
    find_implied,
    find_outcomes,
    what_if_answer,
)
from graph.network.storing import Stored
from graph.network.threads import InferenceObserver, SharedTasks, ThreadSlots
from graph.network.view import Snapshot, State, View, make_view, network_moment

NUM_SLOTS: Final = 2
"""Inferences at a time; each keeps a processor busy."""

PATIENCE_SECONDS: Final = 2.0
"""How long a question waits for a free thread before BusyError: long enough for a page of quick questions."""

SAMPLE_PATIENCE_SECONDS: Final = 5.0
"""How long a what-if by AUTO waits for samples before LBP answers, if they take no more work than about that."""

PRICE_PATIENCE_SECONDS: Final = 15.0
"""How long prices wait for samples, which nothing stands in for; well within a request's time."""

MAX_FRESH_WORK: Final = 1 << 22
"""Claims times samples that a what-if by AUTO draws anew for its outcomes, some two seconds; beyond, LBP answers."""

KEPT_MOMENTS: Final = 2
"""Moments of which results are kept: this hour and the next."""

KEPT_PASTS: Final = 2
"""Moments in the past whose joint samples are kept, for further questions about them and pages of their lists."""

KEPT_ANSWERS: Final = 4
"""Questions whose shifts are kept, for their further pages; half a megabyte each at 10,000 claims."""

T = TypeVar("T")


@dataclass(slots=True)
class _Kept:
    """The latest results of one moment; each but the view with the key of what it was computed from."""

    view: View | None = None
    model: tuple[bytes, Calibration] | None = None
    prepared: Prepared | None = None
    beliefs: tuple[tuple[bytes, bytes], Beliefs] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Answered:
    """The shifts of a question, and what they were computed from; samples are not kept for them."""

    shifts: Shifts
    before: Beliefs
    bits: weakref.ref[KeyArray] | None

    def holds_for(self, before: Beliefs, bits: KeyArray | None) -> bool:
        """Whether shifts computed from these would be the same."""
        known = None if self.bits is None else self.bits()
        return self.before is before and known is bits and (self.bits is None) == (bits is None)


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """
    Marginals of all claims, and joint samples.

    Attributes:
        prepared: The network and its model.
        beliefs: Marginals by AUTO.
        bank: Joint samples, unweighted.
        num_reconstructed: Claims whose values were recorded after the moment of the network; 0 for the present.
    """

    prepared: Prepared
    beliefs: Beliefs
    bank: Bank
    num_reconstructed: int = 0

    @property
    def view(self) -> View:
        """The network."""
        return self.prepared.view

    def by_id(self) -> dict[str, float]:
        """Return the marginals by the claims' ids."""
        return dict(zip(self.view.ids, self.beliefs.marginals.tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Apart:
    """
    Marginals of a network with other values than the graph's.

    Attributes:
        beliefs: Marginals by AUTO.
        bank: The samples that they needed; None if they needed none, or LBP stood in for them.
        calibration: The calibration, from which that of a network like it can be made.
    """

    beliefs: Beliefs
    bank: Bank | None
    calibration: Calibration


Recalled = tuple[Snapshot, int]
"""A snapshot with its claims as they were, and for how many of them later records had to serve."""

Recall = Callable[[Snapshot], Awaitable[Recalled]]
"""Returns a snapshot with its claims as they were."""


@dataclass(frozen=True, slots=True, eq=False)
class PastNetwork:
    """
    The network as it was at a moment in the past.

    Attributes:
        key: The state that it was read in, and the moment.
        kept: Its marginals and samples, if they are kept.
        recalled: The network; None if they are.
    """

    key: tuple[State, datetime]
    kept: Joint | None
    recalled: Recalled | None


class Engine:
    """
    Inference of one process over the network of one database: its kept results and its threads.

    Attributes:
        stored: The marginals that are stored, as far as this process knows.
    """

    def __init__(
        self,
        *,
        num_slots: int = NUM_SLOTS,
        patience_seconds: float = PATIENCE_SECONDS,
        sample_patience_seconds: float | None = SAMPLE_PATIENCE_SECONDS,
        max_sample_bytes: int = MAX_SAMPLE_BYTES,
        observer: InferenceObserver | None = None,
    ) -> None:
        self._slots = ThreadSlots(num_slots, patience_seconds, observer=observer)
        self._background = ThreadSlots(1, None, is_background=True, observer=observer)
        self._sample_patience_seconds, self._max_sample_bytes = sample_patience_seconds, max_sample_bytes
        self._shared = SharedTasks()
        self._fetching = asyncio.Lock()
        self._snapshot: Snapshot | None = None
        self._kept: dict[datetime, _Kept] = {}
        self._answered: dict[Hashable, _Answered] = {}
        self._pasts: dict[tuple[State, datetime], Joint] = {}
        self._banks = Banks(self._slots, self._background, self._shared, max_sample_bytes)
        self._estimates = Estimates(self._shared)
        self.stored: Stored | None = None

    def close(self) -> None:
        """Shut the threads down without waiting; running inference stops when its caller is cancelled."""
        self._banks.close()
        self._shared.close()
        self._background.close()
        self._slots.close()

    def count_threads(self) -> dict[str, int]:
        """Count the threads that answer questions, those that compute, and questions that wait for one."""
        return self._slots.counts()

    @property
    def num_sample_bytes(self) -> int:
        """Memory of the joint samples that are kept."""
        return self._banks.num_bytes + sum(joint.bank.bits.nbytes for joint in self._pasts.values())

    @property
    def sample_moment(self) -> datetime | None:
        """The moment that the kept joint samples were drawn for; None without any."""
        return self._banks.moment

    @property
    def has_improved(self) -> bool:
        """Whether there are samples now where an urgent answer had to do without."""
        return self._banks.has_improved

    def forget_improvement(self) -> None:
        """Note that all marginals are computed again."""
        self._banks.has_improved = False

    async def view(self, unit: LockingUnit, *, now: datetime | None = None) -> View:
        """
        Return the network in its current state.

        Args:
            unit: The transaction to read in, which determines the state.
            now: The current moment; that of the system's clock when absent.

        Raises:
            BusyError: Writes keep interrupting the read, or no thread became free in time.
            OversizeError: The network is too large.
        """
        moment = network_moment(now or datetime.now(UTC))
        snapshot = await self._get_snapshot(unit)
        known = self._kept_at(moment).view
        if known is not None and known.snapshot is snapshot:
            return known

        async def make() -> View:
            return await self._slots.run(lambda _: make_view(snapshot, moment, known))

        view = await self._shared.get(("view", snapshot.state, moment), make)
        self._kept_at(moment).view = view
        return view

    async def prepare(self, unit: LockingUnit, *, now: datetime) -> None:
        """
        Compute what the first question at a moment would have to wait for, and keep it beside what is in use.

        Args:
            unit: The transaction to read in.
            now: The moment, in the next hour.

        Raises:
            OversizeError: The network is too large.
            BusyError: Writes keep interrupting the read, or no thread became free in time.
        """
        view = await self.view(unit, now=now)
        prepared = await self._prepare(view, self._background)
        await self._estimates.get(prepared, self._background)
        parts = await self._background.run(
            lambda stop: infer_exact_parts(prepared.model, view.evidence, should_stop=stop)
        )
        sampled = await self._banks.prepare(prepared) if parts.is_left.any() else None
        if sampled is not None or not parts.is_left.any():
            self._kept_at(view.moment).beliefs = prepared.key, complete(parts, view.evidence, sampled)

    @property
    def is_cold(self) -> bool:
        """Whether the network has not been read yet."""
        return self._snapshot is None

    def is_in_use(self, now: datetime) -> bool:
        """Whether the network was asked about in the hour of a moment."""
        return network_moment(now) in self._kept

    def _kept_at(self, moment: datetime) -> _Kept:
        """Return the results kept for a moment; of other moments only those used last stay."""
        kept = self._kept[moment] = self._kept.pop(moment, _Kept())
        while len(self._kept) > KEPT_MOMENTS:
            del self._kept[next(iter(self._kept))]
        return kept

    async def _get_snapshot(self, unit: LockingUnit) -> Snapshot:
        state = await fetch_state(unit)
        known = self._snapshot
        if known is not None and known.state == state:
            return known
        async with self._fetching:  # concurrent callers wait here, and then use the first one's snapshot
            known = self._snapshot
            if known is None or known.state != state:
                updated = None if known is None else await update_snapshot(unit, known)
                known = self._snapshot = updated or await fetch_snapshot(unit)
            return known

    async def _prepare(self, view: View, slots: ThreadSlots | None = None) -> Prepared:
        """Return a view with its model, computed in these threads where it is not kept."""
        model = await self._get_model(view, slots or self._slots)
        known = self._kept_at(view.moment).prepared
        if known is None or known.view is not view:
            known = self._kept_at(view.moment).prepared = Prepared(view, model, known)
        return known

    async def _get_model(self, view: View, slots: ThreadSlots) -> CalibratedNetwork:
        """Return a view's model; what has begun to make it goes on when the caller leaves, and the model is kept."""
        known = self._kept_at(view.moment).model
        if known is not None and known[0] == view.structure_key:
            return known[1].model

        async def make() -> Calibration:
            calibration = await self._calibrate(view, slots)
            self._kept_at(view.moment).model = view.structure_key, calibration
            return calibration

        calibration = await self._shared.get(("kept model", view.moment, view.structure_key), make, goes_on=True)
        return calibration.model

    async def _calibrate(self, view: View, slots: ThreadSlots, near: Calibration | None = None) -> Calibration:
        """Return a kept calibration, or one that is made from those that are kept or from one that is given."""
        key = view.structure_key
        known = dict(filter(None, (kept.model for kept in self._kept.values())))
        if key in known:
            return known[key]
        similar = [*known.values()] if near is None else [*known.values(), near]

        async def build() -> Calibration:
            def work(should_stop: ShouldStop) -> Calibration:
                return recalibrate(
                    view.network,
                    similar,
                    max_memory_bytes=INFERENCE_BYTES,
                    should_stop=should_stop,
                )

            with refusing_oversize():
                return await slots.run(work)

        return await self._shared.get(("model", key), build)

    async def _get_beliefs(
        self, prepared: Prepared, sampling: Sampling, *, patience_seconds: float | None = None, is_urgent: bool = False
    ) -> Beliefs:
        """Return every claim's marginal by AUTO; with the default parameters, it is kept unless LBP stood in."""
        key = prepared.key
        is_kept = sampling == DEFAULT_SAMPLING
        known = self._kept_at(prepared.view.moment).beliefs
        if is_kept and known is not None and known[0] == key:
            return known[1]

        async def infer() -> tuple[Beliefs, bool]:
            return await self._infer(prepared, sampling, patience_seconds=patience_seconds, is_urgent=is_urgent)

        named = ("beliefs", key, sampling, patience_seconds, is_urgent)
        beliefs, is_final = await self._shared.get(named, infer)
        if is_kept and is_final:
            self._kept_at(prepared.view.moment).beliefs = key, beliefs
        return beliefs

    async def _get_lbp_beliefs(self, prepared: Prepared) -> Beliefs:
        """Return LBP's marginals with estimates of their errors."""
        found = await self._estimates.get(prepared, self._slots)
        beliefs = (await self._slots.run(prepared.base)).beliefs
        told = replace(beliefs.diagnostics, calibration_error=found.perturbed.error, error_estimate=found.error)
        return replace(beliefs, diagnostics=told)

    async def _infer(
        self, prepared: Prepared, sampling: Sampling, *, patience_seconds: float | None, is_urgent: bool
    ) -> tuple[Beliefs, bool]:
        """Compute every claim's marginal by AUTO; returns also whether none stands in for samples yet to be drawn."""
        model, evidence = prepared.model, prepared.view.evidence
        parts = await self._slots.run(lambda stop: infer_exact_parts(model, evidence, should_stop=stop))
        if not parts.is_left.any():
            return complete(parts, evidence, None), True
        try:
            if is_urgent:
                sampled = await self._banks.move_urgently(prepared)
            else:
                sampled = await self._get_sampled(prepared, sampling, patience_seconds)
        except (NoSamplesError, OversizeError):
            sampled = None
        if sampled is not None:
            return complete(parts, evidence, sampled), not is_urgent
        return complete(parts, evidence, await self._get_lbp_beliefs(prepared)), False

    async def _get_sampled(self, prepared: Prepared, sampling: Sampling, patience_seconds: float | None) -> Beliefs:
        """Return marginals by samples: of the kept bank, moved to the evidence, or of a new one."""
        moved = await self._banks.move(prepared) if sampling == DEFAULT_SAMPLING else None
        if moved is not None:
            return moved
        is_hasty = patience_seconds is not None
        bank = await self._banks.get(prepared, sampling, patience_seconds=patience_seconds, is_hasty=is_hasty)
        return bank.beliefs

    async def what_if(
        self,
        unit: LockingUnit,
        observations: Sequence[Observation],
        *,
        is_intervention: bool = False,
        method: Method = Method.AUTO,
        sampling: Sampling = DEFAULT_SAMPLING,
        first: int = 20,
        now: datetime | None = None,
    ) -> WhatIf:
        """
        Compute the shift of every claim's marginal under supposed outcomes.

        Args:
            unit: The transaction to read in.
            observations: The supposed outcomes.
            is_intervention: Whether the outcomes are brought about, and so are no evidence on the claims' parents.
            method: The method of inference.
            sampling: The parameters of SAMPLE.
            first: The most shifts to return.
            now: The current moment; that of the system's clock when absent.

        Raises:
            RefusedError: An observation names an unknown claim, one that is not included or one that is not open,
                repeats, contradicts or excludes another; or the network is too large for the method.
            BusyError: No thread became free in time.
        """
        view = await self.view(unit, now=now)
        given = find_outcomes(view, observations)
        implied = find_implied(view, given)
        prepared = await self._prepare(view)
        shifts = await self._shifts(prepared, given | implied, method, sampling, is_intervention=is_intervention)
        supposed = Supposed(view, given, implied, shifts, is_intervention, sampling)
        return what_if_answer(supposed, first)

    async def what_if_then(
        self, past: Joint, observations: Sequence[Observation], *, is_intervention: bool = False
    ) -> WhatIf:
        """
        Compute what supposed outcomes would have shifted at a moment in the past, by AUTO.

        Args:
            past: Marginals and samples of that moment.
            observations: The supposed outcomes.
            is_intervention: As of `what_if`.

        Raises:
            RefusedError: As `what_if`, by what was known then.
            BusyError: No thread became free in time.
        """
        view = past.view
        given = find_outcomes(view, observations)
        implied = find_implied(view, given)
        shifts = await self._shift(
            past.prepared, given | implied, DEFAULT_SAMPLING, past.beliefs, past.bank, is_intervention=is_intervention
        )
        return what_if_answer(Supposed(view, given, implied, shifts, is_intervention, DEFAULT_SAMPLING), first=0)

    async def compound(self, found: WhatIf, exposures: Exposures) -> PriceChanges:
        """
        Compute the changes of expected prices that an answer implies.

        Args:
            found: The answer to a what-if question.
            exposures: Effects of claims on prices.

        Raises:
            OversizeError: Joint samples are needed, and the network is too large for them.
            BusyError: No thread became free in time.
        """
        supposed = found.question
        prepared = await self._prepare(supposed.view)
        evidence = supposed.view.evidence
        question = Question(prepared.model, evidence, supposed.outcomes, supposed.shifts, supposed.is_intervention)
        is_bounded = supposed.sampling == DEFAULT_SAMPLING and self._sample_patience_seconds is not None
        bank = None
        if await self._slots.run(lambda _: needs_samples(question, exposures)):
            try:
                bank = await self._banks.get(
                    prepared, supposed.sampling, patience_seconds=PRICE_PATIENCE_SECONDS if is_bounded else None
                )
            except NoSamplesError:
                message = "joint samples, which prices are computed from, are still being drawn; try again shortly"
                raise BusyError(message) from None

        def work(should_stop: ShouldStop) -> PriceChanges:
            return compound(
                question,
                exposures,
                bank,
                seed=supposed.sampling.seed,
                max_work=MAX_FRESH_WORK if is_bounded else None,
                max_memory_bytes=INFERENCE_BYTES,
                should_stop=should_stop,
            )

        with refusing_oversize():
            return await self._slots.run(work)

    async def _shifts(
        self,
        prepared: Prepared,
        outcomes: Mapping[int, bool],
        method: Method,
        sampling: Sampling,
        *,
        is_intervention: bool,
    ) -> Shifts:
        if method in {Method.AUTO, Method.SAMPLE}:
            return await self._shifts_to_target(prepared, outcomes, method, sampling, is_intervention=is_intervention)
        model, evidence = prepared.model, prepared.view.evidence
        found = await self._estimates.get(prepared, self._slots) if method is Method.LBP else None

        def work(should_stop: ShouldStop) -> Shifts:
            if found is not None:
                return shifts_by_lbp(
                    model,
                    evidence,
                    outcomes,
                    base=Base(prepared.base(should_stop), found.error),
                    perturbed=found.perturbed,
                    is_intervention=is_intervention,
                    should_stop=should_stop,
                )
            return shifts_exactly(model, evidence, outcomes, is_intervention=is_intervention, should_stop=should_stop)

        with refusing_oversize():
            return await self._slots.run(work)

    async def _shifts_to_target(
        self,
        prepared: Prepared,
        outcomes: Mapping[int, bool],
        method: Method,
        sampling: Sampling,
        *,
        is_intervention: bool,
    ) -> Shifts:
        """
        Compute shifts by a method that draws samples, more of them until the target error is reached.

        They are drawn as asked for, and so are the same in every process. The kept samples are taken as they are.
        """
        find = self._shifts_by_auto if method is Method.AUTO else self._shifts_by_samples
        while True:
            shifts = await find(prepared, outcomes, sampling, is_intervention=is_intervention)
            more = None if sampling == DEFAULT_SAMPLING else sampling.with_more(shifts.diagnostics)
            if more is None:
                return shifts
            sampling = more

    async def _shifts_by_samples(
        self, prepared: Prepared, outcomes: Mapping[int, bool], sampling: Sampling, *, is_intervention: bool
    ) -> Shifts:
        bank = await self._banks.get(prepared, sampling, may_move=False)

        def work(should_stop: ShouldStop) -> Shifts:
            return shifts_by_samples(
                bank,
                outcomes,
                seed=sampling.seed,
                is_intervention=is_intervention,
                min_matching=_min_matching(sampling, bank),
                max_memory_bytes=INFERENCE_BYTES,
                should_stop=should_stop,
            )

        with refusing_oversize():
            return await self._slots.run(work)

    async def _shifts_by_auto(
        self, prepared: Prepared, outcomes: Mapping[int, bool], sampling: Sampling, *, is_intervention: bool
    ) -> Shifts:
        """Compute shifts by AUTO; with the default sampling, in bounded time."""
        is_bounded = sampling == DEFAULT_SAMPLING and self._sample_patience_seconds is not None
        patience_seconds = self._sample_patience_seconds if is_bounded else None
        before = await self._get_beliefs(prepared, sampling, patience_seconds=patience_seconds)
        bank = None
        if before.diagnostics.num_samples:
            with suppress(NoSamplesError):
                bank = await self._banks.get(
                    prepared,
                    sampling,
                    may_weigh=not is_intervention,
                    patience_seconds=patience_seconds,
                    is_hasty=is_bounded,
                )
        return await self._shift(
            prepared, outcomes, sampling, before, bank, is_intervention=is_intervention, is_bounded=is_bounded
        )

    async def _shift(
        self,
        prepared: Prepared,
        outcomes: Mapping[int, bool],
        sampling: Sampling,
        before: Beliefs,
        bank: Bank | None,
        *,
        is_intervention: bool,
        is_bounded: bool = True,
    ) -> Shifts:
        """Compute shifts by AUTO from marginals and the samples that are at hand."""
        bits = None if bank is None else bank.bits
        key = prepared.key, tuple(sorted(outcomes.items())), sampling, is_intervention
        # A further page of a list, or the same once more because its cursor is stale, takes the shifts of the first.
        answered = self._answered.get(key)
        if answered is not None and answered.holds_for(before, bits):
            return answered.shifts
        is_exact = before.methods is not None and bool((before.methods == EXACT).all())
        perturbed = None if is_exact else await self._estimates.get_perturbed(prepared, self._slots)
        drawing = Drawing(
            sampling.seed,
            num_replicates=max(NUM_REPLICATES, sampling.least_replicates),
            num_samples=sampling.num_samples // NUM_REPLICATES,
            min_matching=ENOUGH_MATCHING if is_bounded else _min_matching(sampling, bank),
            max_work=MAX_FRESH_WORK if is_bounded else None,
            max_memory_bytes=INFERENCE_BYTES,
        )

        def work(should_stop: ShouldStop) -> Shifts:
            def find_base() -> Base:
                error = self._estimates.compute(prepared, should_stop).error
                return Base(prepared.base(should_stop), error)

            return shifts_by_auto(
                prepared.model,
                prepared.view.evidence,
                outcomes,
                before=before,
                drawing=drawing,
                bank=bank,
                at_hand=AtHand(find_base, perturbed),
                is_intervention=is_intervention,
                should_stop=should_stop,
            )

        shifts = await self._slots.run(work)
        self._answered.pop(key, None)
        self._answered[key] = _Answered(shifts, before, None if bits is None else weakref.ref(bits))
        while len(self._answered) > KEPT_ANSWERS:
            del self._answered[next(iter(self._answered))]
        return shifts

    async def beliefs(
        self,
        unit: LockingUnit,
        method: Method,
        sampling: Sampling = DEFAULT_SAMPLING,
        *,
        is_urgent: bool = False,
        now: datetime | None = None,
    ) -> tuple[View, Beliefs]:
        """
        Compute every claim's marginal given the evidence.

        Args:
            unit: The transaction to read in.
            method: The method of inference.
            sampling: The parameters of samples.
            is_urgent: Whether AUTO takes LBP, with an estimate of its error, where it has no samples at hand; these are
                then drawn in the background.
            now: The current moment; that of the system's clock when absent.

        Raises:
            OversizeError: The network is too large for the method.
            BusyError: No thread became free in time.
            ArithmeticError: A marginal is NaN or outside [0, 1].
        """
        prepared = await self._prepare(await self.view(unit, now=now))
        view = prepared.view
        if method is Method.AUTO:
            return view, await self._get_beliefs(prepared, sampling, is_urgent=is_urgent)
        if method is Method.LBP:
            return view, await self._get_lbp_beliefs(prepared)
        if method is Method.SAMPLE:
            return view, (await self._banks.get(prepared, sampling, may_move=False)).beliefs

        def work(should_stop: ShouldStop) -> Beliefs:
            return infer_exactly(prepared.model, view.evidence, should_stop=should_stop)

        with refusing_oversize():
            return view, await self._slots.run(work)

    async def joint(self, unit: LockingUnit, *, now: datetime | None = None) -> Joint:
        """
        Return every claim's marginal by AUTO, and joint samples.

        Args:
            unit: The transaction to read in.
            now: The current moment; that of the system's clock when absent.

        Raises:
            OversizeError: The network is too large for samples.
            BusyError: No thread became free in time.
        """
        prepared = await self._prepare(await self.view(unit, now=now))
        bank = await self._banks.get(prepared)
        return Joint(prepared, await self._get_beliefs(prepared, DEFAULT_SAMPLING), bank)

    async def read_past(self, unit: LockingUnit, moment: datetime, recall: Recall) -> PastNetwork:
        """
        Read the network as it was at a moment in the past, for `draw_pasts`.

        Args:
            unit: The transaction to read in.
            moment: The moment, to the microsecond.
            recall: Returns a snapshot as it was; not called where the samples of the moment are kept.
        """
        snapshot = await self._get_snapshot(unit)
        key = snapshot.state, moment
        kept = self._pasts.get(key)
        return PastNetwork(key, kept, None if kept is not None else await recall(snapshot))

    async def draw_pasts(self, pasts: Sequence[PastNetwork]) -> list[Joint]:
        """
        Return every claim's marginal at moments in the past, and joint samples that are drawn for each.

        Samples of the present do not serve, so that the answer does not depend on what has been asked before. All are
        drawn at the same time, as far as threads are free; nothing is read.

        Args:
            pasts: The network at each moment.

        Raises:
            OversizeError: The network is too large for samples.
            BusyError: No thread became free in time.
        """
        tasks = [asyncio.ensure_future(self._get_past(past)) for past in pasts]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _get_past(self, past: PastNetwork) -> Joint:
        known = self._pasts.pop(past.key, None) or past.kept
        if known is None:
            known = await self._shared.get(("past", *past.key), partial(self._draw_past, past))
        self._pasts[past.key] = known
        while len(self._pasts) > KEPT_PASTS or (self._pasts and self.num_sample_bytes > self._max_sample_bytes):
            del self._pasts[next(iter(self._pasts))]
        return known

    async def _draw_past(self, past: PastNetwork) -> Joint:
        """Compute marginals and samples of the network at a moment; nothing of the present is replaced by them."""
        assert past.recalled is not None  # noqa: S101 - it is kept or was recalled
        (snapshot, num_reconstructed), (_, moment) = past.recalled, past.key
        view = await self._slots.run(lambda _: make_view(snapshot, moment))
        prepared = Prepared(view, (await self._calibrate(view, self._slots)).model)
        bank = await self._banks.draw(prepared)
        parts = await self._infer_parts(prepared)
        sampled = bank.beliefs if parts.is_left.any() else None
        return Joint(prepared, complete(parts, view.evidence, sampled), bank, num_reconstructed)

    async def beliefs_apart(self, view: View, near: Calibration | None = None, *, draws: bool) -> Apart:
        """
        Compute every claim's marginal of a network with other values than the graph's, of which nothing is kept.

        Args:
            view: The network.
            near: The calibration of a network like it, from which what is the same is taken over.
            draws: Whether to draw samples where they are needed, as `draw_pasts` does; else LBP stands in for them.

        Raises:
            OversizeError: The network is too large for samples.
            BusyError: No thread became free in time.
        """
        calibration = await self._calibrate(view, self._slots, near)
        prepared = Prepared(view, calibration.model)
        if not draws:
            return Apart(await self.beliefs_by_lbp(prepared), None, calibration)
        parts = await self._infer_parts(prepared)
        bank = await self._banks.draw(prepared) if parts.is_left.any() else None
        return Apart(complete(parts, view.evidence, None if bank is None else bank.beliefs), bank, calibration)

    async def beliefs_by_lbp(self, prepared: Prepared) -> Beliefs:
        """Compute every claim's marginal, exactly in small parts and else by LBP, whose errors are not estimated."""
        parts = await self._infer_parts(prepared)
        base = await self._slots.run(prepared.base) if parts.is_left.any() else None
        return complete(parts, prepared.view.evidence, None if base is None else base.beliefs)

    async def _infer_parts(self, prepared: Prepared) -> ExactParts:
        model, evidence = prepared.model, prepared.view.evidence
        return await self._slots.run(lambda stop: infer_exact_parts(model, evidence, should_stop=stop))

    async def run(self, work: Callable[[ShouldStop], T]) -> T:
        """
        Run a computation in one of the threads of inference.

        Args:
            work: Called with a `ShouldStop` to poll.

        Raises:
            BusyError: No thread became free in time.
        """
        return await self._slots.run(work)

    async def sensitivity(
        self, unit: LockingUnit, target_id: str, *, path: str = "target", now: datetime | None = None
    ) -> tuple[View, float, Sensitivity]:
        """
        Compute a claim's marginal and its derivatives by the stated numbers near it.

        Raises:
            RefusedError: The claim is unknown, not included or not open; or the network is too large.
            BusyError: No thread became free in time.
        """
        view = await self.view(unit, now=now)
        target = find_claim(view, target_id, path)
        bank = await self._banks.get(await self._prepare(view))

        def work(should_stop: ShouldStop) -> Sensitivity:
            return find_sensitivity(
                bank, target, seed=SEED, inside_weights=view.inside_weights, should_stop=should_stop
            )

        with refusing_oversize():
            return view, float(bank.beliefs.marginals[target]), await self._slots.run(work)

    async def value_of_information(
        self, unit: LockingUnit, target_ids: Sequence[str], *, path: str = "targets", now: datetime | None = None
    ) -> tuple[View, FloatArray, ValueOfInformation]:
        """
        Compute the information that each claim's outcome holds about the targets, and every claim's marginal.

        Raises:
            RefusedError: A target is unknown, not included, not open or given twice; or the network is too large.
            BusyError: No thread became free in time.
        """
        view = await self.view(unit, now=now)
        if not 1 <= len(target_ids) <= MOST_TARGETS:
            message = f"expected 1 to {MOST_TARGETS} targets, got {len(target_ids)}"
            raise InvalidError(message, path=path)
        targets: list[int] = []
        for number, claim_id in enumerate(target_ids):
            target = find_claim(view, claim_id, f"{path}[{number}]")
            if target in targets:
                message = f"target {claim_id!r} is given twice; give it once"
                raise DuplicateError(message, existing_key=claim_id, path=f"{path}[{number}]")
            targets.append(target)
        bank = await self._banks.get(await self._prepare(view))

        def work(should_stop: ShouldStop) -> ValueOfInformation:
            return value_of_information(bank, np.array(targets, np.int64), should_stop=should_stop)

        found = await self._slots.run(work)
        return view, bank.beliefs.marginals, found

    async def incoherence(self, unit: LockingUnit, *, now: datetime | None = None) -> tuple[View, Incoherence]:
        """
        Compute by how much each claim's conditional tables contradict each other and its prior marginal.

        Raises:
            OversizeError: The network is too large.
            BusyError: No thread became free in time.
        """
        view = await self.view(unit, now=now)
        return view, await self._slots.run(lambda _: find_incoherence(view.network))


def _min_matching(sampling: Sampling, bank: Bank | None) -> int:
    """Return how many stored samples must have the outcomes: half of them once fewer have turned out to be too few."""
    return max(MIN_MATCHING, bank.num_samples // 2) if bank is not None and sampling.least_replicates else MIN_MATCHING
