"""Estimates of LBP's errors: made on the whole network once, and after writes around what they changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from graph.inference.network.auto import lbp_error
from graph.inference.network.errors import ShouldStop
from graph.inference.network.moving import changed_claims
from graph.inference.network.structure import IntArray, matching_claims
from graph.inference.network.uncertainty import Perturbed, perturb
from graph.network.banks import Key, Prepared
from graph.network.threads import SharedTasks, ThreadSlots

NUM_NEIGHBORHOODS: Final = 8
"""The most neighborhoods of changed claims on which LBP's error is estimated; some 25 ms."""

MOST_CHANGED: Final = 100
"""Changed claims after which errors are estimated on the whole network again."""

KEPT_MOMENTS: Final = 2
"""Moments of which estimates are kept: this hour and the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """
    Errors of LBP's marginals.

    Attributes:
        error: The largest that loops cause.
        perturbed: LBP on models whose intercepts differ, and the largest error that the calibration causes.
    """

    error: float
    perturbed: Perturbed


class Estimates:
    """Estimates of one process, kept while they hold."""

    def __init__(self, shared: SharedTasks) -> None:
        self._shared = shared
        self._whole: dict[datetime, tuple[Prepared, Estimate]] = {}
        self._latest: tuple[Key, Estimate] | None = None

    async def get(self, prepared: Prepared, slots: ThreadSlots) -> Estimate:
        """
        Return the errors of the base propagation.

        They are those of an earlier state of the same hour, if few claims have changed since, and of neighborhoods of
        these.

        Args:
            prepared: The model, the evidence and the base.
            slots: Threads to compute in.

        Raises:
            BusyError: No thread became free in time.
        """
        if self._latest is not None and self._latest[0] == prepared.key:
            return self._latest[1]

        async def estimate() -> Estimate:
            return await slots.run(lambda should_stop: self._estimate(prepared, should_stop))

        found = await self._shared.get(("estimate", prepared.key), estimate)
        self._latest = prepared.key, found
        return found

    async def get_perturbed(self, prepared: Prepared, slots: ThreadSlots) -> Perturbed:
        """
        Return what tells the errors that the calibration causes, without LBP on this evidence where it is at hand.

        Args:
            prepared: The model, the evidence and the base.
            slots: Threads to compute in.

        Raises:
            BusyError: No thread became free in time.
        """
        known = self._whole.get(prepared.view.moment)
        if known is None or await slots.run(lambda _: _find_changed(known[0], prepared)) is None:
            return (await self.get(prepared, slots)).perturbed
        return _perturbed_of(known, prepared)

    def compute(self, prepared: Prepared, should_stop: ShouldStop) -> Estimate:
        """Return the errors of the base propagation, computed in this thread if they are not kept."""
        if self._latest is not None and self._latest[0] == prepared.key:
            return self._latest[1]
        found = self._estimate(prepared, should_stop)
        self._latest = prepared.key, found
        return found

    def _estimate(self, prepared: Prepared, should_stop: ShouldStop) -> Estimate:
        given = prepared.model, prepared.view.evidence, prepared.base(should_stop)
        known = self._whole.get(prepared.view.moment)
        changed = None if known is None else _find_changed(known[0], prepared)
        if known is None or changed is None:
            found = Estimate(lbp_error(*given, should_stop=should_stop), perturb(*given, should_stop=should_stop))
            self._whole[prepared.view.moment] = prepared, found
            for moment in sorted(self._whole)[:-KEPT_MOMENTS]:
                self._whole.pop(moment, None)
            return found
        before = known[1]
        error = before.error
        if changed.size:
            near = lbp_error(
                *given, first=changed, num_neighborhoods=min(changed.size, NUM_NEIGHBORHOODS), should_stop=should_stop
            )
            error = max(error, near)
        return Estimate(error, _perturbed_of(known, prepared))


def _perturbed_of(known: tuple[Prepared, Estimate], prepared: Prepared) -> Perturbed:
    """Return the perturbed models of an earlier state; of another structure, their error alone."""
    is_same = known[0].view.structure_key == prepared.view.structure_key
    return known[1].perturbed if is_same else known[1].perturbed.without_models()


def _find_changed(old: Prepared, new: Prepared) -> IntArray | None:
    """Find the claims that are new, or of which evidence or conditional distribution differs; None if they are many."""
    before, after = old.view.evidence, new.view.evidence
    numbers = matching_claims(old.model.network, new.model.network)
    is_known = numbers >= 0
    sources = numbers[is_known]
    differs = ~is_known
    differs[is_known] = (before.llr[sources] != after.llr[is_known]) | (
        before.observed[sources] != after.observed[is_known]
    )
    changed = np.union1d(np.flatnonzero(differs), changed_claims(old.model, new.model))
    return changed if changed.size <= MOST_CHANGED else None
