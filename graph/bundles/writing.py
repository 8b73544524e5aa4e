"""Writes checked rows in batches, and updates what depends on them: relationships, page keys, beliefs, records."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from graph.bundles.batches import BATCH_ROWS, Batch, in_batches
from graph.bundles.checked import Checked
from graph.bundles.checks import as_claim, as_evidence
from graph.bundles.moments import set_moments
from graph.database.revisions import MAX_NOTED, Changes, raise_revision, row_note
from graph.database.sessions import Unit
from graph.errors import ConflictError
from graph.ledger.derived import rebuild_claims
from graph.ledger.predictor_records import refresh_records
from graph.ledger.settings import get_setting
from graph.ledger.versions import record_versions
from graph.model.bundle import LISTS
from graph.model.page_keys import (
    OUTCOMES,
    bounds,
    document_link_keys,
    influence_keys,
)
from graph.model.properties import to_properties, with_moments_as_text
from graph.model.rows import (
    DocumentLink,
    Influence,
    Prediction,
    Row,
    Version,
)
from graph.model.search_texts import search_keys
from graph.model.subjects import CLAIM_LISTS, CLAIMS, ROW_LISTS, EdgeList, NodeList, row_id
from graph.model.versions import (
    EXPOSURE_VERSIONS,
    VERSION_LISTS,
    VERSIONED_BY_LIST,
    VERSIONS,
    exposed_prediction,
)


@dataclass(slots=True)
class Written:
    """The ids that an import wrote, list by list."""

    created: dict[str, list[str]] = field(default_factory=dict)
    updated: dict[str, list[str]] = field(default_factory=dict)

    def note(self, name: str, created: Iterable[str], updated: Iterable[str]) -> None:
        """Add the ids written of one list."""
        self.created.setdefault(name, []).extend(created)
        self.updated.setdefault(name, []).extend(updated)

    def add(self, other: "Written") -> None:
        """Add the ids that another transaction wrote."""
        for name in LISTS:
            self.note(name, other.created.get(name, ()), other.updated.get(name, ()))


async def write_batches(
    unit: Unit,
    checked: Checked,
    batches: Iterable[Batch],
    written: Written,
    progress: Callable[[int], None],
) -> None:
    """
    Write batches of rows, and update what depends on them.

    Args:
        unit: The transaction.
        checked: The bundle that the batches are a part of.
        batches: The batches to write.
        written: Gets the ids of the rows written.
        progress: Called with the number of rows of each batch.
    """
    num_changed = 0
    changed = Written()
    async with aclosing(_prepare_ahead(batches, checked)) as prepared:
        async for batch in prepared:
            created, updated = await (_create if batch.is_new else _upsert)(unit, batch)
            written.note(batch.name, created, updated)
            changed.note(batch.name, created, updated)
            num_changed += len(created) + len(updated)
            progress(len(batch.rows))
    if checked.moments:  # before beliefs are computed, which depend on when a claim was stated
        await set_moments(unit, checked.moments, changed.created)
    if num_changed:
        revised = await _record_versions(unit, checked, changed)
        rebuilt_ids = await _recompute_dependents(unit, checked, changed, revised)
        await raise_revision(unit, _changes(checked, changed, rebuilt_ids))


class _Prepared(NamedTuple):
    """
    Rows of one list as their statement's parameter.

    Attributes:
        name: The list.
        is_new: Whether the graph has none of the rows.
        ids: The rows' ids.
        rows: The rows' properties.
    """

    name: str
    is_new: bool
    ids: list[str]
    rows: list[dict[str, Any]]


async def _create(unit: Unit, batch: _Prepared) -> tuple[list[str], list[str]]:
    """
    Create rows that the graph does not have, with their relationships; return their ids, and none updated.

    Raises:
        ConflictError: A row refers to a node that the graph no longer has, or the graph has a row after all.
    """
    (answer,) = await unit.run(f"create/{batch.name}", rows=batch.rows)
    if answer["num_created"] != len(batch.rows):
        raise ConflictError("the graph has changed during the import; import the bundle again")
    return batch.ids, []


async def _upsert(unit: Unit, batch: _Prepared) -> tuple[list[str], list[str]]:
    """Create or update rows, and what depends on them at once; return the ids of those created and updated."""
    (answer,) = await unit.run(f"upsert/{batch.name}", rows=batch.rows)
    await _update_relationships(unit, batch.name, answer["created"], answer["updated"])
    return answer["created"], answer["updated"]


async def _prepare_ahead(batches: Iterable[Batch], checked: Checked) -> AsyncGenerator[_Prepared, None]:
    """Convert batches to parameters, each in a thread while the database writes the one before."""
    prepared = _prepare(batches, checked)
    following = asyncio.create_task(asyncio.to_thread(next, prepared, None))
    try:
        while (batch := await following) is not None:
            following = asyncio.create_task(asyncio.to_thread(next, prepared, None))
            yield batch
    finally:
        await asyncio.wait([following])


def _prepare(batches: Iterable[Batch], checked: Checked) -> Iterator[_Prepared]:
    """Convert batches to parameters, the new rows of each apart from the others."""
    for name, rows, _ in batches:
        new, others = list[Row](), list[Row]()
        for _, row in rows:
            (new if checked.is_new(row) else others).append(row)
        if new:
            entries = [_new_entry(name, row, checked) for row in new]
            yield _Prepared(name, is_new=True, ids=list(map(row_id, new)), rows=entries)
        if others:
            entries = [_entry(name, row, checked) for row in others]
            yield _Prepared(name, is_new=False, ids=list(map(row_id, others)), rows=entries)


def _new_entry(name: str, row: Row, checked: Checked) -> dict[str, Any]:
    """Convert a new row to its statement's parameter, which leaves absent properties out."""
    properties = {**to_properties(row), **checked.page_keys(row), **search_keys(row)}
    listed = ROW_LISTS[name]
    if isinstance(listed, NodeList) and listed.has_derived:
        properties.update(checked.derived.get(row_id(row), {}))
        properties = with_moments_as_text(properties)
    return {name: value for name, value in properties.items() if value is not None}


def _entry(name: str, row: Row, checked: Checked) -> dict[str, Any]:
    """Convert a row to its statement's parameter."""
    properties = {**to_properties(row), **checked.page_keys(row), **search_keys(row)}
    listed = ROW_LISTS[name]
    if isinstance(listed, EdgeList):
        return properties
    if listed.is_bulk:
        properties = with_moments_as_text(properties)
    if not listed.has_derived:
        return properties
    return {"row": properties, "derived": with_moments_as_text(checked.derived.get(row_id(row), {}))}


def _changes(checked: Checked, written: Written, rebuilt_ids: Iterable[str]) -> Changes:
    """Return what an import changed, the claims rebuilt included."""
    changed = {name: {*written.created.get(name, ()), *written.updated.get(name, ())} for name in LISTS}
    others = {name: ids for name, ids in changed.items() if name not in {*CLAIM_LISTS, "influences"}}
    others[VERSIONS] = _versions_of_others(checked, changed)
    influences = (row for _, row in checked.rows["influences"] if isinstance(row, Influence))
    return Changes(
        claim_ids={*rebuilt_ids, *(claim_id for name in CLAIM_LISTS for claim_id in changed[name])},
        child_ids={row.child_id for row in influences if row_id(row) in changed["influences"]},
        row_ids=[row_note(name, row_id) for name, ids in others.items() for row_id in ids],
        entry_ids=written.created.get("evidence", ()),
        is_large=len(changed["influences"]) > MAX_NOTED,
    )


def _versions_of_others(checked: Checked, changed: Mapping[str, Collection[str]]) -> set[str]:
    """Return the ids of written versions that the notes of the written nodes do not stand for."""
    written: dict[str, set[str]] = {name: set(changed.get(name, ())) for name in VERSION_LISTS.values()}
    written[CLAIMS] = {claim_id for name in CLAIM_LISTS for claim_id in changed[name]}
    rows = (row for _, row in checked.rows[VERSIONS] if isinstance(row, Version) and row.id in changed[VERSIONS])
    return {row.id for row in rows if row.subject_id not in written[VERSION_LISTS[row.subject]]}


def _notes(changed: Mapping[str, Collection[str]]) -> list[str] | None:
    """Return the notes of changed rows; None if they are more than are noted."""
    if sum(map(len, changed.values())) > MAX_NOTED:
        return None
    return [row_note(name, row_id) for name, ids in changed.items() for row_id in ids]


async def _record_versions(unit: Unit, checked: Checked, written: Written) -> set[str]:
    """
    Record the versions of written rows; returns the ids of the claims that have had other values before.

    An exposure that came with its prediction stands for the time before, as what is first recorded of the prediction
    does.
    """
    moment = datetime.now(UTC)
    revised: set[str] = set()
    for name in VERSIONED_BY_LIST:
        ids = {*written.created.get(name, ()), *written.updated.get(name, ())}
        first = _came_with_predictions(checked, ids) if name == EXPOSURE_VERSIONS.name else set()
        for own, is_reconstructed in ((first, True), (ids - first, False)):
            if own:
                found = await record_versions(unit, name, own, moment, is_reconstructed=is_reconstructed)
                revised |= found if name in CLAIM_LISTS else set()
    return revised


def _came_with_predictions(checked: Checked, exposure_ids: Collection[str]) -> set[str]:
    """Return the exposures whose predictions are new as well."""
    known = {} if checked.is_restore else checked.known.claim_kinds
    return {row_id for row_id in exposure_ids if exposed_prediction(row_id) not in known}


async def _recompute_dependents(unit: Unit, checked: Checked, written: Written, revised: Collection[str]) -> set[str]:
    """
    Recompute what written rows change: beliefs of claims that the graph had before, and predictors' records.

    Args:
        unit: The transaction.
        checked: The bundle.
        written: The rows written of it.
        revised: The claims that have had other values before.

    Returns:
        The ids of these claims.
    """
    predictions = {row.id: row for _, row in checked.rows["predictions"] if isinstance(row, Prediction)}
    changed = {name: {*written.created.get(name, ()), *written.updated.get(name, ())} for name in LISTS}
    ledger = (as_evidence(row) for _, row in checked.rows["evidence"])
    stale = {row.claim_id for row in ledger if row.id in changed["evidence"]} & set(checked.known.claim_kinds)
    stale |= {claim_id for name in CLAIM_LISTS for claim_id in written.updated.get(name, ())}
    stale |= await _list_members(unit, written.updated.get("reference_classes", ()))
    stale |= _closed_before(checked, changed, revised)
    now = datetime.now(UTC)
    if (await get_setting(unit)).since is not None:
        stale |= {claim_id for name in CLAIM_LISTS for claim_id in written.created.get(name, ())}
    await rebuild_claims(unit, stale, now)
    resolved = {claim_id for claim_id in changed["predictions"] if predictions[claim_id].status in OUTCOMES}
    resolved |= set(written.updated.get("predictions", ()))
    predictor_ids = {predictions[prediction_id].predictor_id for prediction_id in resolved}
    predictor_ids |= {checked.known.predictor_ids.get(prediction_id) for prediction_id in resolved}
    await refresh_records(unit, changed["predictors"] | {name for name in predictor_ids if name is not None}, now)
    return stale


def _closed_before(checked: Checked, changed: Mapping[str, Collection[str]], revised: Collection[str]) -> set[str]:
    """Return new claims with an outcome whose beliefs follow from earlier values, theirs or those of their class."""
    classes = checked.known.ids.get("reference_classes", frozenset())
    closed: set[str] = set()
    for name in CLAIM_LISTS:
        for claim in (as_claim(row) for _, row in checked.rows[name]):
            class_id = claim.reference_class_id if isinstance(claim, Prediction) else None
            if claim.id in changed[name] and claim.resolved_at and (claim.id in revised or class_id in classes):
                closed.add(claim.id)
    return closed


async def _list_members(unit: Unit, class_ids: Iterable[str]) -> set[str]:
    """List the predictions of reference classes."""
    members: set[str] = set()
    for class_id in class_ids:
        low, high = bounds(class_id)
        while True:
            (page,) = await unit.run("bundles/list_class_members", low=low, high=high, limit=BATCH_ROWS)
            members.update(page["ids"])
            if len(page["ids"]) < BATCH_ROWS:
                break
            low = page["last_key"]
    return members


async def _update_relationships(unit: Unit, name: str, created: Sequence[str], updated: Sequence[str]) -> None:
    """Write the relationships of changed rows, and the page keys of others' relationships that depend on them."""
    changed = [*created, *updated]
    listed = ROW_LISTS[name]
    if changed and isinstance(listed, NodeList) and listed.references:
        await unit.run(f"link/{name}", ids=changed)
    if name in CLAIM_LISTS:
        await _refresh_influence_keys(unit, updated)
    elif name == "documents":
        await _refresh_link_keys(unit, updated)


async def _refresh_influence_keys(unit: Unit, updated: Sequence[str]) -> None:
    """Recompute the page keys of claims' influences, which depend on the claims' probabilities."""
    for ids in in_batches(updated):
        rows = await unit.run("bundles/list_touching_influences", ids=ids)
        for part in in_batches(rows):
            await unit.run("bundles/set_influence_keys", rows=[_new_influence_keys(row) for row in part])


async def _refresh_link_keys(unit: Unit, updated: Sequence[str]) -> None:
    """Recompute the page keys of documents' links, which depend on the moments of publication."""
    for ids in in_batches(updated):
        (answer,) = await unit.run("bundles/list_document_links", ids=ids)
        for part in in_batches(answer["links"]):
            await unit.run("upsert/document_links", rows=[_link_row(link) for link in part])


def _link_row(link: Mapping[str, Any]) -> dict[str, Any]:
    row = DocumentLink(document_id=link["document_id"], claim_id=link["claim_id"])
    return to_properties(row) | document_link_keys(row, link["published_at"])


def _new_influence_keys(row: Mapping[str, Any]) -> dict[str, Any]:
    influence = Influence.model_validate({name: row[name] for name in Influence.model_fields if name in row})
    probabilities = {row["parent_id"]: row["parent_probability"], row["child_id"]: row["child_probability"]}
    ends = {name: row[name] for name in ("kind", "parent_id", "child_id")}
    return ends | influence_keys(influence, probabilities)
