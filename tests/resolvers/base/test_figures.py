"""Computed numbers as they are shown."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.base.figures import figure, figures

TWELVE = Context(prec=12, rounding=ROUND_HALF_EVEN)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_figure_has_twelve_significant_digits(number: float) -> None:
    """As the decimal of the same digits, rounded, is nearest to; showing it again changes nothing."""
    shown = figure(number)

    assert shown == float(TWELVE.create_decimal(Decimal(number)))
    assert figure(shown) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0.193 - 0.35, "-0.157"), (0.1 + 0.2, "0.3"), (0.0, "0.0"), (1 / 3, "0.333333333333"), (1e-300, "1e-300")],
)
def test_rounding_errors_do_not_show(number: float, shown: str) -> None:
    """What was computed from short decimals is one."""
    assert repr(figure(number)) == shown


def test_what_was_stated_stays() -> None:
    """And what is no number: truth values, counts, texts, absent ones."""
    row = {
        "base_rate": 0.1 + 0.2,
        "a": 0.1 + 0.2,
        "b": [0.1 + 0.2, 1],
        "is": True,
        "num": 3,
        "text": "0.30000000000000004",
    }

    assert figures(row, stated=("base_rate",)) == {**row, "a": 0.3, "b": [0.3, 1]}
    assert figure(None) is None
