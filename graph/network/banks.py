"""
The sample bank of the network: drawn in the background, moved to what has been written since, replaced with the hour.

    kept     the latest bank, with the key of the model and the evidence that it was drawn for
    moved    its samples, weighted to later evidence or a model that differs in few claims
    ahead    the bank of the next hour, which takes the kept one's place when that begins

A bank of 10,000 claims takes many seconds of processor time. It is drawn by one thread of low priority, whoever waits
for it, and drawn to its end if nobody waits any more, so that the next question finds it.
"""

import asyncio
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from graph.errors import OversizeError
from graph.inference.network.bank import NUM_REPLICATES, Bank, draw_bank, num_swept
from graph.inference.network.diagnostics import Beliefs
from graph.inference.network.errors import ShouldStop, TooLargeError, never
from graph.inference.network.intercepts import CalibratedNetwork
from graph.inference.network.lbp import Propagation, propagate
from graph.inference.network.moving import (
    MovedMarginals,
    WeightedBank,
    keep_weights,
    move_marginals,
    resample_bank,
    weigh_bank,
)
from graph.network.questions import DEFAULT_SAMPLING, Sampling
from graph.network.threads import SharedTasks, ThreadSlots
from graph.network.view import View

INFERENCE_BYTES: Final = 1 << 29
"""Memory limit of one inference, kept results aside; two at a time make 1 GiB."""

REFRESH_SHARE: Final = 0.5
"""Share of effective samples below which a new bank is drawn in the background: errors are up by two fifths then."""

MAX_AWAITED_WORK: Final = 1 << 23
"""Claims times samples that a bank may sweep for somebody with little patience to wait for it, some five seconds."""

RETRY_SECONDS: Final = 3600.0
"""Time after which samples that did not converge are tried again; they would hardly converge after another write."""

Key = tuple[bytes, bytes]
"""Digests of the structure and of the evidence."""


class Prepared:
    """
    A view with the calibrated model, which every question needs, and LBP, which some do.

    Args:
        view: The network at a moment.
        model: Its joint distribution.
        known: An earlier one, of which LBP is taken over if it is of the same.
    """

    def __init__(self, view: View, model: CalibratedNetwork, known: "Prepared | None" = None) -> None:
        self.view, self.model = view, model
        is_same = known is not None and known.key == self.key
        self._base: Propagation | None = known._base if known is not None and is_same else None
        self._computing = threading.Lock()

    @property
    def key(self) -> Key:
        """Identifies what a bank depends on."""
        return self.view.structure_key, self.view.evidence_key

    def base(self, should_stop: ShouldStop = never) -> Propagation:
        """
        Return LBP given the evidence; computed once, in the thread that asks first.

        Args:
            should_stop: Polled before each sweep.

        Raises:
            Cancelled: `should_stop` returned true.
        """
        with self._computing:
            if self._base is None:
                self._base = propagate(self.model, self.view.evidence, should_stop=should_stop)
            return self._base


@dataclass(slots=True, eq=False)
class _Moved:
    """The kept bank's samples, weighted to other evidence; and, once somebody needs it, a bank of equal weights."""

    weighted: WeightedBank
    marginals: MovedMarginals
    bank: Bank | None = None

    @property
    def weighted_bank(self) -> Bank:
        """The samples with their weights, as a bank."""
        return keep_weights(self.weighted, self.marginals)


class NoSamplesError(Exception):
    """No samples are at hand, and drawing them takes longer than the caller waits."""


class Banks:
    """
    The banks of one process.

    Attributes:
        has_improved: Whether there are samples now where an answer had to do without.
        refreshing: The task that draws a bank in the background; None if none has been drawn yet.
    """

    def __init__(self, slots: ThreadSlots, background: ThreadSlots, shared: SharedTasks, max_bytes: int) -> None:
        self._slots, self._background, self._shared, self._max_bytes = slots, background, shared, max_bytes
        self._kept: tuple[Prepared, Bank] | None = None
        self._moved: tuple[tuple[Key, Key], _Moved] | None = None
        self._ahead: tuple[Prepared, Bank] | None = None
        self._drawn_at = -math.inf
        self.refreshing: asyncio.Task[Bank] | None = None
        self.has_improved = False

    def close(self) -> None:
        """Stop drawing in the background."""
        if self.refreshing is not None:
            self.refreshing.cancel()

    @property
    def num_bytes(self) -> int:
        """Memory of the samples that are kept."""
        kept = [one[1] for one in (self._kept, self._ahead) if one is not None]
        if self._moved is not None and self._moved[1].bank is not None:
            kept.append(self._moved[1].bank)
        return sum(bank.bits.nbytes for bank in kept)

    @property
    def moment(self) -> datetime | None:
        """The moment that the kept samples were drawn for; None without any."""
        return None if self._kept is None else self._kept[0].view.moment

    async def get(
        self,
        prepared: Prepared,
        sampling: Sampling = DEFAULT_SAMPLING,
        *,
        may_move: bool = True,
        may_weigh: bool = False,
        patience_seconds: float | None = None,
        is_hasty: bool = False,
    ) -> Bank:
        """
        Return the kept bank, moved to the evidence; with other parameters than its own, a bank that is not kept.

        Args:
            prepared: What the bank is of.
            sampling: Parameters of the bank.
            may_move: Whether samples that were drawn for other evidence serve.
            may_weigh: Whether they may come with weights, which saves drawing them again.
            patience_seconds: The most seconds to wait for a kept bank to be drawn; None for any time.
            is_hasty: Whether not to wait at all for one that takes more than MAX_AWAITED_WORK.

        Raises:
            NoSamplesError: The patience ended.
            OversizeError: The network is too large for samples.
            BusyError: No thread became free in time.
        """
        if sampling != DEFAULT_SAMPLING:
            return await self._draw(prepared, sampling)
        deadline = math.inf if patience_seconds is None else time.monotonic() + patience_seconds
        while True:
            kept = self.find(prepared)
            if kept is not None and kept[0].key == prepared.key:
                return kept[1]
            moved = await self._move(prepared) if may_move else None
            if moved is not None:
                is_weighted = may_weigh and moved.bank is None
                return moved.weighted_bank if is_weighted else await self._resample(prepared.key, moved)
            if self._is_past(prepared):
                if patience_seconds is not None:
                    raise NoSamplesError
                return await self._draw(prepared, sampling)
            task = self.refresh(prepared)
            if is_hasty and num_swept(prepared.model, prepared.view.evidence) * sampling.num_samples > MAX_AWAITED_WORK:
                raise NoSamplesError
            await self._wait(task, deadline)

    async def draw(self, prepared: Prepared) -> Bank:
        """
        Draw a bank with the default parameters that is not kept here.

        Raises:
            OversizeError: The network is too large for samples.
            BusyError: No thread became free in time.
        """
        return await self._draw(prepared, DEFAULT_SAMPLING)

    async def move(self, prepared: Prepared) -> Beliefs | None:
        """
        Return marginals by the kept samples, drawn for this evidence or weighted to it; None if they do not serve.

        Raises:
            BusyError: No thread became free in time.
        """
        kept = self.find(prepared)
        if kept is not None and kept[0].key == prepared.key:
            return kept[1].beliefs
        moved = await self._move(prepared)
        return None if moved is None else moved.marginals.beliefs

    async def move_urgently(self, prepared: Prepared) -> Beliefs | None:
        """
        Return marginals by the kept samples if these represent the distribution, else None.

        New samples are then drawn in the background; but not again soon where the last ones did not converge.

        Raises:
            BusyError: No thread became free in time.
        """
        kept = self.find(prepared)
        has_failed = kept is not None and not kept[1].beliefs.diagnostics.converged
        found = None if has_failed else await self.move(prepared)
        is_due = not has_failed or time.monotonic() - self._drawn_at > RETRY_SECONDS
        if found is None and is_due and not self._is_past(prepared):
            self.refresh(prepared)
        return found

    def find(self, prepared: Prepared) -> tuple[Prepared, Bank] | None:
        """Return the kept bank; from its hour on the one that was drawn ahead takes its place."""
        ahead = self._ahead
        if ahead is not None and ahead[0].view.moment == prepared.view.moment:
            self._keep(*ahead)
        return self._kept

    def refresh(self, prepared: Prepared) -> asyncio.Task[Bank]:
        """Draw a bank in the background, one at a time; until it is there, the kept one is moved."""
        if self.refreshing is not None and not self.refreshing.done():
            return self.refreshing

        async def refresh() -> Bank:
            bank = await self._draw(prepared, DEFAULT_SAMPLING, is_background=True)
            if not self._is_past(prepared):
                self._keep(prepared, bank)
                self.has_improved |= bank.beliefs.diagnostics.converged
            return bank

        self.refreshing = asyncio.create_task(refresh(), name="refresh the bank")
        # Whoever waits is told of an error; the next one who needs a bank is otherwise.
        self.refreshing.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self.refreshing

    async def prepare(self, prepared: Prepared) -> Beliefs | None:
        """
        Draw the bank of an hour to come, in the background, if it and the kept one are within the memory limit.

        Returns:
            Its marginals; None if there is no memory for it.

        Raises:
            OversizeError: The network is too large for samples.
        """
        kept = 0 if self._kept is None else self._kept[1].bits.nbytes
        if kept + _sample_bytes(prepared.model, DEFAULT_SAMPLING) > self._max_bytes:
            return None
        bank = await self._draw(prepared, DEFAULT_SAMPLING, is_background=True)
        self._ahead = prepared, bank
        return bank.beliefs

    def _is_past(self, prepared: Prepared) -> bool:
        """Whether the kept bank is of a later hour, and must stay."""
        return self._kept is not None and prepared.view.moment < self._kept[0].view.moment

    def _keep(self, prepared: Prepared, bank: Bank) -> None:
        self._kept, self._moved, self._drawn_at = (prepared, bank), None, time.monotonic()
        if self._ahead is not None and self._ahead[0].view.moment <= prepared.view.moment:
            self._ahead = None

    @staticmethod
    async def _wait(task: asyncio.Task[Bank], deadline: float) -> None:
        seconds = deadline - time.monotonic()
        await asyncio.wait({task}, timeout=None if math.isinf(seconds) else max(0.0, seconds))
        if not task.done():
            raise NoSamplesError
        task.result()

    async def _draw(self, prepared: Prepared, sampling: Sampling, *, is_background: bool = False) -> Bank:
        needed = _sample_bytes(prepared.model, sampling)
        if is_background and needed > self._max_bytes:
            message = f"expected samples of at most {self._max_bytes} bytes to keep, got {needed}: too many claims"
            raise OversizeError(message, size=needed, limit=self._max_bytes)
        slots = self._background if is_background else self._slots

        async def draw() -> Bank:
            def work(should_stop: ShouldStop) -> Bank:
                return draw_bank(
                    prepared.model,
                    prepared.view.evidence,
                    seed=sampling.seed,
                    num_samples=sampling.num_samples // NUM_REPLICATES,
                    target_error=sampling.target_error,
                    least_replicates=sampling.least_replicates,
                    proposal=prepared.base(should_stop).proposal,
                    max_memory_bytes=INFERENCE_BYTES,
                    should_stop=should_stop,
                )

            with refusing_oversize():
                return await slots.run(work)

        return await self._shared.get(("bank", prepared.key, sampling), draw)

    async def _move(self, prepared: Prepared) -> _Moved | None:
        """Weigh the kept bank's samples to the evidence; None if there is no bank, or too few of its samples count."""
        kept = self.find(prepared)
        if kept is None:
            return None
        key = kept[0].key, prepared.key
        if self._moved is not None and self._moved[0] == key:
            return self._moved[1]
        bank = kept[1]

        async def move() -> _Moved | None:
            def work(should_stop: ShouldStop) -> _Moved | None:
                weighted = weigh_bank(bank, prepared.model, prepared.view.evidence)
                if weighted is None:
                    return None
                marginals = move_marginals(weighted, should_stop=should_stop)
                is_worse = bank.beliefs.diagnostics.converged and not marginals.beliefs.diagnostics.converged
                return None if is_worse else _Moved(weighted, marginals)

            return await self._slots.run(work)

        moved = await self._shared.get(("move", *key), move)
        if moved is not None:
            self._moved = key, moved
            if moved.weighted.share < REFRESH_SHARE and not self._is_past(prepared):
                self.refresh(prepared)
        return moved

    async def _resample(self, key: Key, moved: _Moved) -> Bank:
        async def resample() -> Bank:
            def work(should_stop: ShouldStop) -> Bank:
                return resample_bank(moved.weighted, moved.marginals, should_stop=should_stop)

            return await self._slots.run(work)

        if moved.bank is not None:
            return moved.bank
        bank = await self._shared.get(("resample", key), resample)
        if self.num_bytes + bank.bits.nbytes <= self._max_bytes:
            moved.bank = bank
        return bank


def _sample_bytes(model: CalibratedNetwork, sampling: Sampling) -> int:
    """Memory of a bank's samples, a bit each; more where these do not reach the precision."""
    return model.network.num_claims * sampling.num_samples // 8


@contextmanager
def refusing_oversize() -> Iterator[None]:
    """
    Turn a method's size limit into a refusal, which the client can correct.

    Raises:
        OversizeError: The network is too large for the method.
    """
    try:
        yield
    except TooLargeError as error:
        raise OversizeError(str(error), size=error.size, limit=error.limit) from error
