"""Tables that contradict each other."""

import numpy as np
import pytest

from graph.inference.network.incoherence import find_incoherence
from tests.helpers.networks import network_of, random_network


def test_the_tables_of_a_seed_imply_anything_between_0_19_and_0_41() -> None:
    """The first page's claim of 0.347: its scenario implies the least, the least probable killer the most."""
    parents = [0.35, 0.10, 0.12, 0.15, 0.35]
    tables = [(0.45, 0.05)] + [(0.05, 0.45)] * 4
    edges = [(parent, 5, *table) for parent, table in enumerate(tables)]
    found = find_incoherence(network_of([*parents, 0.347], edges))

    assert found.lowest[5] == pytest.approx(0.19, abs=1e-12)
    assert found.highest[5] == pytest.approx(0.41, abs=1e-12)
    assert (found.lowest_edges[5], found.highest_edges[5]) == (0, 1)
    assert found.contradictions[5] == pytest.approx(0.22, abs=1e-12)
    assert found.num_tables.tolist() == [0, 0, 0, 0, 0, 5]
    assert found.ranked().tolist() == [5]


def test_a_prior_marginal_contradicts_too() -> None:
    """One table alone has nobody to contradict but what the claim itself says."""
    found = find_incoherence(network_of([0.5, 0.9, 0.3], [(0, 1, 0.6, 0.2), (0, 2, 0.4, 0.2)]))

    assert found.contradictions == pytest.approx([0.0, 0.5, 0.0], abs=1e-12)
    assert found.ranked()[0] == 1


@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_each_claims_tables_say(seed: int) -> None:
    """Claim by claim, in plain Python."""
    network = random_network(np.random.default_rng(seed), 30, mean_parents=2.5)
    found = find_incoherence(network)

    for claim in range(30):
        implied = {
            edge: network.p_if_false[edge]
            + network.prior_marginals[network.link_parents[link]] * (network.p_if_true[edge] - network.p_if_false[edge])
            for edge, link in enumerate(network.edge_links.tolist())
            if network.link_children[link] == claim
        }
        said = [*implied.values(), network.prior_marginals[claim]]
        assert found.num_tables[claim] == len(implied)
        assert found.contradictions[claim] == pytest.approx(max(said) - min(said), abs=1e-12)
        if implied:
            assert found.lowest_edges[claim] == min(implied, key=implied.__getitem__)
            assert found.highest_edges[claim] == max(implied, key=implied.__getitem__)
        else:
            assert np.isnan(found.lowest[claim])
            assert found.lowest_edges[claim] == found.highest_edges[claim] == -1
    worst = found.contradictions[found.ranked()]
    assert (np.diff(worst) <= 0.0).all()
    assert (worst > 0.0).all()
