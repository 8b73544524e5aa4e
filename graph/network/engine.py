"""
The engine: answers questions about the network of all claims, and keeps intermediate results while they are valid.

Each question first reads the graph's revision. A kept result is valid as long as the numbers that it depends on, and
after that it is what the next one is made from:

    snapshot   claims and influences as stored                    until the revision rises; then what changed is read
    view       the snapshot as arrays, at a moment                until then, or the next full hour
    model      calibrated intercepts and prior marginals          until an influence or a prior marginal changes; then
                                                                  claims below the change are calibrated anew
    base       LBP given the evidence                             until the model or the evidence changes
    bank       joint samples given the evidence                   likewise; then they are weighted to what has changed,
                                                                  as long as enough of them count
    beliefs    marginals given the evidence by AUTO               likewise

Prior marginals change with time, and the model with them, so the network's moment is the last full hour: answers
reflect every committed write and are at most an hour old by the clock, and questions within an hour share a model.
What the next hour needs can be prepared before it begins.
"""

import asyncio
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeVar

import numpy as np

from graph.errors import (
    DuplicateError,
    ForegraphError,
    InvalidError,
    OversizeError,
)
from graph.inference.log_odds import FloatArray
from graph.inference.network.auto import complete, infer_exact_parts, lbp_error, with_lbp_errors
from graph.inference.network.bank import NUM_REPLICATES, Bank, draw_bank
from graph.inference.network.compounding import Exposures, PriceChanges, Question, compound, needs_samples
from graph.inference.network.diagnostics import Beliefs, Diagnostics, Method
from graph.inference.network.errors import ShouldStop, TooLargeError
from graph.inference.network.exact import infer_exactly
from graph.inference.network.incoherence import Incoherence, find_incoherence
from graph.inference.network.information import ValueOfInformation, value_of_information
from graph.inference.network.intercepts import CalibratedNetwork, Calibration, recalibrate
from graph.inference.network.lbp import Propagation
from graph.inference.network.lbp import propagate as propagate_by_lbp
from graph.inference.network.moving import (
    MovedMarginals,
    WeightedBank,
    changed_claims,
    move_marginals,
    resample_bank,
    weigh_bank,
)
from graph.inference.network.sensitivity import Sensitivity, find_sensitivity
from graph.inference.network.shifts import Shifts, shifts_by_auto, shifts_by_lbp, shifts_by_samples, shifts_exactly
from graph.inference.network.structure import IntArray
from graph.network.fetching import LockingUnit, fetch_snapshot, fetch_state, update_snapshot
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
from graph.network.storing import Stored
from graph.network.threads import SharedTasks, ThreadSlots
from graph.network.view import Snapshot, View, make_view, network_moment

NUM_SLOTS: Final = 2
"""Inferences at a time; each keeps a processor busy."""

PATIENCE_SECONDS: Final = 2.0
"""How long a question waits for a free thread before BusyError: long enough for a page of quick questions."""

INFERENCE_BYTES: Final = 1 << 29
"""Memory limit of one inference, kept results aside; two at a time make 1 GiB."""

KEPT_MOMENTS: Final = 2
"""Moments of which results are kept: this hour and the next."""

NUM_NEIGHBORHOODS: Final = 8
"""Neighborhoods of changed claims on which LBP's error is estimated; some 50 ms."""

MOST_CHANGED: Final = 100
"""Changed claims after which LBP's error is estimated on the whole network again."""

RETRY_SECONDS: Final = 3600.0
"""Time after which samples that did not converge are tried again; they would hardly converge after another write."""

REFRESH_SHARE: Final = 0.5
"""Share of effective samples below which a new bank is drawn in the background: errors are up by two fifths then."""

T = TypeVar("T")

_Key = tuple[bytes, bytes]
"""Digests of the structure and of the evidence."""


@dataclass(slots=True)
class _Kept:
    """The latest results of one moment; each but the view with the key of what it was computed from."""

    view: View | None = None
    model: tuple[bytes, Calibration] | None = None
    base: tuple[tuple[bytes, bytes], Propagation] | None = None
    beliefs: tuple[tuple[bytes, bytes], Beliefs] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A view with the calibrated model and its base propagation, which every question needs."""

    view: View
    model: CalibratedNetwork
    base: Propagation

    @property
    def key(self) -> _Key:
        """Identifies what a bank depends on."""
        return self.view.structure_key, self.view.evidence_key


@dataclass(slots=True, eq=False)
class _Moved:
    """The kept bank's samples, weighted to other evidence; and, once somebody needs it, a bank of equal weights."""

    weighted: WeightedBank
    marginals: MovedMarginals
    bank: Bank | None = None


class Engine:
    """
    Inference of one process over the network of one database: its kept results and its threads.

    Attributes:
        stored: The marginals that are stored, as far as this process knows.
        has_improved: Whether there are samples now where an urgent answer had to do without.
    """

    def __init__(self, *, num_slots: int = NUM_SLOTS, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._slots = ThreadSlots(num_slots, patience_seconds)
        self._background = ThreadSlots(1, patience_seconds)
        self._shared = SharedTasks()
        self._fetching = asyncio.Lock()
        self._snapshot: Snapshot | None = None
        self._kept: dict[datetime, _Kept] = {}
        self._bank: tuple[_Key, Bank] | None = None
        self._moved: tuple[tuple[_Key, _Key], _Moved] | None = None
        self._bank_ahead: tuple[_Prepared, Bank] | None = None
        self._drawn_at = -math.inf
        self._refreshing: asyncio.Task[None] | None = None
        self._lbp_errors: tuple[_Prepared, Diagnostics] | None = None
        self.stored: Stored | None = None
        self.has_improved = False

    def close(self) -> None:
        """Shut the threads down without waiting; running inference stops when its caller is cancelled."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        self._background.close()
        self._slots.close()

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
        prepared = await self._prepare(await self.view(unit, now=now))
        if self._bank is not None:
            self._bank_ahead = prepared, await self._draw(prepared, DEFAULT_SAMPLING, is_ahead=True)

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

    async def _prepare(self, view: View) -> _Prepared:
        key = (view.structure_key, view.evidence_key)
        model = await self._get_model(view)
        known = self._kept_at(view.moment).base
        if known is not None and known[0] == key:
            return _Prepared(view, model, known[1])

        async def propagate() -> Propagation:
            def work(should_stop: ShouldStop) -> Propagation:
                return propagate_by_lbp(model, view.evidence, should_stop=should_stop)

            return await self._slots.run(work)

        base = await self._shared.get(("base", key), propagate)
        self._kept_at(view.moment).base = key, base
        return _Prepared(view, model, base)

    async def _get_model(self, view: View) -> CalibratedNetwork:
        key = view.structure_key
        known = dict(filter(None, (kept.model for kept in self._kept.values())))
        if key in known:
            self._kept_at(view.moment).model = key, known[key]
            return known[key].model

        async def build() -> Calibration:
            def work(should_stop: ShouldStop) -> Calibration:
                return recalibrate(
                    view.network,
                    tuple(known.values()),
                    max_memory_bytes=INFERENCE_BYTES,
                    should_stop=should_stop,
                )

            with _refusing_oversize():
                return await self._slots.run(work)

        calibration = await self._shared.get(("model", key), build)
        self._kept_at(view.moment).model = key, calibration
        return calibration.model

    async def _get_bank(self, prepared: _Prepared, sampling: Sampling, *, may_move: bool = True) -> Bank:
        """Return the kept bank, moved to the evidence; with other parameters than its own, a bank that is not kept."""
        key = prepared.key
        is_kept = sampling == DEFAULT_SAMPLING
        kept = self._find_bank(prepared) if is_kept else None
        if kept is not None and kept[0] == key:
            return kept[1]
        moved = await self._move(prepared) if is_kept and may_move else None
        if moved is not None:
            return await self._resample(key, moved)

        bank = await self._draw(prepared, sampling)
        if is_kept:
            self._keep(key, bank)
        return bank

    def _find_bank(self, prepared: _Prepared) -> tuple[_Key, Bank] | None:
        """Return the kept bank; from its hour on the one that was drawn ahead takes its place."""
        ahead = self._bank_ahead
        if ahead is not None and ahead[0].view.moment == prepared.view.moment:
            self._keep(ahead[0].key, ahead[1])
            self._bank_ahead = None
        return self._bank

    def _keep(self, key: _Key, bank: Bank) -> None:
        self._bank, self._drawn_at = (key, bank), time.monotonic()

    async def _draw(self, prepared: _Prepared, sampling: Sampling, *, is_ahead: bool = False) -> Bank:
        """Draw a bank; one that nobody waits for yet is drawn in a thread of its own, so that questions have theirs."""
        slots = self._background if is_ahead else self._slots

        async def draw() -> Bank:
            def work(should_stop: ShouldStop) -> Bank:
                return draw_bank(
                    prepared.model,
                    prepared.view.evidence,
                    seed=sampling.seed,
                    num_samples=sampling.num_samples // NUM_REPLICATES,
                    target_error=sampling.target_error,
                    proposal=prepared.base.proposal,
                    max_memory_bytes=INFERENCE_BYTES,
                    should_stop=should_stop,
                )

            with _refusing_oversize():
                return await slots.run(work)

        return await self._shared.get(("bank", prepared.key, sampling), draw)

    async def _move(self, prepared: _Prepared) -> "_Moved | None":
        """Weigh the kept bank's samples to the evidence; None if there is no bank, or too few of its samples count."""
        key, kept = prepared.key, self._find_bank(prepared)
        if kept is None:
            return None
        if self._moved is not None and self._moved[0] == (kept[0], key):
            return self._moved[1]

        async def move() -> "_Moved | None":
            def work(should_stop: ShouldStop) -> "_Moved | None":
                weighted = weigh_bank(kept[1], prepared.model, prepared.view.evidence)
                if weighted is None:
                    return None
                marginals = move_marginals(weighted, should_stop=should_stop)
                is_worse = kept[1].beliefs.diagnostics.converged and not marginals.beliefs.diagnostics.converged
                return None if is_worse else _Moved(weighted, marginals)

            return await self._slots.run(work)

        moved = await self._shared.get(("move", kept[0], key), move)
        if moved is not None:
            self._moved = (kept[0], key), moved
            if moved.weighted.share < REFRESH_SHARE:
                self._refresh(prepared)
        return moved

    async def _resample(self, key: _Key, moved: "_Moved") -> Bank:
        async def resample() -> Bank:
            def work(should_stop: ShouldStop) -> Bank:
                return resample_bank(moved.weighted, moved.marginals, should_stop=should_stop)

            return await self._slots.run(work)

        if moved.bank is None:
            moved.bank = await self._shared.get(("resample", key), resample)
        return moved.bank

    def _refresh(self, prepared: _Prepared) -> None:
        """Draw a bank in the background, one at a time; until it is there, the kept one is moved."""
        if self._refreshing is not None and not self._refreshing.done():
            return

        async def refresh() -> None:
            with suppress(ForegraphError, ArithmeticError):  # whoever needs a bank then draws it, and is told
                bank = await self._draw(prepared, DEFAULT_SAMPLING, is_ahead=True)
                self._keep(prepared.key, bank)
                self.has_improved |= bank.beliefs.diagnostics.converged

        self._refreshing = asyncio.create_task(refresh(), name="refresh the bank")

    async def _get_beliefs(self, prepared: _Prepared, sampling: Sampling, *, is_urgent: bool = False) -> Beliefs:
        """Return every claim's marginal by AUTO; with the default parameters, it is kept."""
        key = prepared.key
        is_kept = sampling == DEFAULT_SAMPLING
        known = self._kept_at(prepared.view.moment).beliefs
        if is_kept and known is not None and known[0] == key:
            return known[1]

        async def infer() -> Beliefs:
            return await self._infer(prepared, sampling, is_urgent=is_urgent)

        beliefs = await self._shared.get(("beliefs", key, sampling, is_urgent), infer)
        if is_kept and not is_urgent:
            self._kept_at(prepared.view.moment).beliefs = key, beliefs
        return beliefs

    async def _get_lbp_beliefs(self, prepared: _Prepared) -> Beliefs:
        """Return LBP's marginals with estimates of their errors."""

        def work(should_stop: ShouldStop) -> Beliefs:
            return with_lbp_errors(prepared.model, prepared.view.evidence, prepared.base, should_stop=should_stop)

        return await self._slots.run(work)

    async def _infer(self, prepared: _Prepared, sampling: Sampling, *, is_urgent: bool) -> Beliefs:
        model, evidence = prepared.model, prepared.view.evidence
        parts = await self._slots.run(lambda stop: infer_exact_parts(model, evidence, should_stop=stop))
        if not parts.is_left.any():
            return complete(parts, evidence, None)
        if is_urgent:
            return complete(parts, evidence, await self._get_at_hand(prepared))
        try:
            return complete(parts, evidence, await self._get_sampled(prepared, sampling))
        except OversizeError:
            return complete(parts, evidence, await self._get_lbp_beliefs(prepared))

    async def _get_sampled(self, prepared: _Prepared, sampling: Sampling) -> Beliefs:
        """Return marginals by samples: of the kept bank, moved to the evidence, or of a new one."""
        kept = self._find_bank(prepared)
        may_move = sampling == DEFAULT_SAMPLING and (kept is None or kept[0] != prepared.key)
        moved = await self._move_beliefs(prepared) if may_move else None
        return (await self._get_bank(prepared, sampling)).beliefs if moved is None else moved

    async def _get_at_hand(self, prepared: _Prepared) -> Beliefs:
        """
        Return marginals by samples that are at hand and represent the distribution, or else by LBP.

        New samples are then drawn in the background; but not again soon where the last ones did not converge.
        """
        bank = self._find_bank(prepared)
        has_failed = bank is not None and not bank[1].beliefs.diagnostics.converged
        if not has_failed:
            is_current = bank is not None and bank[0] == prepared.key
            found = bank[1].beliefs if bank is not None and is_current else await self._move_beliefs(prepared)
            if found is not None:
                return found
        if not has_failed or time.monotonic() - self._drawn_at > RETRY_SECONDS:
            self._refresh(prepared)
        return await self._get_quick_beliefs(prepared)

    async def _move_beliefs(self, prepared: _Prepared) -> Beliefs | None:
        moved = await self._move(prepared)
        return None if moved is None else moved.marginals.beliefs

    async def _get_quick_beliefs(self, prepared: _Prepared) -> Beliefs:
        """
        Return LBP's marginals with estimates of their errors.

        They are those of an earlier state of the same claims and hour, if few have changed since, and of neighborhoods
        of these.
        """
        known = self._lbp_errors
        changed = None if known is None else _find_changed(known[0], prepared)
        if known is None or changed is None:
            beliefs = await self._get_lbp_beliefs(prepared)
            self._lbp_errors = prepared, beliefs.diagnostics
            return beliefs
        before = known[1]

        def work(should_stop: ShouldStop) -> float:
            return lbp_error(
                prepared.model,
                prepared.view.evidence,
                prepared.base,
                first=changed,
                num_neighborhoods=NUM_NEIGHBORHOODS,
                should_stop=should_stop,
            )

        error = max(before.error_estimate or 0.0, await self._slots.run(work) if changed.size else 0.0)
        told = replace(
            prepared.base.beliefs.diagnostics, calibration_error=before.calibration_error, error_estimate=error
        )
        return replace(prepared.base.beliefs, diagnostics=told)

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
                repeats or contradicts another; or the network is too large for the method.
            BusyError: No thread became free in time.
        """
        view = await self.view(unit, now=now)
        outcomes = find_outcomes(view, observations)
        prepared = await self._prepare(view)
        shifts = await self._shifts(prepared, outcomes, method, sampling, is_intervention=is_intervention)
        return what_if_answer(view, outcomes, shifts, first, is_intervention=is_intervention, sampling=sampling)

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
        bank = None
        if await self._slots.run(lambda _: needs_samples(question, exposures)):
            bank = await self._get_bank(prepared, supposed.sampling)

        def work(should_stop: ShouldStop) -> PriceChanges:
            return compound(
                question,
                exposures,
                bank,
                seed=supposed.sampling.seed,
                max_memory_bytes=INFERENCE_BYTES,
                should_stop=should_stop,
            )

        with _refusing_oversize():
            return await self._slots.run(work)

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
        before = await self._get_beliefs(prepared, sampling) if method is Method.AUTO else None
        needs_bank = method is Method.SAMPLE or (before is not None and before.diagnostics.num_samples > 0)
        # Samples that were asked for are drawn, and so are the same in every process.
        may_move = method is not Method.SAMPLE
        bank = await self._get_bank(prepared, sampling, may_move=may_move) if needs_bank else None

        def work(should_stop: ShouldStop) -> Shifts:
            if before is not None:
                return shifts_by_auto(
                    model,
                    evidence,
                    outcomes,
                    before=before,
                    seed=sampling.seed,
                    bank=bank,
                    is_intervention=is_intervention,
                    max_memory_bytes=INFERENCE_BYTES,
                    should_stop=should_stop,
                )
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
            return view, (await self._get_bank(prepared, sampling, may_move=False)).beliefs

        def work(should_stop: ShouldStop) -> Beliefs:
            return infer_exactly(prepared.model, view.evidence, should_stop=should_stop)

        with _refusing_oversize():
            return view, await self._slots.run(work)

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
        bank = await self._get_bank(await self._prepare(view), DEFAULT_SAMPLING)

        def work(should_stop: ShouldStop) -> Sensitivity:
            return find_sensitivity(
                bank, target, seed=SEED, inside_weights=view.inside_weights, should_stop=should_stop
            )

        with _refusing_oversize():
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
        bank = await self._get_bank(await self._prepare(view), DEFAULT_SAMPLING)

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


def _find_changed(old: _Prepared, new: _Prepared) -> IntArray | None:
    """Find the claims of which evidence or conditional distribution differ; None if they are many, or others."""
    if old.view.moment != new.view.moment or not np.array_equal(old.model.network.keys, new.model.network.keys):
        return None
    before, after = old.view.evidence, new.view.evidence
    differs = (before.llr != after.llr) | (before.observed != after.observed)
    changed = np.union1d(np.flatnonzero(differs), changed_claims(old.model, new.model))
    return changed if changed.size <= MOST_CHANGED else None


@contextmanager
def _refusing_oversize() -> Iterator[None]:
    """
    Turn a method's size limit into a refusal, which the client can correct.

    Raises:
        OversizeError: The network is too large for the method.
    """
    try:
        yield
    except TooLargeError as error:
        raise OversizeError(str(error), size=error.size, limit=error.limit) from error
