"""What is known of each claim."""

import math

import numpy as np
import pytest

from graph.inference.network.diagnostics import check_marginals
from graph.inference.network.evidence import intervene, make_evidence, no_evidence, observe
from graph.inference.network.intercepts import calibrate
from tests.helpers.networks import network_of, only

UNKNOWN = np.array([-1, -1], np.int8)


def test_an_outcome_leaves_nothing_for_evidence_to_say() -> None:
    """Evidence on a resolved claim changes nothing, whichever came first."""
    together = make_evidence(np.array([1.0, 2.0]), np.array([-1, 1], np.int8))
    later = observe(make_evidence(np.array([1.0, 2.0]), UNKNOWN), {1: True})

    for known in (together, later):
        assert known.llr.tolist() == [1.0, 0.0]
        assert known.observed.tolist() == [-1, 1]
        assert known.is_observed.tolist() == [False, True]
        assert known.is_informative.tolist() == [True, True]


def test_observing_changes_no_input() -> None:
    """What was known stays as it was."""
    before = make_evidence(np.array([1.0, 2.0]), UNKNOWN)
    observe(before, {0: False})

    assert before.llr.tolist() == [1.0, 2.0]
    assert before.observed.tolist() == [-1, -1]


def test_intervening_cuts_only_the_claim_itself() -> None:
    """From its parents; its children follow it as always."""
    model = calibrate(network_of([0.5] * 3, [(0, 1, 0.6, 0.4), (1, 2, 0.6, 0.4)]), num_samples=64)
    cut, known = intervene(model, no_evidence(3), {1: False})

    assert cut.network.num_parents.tolist() == [0, 0, 1]
    assert known.observed.tolist() == [-1, 0, -1]
    assert model.network.num_parents.tolist() == [0, 1, 1]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_ratios_are_finite(wrong: float) -> None:
    """Certain evidence is an outcome, and has to be given as one."""
    with pytest.raises(ValueError, match="finite log-likelihood ratios"):
        make_evidence(np.array([0.0, wrong]), UNKNOWN)


def test_outcomes_are_known_words() -> None:
    """And there is one for each claim."""
    with pytest.raises(ValueError, match="outcomes 0, 1 or -1, got 2"):
        make_evidence(np.zeros(2), np.array([0, 2], np.int8))
    with pytest.raises(ValueError, match="a ratio and an outcome for each claim"):
        make_evidence(np.zeros(3), UNKNOWN)
    for claim in (-1, 2):
        with pytest.raises(ValueError, match=f"claims from 0 to 1, got {claim}"):
            observe(no_evidence(2), {claim: True})


def test_a_marginal_that_is_none_is_an_internal_error() -> None:
    """Never an answer; what doubles cannot tell from certainty stays a probability."""
    for wrong in (math.nan, -0.1, 1.1):
        with pytest.raises(ArithmeticError, match="for claim 1"):
            check_marginals(np.array([0.5, wrong]), is_observed=only(2))
    checked = check_marginals(np.array([0.0, 1.0, 0.0]), is_observed=only(3, 2))
    assert 0.0 < checked[0] < 1e-300
    assert 1.0 - 1e-15 < checked[1] < 1.0
    assert checked[2] == 0.0
