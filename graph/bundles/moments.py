"""
Moments at which rows came into their graph and were changed last: carried by backups, and set where one is restored.

Statements that write a row set them, so no bundle can have them. Only a stream that goes into an empty graph brings
those of its rows along, which takes a shell and the database's password; where it is merged into another graph, its
rows are new there, and whoever follows changes must see them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from graph.database.paging import slices
from graph.database.sessions import Unit
from graph.model.page_keys import join, stamp_keys, stamp_text
from graph.model.subjects import NODE_LISTS
from graph.model.values import Moment

MOMENT_LISTS: Final = frozenset(listed.name for listed in NODE_LISTS if listed.is_subject)
"""The lists whose rows have such moments."""


ROWS_AT_ONCE: Final = 1_000
"""Rows of a statement."""


class RowMoments(BaseModel):
    """
    Moments of a row.

    Attributes:
        created_at: When it came into its graph; None if that is not known.
        updated_at: When it was changed last; None if that is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    created_at: Moment | None = None
    updated_at: Moment | None = None

    def properties(self, key: str) -> dict[str, Any]:
        """Return the properties of the node with a key; moments as text, which the driver makes in less time."""
        keys: dict[str, Any] = dict(stamp_keys(key))
        for name, moment in (("created", self.created_at), ("updated", self.updated_at)):
            if moment is not None:
                keys[f"{name}_key"] = join(stamp_text(moment), key)
        return {"created_at": _text(self.created_at), "updated_at": _text(self.updated_at), **keys}


ListMoments = Mapping[str, Mapping[str, RowMoments]]
"""Moments of rows by list and key."""


async def set_moments(unit: Unit, moments: ListMoments, written: Mapping[str, Sequence[str]] | None = None) -> None:
    """
    Set the moments of rows.

    Args:
        unit: The transaction.
        moments: The moments.
        written: The keys of the rows that get theirs, by list; None for all rows.
    """
    for name, found in moments.items():
        keys = list(found) if written is None else [key for key in written.get(name, ()) if key in found]
        for part in slices(keys, ROWS_AT_ONCE):
            rows = [{"key": key, **found[key].properties(key)} for key in part]
            await unit.run("bundles/set_moments", **{**dict.fromkeys(MOMENT_LISTS, ()), name: rows})


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
