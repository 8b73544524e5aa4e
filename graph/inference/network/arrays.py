"""Arguments of the kernels: arrays that belong together, as NamedTuples, which numba takes apart when it compiles."""

from typing import NamedTuple

from graph.inference.log_odds import FloatArray
from graph.inference.network.streams import OrderArray
from graph.inference.network.structure import ByteArray, IntArray, KeyArray


class EvidenceArrays(NamedTuple):
    """
    Evidence on n claims.

    Attributes:
        llr: Natural log-likelihood ratios, shape (n,).
        observed: 0 or 1 for an observed claim, negative for the others, shape (n,). For sampling, 0 with a ratio other
            than 0 is a claim that is summed out: it counts by P(evidence | its parents).
    """

    llr: FloatArray
    observed: IntArray


class RandomStreams(NamedTuple):
    """
    Randomness of systematic draws.

    Attributes:
        keys: A 64-bit number for each claim, shape (n,).
        first: Orders in which to visit samples, shape (NUM_ORDERS, samples).
        second: Likewise; a claim composes one of each.
    """

    keys: KeyArray
    first: OrderArray
    second: OrderArray


class InterceptArrays(NamedTuple):
    """
    Results of drawing claims from the prior, written in place.

    Attributes:
        intercepts: In log-odds, solved for or given, shape (n,).
        slopes: d P(claim) / d intercept, shape (n,).
        pulls: d intercept of the child / d weight at a constant P(child), shape (links,).
        means: P(claim), averaged over the samples of its parents, shape (n,).
        errors: Standard error of the intercept solved for, in log-odds, 0 if the parents' joint distribution is exact;
            shape (n,).
    """

    intercepts: FloatArray
    slopes: FloatArray
    pulls: FloatArray
    means: FloatArray
    errors: FloatArray


class SamplingTables(NamedTuple):
    """
    The proposal and the model, tabulated for claims with few parents.

    Attributes:
        intercepts: In log-odds, shape (n,).
        proposal: Log-odds that the proposal adds to those given the parents, shape (n,).
        start: Where each claim's entries begin in the tables, shape (n,).
        log_odds: Of the claim for each configuration of its parents.
        thresholds: Proposal probability of each configuration, in units of 2^-32.
        log_weights: Two entries a configuration, the claim false and true, beginning at twice `start`.
        wide_rows: Row of each claim with more parents in arrays that only such claims have, -1 for others; shape (n,).
    """

    intercepts: FloatArray
    proposal: FloatArray
    start: IntArray
    log_odds: FloatArray
    thresholds: KeyArray
    log_weights: FloatArray
    wide_rows: IntArray


class Tempering(NamedTuple):
    """
    A distribution on the way from the proposal to the model.

    Attributes:
        beta: 0 at the proposal, 1 at the model.
        potentials: Log normalizer of each configuration, in the order of `SamplingTables.log_odds`.
        grids: Log normalizers of claims with many parents by their log-odds, as values and slopes times the step,
            shape (wide claims, points, 2).
    """

    beta: float
    potentials: FloatArray
    grids: FloatArray


class SampleArrays(NamedTuple):
    """
    Joint samples of n claims, changed in place.

    Attributes:
        states: Bit 0 is the claim, bit j + 1 its j-th parent where it has few, shape (n, samples).
        log_odds: Of claims with many parents, given their parents, shape (wide claims, samples).
    """

    states: ByteArray
    log_odds: FloatArray


class ConditionalTables(NamedTuple):
    """
    P(claim | parents) for belief propagation.

    Attributes:
        intercepts: In log-odds, shape (n,).
        start: Where each claim's entries begin in `probabilities`, shape (n,).
        probabilities: Of each configuration of the parents.
        nodes: Of Gauss-Hermite quadrature, for claims with more parents than tables are made for.
        node_weights: Sum to 1.
    """

    intercepts: FloatArray
    start: IntArray
    probabilities: FloatArray
    nodes: FloatArray
    node_weights: FloatArray


class MessageArrays(NamedTuple):
    """
    State of belief propagation, changed in place; all but the last two have shape (links,).

    Attributes:
        upward: Log-odds from each child to its parent.
        downward: Log-odds from each parent that the child was last computed with; NaN before.
        if_true: P(child | parent true), averaged over the other parents.
        if_false: P(child | parent false), likewise.
        priors: Log-odds of each claim from its parents alone, shape (n,).
        beliefs: Log-odds of each claim, shape (n,).
    """

    upward: FloatArray
    downward: FloatArray
    if_true: FloatArray
    if_false: FloatArray
    priors: FloatArray
    beliefs: FloatArray
