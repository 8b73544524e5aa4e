"""Networks of the kinds that break inference, and their exact marginals by a route of their own."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graph.inference.log_odds import FloatArray, logit, sigmoids
from graph.inference.network.evidence import UNKNOWN, Evidence, make_evidence, observe
from graph.inference.network.structure import IntArray, Network
from tests.helpers.networks import network_of

KINDS = ("deterministic", "hubs", "rare", "loops", "observations")

Edge = tuple[int, int, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A network, what is known, and what is supposed besides."""

    network: Network
    evidence: Evidence
    outcomes: Mapping[int, bool]
    is_intervention: bool


def stress_case(seed: int, kind: str) -> Case:
    """A case whose claims with children are few enough to be enumerated."""
    generator = np.random.default_rng([seed, KINDS.index(kind)])
    num_core = int(generator.integers(3, 11))
    num_leaves = int(generator.integers(10, 80)) if kind == "hubs" else int(generator.integers(1, 6))
    num_claims = num_core + num_leaves
    edges = _edges(generator, kind, num_core, num_claims)
    network = network_of(_marginals(generator, kind, num_claims), edges)
    evidence = _evidence(generator, kind, num_core, num_claims)
    free = np.flatnonzero(evidence.observed == UNKNOWN)
    chosen = generator.choice(free, min(free.size, int(generator.integers(1, 3))), replace=False)
    outcomes = {int(claim): bool(generator.random() < 0.5) for claim in chosen}
    return Case(network, evidence, outcomes, bool(generator.random() < 0.5))


def _edges(generator: np.random.Generator, kind: str, num_core: int, num_claims: int) -> list[Edge]:
    edges: list[Edge] = []
    for child in range(1, num_claims):
        most = min(child, num_core, 5)
        mean = 2.5 if kind == "loops" else 1.6
        count = min(most, max(int(child >= num_core), int(generator.poisson(mean))))
        if kind == "hubs" and child >= num_core:
            count = min(2, num_core)
        earlier = generator.choice(min(child, num_core), count, replace=False)
        hubs = np.arange(count) if kind == "hubs" and child >= num_core else earlier
        edges += [(int(parent), child, *_table(generator, kind)) for parent in hubs]
    return edges


def _table(generator: np.random.Generator, kind: str) -> tuple[float, float]:
    if kind == "deterministic":
        ends = (0.001, 0.999) if generator.random() < 0.8 else (0.02, 0.9)
        first, second = ends if generator.random() < 0.5 else ends[::-1]
        return float(first), float(second)
    first, second = generator.uniform(0.02, 0.98, 2).tolist()
    return first, second


def _marginals(generator: np.random.Generator, kind: str, num_claims: int) -> FloatArray:
    if kind == "rare":
        rare = 10.0 ** generator.uniform(-3.5, -1.0, num_claims)
        return np.where(generator.random(num_claims) < 0.5, rare, generator.uniform(0.05, 0.995, num_claims))
    return generator.uniform(0.02, 0.98, num_claims)


def _evidence(generator: np.random.Generator, kind: str, num_core: int, num_claims: int) -> Evidence:
    llr = np.where(generator.random(num_claims) < 0.4, generator.normal(0.0, 1.5, num_claims), 0.0)
    if kind == "rare":
        llr = np.where(generator.random(num_claims) < 0.5, np.abs(generator.normal(2.0, 2.0, num_claims)), 0.0)
    observed = np.full(num_claims, UNKNOWN, np.int8)
    num_observed = {"hubs": num_claims - num_core, "observations": num_claims // 2}.get(kind, 1)
    candidates = np.arange(num_core, num_claims) if kind == "hubs" else np.arange(num_claims)
    chosen = generator.choice(candidates, min(candidates.size - 1, num_observed), replace=False)
    observed[chosen] = generator.integers(0, 2, chosen.size)
    return make_evidence(llr, observed)


class Truth:
    """
    A network's exact joint distribution, with exact calibration.

    Claims with children are enumerated; the others are independent of each other given these.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        has_child = np.diff(network.child_start) > 0
        self.core = [claim for claim in network.order.tolist() if has_child[claim]]
        self.leaves = [claim for claim in network.order.tolist() if not has_child[claim]]
        self.states: IntArray = (np.arange(1 << len(self.core))[:, None] >> np.arange(len(self.core))) & 1
        self.place = {claim: number for number, claim in enumerate(self.core)}
        self.intercepts = np.zeros(network.num_claims)
        joint = np.ones(1)
        for number, claim in enumerate(self.core):
            sums = self._sums(claim)[: 1 << number]
            self.intercepts[claim] = _bisect(sums, joint, float(network.prior_marginals[claim]))
            p = sigmoids(self.intercepts[claim] + sums)
            joint = np.concatenate([joint * (1.0 - p), joint * p])
        for claim in self.leaves:
            self.intercepts[claim] = _bisect(self._sums(claim), joint, float(network.prior_marginals[claim]))

    def _sums(self, claim: int) -> FloatArray:
        """Weights of the parents, added up in each state of the enumerated claims."""
        network = self.network
        own = slice(network.parent_start[claim], network.parent_start[claim + 1])
        places = [self.place[parent] for parent in network.link_parents[own].tolist()]
        sums: FloatArray = self.states[:, places] @ network.weights[own]
        return sums

    def marginals(self, evidence: Evidence, forced: Mapping[int, bool] | None = None) -> FloatArray:
        """P(claim | evidence), with some claims forced to outcomes."""
        forced = forced or {}
        known = observe(evidence, forced)
        logs = np.zeros(self.states.shape[0])
        given: dict[int, FloatArray] = {}
        for claim in [*self.core, *self.leaves]:
            z = np.zeros_like(logs) if claim in forced else self.intercepts[claim] + self._sums(claim)
            true, false = -np.logaddexp(0.0, -z), -np.logaddexp(0.0, z)
            outcome, llr = known.observed[claim], known.llr[claim]
            if claim in self.place:
                is_true = self.states[:, self.place[claim]] == 1
                logs += 0.0 if claim in forced else np.where(is_true, true, false)
                logs += np.where(is_true, llr, 0.0)
                if outcome != UNKNOWN:
                    logs += np.where(is_true == (outcome == 1), 0.0, -np.inf)
            elif outcome != UNKNOWN:
                logs += 0.0 if claim in forced else (true if outcome == 1 else false)
            else:
                logs += np.logaddexp(true + llr, false)
                given[claim] = sigmoids(z + llr)
        joint = np.exp(logs - logs.max())
        joint /= joint.sum()
        marginals = np.where(known.observed == UNKNOWN, 0.0, known.observed).astype(np.float64)
        for claim, number in self.place.items():
            if known.observed[claim] == UNKNOWN:
                marginals[claim] = joint @ self.states[:, number]
        for claim, p in given.items():
            marginals[claim] = joint @ p
        return marginals


def _bisect(sums: FloatArray, shares: FloatArray, target: float) -> float:
    """The intercept that gives a mean of the sigmoid, by halving an interval."""
    low, high = logit(target) - float(sums.max()), logit(target) - float(sums.min())
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if shares @ sigmoids(middle + sums) < target else (low, middle)
    return 0.5 * (low + high)
