"""Diagnostics of an inference: its method, convergence and errors."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.inference.log_odds import FloatArray
from graph.inference.network.structure import BoolArray
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY


class Method(StrEnum):
    """
    Methods of inference. AUTO: each part of the network that is connected, given what is known, by EXACT if it is small
    or sparse enough, else by SAMPLE, or by LBP if it is too large for that. EXACT: exact marginals if the relevant part
    of the network is small or of small treewidth; otherwise refused with its size. SAMPLE: joint samples, unbiased,
    with standard errors between replicates. LBP: loopy belief propagation, which takes milliseconds and can be far off
    where influences form loops; its error is estimated.
    """

    AUTO = "AUTO"
    EXACT = "EXACT"
    LBP = "LBP"
    SAMPLE = "SAMPLE"


METHODS: Final = (Method.EXACT, Method.SAMPLE, Method.LBP)
"""Methods that give a claim's marginal, by their codes."""

EXACT, SAMPLE, LBP = range(len(METHODS))

MethodArray = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """
    Diagnostics of one inference.

    Attributes:
        method: The method used.
        converged: Whether the method converged; if not, `reason` says why.
        reason: Empty if it converged.
        seconds: Wall time.
        num_samples: Joint samples in all replicates; 0 if none were drawn.
        num_matching: Samples that agree with the supposed outcomes; equal to `num_samples` if there are none.
        num_replicates: Independent replicates; 0 if no samples were drawn.
        standard_error: Largest standard error of any claim, between replicates; None without replicates.
        largest_difference: Largest difference between two replicates' marginals of one claim; None without replicates.
        surviving_ancestors: Initial samples of a replicate that have descendants; the minimum over replicates.
        weight_variance: Variance of the proposal's log weights; the maximum over replicates.
        num_temperatures: Steps from the proposal to the model; the maximum over replicates.
        seed: Seed of all random numbers; None for deterministic methods.
        iterations: Sweeps of LBP.
        residual: Largest undamped change of a message, or of the sum of messages to a claim, in LBP's last sweep, in
            log-odds.
        damping: Damping of LBP's last sweep.
        num_approximated: Claims with so many parents that LBP approximates their sum by a normal distribution.
        approximation_error: Largest error of that approximation in a claim's probability, given independent parents.
        is_fresh: Whether samples were drawn for this answer; false if a stored bank gave it.
        calibration_error: Largest error of a marginal that comes from that of the intercepts, an estimate; 0 if all are
            exact.
        error_estimate: Largest error of a marginal by LBP, estimated on parts of the network; None without LBP.
        precision_reached: Whether the largest standard error is within what was asked for.
    """

    method: Method
    converged: bool
    reason: str
    seconds: float
    num_samples: int = 0
    num_matching: int = 0
    num_replicates: int = 0
    standard_error: float | None = None
    largest_difference: float | None = None
    surviving_ancestors: int | None = None
    weight_variance: float | None = None
    num_temperatures: int | None = None
    seed: int | None = None
    iterations: int | None = None
    residual: float | None = None
    damping: float | None = None
    num_approximated: int = 0
    approximation_error: float | None = None
    is_fresh: bool = True
    calibration_error: float = 0.0
    error_estimate: float | None = None
    precision_reached: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Beliefs:
    """
    Marginals of all claims.

    Attributes:
        marginals: P(claim) given all evidence, shape (n,): 0 or 1 for observed claims, strictly between for others.
        standard_errors: Between replicates, shape (n,); None if no samples were drawn.
        diagnostics: Diagnostics of the inference.
        methods: Code of the method that gave each marginal, an index of METHODS, shape (n,); None if one gave all.
    """

    marginals: FloatArray
    standard_errors: FloatArray | None
    diagnostics: Diagnostics
    methods: MethodArray | None = None


def check_marginals(marginals: FloatArray, *, is_observed: BoolArray) -> FloatArray:
    """
    Check marginals, and keep those of unobserved claims away from 0 and 1.

    The marginal of a hub with thousands of children may round to 0 or 1. It is then the nearest double strictly
    between, as for posteriors.

    Raises:
        ArithmeticError: The marginal of an unobserved claim is NaN or outside [0, 1].
    """
    wrong = ~((marginals >= 0.0) & (marginals <= 1.0)) & ~is_observed
    if wrong.any():
        claim = int(np.flatnonzero(wrong)[0])
        message = f"expected marginals from 0 to 1, got {marginals[claim]} for claim {claim}"
        raise ArithmeticError(message)
    return np.where(is_observed, marginals, np.clip(marginals, LEAST_PROBABILITY, GREATEST_PROBABILITY))
