"""The network as arrays, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graph.inference.evidence import POLICY
from graph.inference.log_odds import logit, sigmoid
from graph.inference.network.evidence import UNKNOWN
from graph.network.view import InfluenceKey, claim_keys, make_view, network_moment
from tests.helpers.snapshots import DEADLINE, RESOLVED_AT, START, snapshot

MOMENT = datetime(2026, 7, 1, tzinfo=UTC)


def inside_weight(moment: datetime) -> float:
    """The policy's formula: the outside view weighs less as the window runs out."""
    return 1.0 - POLICY.outside_weight * ((DEADLINE - moment) / (DEADLINE - START))


def test_only_open_and_resolved_claims_with_a_probability_are_included() -> None:
    """And only influences between them."""
    view = make_view(snapshot(), MOMENT)

    assert view.ids == ("A", "B", "E")
    assert view.indices == {"A": 0, "B": 1, "E": 2}
    keys = [view.influence_key(index) for index in range(view.num_influences)]
    assert keys == [InfluenceKey("PREREQUISITE_OF", "A", "B"), InfluenceKey("KILLS", "B", "E")]
    assert_array_equal(view.network.link_parents[view.network.edge_links], [0, 1])
    assert_array_equal(view.network.link_children[view.network.edge_links], [1, 2])
    assert_array_equal(view.network.p_if_true, [0.7, 0.1])
    assert_array_equal(view.network.keys, claim_keys(["A", "B", "E"]))


def test_prior_marginals_blend_by_the_policys_formula() -> None:
    """At the network's moment, or at that of the resolution; without a window it is the stated probability."""
    view = make_view(snapshot(), MOMENT)
    weights = [1.0, inside_weight(MOMENT), inside_weight(RESOLVED_AT)]
    blended = [
        weight * logit(stated) + (1.0 - weight) * logit(base_rate)
        for weight, stated, base_rate in zip(weights, (0.4, 0.5, 0.3), (0.5, 0.2, 0.1), strict=True)
    ]

    assert view.inside_weights == pytest.approx(weights, abs=1e-15)
    assert view.network.prior_marginals == pytest.approx([sigmoid(log_odds) for log_odds in blended], abs=1e-15)
    assert_array_equal(view.network.stated, [0.4, 0.5, 0.3])


def test_evidence_counts_with_the_inside_views_weight() -> None:
    """What was added to the inside log-odds; an outcome replaces it."""
    view = make_view(snapshot(), MOMENT)

    assert view.evidence.llr == pytest.approx([0.0, inside_weight(MOMENT), 0.0], abs=1e-15)
    assert view.evidence.observed.tolist() == [UNKNOWN, UNKNOWN, 1]


def test_keys_follow_what_models_and_evidence_depend_on() -> None:
    """Another revision of the same numbers needs no new model; other evidence only new evidence; time both."""
    before = make_view(snapshot(), MOMENT)
    same = make_view(snapshot(revision=2), MOMENT)
    inside = snapshot().inside.copy()
    inside[0] = 1.0
    evidence = make_view(replace(snapshot(), inside=inside), MOMENT)
    later = make_view(snapshot(), MOMENT + timedelta(hours=1))

    assert (same.structure_key, same.evidence_key) == (before.structure_key, before.evidence_key)
    assert evidence.structure_key == before.structure_key
    assert evidence.evidence_key != before.evidence_key
    assert later.structure_key != before.structure_key


def test_the_moment_is_the_last_full_hour() -> None:
    """So that a model serves many questions."""
    assert network_moment(MOMENT + timedelta(minutes=59, seconds=59, microseconds=999_999)) == MOMENT


def test_keys_do_not_depend_on_the_other_claims() -> None:
    """And differ."""
    keys = claim_keys(["A", "B", "C"])

    assert claim_keys(["C", "A"]).tolist() == [keys[2], keys[0]]
    assert np.unique(keys).size == 3
