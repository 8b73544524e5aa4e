"""Writes items of evidence as they come, some at a time, and answers each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from graph.database.receipts import Payload
from graph.errors import RefusedError
from graph.ledger.intake import Intake
from graph.ledger.items import BatchMode, EvidenceItem, Known
from graph.ledger.refusal_payloads import write_refusal
from resolvers.mutations.evidence_lines import read_line, show_line

MAX_GROUP_LINES: Final = 100
"""Items that are written at once: as many as share a transaction."""

MAX_LINE_BYTES: Final = 1024 * 1024
"""Longest line: the longest note takes 400 KB, and twice that with its characters escaped."""


@dataclass(frozen=True, slots=True)
class Line:
    """
    An item as it came.

    Attributes:
        index: Its place, from 0.
        value: The item.
        fault: What is wrong with the line as such, so that it has no value; None for a line that could be read.
    """

    index: int
    value: object = None
    fault: RefusedError | None = None


class Writer:
    """
    Writes the items of one source, in order.

    Args:
        intake: Appends evidence.
        is_dry_run: Whether nothing is kept.
        key_prefix: Makes keys of items without one, by their places; None to leave them without.

    Attributes:
        counts: Number of items by what became of them.
        bookmark: Token for the state of the graph after the last write.
    """

    def __init__(self, intake: Intake, *, is_dry_run: bool = False, key_prefix: str | None = None) -> None:
        self.counts: Counter[str] = Counter({"RECORDED": 0, "REPLAYED": 0, "REFUSED": 0})
        self.bookmark: str | None = None
        self._intake, self._is_dry_run, self._key_prefix = intake, is_dry_run, key_prefix
        self._known = Known()

    async def write(self, lines: Sequence[Line]) -> list[dict[str, Any]]:
        """
        Write some items, each by itself; returns the answer to each.

        Raises:
            ForegraphError: The database cannot be reached or takes too long; the items may be recorded or not.
        """
        items = {line.index: self._read(line) for line in lines if line.fault is None}
        payloads = dict(zip(items, await self._submit(list(items.values())), strict=True)) if items else {}
        answers = [
            show_line(line.index, None, _refused(line.fault), None)
            if line.fault is not None
            else show_line(line.index, items[line.index].idempotency_key, payloads[line.index], self.bookmark)
            for line in lines
        ]
        self.counts.update(answer["status"] for answer in answers)
        return answers

    def summary(self) -> dict[str, Any]:
        """Numbers of items recorded, replayed and refused so far, as JSON values."""
        counts = {f"{status.lower()}Count": count for status, count in self.counts.items()}
        return {"isDryRun": self._is_dry_run, **counts, "bookmark": self.bookmark}

    def _read(self, line: Line) -> EvidenceItem:
        value = line.value
        if self._key_prefix is not None and isinstance(value, dict) and value.get("idempotencyKey") is None:
            value = value | {"idempotencyKey": f"{self._key_prefix}:{line.index + 1}"}
        return read_line(value, f"items[{line.index}]")

    async def _submit(self, items: list[EvidenceItem]) -> list[Payload]:
        try:
            answered = await self._intake.submit(
                items,
                mutation="submitEvidenceBatch",
                mode=BatchMode.EACH,
                is_dry_run=self._is_dry_run,
                known=self._known,
            )
        except RefusedError as refusal:  # the graph has changed while they were written
            if len(items) == 1:
                return [_refused(refusal)]
            return [payload for item in items for payload in await self._submit([item])]
        self.bookmark = answered.bookmark or self.bookmark
        payloads: list[Payload] = answered.payload["items"]
        return payloads


def _refused(refusal: RefusedError) -> Payload:
    return {"refusals": [write_refusal(refusal)]}
