"""The graph's revision, and the note of which claims each revision changed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from graph.database.sessions import Unit

MAX_NOTED: Final = 1_000
"""The most claims that a revision notes; of a write that changes more, only that is noted, and all is read again."""


@dataclass(frozen=True, slots=True)
class Changes:
    """
    Changes of one write to what the network of all claims is made of.

    Attributes:
        claim_ids: Claims that were created or deleted, or of which a property or the base rate changed; None where
            that is not known.
        child_ids: Claims of which an incoming influence was created, changed or removed; None likewise.
        row_ids: Other rows that were created, changed or deleted, as `row_note` writes them; None likewise. Milestones
            and ledger rows of a claim in `claim_ids` need not be among them.
    """

    claim_ids: Collection[str] | None = ()
    child_ids: Collection[str] | None = ()
    row_ids: Collection[str] | None = ()

    def parameters(self) -> dict[str, list[str] | None]:
        """Return the parameters of the statements that raise the revision; null for more than are noted."""
        if self.claim_ids is None or self.child_ids is None or len(self.claim_ids) + len(self.child_ids) > MAX_NOTED:
            return {"claim_ids": None, "child_ids": None, "row_ids": None}
        row_ids = None if self.row_ids is None or len(self.row_ids) > MAX_NOTED else sorted(self.row_ids)
        return {"claim_ids": sorted(self.claim_ids), "child_ids": sorted(self.child_ids), "row_ids": row_ids}


UNKNOWN_CHANGES: Final = Changes(None, None, None)


def row_note(name: str, row_id: str) -> str:
    """Return the note of a row: the name of its list, and its id."""
    return f"{name}:{row_id}"


def changes_of_claims(claim_ids: Iterable[str]) -> Changes:
    """Return the changes of a write that changes some claims and no influence; unknown ones if it names none."""
    ids = frozenset(claim_ids)
    return Changes(ids) if ids else UNKNOWN_CHANGES


async def raise_revision(unit: Unit, changes: Changes) -> None:
    """Count a write that can change a belief or an influence, as the last statement that takes a lock."""
    await unit.run("database/raise_revision", **changes.parameters())
