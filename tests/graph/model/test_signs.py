"""Signs of influences and exposures."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.model.rows import Exposure, Influence
from graph.model.signs import LOWERING, RAISING, find_faults, find_own_fault, find_pair_fault, sign_of


def influence(kind: str, *table: float | None) -> Influence:
    """An influence of A on B, without a table by default."""
    p_if_true, p_if_false = table or (None, None)
    values: dict[str, Any] = {"kind": kind, "parent_id": "A", "child_id": "B"}
    return Influence.model_validate(values | {"p_if_true": p_if_true, "p_if_false": p_if_false})


def exposure(sign: str, impact: float | None = None) -> Exposure:
    """An exposure of NVDA to P."""
    return Exposure.model_validate({"sign": sign, "prediction_id": "P", "symbol": "NVDA", "impact": impact})


@pytest.mark.parametrize(
    ("row", "sign"),
    [
        (influence("PREREQUISITE_OF"), 1),
        (influence("PREREQUISITE_OF", 0.5, 0.5), 1),
        (influence("KILLS"), -1),
        (influence("KILLS", 0.1, 0.9), -1),
        (influence("CORRELATES_WITH"), 0),
        (influence("CORRELATES_WITH", 0.5, 0.5), 0),
        (influence("CORRELATES_WITH", 0.6, 0.5), 1),
        (influence("CORRELATES_WITH", 0.4, 0.5), -1),
        (exposure("BENEFITS"), 1),
        (exposure("HARMS", -0.2), -1),
    ],
)
def test_a_row_has_the_sign_of_its_kind_or_else_of_its_table(row: Influence | Exposure, sign: int) -> None:
    """Only a correlate may go either way."""
    assert sign_of(row) == sign
    assert find_own_fault(row) is None


@pytest.mark.parametrize(
    ("row", "name", "parts"),
    [
        (influence("KILLS", 0.9, 0.1), "p_if_true", ("at most p_if_false", "KILLS", "lowers", "got 0.9 and 0.1")),
        (influence("PREREQUISITE_OF", 0.1, 0.9), "p_if_true", ("at least p_if_false", "raises", "got 0.1 and 0.9")),
        (exposure("HARMS", 0.3), "impact", ("at most 0", "HARMS", "lowers the price", "got 0.3")),
        (exposure("BENEFITS", -0.3), "impact", ("at least 0", "BENEFITS", "raises the price", "got -0.3")),
    ],
)
def test_numbers_against_the_kind_are_a_fault(row: Influence | Exposure, name: str, parts: tuple[str, ...]) -> None:
    """With the property, what was expected and what came."""
    fault = find_own_fault(row)

    assert fault is not None
    assert (fault.property, fault.is_of_pair) == (name, False)
    assert all(part in fault.message for part in parts), fault.message


def test_rows_of_unlike_signs_are_a_fault_of_the_pair() -> None:
    """With the ends, and both rows' kinds and figures."""
    needs, kills = influence("PREREQUISITE_OF", 0.9, 0.1), influence("KILLS", 0.1, 0.9)
    fault = find_pair_fault(kills, needs)

    assert fault is not None
    assert (fault.property, fault.is_of_pair) == ("kind", True)
    assert fault.message == (
        "expected influences of 'A' on 'B' of one sign, got KILLS (p_if_true 0.1, p_if_false 0.9), which lowers the "
        "child, beside PREREQUISITE_OF (p_if_true 0.9, p_if_false 0.1), which raises the child; remove the one that is "
        "wrong first"
    )
    correlate = find_pair_fault(influence("CORRELATES_WITH", 0.1, 0.9), needs)
    assert correlate is not None
    assert correlate.property == "p_if_true"
    both = find_pair_fault(exposure("HARMS"), exposure("BENEFITS", 0.1))
    assert both is not None
    assert (both.property, "BENEFITS (impact 0.1)" in both.message) == ("sign", True)


ROWS = st.builds(
    lambda kind, table: influence(kind, *table),
    st.sampled_from(["PREREQUISITE_OF", "KILLS", "CORRELATES_WITH"]),
    st.one_of(st.just(()), st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99))),
)


@given(st.lists(ROWS, max_size=3))
def test_rows_agree_exactly_if_no_two_signs_differ(rows: list[Influence]) -> None:
    """Whatever their order; each pair that does not is told once."""
    signs = [sign_of(row) for row in rows]
    opposed = sum(one * other < 0 for number, one in enumerate(signs) for other in signs[number + 1 :])

    for order in (rows, rows[::-1]):
        assert sum(fault.is_of_pair for _, fault in find_faults(order)) == opposed


def test_the_lists_of_kinds_are_those_of_the_signs() -> None:
    """Statements take them, to find rows that may be at fault."""
    assert (RAISING, LOWERING) == (("PREREQUISITE_OF", "BENEFITS"), ("KILLS", "HARMS"))
