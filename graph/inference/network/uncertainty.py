"""Errors that a method does not see: those of the calibration, and of LBP where influences form loops."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from graph.inference.network.errors import ShouldStop, TooLargeError, check_stop, never
from graph.inference.network.evidence import Evidence
from graph.inference.network.exact import infer_exactly
from graph.inference.network.intercepts import CalibratedNetwork, part_of_model, perturbed_models, with_other_intercepts
from graph.inference.network.kernels import Backend
from graph.inference.network.lbp import Propagation, propagate
from graph.inference.network.structure import BoolArray, IntArray, Network, indices_between, keep_links

NUM_NEIGHBORHOODS: Final = 48
"""Neighborhoods on which LBP is compared with exact inference."""

NEIGHBORHOOD_CLAIMS: Final = 14
"""Claims of a neighborhood; loops that are longer hardly matter."""

SAFETY: Final = 1.5
"""Largest error over the largest that the neighborhoods show."""

_SEED: Final = 20_260_102


def calibration_error(
    model: CalibratedNetwork,
    evidence: Evidence,
    *,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> float:
    """
    Estimate the largest error of a marginal that comes from the errors of the intercepts, by LBP.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        should_stop: Polled before each sweep.
        backend: Implementation of the loops.

    Raises:
        Cancelled: `should_stop` returned true.
    """
    others = perturbed_models(model)
    if not others:
        return 0.0
    base = propagate(model, evidence, should_stop=should_stop, backend=backend)
    largest = 0.0
    for other in others:
        moved = propagate(other, evidence, start=base.messages, should_stop=should_stop, backend=backend)
        largest = max(largest, float(np.abs(moved.beliefs.marginals - base.beliefs.marginals).max()))
    return largest


def loop_error(
    model: CalibratedNetwork,
    evidence: Evidence,
    found: Propagation,
    *,
    first: IntArray | None = None,
    num_neighborhoods: int = NUM_NEIGHBORHOODS,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> float:
    """
    Estimate the largest error of LBP's marginals from neighborhoods, on which exact inference is affordable.

    What lies around a neighborhood enters by LBP's messages, to both methods.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        found: LBP given the evidence.
        first: Claims around which to look first, such as those that matter to the question.
        num_neighborhoods: Neighborhoods to compare on.
        should_stop: Polled before each neighborhood.
        backend: Implementation of the loops.

    Raises:
        Cancelled: `should_stop` returned true.
    """
    largest = 0.0
    for near in _neighborhoods(model.network, evidence, first, num_neighborhoods):
        check_stop(should_stop)
        part, known = _cut_out(model, evidence, found, near)
        try:
            exact = infer_exactly(part, known, max_clique_claims=NEIGHBORHOOD_CLAIMS).marginals
        except TooLargeError:  # a claim has many parents, whose sum LBP approximates well
            continue
        by_lbp = propagate(part, known, backend=backend).beliefs.marginals
        largest = max(largest, float(np.abs(exact - by_lbp).max(initial=0.0)))
    return SAFETY * largest


def _neighborhoods(network: Network, evidence: Evidence, first: IntArray | None, limit: int) -> Iterator[BoolArray]:
    """Yield neighborhoods of the claims given, then of those with several parents; of claims in one already last."""
    generator = np.random.default_rng(_SEED)
    waiting = generator.permutation(np.flatnonzero(network.num_parents > 1))
    waiting = (waiting if first is None else np.concatenate([first, waiting])).tolist()
    is_covered = np.zeros(network.num_claims, np.bool_)
    covered: list[int] = []
    num_done = 0
    for centers in (waiting, covered):
        for center in centers:
            if num_done == limit:
                return
            if centers is waiting and is_covered[center]:
                covered.append(center)
                continue
            near = _neighborhood(network, evidence, center)
            is_covered |= near
            num_done += 1
            yield near


def _neighborhood(network: Network, evidence: Evidence, center: int) -> BoolArray:
    """Mask of the claims nearest to one: its parents, children and their other parents, and so on."""
    near = np.zeros(network.num_claims, np.bool_)
    near[center] = True
    frontier = np.array([center])
    while frontier.size:
        above = network.link_parents[indices_between(network.parent_start, frontier)]
        free = frontier[~evidence.is_observed[frontier]]
        below = network.link_children[network.child_links[indices_between(network.child_start, free)]]
        found = np.unique(np.concatenate([above, below]))
        frontier = found[~near[found]][: NEIGHBORHOOD_CLAIMS - int(near.sum())]
        near[frontier] = True
    return near


def _cut_out(
    model: CalibratedNetwork, evidence: Evidence, found: Propagation, near: BoolArray
) -> tuple[CalibratedNetwork, Evidence]:
    """Extract a neighborhood; parents outside count by their marginals, children outside by their messages."""
    network = model.network
    from_outside = near[network.link_children] & ~near[network.link_parents]
    to_outside = near[network.link_parents] & ~near[network.link_children]
    intercepts = model.intercepts.copy()
    added = network.weights[from_outside] * found.beliefs.marginals[network.link_parents[from_outside]]
    np.add.at(intercepts, network.link_children[from_outside], added)
    llr = evidence.llr.copy()
    np.add.at(llr, network.link_parents[to_outside], found.messages[to_outside])
    llr[evidence.is_observed] = 0.0
    cut = replace(
        model, network=keep_links(network, ~from_outside), intercepts=intercepts, pulls=model.pulls[~from_outside]
    )
    part = part_of_model(cut, near)
    return with_other_intercepts(part, part.intercepts), Evidence(llr[near], evidence.observed[near])
