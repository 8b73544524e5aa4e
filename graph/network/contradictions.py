"""
Influences and exposures that contradict themselves or each other, as they are stored.

Writes refuse them; a graph that an older version made may have some, and is read nevertheless.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graph.database.paging import slices
from graph.database.sessions import Unit
from graph.model.kinds import ExposureSign, InfluenceKind
from graph.model.page_keys import join
from graph.model.rows import Exposure, Influence
from graph.model.signs import LOWERING, RAISING, SignedRow, SignFault, ends_of, find_faults
from graph.model.subjects import row_id

PAGE_CLAIMS: Final = 5_000
PAGE_PAIRS: Final = 2_000
SCAN_TIMEOUT_SECONDS: Final = 600.0
"""For a scan of a graph of any size; the database looks at some 200,000 relationships a second."""

Ends = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StoredFault:
    """
    A stored row that contradicts its own numbers or another row.

    Attributes:
        row: The row, with its sign and figures only.
        fault: What is wrong.
        number: Number of the fault among those between the same two nodes.
    """

    row: SignedRow
    fault: SignFault
    number: int

    def __str__(self) -> str:
        return f"{type(self.row).__name__} {row_id(self.row)}: {self.fault.message}"

    @property
    def key(self) -> str:
        """Key by which faults are ordered: exposures first, by both ends, the own faults of rows first."""
        return join(type(self.row).__name__, *ends_of(self.row), f"{self.number:02d}")


async def list_stored_faults(unit: Unit, *, page_claims: int = PAGE_CLAIMS) -> list[StoredFault]:
    """List every stored contradiction, by the keys of both ends."""
    found: list[StoredFault] = []
    after = ""
    while True:
        signs = {"raising": list(RAISING), "lowering": list(LOWERING)}
        (page,) = await unit.run("network/list_contradictions", after=after, limit=page_claims, **signs)
        for kind in (Exposure, Influence):
            for rows in _by_ends(kind, page[_LISTS[kind]]).values():
                found += [StoredFault(*entry, number) for number, entry in enumerate(find_faults(rows))]
        if page["num_claims"] < page_claims:
            return sorted(found, key=lambda stored: stored.key)
        after = page["last_id"]


async def list_between(unit: Unit, kind: type[SignedRow], pairs: Sequence[Ends]) -> Mapping[Ends, Sequence[SignedRow]]:
    """List the stored rows between pairs of nodes, with their signs and figures only."""
    found: dict[Ends, Sequence[SignedRow]] = {}
    for part in slices(pairs, PAGE_PAIRS):
        (answer,) = await unit.run(f"network/list_{_LISTS[kind]}_between", pairs=[list(pair) for pair in part])
        found |= _by_ends(kind, answer["rows"])
    return found


def _by_ends(kind: type[SignedRow], rows: Sequence[Sequence[Any]]) -> Mapping[Ends, Sequence[SignedRow]]:
    found: dict[Ends, list[SignedRow]] = defaultdict(list)
    for values in rows:
        row = _MAKERS[kind](*values)
        found[ends_of(row)].append(row)
    return {ends: sorted(found[ends], key=row_id) for ends in sorted(found)}


def make_influence(
    kind: str, parent_id: str, child_id: str, p_if_true: float | None, p_if_false: float | None
) -> Influence:
    """Return a stored influence's row, with its kind and table only."""
    # Not validated, here and below, since a whole graph of them would take seconds.
    return Influence.model_construct(
        kind=InfluenceKind(kind), parent_id=parent_id, child_id=child_id, p_if_true=p_if_true, p_if_false=p_if_false
    )


def make_exposure(sign: str, prediction_id: str, symbol: str, impact: float | None) -> Exposure:
    """Return a stored exposure's row, with its sign and impact only."""
    return Exposure.model_construct(sign=ExposureSign(sign), prediction_id=prediction_id, symbol=symbol, impact=impact)


_LISTS: Final[Mapping[type[SignedRow], str]] = {Influence: "influences", Exposure: "exposures"}
_MAKERS: Final[Mapping[type[SignedRow], Callable[..., SignedRow]]] = {
    Influence: make_influence,
    Exposure: make_exposure,
}
