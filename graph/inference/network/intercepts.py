"""Calibration: intercepts that give each claim its prior marginal under the joint distribution of its parents."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.arrays import InterceptArrays, RandomStreams
from graph.inference.network.elementary import configuration_log_odds, fast_sigmoid
from graph.inference.network.errors import ShouldStop, TooLargeError, check_stop, never
from graph.inference.network.importance import MAX_SAMPLED_ERROR, refine_intercept
from graph.inference.network.joints import sum_distribution
from graph.inference.network.kernels import Backend, Kernels, get_kernels
from graph.inference.network.limits import (
    CERTAIN_LOG_ODDS,
    MAX_TABLE_ENTRIES,
    MAX_TABLE_PARENTS,
    NUM_NODES,
    TIED_LOG_ODDS,
)
from graph.inference.network.streams import salt, sample_orders, streams
from graph.inference.network.structure import (
    NO_GROUP,
    BoolArray,
    IntArray,
    KeyArray,
    Network,
    descendants,
    indices_between,
    keep_claims,
    keep_links,
)
from graph.inference.network.vectorized import expect_normal

NUM_SAMPLES: Final = 16_384
"""Samples for calibration; marginals without evidence then lie within 0.003 of the prior marginals."""

MAX_SAMPLES: Final = 65_536
"""The number of samples that 16-bit indices can address."""

CALIBRATION_SEED: Final = 20_260_101
"""Fixed, so that the same network gives the same intercepts everywhere."""

WORK_UNIT: Final = 1 << 22
"""Claims times samples between two polls of `should_stop`, some 50 ms."""

MAX_MEMORY_BYTES: Final = 1 << 30
"""Default memory limit of one computation."""

MAX_KEPT_BYTES: Final = 1 << 27
"""Memory limit of samples that are kept to calibrate similar networks from: those of some 65,000 claims."""

NORMAL_STEP: Final = 1.0 / 64.0
"""In log-odds, of the lattice distribution that the normal approximation is compared with; its own error is 1e-5."""

NUM_PERTURBED: Final = 2
"""Draws of errors of the intercepts; the largest change of many claims varies little between draws."""

PERTURBATION: Final = 2.0
"""Standard errors by which each intercept is moved."""

_PRIOR, _PERTURBATION = 1, 6


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedNetwork:
    """
    A network whose joint distribution is fixed.

    Attributes:
        network: Claims and links.
        intercepts: In log-odds, shape (n,).
        slopes: d P(claim) / d intercept without evidence, shape (n,).
        pulls: d intercept of the child / d weight at a constant prior marginal, shape (links,).
        table_start: Index of each claim's first entry in `probabilities`, shape (n,).
        probabilities: P(claim | parents) of each configuration of up to MAX_TABLE_PARENTS parents, bit j for its j-th
            link.
        normal_errors: For claims with more parents, the error in P(claim) of a normal approximation of the sum of
            parents, with independent parents at their prior marginals; 0 for others, in groups and of dated claims;
            shape (n,).
        intercept_errors: Standard errors of the intercepts, in log-odds, 0 where the joint distribution of a claim's
            parents is exact, shape (n,).
        num_samples: Joint samples used for calibration.
        seed: Seed of these samples.
        seconds: Wall time of the calibration.
    """

    network: Network
    intercepts: FloatArray
    slopes: FloatArray
    pulls: FloatArray
    table_start: IntArray
    probabilities: FloatArray
    normal_errors: FloatArray
    intercept_errors: FloatArray
    num_samples: int
    seed: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """
    A calibrated network with the samples that its intercepts come from, from which a similar one is calibrated.

    Attributes:
        model: The calibrated network.
        bits: Samples without evidence, a bit per claim and sample, shape (n, samples / 64); None if they are not kept.
    """

    model: CalibratedNetwork
    bits: KeyArray | None


def calibration_bytes(num_claims: int, num_samples: int = NUM_SAMPLES) -> int:
    """Memory of a calibration's samples: a bit per claim and sample."""
    return num_claims * num_samples // 8


def calibrate(
    network: Network,
    *,
    num_samples: int = NUM_SAMPLES,
    seed: int = CALIBRATION_SEED,
    max_memory_bytes: int = MAX_MEMORY_BYTES,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> CalibratedNetwork:
    """
    Solve for the intercepts in topological order, drawing joint samples one claim at a time.

    Where the parents' joint distribution can be computed exactly, the intercept is exact. Elsewhere it comes from the
    samples, their shares brought to the parents' prior marginals, and has an error; where that is large, the samples
    are drawn again, weighted by importance (`graph.inference.network.importance`). Draws are systematic within each
    configuration of the parents, in an order that depends on the claim's key, so that adding or removing a claim
    changes only its descendants.

    Args:
        network: Claims, links and prior marginals.
        num_samples: A multiple of 64, at most 65,536.
        seed: Seed of the samples.
        max_memory_bytes: Limit of `calibration_bytes`.
        should_stop: Polled some ten times a second.
        backend: Implementation of the loops.

    Raises:
        ValueError: The number of samples is not a multiple of 64 or is out of range.
        TooLargeError: The samples or the tables need more memory than allowed.
        Cancelled: `should_stop` returned true.
    """
    return recalibrate(
        network,
        (),
        num_samples=num_samples,
        seed=seed,
        max_memory_bytes=max_memory_bytes,
        should_stop=should_stop,
        backend=backend,
    ).model


def recalibrate(
    network: Network,
    known: Sequence[Calibration],
    *,
    num_samples: int = NUM_SAMPLES,
    seed: int = CALIBRATION_SEED,
    max_memory_bytes: int = MAX_MEMORY_BYTES,
    should_stop: ShouldStop = never,
    backend: Backend | None = None,
) -> Calibration:
    """
    Calibrate as `calibrate` does, bit for bit, but take over what is the same in an earlier calibration.

    A claim is calibrated anew if its prior marginal, a parent or a weight differs, or if an ancestor is.

    Args:
        network: Claims, links and prior marginals.
        known: Earlier calibrations, of which the most similar one is used.
        num_samples: As in `calibrate`; a calibration of another number is of no use.
        seed: Likewise.
        max_memory_bytes: Limit of `calibration_bytes`.
        should_stop: Polled some ten times a second.
        backend: Implementation of the loops.

    Returns:
        The calibration, with its samples if these take no more than MAX_KEPT_BYTES.

    Raises:
        ValueError: As in `calibrate`.
        TooLargeError: Likewise.
        Cancelled: `should_stop` returned true.
    """
    started = time.perf_counter()
    check_num_samples(num_samples)
    needed = calibration_bytes(network.num_claims, num_samples)
    if needed > max_memory_bytes:
        message = f"expected at most {max_memory_bytes} bytes of samples to calibrate with, got {needed}"
        raise TooLargeError(message, size=needed, limit=max_memory_bytes)
    bits = np.zeros((network.num_claims, num_samples // 64), np.uint64)
    intercepts, slopes, means, errors, normal_errors = (np.zeros(network.num_claims) for _ in range(5))
    results = InterceptArrays(intercepts, slopes, np.zeros(network.num_links), means, errors)
    is_stale = np.ones(network.num_claims, np.bool_)
    if (nearest := _find_nearest(network, known, num_samples, seed)) is not None:
        is_stale = nearest.is_stale
        nearest.copy(bits, results, normal_errors)
    stale = network.order[is_stale[network.order]]
    if stale.size:
        draws = RandomStreams(streams(network.keys, _PRIOR, seed), *sample_orders(num_samples, _PRIOR, seed))
        _solve_and_draw(stale, network, draws, bits, results, should_stop, backend)
    _set_normal_errors(network, intercepts, is_stale, normal_errors)
    model = with_intercepts(
        network,
        intercepts,
        slopes=slopes,
        pulls=results.pulls,
        normal_errors=normal_errors,
        intercept_errors=errors,
        num_samples=num_samples,
        seed=seed,
        started=started,
    )
    return Calibration(model, bits if needed <= MAX_KEPT_BYTES else None)


def _solve_and_draw(
    stale: IntArray,
    network: Network,
    draws: RandomStreams,
    bits: KeyArray,
    results: InterceptArrays,
    should_stop: ShouldStop,
    backend: Backend | None,
) -> None:
    """Solve for the intercepts of claims, in topological order, and draw them: those that err too much twice."""
    kernels = get_kernels(backend)
    given = network.links, network.prior_marginals
    for claims in split_work(stale, 64 * bits.shape[1]):
        for part in _split_members(claims, network):
            if network.groups[part[0]] != NO_GROUP or network.dated.is_tied[part[0]]:
                check_stop(should_stop)
                _solve_and_draw_member(part, kernels, network, draws, bits, results)
                continue
            num_done = 0
            while num_done < part.size:
                check_stop(should_stop)
                num_done += kernels.draw_prior(part[num_done:], 1, MAX_SAMPLED_ERROR, *given, draws, bits, results)
                last = int(part[num_done - 1])
                if results.errors[last] <= MAX_SAMPLED_ERROR:
                    continue
                refined = refine_intercept(last, network.links, results.intercepts, given[1], draws.keys, bits)
                if refined is not None and refined.error < results.errors[last]:
                    results.intercepts[last], results.errors[last] = refined.intercept, refined.error
                    kernels.draw_prior(part[num_done - 1 : num_done], 0, np.inf, *given, draws, bits, results)
                    own = slice(network.parent_start[last], network.parent_start[last + 1])
                    results.slopes[last], results.pulls[own] = refined.slope, refined.pulls


def _split_members(claims: IntArray, network: Network) -> list[IntArray]:
    """Split claims, in their order, so that each member of a group, and each that is tied to a date, stands alone."""
    is_member = (network.groups[claims] != NO_GROUP) | network.dated.is_tied[claims]
    if not is_member.any():
        return [claims]
    bounds = np.flatnonzero(is_member[1:] | is_member[:-1]) + 1
    return [part for part in np.split(claims, bounds) if part.size]


def _solve_and_draw_member(
    claims: IntArray,
    kernels: Kernels,
    network: Network,
    draws: RandomStreams,
    bits: KeyArray,
    results: InterceptArrays,
) -> None:
    """
    Solve for the intercept of a member of a group, and draw it.

    By samples, those before it may seem to leave less than its prior marginal; it may not take that from them, so that
    the intercept is limited.
    """
    (claim,) = claims.tolist()
    given = network.links, network.prior_marginals, draws, bits, results
    intercept = _known_intercept(claim, network)
    if intercept is None:
        kernels.draw_prior(claims, 1, np.inf, *given)
        if results.intercepts[claim] <= CERTAIN_LOG_ODDS:
            return
        intercept = CERTAIN_LOG_ODDS
    results.intercepts[claim], results.errors[claim] = intercept, 0.0
    kernels.draw_prior(claims, 0, np.inf, *given)


def _tied_intercept(claim: int, network: Network) -> float:
    """Return the intercept by which a claim follows from that of the date before: its link's weight tells the sign."""
    own = slice(network.parent_start[claim], network.parent_start[claim + 1])
    link = own.start + int(np.argmax(np.abs(network.weights[own])))
    sign = -1.0 if network.dated.denies[claim] else 1.0
    is_denied = network.dated.denies[network.link_parents[link]]
    return float(sign * TIED_LOG_ODDS - (network.weights[link] if is_denied else 0.0))


def _known_intercept(claim: int, network: Network) -> float | None:
    """
    Return the intercept of a member of a group that nothing outside bears on, or that is certain, or of a claim that is
    tied to the one of the date before; None of others.
    """
    if network.dated.is_tied[claim]:
        return _tied_intercept(claim, network)
    if network.is_certain[claim]:
        return CERTAIN_LOG_ODDS
    earlier = network.link_parents[network.parent_start[claim] : network.parent_start[claim + 1]]
    if (network.groups[earlier] != network.groups[claim]).any():
        return None
    share = float(network.prior_marginals[claim])
    later = 1.0 - float(network.prior_marginals[earlier].sum()) - share
    return min(float(np.log(share) - np.log(later)), CERTAIN_LOG_ODDS) if later > 0.0 else CERTAIN_LOG_ODDS


@dataclass(frozen=True, slots=True, eq=False)
class _Nearest:
    """
    An earlier calibration, and what of it holds for a network.

    Attributes:
        network: The network to calibrate.
        known: The earlier calibration.
        bits: Its samples.
        is_stale: Mask of the claims to calibrate anew, shape (n,).
        sources: Index of each other claim in the earlier network, shape (n,).
    """

    network: Network
    known: CalibratedNetwork
    bits: KeyArray
    is_stale: BoolArray
    sources: IntArray

    def copy(self, bits: KeyArray, results: InterceptArrays, normal_errors: FloatArray) -> None:
        """Copy samples and results of the claims that are the same."""
        same = np.flatnonzero(~self.is_stale)
        sources = self.sources[same]
        bits[same] = self.bits[sources]
        results.intercepts[same] = self.known.intercepts[sources]
        results.slopes[same] = self.known.slopes[sources]
        results.errors[same] = self.known.intercept_errors[sources]
        normal_errors[same] = self.known.normal_errors[sources]
        links = indices_between(self.network.parent_start, same)
        results.pulls[links] = self.known.pulls[indices_between(self.known.network.parent_start, sources)]


def _find_nearest(network: Network, known: Sequence[Calibration], num_samples: int, seed: int) -> _Nearest | None:
    """Find the calibration of which most holds for a network."""
    found: _Nearest | None = None
    for one in known:
        if one.bits is None or (one.model.num_samples, one.model.seed) != (num_samples, seed):
            continue
        is_stale, sources = _find_stale(network, one.model.network)
        if found is None or is_stale.sum() < found.is_stale.sum():
            found = _Nearest(network, one.model, one.bits, is_stale, sources)
    return found


def _find_stale(network: Network, old: Network) -> tuple[BoolArray, IntArray]:
    """
    Find the claims whose calibration in an earlier network does not hold.

    Returns:
        Mask of these claims, closed under descendants, and the index of each other claim in the earlier network; both
        of shape (n,).
    """
    if not old.num_claims:
        return np.ones(network.num_claims, np.bool_), np.zeros(network.num_claims, np.int64)
    by_key = np.argsort(old.keys)
    sources = by_key[np.minimum(np.searchsorted(old.keys, network.keys, sorter=by_key), old.num_claims - 1)]
    is_changed = (
        (old.keys[sources] != network.keys)
        | (old.prior_marginals[sources] != network.prior_marginals)
        | (old.num_parents[sources] != network.num_parents)
        | (old.is_certain[sources] != network.is_certain)
        | (old.dated.is_tied[sources] != network.dated.is_tied)
        | (old.dated.denies[sources] != network.dated.denies)
    )
    # The links of a claim are sorted by the parents' keys, so equal parents come in the same order.
    same = np.flatnonzero(~is_changed)
    links, old_links = indices_between(network.parent_start, same), indices_between(old.parent_start, sources[same])
    differs = network.keys[network.link_parents[links]] != old.keys[old.link_parents[old_links]]
    differs |= network.weights[links] != old.weights[old_links]
    is_changed[network.link_children[links[differs]]] = True
    return descendants(network, is_changed), sources


def with_intercepts(
    network: Network,
    intercepts: FloatArray,
    *,
    slopes: FloatArray,
    pulls: FloatArray,
    normal_errors: FloatArray,
    intercept_errors: FloatArray,
    num_samples: int,
    seed: int,
    started: float,
) -> CalibratedNetwork:
    """Complete a calibrated network with the tables that follow from the intercepts."""
    table_start, log_odds = configuration_tables(network, intercepts, MAX_TABLE_PARENTS)
    return CalibratedNetwork(
        network=network,
        intercepts=intercepts,
        slopes=slopes,
        pulls=pulls,
        table_start=table_start,
        probabilities=fast_sigmoid(log_odds),
        normal_errors=normal_errors,
        intercept_errors=intercept_errors,
        num_samples=num_samples,
        seed=seed,
        seconds=time.perf_counter() - started,
    )


def with_other_intercepts(model: CalibratedNetwork, intercepts: FloatArray) -> CalibratedNetwork:
    """
    Return a model with other intercepts.

    Args:
        model: Not changed.
        intercepts: In log-odds, shape (n,).
    """
    table_start, log_odds = configuration_tables(model.network, intercepts, MAX_TABLE_PARENTS)
    return replace(model, intercepts=intercepts, table_start=table_start, probabilities=fast_sigmoid(log_odds))


def perturbed_intercepts(model: CalibratedNetwork) -> list[FloatArray]:
    """
    Draw intercepts that differ from a model's as far as their standard errors allow.

    Returns:
        NUM_PERTURBED arrays of shape (n,), in log-odds; none if all intercepts are exact.
    """
    if not model.intercept_errors.any():
        return []
    generator = np.random.default_rng(salt(CALIBRATION_SEED, _PERTURBATION))
    signs = generator.choice((-1.0, 1.0), (NUM_PERTURBED, model.intercepts.size))
    return list(model.intercepts + PERTURBATION * model.intercept_errors * signs)


def check_num_samples(num_samples: int) -> None:
    """
    Check a number of samples.

    Raises:
        ValueError: It is not a multiple of 64 or is out of range.
    """
    if num_samples % 64 or not 0 < num_samples <= MAX_SAMPLES:
        message = f"expected a multiple of 64 samples, at most {MAX_SAMPLES}, got {num_samples}"
        raise ValueError(message)


def split_work(claims: IntArray, num_samples: int) -> list[IntArray]:
    """Split claims, in their order, into chunks that take some 50 ms each."""
    return np.array_split(claims, max(1, -(-claims.size * num_samples // WORK_UNIT)))


def cut_from_parents(model: CalibratedNetwork, claims: BoolArray) -> CalibratedNetwork:
    """
    Remove the links that lead to these claims, which are then to be observed.

    Args:
        model: Not changed.
        claims: Mask of the claims, shape (n,).
    """
    kept = ~claims[model.network.link_children]
    # A cut claim keeps the table entry of its parents' first configuration, which does not matter as it is observed.
    return replace(model, network=keep_links(model.network, kept), pulls=model.pulls[kept])


def part_of_model(model: CalibratedNetwork, claims: BoolArray) -> CalibratedNetwork:
    """
    Extract the model of some claims; their joint distribution stays the same.

    Args:
        model: Not changed.
        claims: Mask of the claims, shape (n,); closed under parents.

    Raises:
        ValueError: A claim is included without one of its parents.
    """
    network, links = keep_claims(model.network, claims)
    return replace(
        model,
        network=network,
        intercepts=model.intercepts[claims],
        slopes=model.slopes[claims],
        pulls=model.pulls[links],
        table_start=model.table_start[claims],
        normal_errors=model.normal_errors[claims],
        intercept_errors=model.intercept_errors[claims],
    )


def configuration_tables(network: Network, intercepts: FloatArray, max_parents: int) -> tuple[IntArray, FloatArray]:
    """
    Tabulate the log-odds of each claim for each configuration of its parents.

    Args:
        network: Links and weights.
        intercepts: In log-odds, shape (n,).
        max_parents: Claims with more parents have no table.

    Returns:
        Index of each claim's first entry, shape (n,), and all tables, concatenated.

    Raises:
        TooLargeError: The tables have more than MAX_TABLE_ENTRIES entries.
    """
    num_parents = network.num_parents
    sizes = np.where(num_parents <= max_parents, 1 << np.minimum(num_parents, max_parents), 0)
    total = int(sizes.sum())
    if total > MAX_TABLE_ENTRIES:
        message = f"expected tables of at most {MAX_TABLE_ENTRIES} entries together, got {total}: too many parents"
        raise TooLargeError(message, size=total, limit=MAX_TABLE_ENTRIES)
    start = np.cumsum(sizes) - sizes
    tables = np.empty(total)
    for k in range(max_parents + 1):
        claims = np.flatnonzero(num_parents == k)
        if claims.size:
            links = network.parent_start[claims][:, None] + np.arange(k)
            indices = start[claims][:, None] + np.arange(1 << k)
            tables[indices] = intercepts[claims][:, None] + configuration_log_odds(network.weights[links])
    return start, tables


@cache
def hermite_nodes() -> tuple[FloatArray, FloatArray]:
    """Gauss-Hermite nodes and their weights, which sum to 1."""
    nodes, weights = np.polynomial.hermite.hermgauss(NUM_NODES)
    return nodes, weights / weights.sum()


def _set_normal_errors(network: Network, intercepts: FloatArray, claims: BoolArray, errors: FloatArray) -> None:
    """
    Set the errors of the normal approximation of those of these claims that have no table.

    Parents of a member of a group exclude each other, and those of an event by several dates imply each other, so that
    independent ones tell nothing of it.
    """
    nodes, node_weights = hermite_nodes()
    is_wide = (network.num_parents > MAX_TABLE_PARENTS) & ~network.is_joined
    for claim in np.flatnonzero(claims & is_wide).tolist():
        links = slice(network.parent_start[claim], network.parent_start[claim + 1])
        weights, p = network.weights[links], network.prior_marginals[network.link_parents[links]]
        mean = intercepts[claim] + weights @ p
        normal = expect_normal(np.array(mean), np.array((weights**2) @ (p * (1.0 - p))), nodes, node_weights)
        errors[claim] = abs(float(normal) - _expect_lattice(float(intercepts[claim]), weights, p))


def _expect_lattice(intercept: float, weights: FloatArray, probabilities: FloatArray) -> float:
    """Compute the mean of sigmoid over independent parents whose weights are rounded to a lattice."""
    sums, shares = sum_distribution(weights, probabilities, NORMAL_STEP)
    return float(shares @ fast_sigmoid(intercept + sums))


def unpack_bits(bits: KeyArray) -> BoolArray:
    """Unpack bits into booleans; the last axis becomes 64 times as long."""
    return np.unpackbits(np.ascontiguousarray(bits).view(np.uint8), axis=-1, bitorder="little").astype(np.bool_)
