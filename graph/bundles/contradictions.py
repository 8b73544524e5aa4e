"""Finds influences and exposures of a write that contradict their own numbers, each other, or the graph's."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graph.bundles.batches import RowAtPath
from graph.database.sessions import Unit
from graph.errors import ConflictError, InvalidError, Problem, RefusedError
from graph.model.rows import Exposure, Influence
from graph.model.signs import SignedRow, SignFault, ends_of, find_own_fault, find_pair_fault
from graph.model.subjects import row_id
from graph.network.contradictions import Ends, list_between


@dataclass(frozen=True, slots=True)
class Contradiction:
    """
    A row of a write that contradicts its own numbers or another row.

    Attributes:
        path: Path of the row, such as `influences[3]`.
        fault: What is wrong.
    """

    path: str
    fault: SignFault

    def problem(self) -> Problem:
        """Return it as a bundle's problem."""
        return Problem(f"{self.path}.{self.fault.property}", self.fault.message)

    def refusal(self) -> RefusedError:
        """Return it as the refusal of a request for one row."""
        kind = ConflictError if self.fault.is_of_pair else InvalidError
        return kind(self.fault.message, path=f"{self.path}.{self.fault.property}")


async def list_contradictions(
    unit: Unit, rows: Sequence[RowAtPath], is_stored: Callable[[SignedRow], bool]
) -> list[Contradiction]:
    """
    List contradictions of rows with themselves, among each other, and with the graph's rows that they do not replace.

    Args:
        unit: The transaction, which holds the lock that imports take.
        rows: Influences or exposures.
        is_stored: Whether the graph has both ends of a row, so that others may be between them.
    """
    signed = [(path, row) for path, row in rows if isinstance(row, Influence | Exposure)]
    pairs = sorted({ends_of(row) for _, row in signed if is_stored(row)})
    stored = await list_between(unit, type(signed[0][1]), pairs) if pairs else {}
    return await asyncio.to_thread(lambda: list(_contradictions(signed, stored)))


def _contradictions(
    rows: Sequence[tuple[str, SignedRow]], stored: Mapping[Ends, Sequence[SignedRow]]
) -> Iterator[Contradiction]:
    replaced = {row_id(row) for _, row in rows}
    between: dict[Ends, list[SignedRow]] = {
        ends: [row for row in others if row_id(row) not in replaced] for ends, others in stored.items()
    }
    for path, row in rows:
        own = find_own_fault(row)
        if own is not None:
            yield Contradiction(path, own)
        others = between.setdefault(ends_of(row), [])
        faults = (find_pair_fault(row, other) for other in others)
        yield from (Contradiction(path, fault) for fault in faults if fault is not None)
        others.append(row)
