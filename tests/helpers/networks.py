"""Random networks, and other routes to what the network's inference computes."""

import warnings
from typing import Any

import numpy as np

from graph.inference.log_odds import FloatArray, sigmoids
from graph.inference.network.evidence import UNKNOWN, Evidence, make_evidence
from graph.inference.network.intercepts import CalibratedNetwork
from graph.inference.network.streams import mix
from graph.inference.network.structure import BoolArray, IntArray, KeyArray, Network, build_network


def keys_of(num_claims: int, *, first: int = 0) -> KeyArray:
    """Keys as a hash of ids would give them."""
    return mix(np.arange(first + 1, first + num_claims + 1, dtype=np.uint64))


def network_of(
    prior_marginals: list[float] | FloatArray,
    edges: list[tuple[int, int, float, float]],
    *,
    keys: KeyArray | None = None,
) -> Network:
    """A network from (parent, child, P(child | parent true), P(child | parent false))."""
    beliefs = np.array(prior_marginals, np.float64)
    table = np.array(edges, np.float64).reshape(-1, 4)
    return build_network(
        stated=beliefs,
        prior_marginals=beliefs,
        keys=keys_of(beliefs.size) if keys is None else keys,
        parents=table[:, 0].astype(np.int64),
        children=table[:, 1].astype(np.int64),
        p_if_true=table[:, 2],
        p_if_false=table[:, 3],
    )


def random_network(
    generator: np.random.Generator,
    num_claims: int,
    *,
    mean_parents: float = 1.6,
    max_parents: int = 5,
    window: int | None = None,
) -> Network:
    """Any claim may follow from earlier ones, at most `window` before it, so that the tree-width stays small."""
    edges = []
    for child in range(1, num_claims):
        earliest = 0 if window is None else max(0, child - window)
        count = min(child - earliest, max_parents, int(generator.poisson(mean_parents)))
        for parent in earliest + generator.choice(child - earliest, count, replace=False):
            p_if_true, p_if_false = generator.uniform(0.05, 0.95, 2)
            edges.append((int(parent), child, float(p_if_true), float(p_if_false)))
    return network_of(generator.uniform(0.05, 0.95, num_claims), edges)


def random_tree(generator: np.random.Generator, num_claims: int) -> Network:
    """Each claim but the first is joined to one earlier claim, as its parent or as its child."""
    edges = []
    for claim in range(1, num_claims):
        other = int(generator.integers(claim))
        p_if_true, p_if_false = generator.uniform(0.05, 0.95, 2)
        parent, child = (other, claim) if generator.random() < 0.5 else (claim, other)
        edges.append((parent, child, float(p_if_true), float(p_if_false)))
    return network_of(generator.uniform(0.05, 0.95, num_claims), edges)


def random_evidence(generator: np.random.Generator, num_claims: int, *, num_observed: int = 1) -> Evidence:
    """Evidence on some two fifths of the claims, and some resolved."""
    llr = np.where(generator.random(num_claims) < 0.4, generator.normal(0.0, 1.5, num_claims), 0.0)
    observed = np.full(num_claims, UNKNOWN, np.int8)
    observed[generator.choice(num_claims, num_observed, replace=False)] = generator.integers(0, 2, num_observed)
    return make_evidence(llr, observed)


def two_hubs(generator: np.random.Generator, num_children: int = 60) -> tuple[Network, Evidence]:
    """Of children that one hub lowers and the other raises, half are true: both hubs are true, or neither is."""
    tables = {0: (0.2, 0.6), 1: (0.6, 0.2)}
    edges = [(hub, child, *table) for child in range(2, num_children + 2) for hub, table in tables.items()]
    observed = np.full(num_children + 2, UNKNOWN, np.int8)
    observed[2:] = generator.permutation(num_children) % 2
    return network_of([0.5, 0.5] + [0.4] * num_children, edges), make_evidence(np.zeros(num_children + 2), observed)


def four_claims() -> tuple[Network, Evidence]:
    """Five near-deterministic tables and an unexpected outcome below them, on which LBP is sure of the wrong."""
    tables = {(0, 1): (0.001, 0.999), (0, 2): (0.001, 0.999), (2, 3): (0.001, 0.999)}
    tables |= {(1, 3): (0.999, 0.001), (0, 3): (0.999, 0.001)}
    network = network_of([0.99, 0.243, 0.537, 0.862], [(*pair, *table) for pair, table in tables.items()])
    return network, make_evidence(np.zeros(4), np.array([UNKNOWN, UNKNOWN, UNKNOWN, 0], np.int8))


def states_of(num_claims: int) -> IntArray:
    """All joint outcomes, shape (2^n, n)."""
    return (np.arange(1 << num_claims)[:, None] >> np.arange(num_claims)) & 1


def joint_distribution(model: CalibratedNetwork, evidence: Evidence) -> FloatArray:
    """P(outcome | evidence) of each of `states_of`, multiplied out claim by claim."""
    network = model.network
    states = states_of(network.num_claims)
    joint = np.ones(states.shape[0])
    for claim in range(network.num_claims):
        log_odds = np.full(states.shape[0], model.intercepts[claim])
        for link in range(network.parent_start[claim], network.parent_start[claim + 1]):
            log_odds += network.weights[link] * states[:, network.link_parents[link]]
        p = sigmoids(log_odds)
        joint *= np.where(states[:, claim] == 1, p * np.exp(evidence.llr[claim]), 1.0 - p)
        if evidence.observed[claim] != UNKNOWN:
            joint *= states[:, claim] == evidence.observed[claim]
    distribution: FloatArray = joint / joint.sum()
    return distribution


def enumerate_marginals(model: CalibratedNetwork, evidence: Evidence) -> FloatArray:
    """P(claim | evidence) of each claim by summing over all joint outcomes."""
    marginals: FloatArray = joint_distribution(model, evidence) @ states_of(model.network.num_claims)
    return marginals


def import_pyagrum() -> Any:
    """The library with the second opinion; importing it warns of what it would like to be installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyagrum  # noqa: PLC0415 - within what keeps its warnings
    return pyagrum


def to_pyagrum(model: CalibratedNetwork) -> Any:
    """The same network in the other library, its tables filled from intercepts and weights."""
    gum = import_pyagrum()
    network = model.network
    other = gum.BayesNet()
    for claim in range(network.num_claims):
        other.add(gum.LabelizedVariable(f"c{claim}", "", 2))
    for claim in range(network.num_claims):
        links = slice(network.parent_start[claim], network.parent_start[claim + 1])
        for parent in network.link_parents[links].tolist():
            other.addArc(parent, claim)
        states = states_of(links.stop - links.start)
        p = sigmoids(model.intercepts[claim] + states @ network.weights[links])
        other.cpt(claim).fillWith(np.stack([1.0 - p, p], axis=1).ravel().tolist())
    return other


def set_evidence(inference: Any, evidence: Evidence) -> None:
    """Tell the other library what is known."""
    for claim in np.flatnonzero(evidence.is_informative).tolist():
        if evidence.observed[claim] != UNKNOWN:
            inference.addEvidence(claim, int(evidence.observed[claim]))
        else:
            llr = float(evidence.llr[claim])
            inference.addEvidence(claim, [float(np.exp(min(-llr, 0.0))), float(np.exp(min(llr, 0.0)))])


def pyagrum_marginals(model: CalibratedNetwork, evidence: Evidence) -> FloatArray:
    """P(claim | evidence) of each claim by the other library's junction tree."""
    gum = import_pyagrum()
    inference = gum.LazyPropagation(to_pyagrum(model))
    set_evidence(inference, evidence)
    inference.makeInference()
    return np.array([inference.posterior(claim)[1] for claim in range(model.network.num_claims)])


class Asked:
    """A `should_stop` that says yes to its n-th question, and counts them."""

    def __init__(self, yes_at: int) -> None:
        self.yes_at = yes_at
        self.count = 0

    def __call__(self) -> bool:
        """Whether to stop."""
        self.count += 1
        return self.count == self.yes_at + 1


def only(num_claims: int, *claims: int) -> BoolArray:
    """True for these claims."""
    chosen = np.zeros(num_claims, np.bool_)
    chosen[list(claims)] = True
    return chosen
