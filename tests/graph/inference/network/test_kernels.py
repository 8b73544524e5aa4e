"""Compiled kernels do what NumPy's do, draw for draw."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import graph.inference.network
from graph.inference.network.bank import draw_bank
from graph.inference.network.evidence import Evidence
from graph.inference.network.intercepts import CalibratedNetwork, calibrate
from graph.inference.network.kernels import Backend, default_backend, get_kernels
from graph.inference.network.lbp import propagate
from graph.inference.network.structure import Network
from tests.helpers.networks import network_of, random_evidence, random_network

BACKENDS = (Backend.COMPILED, Backend.NUMPY)


def network_with_many_parents(seed: int) -> tuple[Network, Evidence]:
    """Claims with up to 16 parents: on both sides of every limit."""
    generator = np.random.default_rng(seed)
    edges = [
        (int(parent), child, *generator.uniform(0.05, 0.95, 2).tolist())
        for child, count in zip(range(20, 34), range(3, 17), strict=True)
        for parent in generator.choice(child, count, replace=False)
    ]
    return network_of(generator.uniform(0.1, 0.9, 34), edges), random_evidence(generator, 34, num_observed=4)


def cases() -> list[tuple[Network, Evidence]]:
    generator = np.random.default_rng(0)
    small = [(random_network(generator, 30), random_evidence(generator, 30, num_observed=3)) for _ in range(10)]
    return small + [network_with_many_parents(seed) for seed in range(5)]


def calibrated(network: Network) -> list[CalibratedNetwork]:
    return [calibrate(network, num_samples=4096, backend=backend) for backend in BACKENDS]


@pytest.mark.parametrize("case", range(15))
def test_calibration_is_the_same(case: int) -> None:
    """Intercepts and their derivatives."""
    network, _ = cases()[case]
    compiled, numpy = calibrated(network)

    assert_allclose(compiled.intercepts, numpy.intercepts, rtol=0.0, atol=1e-9)
    assert_allclose(compiled.slopes, numpy.slopes, rtol=0.0, atol=1e-9)
    assert_allclose(compiled.pulls, numpy.pulls, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("case", range(15))
def test_propagation_is_the_same(case: int) -> None:
    """Messages and beliefs."""
    network, evidence = cases()[case]
    model = calibrate(network, num_samples=4096)
    compiled, numpy = (propagate(model, evidence, backend=backend) for backend in BACKENDS)

    assert compiled.beliefs.diagnostics.iterations == numpy.beliefs.diagnostics.iterations
    assert_allclose(compiled.messages, numpy.messages, rtol=0.0, atol=1e-9)
    assert_allclose(compiled.beliefs.marginals, numpy.beliefs.marginals, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("case", range(15))
def test_banks_are_the_same(case: int) -> None:
    """Every sample of every claim: rounding decides one in a million draws, and these are fewer."""
    network, evidence = cases()[case]
    model = calibrate(network, num_samples=4096)
    compiled, numpy = (
        draw_bank(model, evidence, seed=case, num_replicates=2, num_samples=1024, backend=backend)
        for backend in BACKENDS
    )

    assert_array_equal(compiled.bits, numpy.bits)
    assert_allclose(compiled.replicate_marginals, numpy.replicate_marginals, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_are_added_up(backend: Backend) -> None:
    """Of some claims, more than NumPy looks at together, against a product of matrices."""
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 1 << 64, (700, 3, 5), np.uint64)
    weights, claims = generator.exponential(1.0, 320), generator.permutation(700)[:600]
    states = np.unpackbits(bits[claims, 1].view(np.uint8), axis=1, bitorder="little")
    totals = np.empty(600)

    get_kernels(backend).add_weights(claims, bits[:, 1], weights, totals)

    assert_allclose(totals, states @ weights, rtol=1e-12)


def test_compiled_kernels_are_the_default_here() -> None:
    """What is tested elsewhere is what runs; and without numba there is still NumPy."""
    assert default_backend() is Backend.COMPILED
    assert get_kernels().sweep_gibbs is get_kernels(Backend.COMPILED).sweep_gibbs
    assert get_kernels(Backend.NUMPY).sweep_gibbs is not get_kernels(Backend.COMPILED).sweep_gibbs


def test_nothing_is_compiled_before_it_is_needed() -> None:
    """The service starts without numba: importing every module of the network leaves it alone."""
    folder = Path(graph.inference.network.__path__[0])
    names = sorted(
        path.stem for path in folder.glob("*.py") if path.stem not in {"__init__", "compiled", "compiled_joints", "jit"}
    )
    imports = "; ".join(f"import graph.inference.network.{name}" for name in names)
    code = f"{imports}; import sys; sys.exit('numba' in sys.modules)"

    assert len(names) > 8
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
