"""
Signs: whether a parent raises or lowers its child, and a prediction its ticker.

A prerequisite raises its child and a killer lowers it; a correlate does what its table says. A row contradicts its sign
if its numbers say the opposite, and two rows between the same two nodes contradict each other if their signs differ.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from graph.model.kinds import ExposureSign, InfluenceKind
from graph.model.rows import Exposure, Influence

SignedRow = Influence | Exposure

KIND_SIGNS: Final = {InfluenceKind.PREREQUISITE_OF: 1, InfluenceKind.KILLS: -1, InfluenceKind.CORRELATES_WITH: 0}
"""1 for a kind whose parent raises its child, -1 for one that lowers it, 0 for one that its table decides."""

_OF_SIGN: Final = {ExposureSign.BENEFITS: 1, ExposureSign.HARMS: -1}
_OF_ALL: Final = {kind.value: sign for kind, sign in (*KIND_SIGNS.items(), *_OF_SIGN.items())}
RAISING: Final = tuple(kind for kind, sign in _OF_ALL.items() if sign > 0)
LOWERING: Final = tuple(kind for kind, sign in _OF_ALL.items() if sign < 0)
"""Kinds and signs by which way they move the end, as they are stored."""

_EXPECTED: Final = {1: "at least", -1: "at most"}
_VERB: Final = {1: "raises", -1: "lowers"}


@dataclass(frozen=True, slots=True)
class SignFault:
    """
    A contradiction of a row's sign.

    Attributes:
        property: Property to correct first.
        message: What was expected, what came, and what to do.
        is_of_pair: Whether it is with another row, not with the row's own numbers.
    """

    property: str
    message: str
    is_of_pair: bool


def ends_of(row: SignedRow) -> tuple[str, str]:
    """Return the keys of the two nodes that a row is between, the start first."""
    return (row.parent_id, row.child_id) if isinstance(row, Influence) else (row.prediction_id, row.symbol)


def sign_of(row: SignedRow) -> int:
    """Return 1 if a row raises its end, -1 if it lowers it, 0 if it says neither; the kind outranks the numbers."""
    if isinstance(row, Exposure):
        return _OF_SIGN[row.sign]
    return KIND_SIGNS[row.kind] or _direction(row)


def find_own_fault(row: SignedRow) -> SignFault | None:
    """Find numbers of a row that contradict its kind; None if there are none, or if they say neither."""
    if isinstance(row, Exposure):
        return _find_impact_fault(row)
    expected = KIND_SIGNS[row.kind]
    if not expected or _direction(row) != -expected:
        return None
    message = (
        f"expected p_if_true to be {_EXPECTED[expected]} p_if_false, since {row.kind} means that the parent "
        f"{_VERB[expected]} its child, got {row.p_if_true} and {row.p_if_false}; exchange them, or choose another kind"
    )
    return SignFault("p_if_true", message, is_of_pair=False)


def find_pair_fault(row: SignedRow, other: SignedRow) -> SignFault | None:
    """
    Find a contradiction between two rows of the same two nodes; None if they agree.

    Args:
        row: The row at fault.
        other: One that is there already.
    """
    if sign_of(row) * sign_of(other) >= 0:
        return None
    start, end = ends_of(row)
    if isinstance(row, Exposure):
        name, what = "sign", "exposures of"
    else:
        name, what = "kind" if KIND_SIGNS[row.kind] else "p_if_true", "influences of"
    message = (
        f"expected {what} {start!r} on {end!r} of one sign, got {_describe(row)}, beside {_describe(other)}; "
        "remove the one that is wrong first"
    )
    return SignFault(name, message, is_of_pair=True)


def find_faults(rows: Iterable[SignedRow]) -> Iterator[tuple[SignedRow, SignFault]]:
    """Find the contradictions of all rows between the same two nodes, each with the row at fault."""
    listed = list(rows)
    for row in listed:
        fault = find_own_fault(row)
        if fault is not None:
            yield row, fault
    for other, row in combinations(listed, 2):
        fault = find_pair_fault(row, other)
        if fault is not None:
            yield row, fault


def _find_impact_fault(row: Exposure) -> SignFault | None:
    expected = _OF_SIGN[row.sign]
    impacts = {"impact": row.impact, "impact_low": row.impact_low, "impact_high": row.impact_high}
    wrong = next((name for name, impact in impacts.items() if impact is not None and impact * expected < 0.0), None)
    if wrong is None:
        return None
    message = (
        f"expected an impact of {_EXPECTED[expected]} 0, since {row.sign} means that the prediction {_VERB[expected]} "
        f"the price if it comes true, got {impacts[wrong]}; correct the impact or the sign"
    )
    return SignFault(wrong, message, is_of_pair=False)


def _direction(row: Influence) -> int:
    """Return the sign of P(child | parent true) - P(child | parent false); 0 without a table."""
    if row.p_if_true is None or row.p_if_false is None:
        return 0
    return (row.p_if_true > row.p_if_false) - (row.p_if_true < row.p_if_false)


def _describe(row: SignedRow) -> str:
    verb = _VERB[sign_of(row)]
    if isinstance(row, Exposure):
        impact = "no impact" if row.impact is None else f"impact {row.impact}"
        return f"{row.sign} ({impact}), which {verb} the price"
    table = "no table" if row.p_if_true is None else f"p_if_true {row.p_if_true}, p_if_false {row.p_if_false}"
    return f"{row.kind} ({table}), which {verb} the child"
