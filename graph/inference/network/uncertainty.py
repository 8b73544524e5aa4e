"""Errors that a method does not see: those of the calibration, and of LBP where influences form loops."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.errors import ShouldStop, TooLargeError, check_stop, never
from graph.inference.network.evidence import Evidence, suppose
from graph.inference.network.exact import infer_exactly
from graph.inference.network.intercepts import CalibratedNetwork, perturbed_intercepts, with_other_intercepts
from graph.inference.network.kernels import Backend
from graph.inference.network.lbp import Propagation, propagate, relevant_claims
from graph.inference.network.separation import connected_claims
from graph.inference.network.structure import (
    NO_GROUP,
    BoolArray,
    IntArray,
    Network,
    indices_between,
    small_network,
)

NUM_NEIGHBORHOODS: Final = 48
"""Neighborhoods on which LBP is compared with exact inference."""

NEIGHBORHOOD_CLAIMS: Final = 14
"""Claims of a neighborhood; loops that are longer hardly matter."""

NUM_HUBS: Final = 6
"""Claims with many children on which evidence bears, of which larger neighborhoods are looked at."""

HUB_CLAIMS: Final = 64
"""Claims of that: where two hubs explain the same children away, LBP errs by far more than a few of these show."""

SAFETY: Final = 1.5
"""Largest error over the largest that the neighborhoods show."""

HUB_SAFETY: Final = 6.0
"""
Likewise of hubs, as they explain each other away through more children than that: over 10,000 claims, LBP was off by
0.13, and the neighborhoods of hubs showed 0.022.
"""

UNKNOWN_ERROR: Final = 1.0
"""
Of LBP where it is known to be poor and nothing affordable tells how poor: on large groups of outcomes, and where it
takes the sum of parents for normal, of which those of the same group or event exclude or imply each other.
"""

ERROR_TOLERANCE: Final = 4e-4
"""In log-odds: where LBP settles if only an error is told by it, which then changes by 1e-4."""

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
    if not model.intercept_errors.any():
        return 0.0
    base = propagate(model, evidence, should_stop=should_stop, backend=backend)
    return perturb(model, evidence, base, should_stop=should_stop, backend=backend).error


@dataclass(frozen=True, slots=True, eq=False)
class Perturbed:
    """
    Models whose intercepts differ from a model's as far as their standard errors allow, with LBP on them.

    Attributes:
        models: The models; none if all intercepts are exact.
        messages: Of LBP on the model itself, shape (links,).
        changes: By how much messages on each of the others differ from those, shape (links,).
        error: Largest difference of a marginal.
    """

    models: tuple[CalibratedNetwork, ...]
    messages: FloatArray
    changes: tuple[FloatArray, ...]
    error: float

    def without_models(self) -> "Perturbed":
        """Return the error alone, which takes the place of a question's on a network that has changed a little."""
        return Perturbed((), self.messages, (), self.error)

    def question_error(
        self,
        evidence: Evidence,
        outcomes: Mapping[int, bool],
        after: Propagation,
        *,
        is_intervention: bool = False,
        should_stop: ShouldStop = never,
        backend: Backend | None = None,
    ) -> float:
        """
        Estimate the largest error of a marginal under supposed outcomes that comes from the errors of the intercepts.

        Args:
            evidence: Evidence without the outcomes; may be later than that of these messages, which only start LBP.
            outcomes: Supposed outcomes by index of the claim.
            after: LBP under the outcomes.
            is_intervention: Whether the claims are cut from their parents first.
            should_stop: Polled before each sweep.
            backend: Implementation of the loops.

        Raises:
            Cancelled: `should_stop` returned true.
        """
        if not self.models:
            return self.error
        largest = 0.0
        for model, changes in zip(self.models, self.changes, strict=True):
            supposed, known, kept = suppose(model, evidence, outcomes, is_intervention=is_intervention)
            moved = propagate(
                supposed,
                known,
                start=after.messages + changes[kept],  # nearly right, as the outcomes hardly alter these changes
                tolerance=ERROR_TOLERANCE,
                should_stop=should_stop,
                backend=backend,
            )
            largest = max(largest, float(np.abs(moved.beliefs.marginals - after.beliefs.marginals).max()))
        return largest


def perturb(
    model: CalibratedNetwork,
    evidence: Evidence,
    base: Propagation,
    *,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> Perturbed:
    """
    Propagate on models whose intercepts differ as far as their standard errors allow.

    Args:
        model: The joint distribution.
        evidence: Evidence to condition on.
        base: LBP on the model given the evidence.
        should_stop: Polled before each sweep.
        backend: Implementation of the loops.

    Raises:
        Cancelled: `should_stop` returned true.
    """
    models = tuple(with_other_intercepts(model, intercepts) for intercepts in perturbed_intercepts(model))
    found = [
        propagate(other, evidence, start=base.messages, should_stop=should_stop, backend=backend) for other in models
    ]
    differences = (np.abs(one.beliefs.marginals - base.beliefs.marginals).max() for one in found)
    changes = tuple(one.messages - base.messages for one in found)
    return Perturbed(models, base.messages, changes, float(max(differences, default=0.0)))


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
        first: Claims around which to look first, such as those that matter to the question; without, around hubs too.
        num_neighborhoods: Neighborhoods to compare on.
        should_stop: Polled before each neighborhood.
        backend: Implementation of the loops.

    Raises:
        Cancelled: `should_stop` returned true.
    """
    network = model.network
    hubs = _find_hubs(model, evidence) if first is None else []
    around_hubs = (_neighborhood(network, evidence, hub, HUB_CLAIMS) for hub in hubs)
    others = _neighborhoods(network, evidence, first, num_neighborhoods)
    is_small, groups = _find_groups(network, evidence, num_neighborhoods)
    if not is_small:
        return UNKNOWN_ERROR
    return max(
        HUB_SAFETY * _largest_error(model, evidence, found, around_hubs, should_stop, backend),
        SAFETY * _largest_error(model, evidence, found, groups, should_stop, backend),
        SAFETY * _largest_error(model, evidence, found, others, should_stop, backend),
    )


def _find_groups(network: Network, evidence: Evidence, limit: int) -> tuple[bool, list[BoolArray]]:
    """
    Find the groups of outcomes that evidence moves, on which LBP errs by more than elsewhere.

    Returns:
        Whether each fits into a neighborhood, and all claims of one or of an event by several dates with their parents;
        and those of the largest ones: their claims, and what bears on them.
    """
    if not network.is_joined.any():
        return True, []
    moved = connected_claims(network, evidence, np.flatnonzero(evidence.is_informative)) & ~evidence.is_observed
    if (moved & network.is_joined & (network.num_parents >= NEIGHBORHOOD_CLAIMS)).any():
        return False, []
    numbers, counts = np.unique(network.groups[moved & (network.groups != NO_GROUP)], return_counts=True)
    found = list[BoolArray]()
    for number in numbers[np.argsort(-counts, kind="stable")].tolist():
        near = network.groups == number
        if np.count_nonzero(near & moved) > NEIGHBORHOOD_CLAIMS:
            return False, []
        if len(found) == limit:
            break
        near &= moved
        parents = network.link_parents[indices_between(network.parent_start, np.flatnonzero(near))]
        others = np.setdiff1d(parents[~evidence.is_observed[parents]], np.flatnonzero(near))
        near[others[: NEIGHBORHOOD_CLAIMS - np.count_nonzero(near)]] = True
        found.append(near)
    return True, found


def _largest_error(
    model: CalibratedNetwork,
    evidence: Evidence,
    found: Propagation,
    neighborhoods: Iterable[BoolArray],
    should_stop: ShouldStop,
    backend: Backend | None,
) -> float:
    """Compute the largest error of LBP on some neighborhoods."""
    largest = 0.0
    for near in neighborhoods:
        check_stop(should_stop)
        part, known = _cut_out(model, evidence, found, near)
        try:
            exact = infer_exactly(part, known, max_clique_claims=NEIGHBORHOOD_CLAIMS).marginals
        except TooLargeError:  # a claim has many parents, whose sum LBP approximates well
            continue
        by_lbp = propagate(part, known, backend=backend).beliefs.marginals
        largest = max(largest, float(np.abs(exact - by_lbp).max(initial=0.0)))
    return largest


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
            near = _neighborhood(network, evidence, center, NEIGHBORHOOD_CLAIMS)
            is_covered |= near
            num_done += 1
            yield near


def _find_hubs(model: CalibratedNetwork, evidence: Evidence) -> list[int]:
    """Find the claims with the most children on which evidence bears, if these exceed a neighborhood."""
    network = model.network
    is_relevant = relevant_claims(model, evidence)
    parents = network.link_parents[is_relevant[network.link_children]]
    counts = np.where(evidence.is_observed, 0, np.bincount(parents, minlength=network.num_claims))
    largest: list[int] = np.argsort(-counts, kind="stable")[:NUM_HUBS].tolist()
    return [claim for claim in largest if counts[claim] >= NEIGHBORHOOD_CLAIMS]


def _neighborhood(network: Network, evidence: Evidence, center: int, num_claims: int) -> BoolArray:
    """Mask of so many claims nearest to one: its parents, children and their other parents, and so on."""
    near, is_found = np.zeros(network.num_claims, np.bool_), np.zeros(network.num_claims, np.bool_)
    near[center] = True
    frontier = np.array([center])
    while frontier.size:
        above = network.link_parents[indices_between(network.parent_start, frontier)]
        free = frontier[~evidence.is_observed[frontier]]
        below = network.link_children[network.child_links[indices_between(network.child_start, free)]]
        is_found[above] = is_found[below] = True
        frontier = np.flatnonzero(is_found & ~near)[: num_claims - int(near.sum())]
        near[frontier] = True
    return near


def _cut_out(
    model: CalibratedNetwork, evidence: Evidence, found: Propagation, near: BoolArray
) -> tuple[CalibratedNetwork, Evidence]:
    """Extract a neighborhood; parents outside count by their marginals, children outside by their messages."""
    network = model.network
    claims = np.flatnonzero(near)
    incoming = indices_between(network.parent_start, claims)
    outgoing = network.child_links[indices_between(network.child_start, claims)]
    from_outside = incoming[~near[network.link_parents[incoming]]]
    to_outside = outgoing[~near[network.link_children[outgoing]]]
    numbers = np.cumsum(near) - 1
    intercepts, llr = model.intercepts[claims], evidence.llr[claims]
    added = network.weights[from_outside] * found.beliefs.marginals[network.link_parents[from_outside]]
    np.add.at(intercepts, numbers[network.link_children[from_outside]], added)
    np.add.at(llr, numbers[network.link_parents[to_outside]], found.messages[to_outside])
    llr[evidence.is_observed[claims]] = 0.0
    inside = incoming[near[network.link_parents[incoming]]]
    return _small_model(model, claims, inside, intercepts), Evidence(llr, evidence.observed[claims])


def _small_model(
    model: CalibratedNetwork, claims: IntArray, links: IntArray, intercepts: FloatArray
) -> CalibratedNetwork:
    """Make a model of a few claims and of links between them, with other intercepts, taken for exact."""
    part = replace(
        model,
        network=small_network(model.network, claims, links),
        slopes=model.slopes[claims],
        pulls=model.pulls[links],
        normal_errors=model.normal_errors[claims],
        intercept_errors=np.zeros(claims.size),
    )
    return with_other_intercepts(part, intercepts)
