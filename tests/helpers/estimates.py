"""Whether estimates are within the errors that they state."""

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.diagnostics import Diagnostics


def assert_within(found: FloatArray, exact: FloatArray, errors: FloatArray | None) -> None:
    """No claim is off by more than 6 of its standard errors, of which the least is that of rounding."""
    assert errors is not None
    assert (np.abs(found - exact) <= 6.0 * errors + 1e-3).all()


def bound_of(told: Diagnostics) -> float:
    """The error that an answer by LBP states."""
    assert told.error_estimate is not None
    return told.error_estimate + told.calibration_error + 1e-9
