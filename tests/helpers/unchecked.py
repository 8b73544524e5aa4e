"""Stores influences and exposures as an older version did, without a look at their signs."""

from collections.abc import Mapping, Sequence
from typing import Any

from graph.database.revisions import Changes, raise_revision
from graph.database.sessions import Database, Unit
from graph.model.page_keys import exposure_keys, influence_keys
from graph.model.properties import to_properties
from graph.model.rows import Exposure, Influence


async def store_unchecked(
    database: Database, *, influences: Sequence[Mapping[str, Any]] = (), exposures: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Write rows whose ends are there already."""
    edges = [Influence.model_validate(row) for row in influences]

    async def work(unit: Unit) -> None:
        await unit.run("upsert/influences", rows=[to_properties(row) | influence_keys(row, {}) for row in edges])
        listed = [Exposure.model_validate(row) for row in exposures]
        await unit.run("upsert/exposures", rows=[to_properties(row) | exposure_keys(row) for row in listed])
        await raise_revision(unit, Changes(child_ids=sorted({row.child_id for row in edges})))

    await database.write(work)
