"""
Deletions of single nodes and relationships, of nodes only if nothing refers to them and they are not history.

Referring rows are counted by the node's degree; a deletion costs by the number of relationships deleted with the node.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from graph.bundles.importing import import_rows
from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.revisions import Changes, raise_revision, row_note
from graph.database.sessions import Database, Unit
from graph.errors import ConflictError, HistoryError, NotFoundError, counted, refuse
from graph.families.store import list_families
from graph.ledger.versions import record_deletions, record_removed_exposures
from graph.model.kinds import ClaimStatus, MilestoneKind, VersionSubject
from graph.model.properties import from_properties
from graph.model.rows import Milestone, Prediction
from graph.model.subjects import CLAIM_SUBJECTS, CLAIMS, MARK, ROW_LISTS, EdgeList, list_of, noun_of, references_of
from graph.model.versions import VERSIONED_BY_LIST
from graph.reading.following import get
from graph.subjects.upserts import Change, observations_of

# Deleting 10,000 influences took 5.4 s on two busy cores, nearly all of it the commit; a request may take thirty.
MAX_RELATIONSHIPS = 20_000

INFLUENCES = "influences"
EXPOSURES = "exposures"

_NAME_ANOTHER = "let them name another, or none, first"
# Nouns for the rows that refer to a node, and the advice to the client, where they do not follow from the declaration.
REFERRERS: Mapping[str, tuple[str, str]] = {
    CLAIMS: ("claim", _NAME_ANOTHER),
    "document_links": ("claim", "unlink it from them first"),
    "forecasts": ("forecast", "forecasts are append-only, so it cannot be deleted"),
    "evidence": ("ledger row", "the ledger is append-only, so it cannot be deleted"),
}


async def delete_subject(
    database: Database,
    subject: str,
    key: str,
    *,
    idempotency_key: str | None = None,
    is_dry_run: bool = False,
    path: str = "id",
) -> Answered:
    """
    Delete a node with everything that belongs to it alone, in one transaction.

    Args:
        database: The database to write to.
        subject: The node's label.
        key: The node's id or symbol.
        idempotency_key: The request's key; None without one.
        is_dry_run: Whether to compute the answer and roll back.
        path: The path of the key in the request, for error messages.

    Returns:
        A payload with `subject`, `id` and the numbers of `influences`, `exposures`, `document_links` and `milestones`
        deleted with it.

    Raises:
        NotFoundError: No node has the key.
        HistoryError: Other rows refer to the node, or it is recorded history.
        ConflictError: The node is a check-in of an event, a claim of a family, or has too many relationships.
        KeyReusedError: The idempotency key belongs to another request.
    """
    if subject in {"Evidence", "Validation"}:
        advice = {
            "Evidence": "the ledger is append-only; submit evidence to the contrary instead",
            "Validation": "validations are append-only; add one that corrects it instead",
        }
        message = f"{noun_of(subject)} {key!r} cannot be deleted, since {advice[subject]}"
        raise HistoryError(message, path=path)
    request = WriteRequest("deleteSubject", {"subject": subject, "key": key}, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        await unit.run("database/lock_graph")
        changes = Changes()
        if subject in CLAIM_SUBJECTS:
            counts, changes = await _delete_claim(unit, subject, key, path)
        elif subject == "Milestone":
            counts, changes = await _delete_milestone(unit, key, path)
        else:
            counts = await _delete_other(unit, subject, key, path)
            changes = Changes(row_ids=[row_note(list_of(subject).name, key)])
        await raise_revision(unit, changes)
        numbers = {name: counts.get(name, 0) for name in ("influences", "exposures", "document_links", "milestones")}
        return {"subject": subject, "id": key, **numbers}

    return await write_once(database, request, work, raises_revision=False)


async def remove_edge(
    database: Database, change: Change, mutation: str, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Remove an influence, an exposure or a document's link, in one transaction.

    Args:
        database: The database to write to.
        change: The relationship; its values are both ends and, if there are several, the type.
        mutation: The mutation's name; an idempotency key belongs to one mutation.
        idempotency_key: The request's key; None without one.
        is_dry_run: Whether to compute the answer and roll back.

    Returns:
        A payload with `removed`, the relationship's key.

    Raises:
        NotFoundError: There is no such relationship, or an end of it does not exist.
        KeyReusedError: The idempotency key belongs to another request.
    """
    values = {name: str(value) for name, value in change.values.items()}
    request = WriteRequest(mutation, values, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        await unit.run("database/lock_graph")
        (answer,) = await unit.run(f"remove/{change.list_name}", **values)
        if not answer["num_removed"]:
            await _check_ends(unit, change)
            listed = ", ".join(f"{name} {value!r}" for name, value in values.items())
            message = f"no {ROW_LISTS[change.list_name].noun} has {listed}"
            raise NotFoundError(message, path=change.path)
        if change.list_name == EXPOSURES:
            await record_removed_exposures(unit, [_key_of(EXPOSURES, values)], datetime.now(UTC))
        await raise_revision(unit, _changes_of(change.list_name, values))
        return {"removed": values}

    return await write_once(database, request, work, raises_revision=False)


def _changes_of(name: str, values: Mapping[str, str]) -> Changes:
    if name == INFLUENCES:
        return Changes(child_ids=[values["child_id"]])
    return Changes(row_ids=[row_note(name, _key_of(name, values))])


def _key_of(name: str, values: Mapping[str, str]) -> str:
    return MARK.join(values[part] for part in ROW_LISTS[name].key)


async def _check_ends(unit: Unit, change: Change) -> None:
    ends = [
        (end.property, end.target, str(change.values[end.property]))
        for end in references_of(ROW_LISTS[change.list_name])
    ]
    found = await get(unit, [(subject, node_id, ()) for _, subject, node_id in ends])
    refuse(
        [
            _not_found(subject, node_id, change.path_of(name))
            for (name, subject, node_id), entry in zip(ends, found, strict=True)
            if entry is None
        ]
    )


async def _delete_claim(unit: Unit, subject: str, key: str, path: str) -> tuple[Mapping[str, int], Changes]:
    (found,) = await get(unit, [(subject, key, ())])
    counts = await unit.run("subjects/count_claim_dependents", id=key) if found else []
    if not counts:
        raise _not_found(subject, key, path)
    (claim,) = counts
    if reasons := _claim_history(claim):
        annul = "" if claim["status"] == ClaimStatus.ANNULLED else "; annul it instead"
        message = f"claim {key!r} cannot be deleted, since it has {' and '.join(reasons)}{annul}"
        raise HistoryError(message, path=path)
    if families := await list_families(unit, [key]):
        named = " and ".join(repr(family.name) for family in families)
        message = f"claim {key!r} cannot be deleted, since it belongs to the family {named}; save that without it first"
        raise ConflictError(message, path=path)
    num_relationships = claim["influences"] + claim["exposures"] + claim["document_links"]
    if num_relationships > MAX_RELATIONSHIPS:
        message = (
            f"claim {key!r} has {num_relationships} influences, exposures and documents, of which one request deletes "
            f"at most {MAX_RELATIONSHIPS}; remove some of them first"
        )
        raise ConflictError(message, path=path)
    (chain,) = await unit.run("outcomes/list_milestones", ids=[key])
    (deleted,) = await unit.run("subjects/delete_claim", id=key)
    moment = datetime.now(UTC)
    await record_deletions(unit, VersionSubject.CLAIM, [(key, None)], moment)
    await record_deletions(unit, VersionSubject.MILESTONE, [(row["id"], key) for row in chain["rows"]], moment)
    await record_removed_exposures(unit, deleted["exposure_ids"], moment)
    notes = [row_note(EXPOSURES, row_id) for row_id in deleted["exposure_ids"]]
    return claim, Changes([key], [key, *deleted["child_ids"]], notes)


def _claim_history(claim: Mapping[str, Any]) -> list[str]:
    nouns = {
        "evidence": "ledger row",
        "forecasts": "forecast",
        "validations": "validation",
        "observed_milestones": "observed milestone",
    }
    reasons = [counted(claim[name], word) for name, word in nouns.items() if claim[name]]
    if claim["status"] != ClaimStatus.OPEN:
        reasons.append(f"the status {claim['status']}")
    return reasons


async def _delete_milestone(unit: Unit, key: str, path: str) -> tuple[Mapping[str, int], Changes]:
    """Delete a milestone, an event with its unobserved check-ins, and recompute the ranks in the chain."""
    (owners,) = await unit.run("outcomes/list_milestone_owners", ids=[key])
    if not owners["prediction_ids"]:
        raise _not_found("Milestone", key, path)
    await unit.run("ledger/lock_claims", ids=owners["prediction_ids"])
    (chain,) = await unit.run("outcomes/list_milestones", ids=owners["prediction_ids"])
    milestones = {row["id"]: from_properties(Milestone, row) for row in chain["rows"]}
    (found,) = await unit.run("subjects/count_milestone_dependents", ids=[key])
    if reasons := observations_of(found):
        raise HistoryError(f"milestone {key!r} cannot be deleted, since it {reasons}", path=path)
    check_ins = [row.id for row in milestones.values() if row.kind is MilestoneKind.CHECK_IN]
    deleted = {key}
    if milestones[key].kind is MilestoneKind.CHECK_IN and any(
        row.kind is MilestoneKind.EVENT for row in milestones.values()
    ):
        message = (
            f"check-in {key!r} cannot be deleted alone, since it follows from the prediction's window and event; "
            "delete the event, and its check-ins are deleted with it"
        )
        raise ConflictError(message, path=path)
    if milestones[key].kind is MilestoneKind.EVENT:
        pending = await unit.run("subjects/count_milestone_dependents", ids=check_ins)
        deleted |= {entry["milestone"]["id"] for entry in pending if not observations_of(entry)}
    await unit.run("subjects/delete_milestones", ids=sorted(deleted))
    owners_of = [(row_id, milestones[row_id].prediction_id) for row_id in sorted(deleted)]
    await record_deletions(unit, VersionSubject.MILESTONE, owners_of, datetime.now(UTC))
    (owner,) = await unit.run("bundles/list_predictions", ids=owners["prediction_ids"])
    await import_rows(unit, {"predictions": [from_properties(Prediction, row) for row in owner["rows"]]})
    notes = [row_note("milestones", row_id) for row_id in deleted]
    return {"milestones": len(deleted) - 1}, Changes(owners["prediction_ids"], row_ids=notes)


async def _delete_other(unit: Unit, subject: str, key: str, path: str) -> Mapping[str, int]:
    name = list_of(subject).name
    found = await unit.run(f"count_dependents/{name}", id=key)
    if not found:
        raise _not_found(subject, key, path)
    (counts,) = found
    if referring := {name: number for name, number in counts.items() if number}:
        referrers = " and ".join(counted(number, _describe_referrers(name)[0]) for name, number in referring.items())
        _, advice = _describe_referrers("evidence" if "evidence" in referring else next(iter(referring)))
        message = f"{noun_of(subject)} {key!r} is referred to by {referrers}; {advice}"
        raise HistoryError(message, path=path)
    await unit.run(f"delete/{name}", id=key)
    if name in VERSIONED_BY_LIST:
        await record_deletions(unit, VERSIONED_BY_LIST[name].subject, [(key, None)], datetime.now(UTC))
    return {}


def _describe_referrers(name: str) -> tuple[str, str]:
    """Return the noun for a list's rows that refer to a node, and the advice to the client."""
    if name in REFERRERS:
        return REFERRERS[name]
    listed = ROW_LISTS[name]
    return listed.noun, "remove them first" if isinstance(listed, EdgeList) else _NAME_ANOTHER


def _not_found(subject: str, key: str, path: str) -> NotFoundError:
    return NotFoundError(f"no {noun_of(subject)} has the id {key!r}", path=path)
