"""Exact integrals of squared errors, against numerical ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.inference.log_odds import FloatArray, expit
from graph.inference.pieces import Drift, mean_squared_errors

beliefs = st.floats(0.002, 0.998)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
SHARES = 0.5 * (NODES + 1.0)


def curve(first: float, last: float, drift: Drift) -> FloatArray:
    """The belief at the nodes of the quadrature."""
    ends = [p / (1.0 - p) for p in (first, last)]
    if drift is Drift.ODDS:
        odds = ends[0] + SHARES * (ends[1] - ends[0])
        return odds / (1.0 + odds)
    logs = [math.log(odds) for odds in ends]
    return expit(logs[0] + SHARES * (logs[1] - logs[0]))


@given(beliefs, st.floats(-1.0, 1.0), st.booleans(), st.sampled_from(Drift))
def test_the_mean_is_the_integral(first: float, change: float, outcome: bool, drift: Drift) -> None:
    """By Gauss and Legendre with 200 nodes, for changes large, small and none."""
    last = min(0.998, max(0.002, first + change**5))
    found = mean_squared_errors(np.array([first]), np.array([last]), np.array([outcome]), drift)[0]

    assert found == pytest.approx(float((curve(first, last, drift) - outcome) ** 2 @ WEIGHTS / 2.0), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("drift", Drift)
def test_what_does_not_move_has_its_own_error(drift: Drift) -> None:
    """And what hardly moves, nearly its own."""
    for step in (0.0, 1e-12, 1e-6):
        found = mean_squared_errors(
            np.array([0.3, 0.3]), np.array([0.3 + step] * 2), np.array([True, False]), drift
        ).tolist()
        assert found == pytest.approx([0.49, 0.09], abs=2e-6)


def test_certain_beliefs_are_refused() -> None:
    """Their log-odds are infinite."""
    with pytest.raises(ValueError, match="strictly between"):
        mean_squared_errors(np.array([1.0]), np.array([0.5]), np.array([True]), Drift.ODDS)
