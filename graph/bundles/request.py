"""Bundles as requests: counted once under their idempotency key, where one transaction holds them."""

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
    Write a bundle, in one transaction with its receipt unless it is too large for one.

    Args:
        database: Where to.
        bundle: The bundle, as JSON holds it.
        idempotency_key: Under which a retry is known; a bundle that takes several transactions can have none.
        is_dry_run: Say what it would do, and keep nothing.

    Returns:
        A payload with `lists`: of each list that has rows its name and how many were created, updated and unchanged.

    Raises:
        BundleError: With everything that is wrong with it.
        InvalidError: The key is none, or the bundle is too large to have one.
        KeyReusedError: The key stands for another request.
    """
    request = WriteRequest("importBundle", {"bundle": bundle}, idempotency_key, is_dry_run)
    text = json.dumps(bundle)
    draft = read_draft(text)
    if not fits_transaction(draft, len(text)) and idempotency_key is not None:
        message = (
            "expected a bundle that one transaction holds, got a larger one; leave the key out, since importing again "
            "changes nothing, or import it in parts"
        )
        raise InvalidError(message, path="idempotency_key")
    if draft.problems or not fits_transaction(draft, len(text)):
        # Says everything that is wrong, with the graph too.
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
