"""Imports files of forecasts and of predictions, as bundles are imported: checked as a whole first."""

import asyncio
import hashlib

from graph.bundles.batches import check_size, fits_transaction
from graph.bundles.checked import OnProgress
from graph.bundles.drafts import Draft
from graph.bundles.importing import ImportReport, import_draft
from graph.database.sessions import Database
from graph.errors import BundleError
from graph.forecasts.files import read_forecasts
from graph.forecasts.questions import read_predictions


async def import_forecasts(
    database: Database, text: str, *, on_progress: OnProgress | None = None, is_dry_run: bool = False
) -> ImportReport:
    """
    Import a file of forecasts; one with problems changes nothing.

    Args:
        database: The database to write to.
        text: The file, as `graph.forecasts.files` describes it.
        on_progress: Called with the number of rows written and the number of all rows.
        is_dry_run: Whether to check the file, compute the report and roll back.

    Raises:
        InvalidError: The file's first line has other columns, or it has too many lines.
        BundleError: Lines have problems; the error lists all of them, each with its line.
        UnavailableError: The database cannot be reached.
    """
    draft = await asyncio.to_thread(read_forecasts, text)
    return await _import(database, text, draft, on_progress, is_dry_run=is_dry_run)


async def import_predictions(
    database: Database, text: str, *, on_progress: OnProgress | None = None, is_dry_run: bool = False
) -> tuple[ImportReport, tuple[str, ...]]:
    """
    Import a file of predictions; one with problems changes nothing.

    Args:
        database: The database to write to.
        text: The file, as `graph.forecasts.questions` describes it.
        on_progress: As for `import_forecasts`.
        is_dry_run: As for `import_forecasts`.

    Returns:
        The changes, and the columns that were passed over.

    Raises:
        InvalidError: The table has no column of titles, the JSON is no list, or there are too many predictions.
        BundleError: Lines or questions have problems; the error lists all of them.
        UnavailableError: The database cannot be reached.
    """
    file = await asyncio.to_thread(read_predictions, text)
    return await _import(database, text, file.draft, on_progress, is_dry_run=is_dry_run), file.ignored


async def _import(
    database: Database, text: str, draft: Draft, on_progress: OnProgress | None, *, is_dry_run: bool
) -> ImportReport:
    if draft.problems:
        raise BundleError(draft.problems, what="the file")
    check_size(sum(len(rows) for rows in draft.rows.values()))
    fits = await asyncio.to_thread(fits_transaction, draft, len(text))
    digest = None if fits else hashlib.sha256(text.encode()).hexdigest()
    return await import_draft(database, draft, fits=fits, digest=digest, on_progress=on_progress, dry_run=is_dry_run)
