"""
Speed of the network's inference, against its targets and against another library on the same network in the same run.

Networks have the shape of the synthetic graph: three influences for each claim, parents by a power law up to forty, a
killer over most of the predictions, popular claims with many children, evidence on a fifth of the claims and a few that
are resolved.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np

from graph.inference.log_odds import FloatArray, sigmoids
from graph.inference.network.auto import infer
from graph.inference.network.bank import NUM_SAMPLES, Bank, bank_bytes, draw_bank
from graph.inference.network.diagnostics import EXACT
from graph.inference.network.errors import TooLargeError
from graph.inference.network.evidence import UNKNOWN, Evidence, make_evidence
from graph.inference.network.information import value_of_information
from graph.inference.network.intercepts import CalibratedNetwork, calibrate, calibration_bytes
from graph.inference.network.kernels import Backend
from graph.inference.network.lbp import Propagation, propagate, relevant_claims
from graph.inference.network.sensitivity import find_sensitivity
from graph.inference.network.shifts import Base, Drawing, shifts_by_auto, shifts_by_lbp, shifts_by_samples
from graph.inference.network.streams import mix
from graph.inference.network.structure import IntArray, Network, build_network
from tests.helpers.networks import import_pyagrum

SIZES: Final = (200, 2_000, 10_000, 100_000)
COMPARED_SIZE: Final = 2_000
SEED: Final = 20260101
MAX_PARENTS: Final = 40
MAX_COMPARED_PARENTS: Final = 10  # the other library needs full tables
NUM_COMPARED_CHILDREN: Final = 100  # of the killer; with thousands the other library's LBP runs into zeros
MAX_HUB_CHILDREN: Final = 10_000
NUM_ROUNDS: Final = 5
NUM_TARGETS: Final = 20
SECONDS_OF_SAMPLING: Final = 20.0

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Targets:
    """Seconds that a step may take at a size; None where nothing is set."""

    calibration: float | None = None
    lbp: float | None = None
    what_if_by_lbp: float | None = None
    replicate: float | None = None
    what_if_stored: float | None = None
    what_if_by_auto: float | None = None
    information: float | None = None


TARGETS: Final = {
    2_000: Targets(1.0, 0.03, 0.05, 2.0, 0.02, 0.05, 0.2),
    10_000: Targets(5.0, 0.1, 0.15, 12.0, 0.05, 0.15, 0.5),
    100_000: Targets(60.0, 3.0, 3.0),
}


def synthetic_network(
    num_claims: int, seed: int, *, max_parents: int = MAX_PARENTS, num_hub_children: int | None = None
) -> tuple[Network, Evidence]:
    """
    A network with as many claims, some three times as many influences, and evidence on a fifth of the claims.

    Args:
        num_claims: Scenarios and killers among them.
        seed: Of all that is random.
        max_parents: Of a claim.
        num_hub_children: Of the killer that has the most; by default all predictions, at most MAX_HUB_CHILDREN.
    """
    generator = np.random.default_rng(seed)
    num_scenarios, num_killers = max(5, num_claims // 100), max(10, num_claims // 50)
    first = num_scenarios + num_killers
    num_predictions = num_claims - first
    hub_children = min(MAX_HUB_CHILDREN, num_predictions) if num_hub_children is None else num_hub_children
    counts = _parent_counts(generator, num_predictions, 3.0 * num_claims - hub_children, max_parents - 1)
    below_hub = set((np.arange(hub_children) * num_predictions // max(1, hub_children)).tolist())
    parents: list[int] = []
    children: list[int] = []
    kills: list[bool] = []
    for number, count in enumerate(counts.tolist()):
        own = {num_scenarios: True} if number in below_hub else {}
        wanted = min(len(own) + count, (number + first - 1) // 2)
        while len(own) < wanted:
            parent, is_killer = _parent(generator, number, num_scenarios, num_killers)
            own.setdefault(parent, is_killer)
        parents += own
        children += [first + number] * len(own)
        kills += own.values()
    against = np.array(kills)
    low, high = (np.round(generator.uniform(*ends, against.size), 2) for ends in ((0.05, 0.5), (0.5, 0.95)))
    stated = np.round(generator.uniform(0.03, 0.97, num_claims), 2)
    stated[num_scenarios:first] = np.round(generator.uniform(0.03, 0.4, num_killers), 2)
    network = build_network(
        stated=stated,
        prior_marginals=stated,
        keys=mix(np.arange(1, num_claims + 1, dtype=np.uint64)),
        parents=np.array(parents),
        children=np.array(children),
        p_if_true=np.where(against, low, high),
        p_if_false=np.where(against, high, low),
    )
    llr = np.where(generator.random(num_claims) < 0.2, generator.normal(0.0, 1.0, num_claims), 0.0)
    observed = np.full(num_claims, UNKNOWN, np.int8)
    resolved = np.flatnonzero(generator.random(num_claims) < 0.03)
    observed[resolved] = generator.random(resolved.size) < stated[resolved]
    return network, make_evidence(llr, observed)


def _parent_counts(generator: np.random.Generator, num_predictions: int, total: float, most: int) -> IntArray:
    """Parents of each prediction, k of them with a probability like k to a power that gives the total."""
    sizes = np.arange(1.0, most + 1.0)
    low, high = 0.0, 10.0
    for _ in range(60):
        power = 0.5 * (low + high)
        shares = sizes**-power / (sizes**-power).sum()
        low, high = (power, high) if shares @ sizes > total / num_predictions else (low, power)
    return generator.choice(np.arange(1, most + 1), num_predictions, p=shares)


def _parent(generator: np.random.Generator, number: int, num_scenarios: int, num_killers: int) -> tuple[int, bool]:
    """A killer, a scenario or an earlier prediction, the k-th about as often as 1 / (k + 1); and whether it kills."""
    throw, rank = generator.random(2).tolist()
    if throw < 0.35:
        return num_scenarios + int(num_killers**rank), True
    if throw < 0.55 or number == 0:
        return int((num_scenarios + 1) ** rank) - 1, False
    return num_scenarios + num_killers + int((number + 1) ** rank) - 1, False


def timed(step: Callable[[], ResultT], *, rounds: int = 1) -> tuple[ResultT, float]:
    """A step's result and its median seconds."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        result = step()
        seconds.append(time.perf_counter() - started)
    return result, statistics.median(seconds)


def tell(name: str, seconds: float, target: float | None = None, *, note: str = "") -> None:
    """One line: what took how long, and whether it may."""
    verdict = "" if target is None else f"  target {1e3 * target:.0f} ms, {'met' if seconds <= target else 'MISSED'}"
    print(f"  {name:<34} {1e3 * seconds:>10.1f} ms{verdict}{'  ' if note else ''}{note}", flush=True)


def say(text: str) -> None:
    """One line."""
    print(text, flush=True)


def benchmark_size(num_claims: int) -> None:
    """All steps at one size."""
    network, evidence = synthetic_network(num_claims, SEED)
    targets = TARGETS.get(num_claims, Targets())
    say(f"{num_claims:,} claims, {network.num_links:,} links, {int(network.levels.max())} levels")
    model, seconds = timed(lambda: calibrate(network))
    tell("calibration", seconds, targets.calibration, note=f"{calibration_bytes(num_claims) / 1e6:.0f} MB of samples")
    base, seconds = timed(lambda: propagate(model, evidence), rounds=NUM_ROUNDS)
    said = base.beliefs.diagnostics
    tell("LBP, cold", seconds, targets.lbp, note=f"{said.iterations} sweeps, damping {said.damping}")
    outcomes = {_uncertain(base, evidence): True}
    _, seconds = timed(lambda: shifts_by_lbp(model, evidence, outcomes, base=Base(base)), rounds=NUM_ROUNDS)
    tell("what-if by LBP, warm", seconds, targets.what_if_by_lbp)
    bank = _benchmark_bank(model, evidence, targets)
    if bank is not None:
        _benchmark_stored(bank, outcomes, targets)


def _uncertain(base: Propagation, evidence: Evidence) -> int:
    """An unobserved claim about which nothing is clear, so that a stored bank has both outcomes."""
    distance = np.abs(base.beliefs.marginals - 0.5) + evidence.is_observed
    return int(distance.argmin())


def _benchmark_bank(model: CalibratedNetwork, evidence: Evidence, targets: Targets) -> Bank | None:
    num_relevant = int(relevant_claims(model, evidence).sum())
    needed = bank_bytes(model, evidence, num_replicates=1) / 1e6
    try:
        bank, seconds = timed(lambda: draw_bank(model, evidence, seed=SEED, num_replicates=1))
    except TooLargeError as refusal:
        say(f"  guided bank: refused, {refusal}")
        return None
    said = bank.beliefs.diagnostics
    tell(
        "guided bank, a replicate of 4,096",
        seconds,
        targets.replicate,
        note=f"{num_relevant:,} relevant claims, {needed:.0f} MB, {said.num_temperatures} temperatures, "
        f"{said.surviving_ancestors} ancestors",
    )
    return bank


def _benchmark_stored(one: Bank, outcomes: dict[int, bool], targets: Targets) -> None:
    """What is asked of a bank of four replicates; at the largest size the one replicate has to do."""
    bank = one
    if one.model.network.num_claims <= SIZES[-2]:
        bank = draw_bank(one.model, one.evidence, seed=SEED)
        said = bank.beliefs.diagnostics
        verdict = "converged" if said.converged else said.reason
        note = f"standard error {said.standard_error:.4f} at most, replicates differ by {said.largest_difference:.3f}"
        tell("bank of four replicates", said.seconds, note=f"{note}: {verdict}")
    _benchmark_auto(bank, outcomes, targets)
    shifts, seconds = timed(
        lambda: shifts_by_samples(bank, outcomes, seed=SEED, min_matching=NUM_SAMPLES // 4), rounds=NUM_ROUNDS
    )
    matching = shifts.diagnostics.num_matching
    tell("what-if from the stored bank", seconds, targets.what_if_stored, note=f"{matching:,} samples match")
    chosen = np.flatnonzero(~bank.evidence.is_observed)[-NUM_TARGETS:]
    _, seconds = timed(lambda: value_of_information(bank, chosen), rounds=NUM_ROUNDS)
    tell("value of information, 20 targets", seconds, targets.information)
    if bank is not one:
        _, seconds = timed(lambda: find_sensitivity(bank, int(chosen[0]), seed=SEED))
        tell("sensitivity of one claim", seconds)


def _benchmark_auto(bank: Bank, outcomes: dict[int, bool], targets: Targets) -> None:
    """What-ifs by AUTO with a stored bank, and the memory of the process."""
    before, seconds = timed(
        lambda: infer(bank.model, bank.evidence, seed=SEED, sample=lambda _: bank.beliefs), rounds=NUM_ROUNDS
    )
    assert before.methods is not None
    num_exact = int((before.methods == EXACT).sum())
    tell("AUTO but for the bank", seconds, note=f"{num_exact:,} claims exactly")
    shifts, seconds = timed(
        lambda: shifts_by_auto(bank.model, bank.evidence, outcomes, before=before, drawing=Drawing(SEED), bank=bank),
        rounds=NUM_ROUNDS,
    )
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    note = f"{shifts.diagnostics.num_matching:,} samples match; {megabytes:.0f} MB at most so far"
    tell("what-if by AUTO, warm", seconds, targets.what_if_by_auto, note=note)


def benchmark_first_use() -> None:
    """What compiling costs: once on a machine, and then in each process."""
    code = (
        "import time; from tests.benchmarks.network import *; n, e = synthetic_network(200, 1);"
        "t = time.perf_counter(); m = calibrate(n, num_samples=64);"
        "draw_bank(m, e, seed=1, num_replicates=1, num_samples=64);"
        "print(time.perf_counter() - t)"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first use on a machine", "first use in a process"):
            environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
            done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
            tell(name, float(done.stdout))


def benchmark_backends() -> None:
    """Compiled kernels against NumPy's."""
    network, evidence = synthetic_network(COMPARED_SIZE, SEED)
    say(f"compiled kernels against NumPy's, {COMPARED_SIZE:,} claims")
    model = calibrate(network)
    steps: Sequence[tuple[str, Callable[[Backend], Any]]] = (
        ("calibration", lambda backend: calibrate(network, backend=backend)),
        ("LBP", lambda backend: propagate(model, evidence, backend=backend)),
        ("a replicate", lambda backend: draw_bank(model, evidence, seed=1, num_replicates=1, backend=backend)),
    )
    for name, step in steps:
        (_, compiled), (_, numpy) = (timed(partial(step, backend)) for backend in Backend)
        say(f"  {name:<34} {1e3 * compiled:>10.1f} ms against {1e3 * numpy:.0f} ms: {numpy / compiled:.1f} times")


def benchmark_other_library() -> None:
    """Ratios to pyAgrum's LBP and to its weighted sampling at equal error."""
    network, evidence = synthetic_network(
        COMPARED_SIZE, SEED, max_parents=MAX_COMPARED_PARENTS, num_hub_children=NUM_COMPARED_CHILDREN
    )
    say(f"against pyAgrum, {COMPARED_SIZE:,} claims, {network.num_links:,} links")
    model = calibrate(network)
    truth = draw_bank(model, evidence, seed=SEED + 1, num_replicates=16).beliefs.marginals
    ours, own_seconds = timed(lambda: propagate(model, evidence), rounds=NUM_ROUNDS)
    other, known = _to_pyagrum(model, evidence)
    pyagrum = import_pyagrum()
    lbp = pyagrum.LoopyBeliefPropagation(other)
    lbp.setEvidence(known)
    lbp.setEpsilon(1e-6)
    _, seconds = timed(lbp.makeInference)
    theirs = _posteriors(lbp, COMPARED_SIZE)
    say(f"  LBP: {1e3 * own_seconds:.1f} ms against {seconds:.1f} s, {seconds / own_seconds:,.0f} times")
    say(
        f"  their marginals differ by {np.abs(theirs - ours.beliefs.marginals).mean():.1e} in the mean; errors "
        f"{_error(ours.beliefs.marginals, truth):.4f} and {_error(theirs, truth):.4f}"
    )
    bank, own_seconds = timed(lambda: draw_bank(model, evidence, seed=SEED, num_replicates=1))
    own_error = _error(bank.beliefs.marginals, truth)
    sampling = pyagrum.WeightedSampling(other)
    sampling.setEvidence(known)
    sampling.setMaxTime(SECONDS_OF_SAMPLING)
    sampling.setMaxIter(10**8)
    sampling.setEpsilon(1e-12)
    sampling.setMinEpsilonRate(1e-12)
    _, seconds = timed(sampling.makeInference)
    error = _error(_posteriors(sampling, COMPARED_SIZE), truth)
    needed = seconds * (error / own_error) ** 2
    say(
        f"  sampling: error {own_error:.4f} in {own_seconds:.2f} s against {error:.4f} in {seconds:.0f} s; at equal "
        f"error, which falls as the root of time at best, {needed / own_seconds:,.0f} times"
    )


def _error(marginals: FloatArray, truth: FloatArray) -> float:
    return float(np.sqrt(np.mean((marginals - truth) ** 2)))


def _posteriors(inference: Any, num_claims: int) -> FloatArray:
    return np.array([inference.posterior(claim)[1] for claim in range(num_claims)])


def _to_pyagrum(model: CalibratedNetwork, evidence: Evidence) -> tuple[Any, dict[int, int]]:
    """The same network there; evidence as an observed child, since its samplers take no likelihoods."""
    pyagrum = import_pyagrum()
    network = model.network
    other = pyagrum.BayesNet()
    for claim in range(network.num_claims):
        other.add(pyagrum.LabelizedVariable(f"c{claim}", "", 2))
    for claim in range(network.num_claims):
        links = slice(network.parent_start[claim], network.parent_start[claim + 1])
        for parent in network.link_parents[links].tolist():
            other.addArc(parent, claim)
        num_parents = links.stop - links.start
        states = (np.arange(1 << num_parents)[:, None] >> np.arange(num_parents)) & 1
        p = sigmoids(model.intercepts[claim] + states @ network.weights[links])
        other.cpt(claim).fillWith(np.stack([1.0 - p, p], axis=1).ravel().tolist())
    known = {claim: int(evidence.observed[claim]) for claim in np.flatnonzero(evidence.is_observed).tolist()}
    for claim in np.flatnonzero(evidence.llr).tolist():
        child = other.add(pyagrum.LabelizedVariable(f"e{claim}", "", 2))
        other.addArc(claim, child)
        llr = float(evidence.llr[claim])
        false, true = 0.9 * np.exp(min(-llr, 0.0)), 0.9 * np.exp(min(llr, 0.0))
        other.cpt(child).fillWith([1.0 - false, false, 1.0 - true, true])
        known[child] = 1
    return other, known


def benchmark_network(largest: int = SIZES[-1]) -> None:
    """All figures, up to a size."""
    benchmark_first_use()
    for size in SIZES:
        if size <= largest:
            benchmark_size(size)
    benchmark_backends()
    benchmark_other_library()
