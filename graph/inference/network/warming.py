"""Loads the kernels in advance, so that no request waits for them."""

import numpy as np

from graph.inference.network.bank import draw_bank
from graph.inference.network.evidence import UNKNOWN, make_evidence
from graph.inference.network.intercepts import calibrate
from graph.inference.network.kernels import Backend, get_kernels
from graph.inference.network.structure import build_network


def warm_up(*, backend: Backend | None = None) -> None:
    """
    Call every kernel once on a network of two claims.

    This takes a second, and on the first run on a machine as long as compiling takes.

    Args:
        backend: Implementation of the loops.
    """
    network = build_network(
        stated=np.array([0.4, 0.5]),
        prior_marginals=np.array([0.4, 0.5]),
        keys=np.array([1, 2], np.uint64),
        parents=np.array([0]),
        children=np.array([1]),
        p_if_true=np.array([0.6]),
        p_if_false=np.array([0.4]),
    )
    model = calibrate(network, num_samples=64, backend=backend)
    evidence = make_evidence(np.array([0.0, 0.1]), np.full(2, UNKNOWN, np.int8))
    draw_bank(model, evidence, seed=0, num_replicates=1, num_samples=64, backend=backend)
    bits = np.zeros((2, 2, 1), np.uint64)  # of two replicates, whose rows are apart in memory as in any bank
    get_kernels(backend).add_weights(np.arange(2), bits[:, 0], np.ones(64), np.empty(2))
    get_kernels(backend).add_coefficients(np.arange(2), bits[:, 0], np.ones(2), np.empty(64))
    get_kernels(backend).add_changes(bits[0, 0], np.zeros(64, np.uint8), np.ones(256), np.empty(64))
