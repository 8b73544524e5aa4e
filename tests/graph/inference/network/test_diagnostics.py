"""Checks of marginals."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graph.inference.network.diagnostics import check_marginals
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY


def test_marginals_between_0_and_1_are_kept() -> None:
    """To the last bit."""
    marginals = np.array([0.25, LEAST_PROBABILITY, GREATEST_PROBABILITY])

    assert_array_equal(check_marginals(marginals, is_observed=np.zeros(3, np.bool_)), marginals)


def test_only_observed_claims_are_certain() -> None:
    """A marginal that rounds to 0 or 1 becomes the nearest double strictly between."""
    marginals, is_observed = np.array([0.0, 1.0, 0.0, 1.0]), np.array([True, True, False, False])
    found = check_marginals(marginals, is_observed=is_observed)

    assert_array_equal(found, [0.0, 1.0, LEAST_PROBABILITY, GREATEST_PROBABILITY])
    assert_array_equal(marginals, [0.0, 1.0, 0.0, 1.0])


@pytest.mark.parametrize("wrong", [np.nan, -1e-9, 1.0 + 1e-9, np.inf])
def test_what_is_no_probability_is_an_internal_error(wrong: float) -> None:
    """It names the claim; an observed claim's marginal is not computed, so it is not checked."""
    marginals = np.array([0.5, wrong])

    with pytest.raises(ArithmeticError, match=r"from 0 to 1, got .* for claim 1"):
        check_marginals(marginals, is_observed=np.array([True, False]))
    assert check_marginals(marginals, is_observed=np.array([False, True]))[0] == 0.5
