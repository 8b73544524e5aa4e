"""Imports as idempotent write requests, for bundles that fit into one transaction."""

import asyncio
import json
from typing import Any

from graph.bundles.batches import fits_transaction
from graph.bundles.drafts import read_draft
from graph.bundles.importing import ImportReport, import_rows, import_text
from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.sessions import Database, Unit
from graph.errors import InvalidError
from graph.model.bundle import LISTS


async def import_once(
    database: Database, bundle: Any, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Import a bundle, in one transaction with its receipt, or in several if it is too large for one.

    Args:
        database: The database to write to.
        bundle: The bundle, as parsed from JSON.
        idempotency_key: The request's key; None without one, as for a bundle that takes several transactions.
        is_dry_run: Whether to compute the answer and roll back.

    Returns:
        A payload with `lists`: of each list with rows its `name` and the numbers `created`, `updated` and `unchanged`.

    Raises:
        BundleError: The bundle has problems; the error lists all of them.
        InvalidError: The key is malformed, the bundle is too large for a key, or it has too many rows.
        KeyReusedError: The idempotency key belongs to another request.
    """
    request = WriteRequest("importBundle", {"bundle": bundle}, idempotency_key, is_dry_run)
    text = await asyncio.to_thread(json.dumps, bundle)
    draft = await asyncio.to_thread(read_draft, text)
    fits = await asyncio.to_thread(fits_transaction, draft, len(text))
    if not fits and idempotency_key is not None:
        message = (
            "the bundle is too large for one transaction, and so for an idempotency key; leave the key out, since "
            "importing the bundle again changes nothing, or import it in parts"
        )
        raise InvalidError(message, path="idempotency_key")
    if draft.problems or not fits:
        # Finds the problems with the graph too, and splits a bundle that is too large.
        report = await import_text(database, text, dry_run=is_dry_run)
        return Answered(_payload(report), is_dry_run=is_dry_run)

    async def work(unit: Unit) -> Payload:
        return _payload(await import_rows(unit, {name: [row for _, row in draft.rows[name]] for name in LISTS}))

    return await write_once(database, request, work, raises_revision=False)


def _payload(report: ImportReport) -> Payload:
    lists = [
        {
            "name": name,
            "created": report.created[name],
            "updated": report.updated[name],
            "unchanged": report.unchanged[name],
        }
        for name in LISTS
    ]
    return {"lists": [row for row in lists if row["created"] or row["updated"] or row["unchanged"]]}
