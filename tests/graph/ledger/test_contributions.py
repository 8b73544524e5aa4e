"""The items of ledger rows are converted from the form of an older version, once."""

import json
from typing import Any

import pytest
from neo4j.time import DateTime

from cypher import list_migrations
from graph.database.migrations import migrate
from graph.database.sessions import Database
from graph.ledger.contributions import MIGRATION, convert_contributions
from graph.model.properties import from_properties, parallel_lists
from graph.model.rows import Evidence
from graph.sample import Sample
from graph.sample.loading import load_samples
from tests.helpers.copies import import_once

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

UNWOUND = """
    MATCH (e:Evidence) WHERE e.contribution_llr IS NOT NULL
    UNWIND range(0, size(e.contribution_llr) - 1) AS i
    WITH e, i, e.contribution_llr[i] AS llr, e.contribution_kappa[i] AS kappa
    ORDER BY i
    RETURN e.id AS id, collect({llr: llr, kappa: CASE WHEN kappa <= 1 THEN kappa END}) AS items
"""
"""What an analyst writes."""


AGE = """
    UNWIND $rows AS row
    MATCH (e:Evidence {id: row.id})
    SET e += row.properties
"""
FORGET = "MATCH (g:Graph {id: 'migrations'}) SET g.applied = [entry IN g.applied WHERE entry < $name]"


async def run(database: Database, statement: str, **parameters: Any) -> list[dict[str, Any]]:
    """A statement's rows."""
    async with database.open_session() as session:
        return [record.data() async for record in await session.run(statement, parameters)]


async def read(database: Database) -> dict[str, Evidence]:
    """All rows of the ledger."""
    found = [row["row"] for row in await run(database, "MATCH (e:Evidence) RETURN properties(e) AS row")]
    native = [
        {name: value.to_native() if isinstance(value, DateTime) else value for name, value in row.items()}
        for row in found
    ]
    return {row.id: row for row in (from_properties(Evidence, row) for row in native)}


def old_form(row: Evidence) -> dict[str, Any]:
    """A row's items as an older version stored them."""
    items = [item.model_dump(mode="json", exclude_none=True) for item in row.contributions]
    lists = dict.fromkeys(found.property for found in parallel_lists(Evidence)["contributions"])
    return {"contributions": json.dumps(items) if items else None, **lists}


@pytest.mark.every_release
async def test_items_stored_as_text_are_converted_before_the_migration(database: Database) -> None:
    """In pages, and not again once the migration is noted."""
    await import_once(database, load_samples(Sample.ALL))
    before = await read(database)
    await run(database, AGE, rows=[{"id": row.id, "properties": old_form(row)} for row in before.values()])
    (own,) = [migration for migration in list_migrations() if migration.name.endswith(f"_{MIGRATION}")]
    await run(database, FORGET, name=own.name)

    num_converted = await convert_contributions(database, page_rows=50)
    again = await convert_contributions(database)
    applied = await migrate(database)

    assert num_converted == sum(bool(row.contributions) for row in before.values()) > 50
    assert again == 0
    assert await convert_contributions(database) == 0
    assert own.name in applied
    assert await read(database) == before
    assert await run(database, "MATCH (e:Evidence) RETURN count(e.contributions) AS left") == [{"left": 0}]


async def test_an_analyst_unwinds_items_without_parsing(database: Database) -> None:
    await import_once(database, load_samples(Sample.ALL))
    rows = await read(database)

    found = {row["id"]: row["items"] for row in await run(database, UNWOUND)}

    assert found == {
        key: [{"llr": item.llr, "kappa": item.kappa} for item in row.contributions]
        for key, row in rows.items()
        if row.contributions
    }
