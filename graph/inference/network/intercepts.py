"""Calibration: the intercept of each claim that gives it its reference belief under the joint belief in its parents."""

import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.arrays import InterceptArrays, RandomStreams
from graph.inference.network.errors import ShouldStop, TooLargeError, check_stop, never
from graph.inference.network.kernels import Backend, get_kernels
from graph.inference.network.limits import MAX_TABLE_ENTRIES, MAX_TABLE_PARENTS, NUM_NODES
from graph.inference.network.streams import sample_orders, streams
from graph.inference.network.structure import BoolArray, IntArray, KeyArray, Network, keep_claims, keep_links
from graph.inference.network.vectorized import configuration_log_odds, expect_normal, fast_sigmoid

NUM_SAMPLES: Final = 16_384
"""Of which a claim's intercept is found; reference beliefs come out within 0.003 of exact inference."""

MAX_SAMPLES: Final = 65_536
"""What a 16-bit place in an order can name."""

CALIBRATION_SEED: Final = 20_260_101
"""Fixed, so that the same network gives the same intercepts everywhere."""

WORK_UNIT: Final = 1 << 22
"""Claims times samples between two questions whether to stop, some 50 ms."""

MAX_MEMORY_BYTES: Final = 1 << 30
"""What one computation may use unless the caller says otherwise."""

LATTICE_STEP: Final = 1.0 / 64.0
"""In log-odds, of the distribution that the normal one is compared with; rounding to it errs by 1e-5."""

_PRIOR = 1


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedNetwork:
    """
    A network whose joint distribution is fixed.

    Attributes:
        network: Its claims and links.
        intercepts: In log-odds, shape (n,).
        slopes: d P(claim) / d intercept without evidence, shape (n,).
        pulls: d intercept of the child / d weight, so that the child keeps its reference belief, shape (links,).
        table_start: Where each claim's table begins in `probabilities`, shape (n,).
        probabilities: P(claim | parents) of each configuration of up to MAX_TABLE_PARENTS parents, bit j for its j-th
            link.
        normal_errors: For claims with more parents, what replacing their sum by a normal one changes its probability
            by, with independent parents at their reference beliefs; 0 for others; shape (n,).
        num_samples: Joint samples that it was calibrated with.
        seed: Their seed.
        seconds: Wall time of the calibration.
    """

    network: Network
    intercepts: FloatArray
    slopes: FloatArray
    pulls: FloatArray
    table_start: IntArray
    probabilities: FloatArray
    normal_errors: FloatArray
    num_samples: int
    seed: int
    seconds: float


def calibration_bytes(num_claims: int, num_samples: int = NUM_SAMPLES) -> int:
    """Memory that the samples of a calibration take: a bit each."""
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
    Find the intercepts, parents before children, on joint samples that grow by one claim at a time.

    A claim with one parent uses the parent's exact reference belief in place of the samples' share. Draws are
    systematic within each configuration of the parents, in an order that belongs to the claim; a claim that comes or
    goes changes no other but its descendants.

    Args:
        network: Claims, links and reference beliefs.
        num_samples: A multiple of 64, at most 65,536.
        seed: Of the samples.
        max_memory_bytes: Limit of `calibration_bytes`.
        should_stop: Asked some ten times a second.
        backend: Where the loops run.

    Raises:
        ValueError: The number of samples is no such number.
        TooLargeError: The samples or the tables need more memory than allowed.
        Cancelled: `should_stop` said so.
    """
    started = time.perf_counter()
    check_num_samples(num_samples)
    needed = calibration_bytes(network.num_claims, num_samples)
    if needed > max_memory_bytes:
        message = f"expected at most {max_memory_bytes} bytes of samples to calibrate with, got {needed}"
        raise TooLargeError(message, size=needed, limit=max_memory_bytes)
    bits = np.zeros((network.num_claims, num_samples // 64), np.uint64)
    intercepts, slopes, means = (np.zeros(network.num_claims) for _ in range(3))
    results = InterceptArrays(intercepts, slopes, np.zeros(network.num_links), means)
    draws = RandomStreams(streams(network.keys, _PRIOR, seed), *sample_orders(num_samples, _PRIOR, seed))
    kernels = get_kernels(backend)
    for claims in split_work(network.order, num_samples):
        check_stop(should_stop)
        kernels.draw_prior(claims, 1, network.links, network.prior_marginals, draws, bits, results)
    return with_intercepts(
        network, intercepts, slopes=slopes, pulls=results.pulls, num_samples=num_samples, seed=seed, started=started
    )


def with_intercepts(
    network: Network,
    intercepts: FloatArray,
    *,
    slopes: FloatArray,
    pulls: FloatArray,
    num_samples: int,
    seed: int,
    started: float,
) -> CalibratedNetwork:
    """Intercepts and what follows from them: tables, and how far claims with many parents are from normal."""
    table_start, log_odds = configuration_tables(network, intercepts, MAX_TABLE_PARENTS)
    return CalibratedNetwork(
        network=network,
        intercepts=intercepts,
        slopes=slopes,
        pulls=pulls,
        table_start=table_start,
        probabilities=fast_sigmoid(log_odds),
        normal_errors=_normal_errors(network, intercepts),
        num_samples=num_samples,
        seed=seed,
        seconds=time.perf_counter() - started,
    )


def check_num_samples(num_samples: int) -> None:
    """
    Refuse numbers that bits do not fill words with.

    Raises:
        ValueError: It is one.
    """
    if num_samples % 64 or not 0 < num_samples <= MAX_SAMPLES:
        message = f"expected a multiple of 64 samples, at most {MAX_SAMPLES}, got {num_samples}"
        raise ValueError(message)


def split_work(claims: IntArray, num_samples: int) -> list[IntArray]:
    """Claims in the same order in parts that take some 50 ms each."""
    return np.array_split(claims, max(1, -(-claims.size * num_samples // WORK_UNIT)))


def cut_from_parents(model: CalibratedNetwork, claims: BoolArray) -> CalibratedNetwork:
    """
    The same model without the links that lead to these claims, which are to be observed.

    Args:
        model: Stays as it is.
        claims: Shape (n,).
    """
    kept = ~claims[model.network.link_children]
    # A cut claim's table is that of its parents' first configuration; nothing that it says counts, as it is observed.
    return replace(model, network=keep_links(model.network, kept), pulls=model.pulls[kept])


def part_of_model(model: CalibratedNetwork, claims: BoolArray) -> CalibratedNetwork:
    """
    The model of some claims that have all their parents among them; their joint distribution is the same.

    Args:
        model: Stays as it is.
        claims: Shape (n,).

    Raises:
        ValueError: A parent is missing.
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
    )


def configuration_tables(network: Network, intercepts: FloatArray, max_parents: int) -> tuple[IntArray, FloatArray]:
    """
    Log-odds of each claim for each configuration of its parents, where it has at most so many.

    Args:
        network: Its links.
        intercepts: Shape (n,).
        max_parents: Claims with more have no table.

    Returns:
        Where each claim's table begins, shape (n,), and all tables one after the other.

    Raises:
        TooLargeError: They would have more than MAX_TABLE_ENTRIES entries.
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


def hermite_nodes() -> tuple[FloatArray, FloatArray]:
    """Gauss-Hermite nodes and their weights, which sum to 1."""
    nodes, weights = np.polynomial.hermite.hermgauss(NUM_NODES)
    return nodes, weights / weights.sum()


def _normal_errors(network: Network, intercepts: FloatArray) -> FloatArray:
    errors = np.zeros(network.num_claims)
    nodes, node_weights = hermite_nodes()
    for claim in np.flatnonzero(network.num_parents > MAX_TABLE_PARENTS).tolist():
        links = slice(network.parent_start[claim], network.parent_start[claim + 1])
        weights, p = network.weights[links], network.prior_marginals[network.link_parents[links]]
        mean = intercepts[claim] + weights @ p
        normal = expect_normal(np.array(mean), np.array((weights**2) @ (p * (1.0 - p))), nodes, node_weights)
        errors[claim] = abs(float(normal) - _expect_lattice(float(intercepts[claim]), weights, p))
    return errors


def _expect_lattice(intercept: float, weights: FloatArray, probabilities: FloatArray) -> float:
    """The mean of sigmoid over independent parents, whose weights are rounded to a lattice."""
    steps = np.rint(weights / LATTICE_STEP).astype(np.int64)
    lowest = int(np.minimum(steps, 0).sum())
    shares = np.zeros(int(np.maximum(steps, 0).sum()) - lowest + 1)
    shares[-lowest] = 1.0
    for step, p in zip(steps.tolist(), probabilities.tolist(), strict=True):
        shares = (1.0 - p) * shares + p * np.roll(shares, step)
    # What rounding took from the mean goes back to it.
    intercept += float((weights - steps * LATTICE_STEP) @ probabilities)
    sums = np.arange(lowest, lowest + shares.size).astype(np.float64) * LATTICE_STEP
    return float(shares @ fast_sigmoid(intercept + sums))


def unpack_bits(bits: KeyArray) -> BoolArray:
    """Booleans of bit-packed samples, shape (..., 64 times as many)."""
    return np.unpackbits(np.ascontiguousarray(bits).view(np.uint8), axis=-1, bitorder="little").astype(np.bool_)
