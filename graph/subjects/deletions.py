"""
Subjects and relationships taken away: only what nothing refers to, and nothing that is history.

Counting what refers to a node is one look at its degree; deleting costs by what goes with it.
"""

from collections.abc import Mapping
from typing import Any

from graph.bundles.importing import import_rows
from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.sessions import Database, Unit
from graph.errors import ConflictError, HistoryError, NotFoundError, counted, refuse
from graph.model.kinds import ClaimStatus, MilestoneKind
from graph.model.properties import from_properties
from graph.model.rows import Milestone, Prediction
from graph.model.subjects import CLAIM_SUBJECTS, CLAIMS, ROW_LISTS, EdgeList, list_of, noun_of, references_of
from graph.reading.following import get
from graph.subjects.upserts import Change, observations_of

# Ten thousand influences went in 5.4 s on two busy cores, nearly all of it the commit; a request may take thirty.
MAX_RELATIONSHIPS = 20_000

_NAME_ANOTHER = "let them name another, or none"
# Nouns for what refers to a node, and what to do first, where the list's declaration does not say it; nothing helps
# against the ledger, which only grows.
REFERRERS: Mapping[str, tuple[str, str]] = {
    CLAIMS: ("claim", _NAME_ANOTHER),
    "document_links": ("claim", "unlink it from them"),
    "evidence": ("ledger row", "the ledger only grows, so it stays"),
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
    Delete a node with what is only its own, in one transaction.

    Returns:
        A payload with `subject`, `id` and the numbers of what went with it: `influences`, `exposures`,
        `document_links`, `milestones`.

    Raises:
        NotFoundError: It is not there.
        HistoryError: Something refers to it, or it is history itself.
        ConflictError: It cannot go alone, or too much would go with it.
    """
    if subject in {"Evidence", "Validation"}:
        advice = {
            "Evidence": "submit evidence that speaks the other way",
            "Validation": "add another that says what is right",
        }
        word = "the ledger" if subject == "Evidence" else "the record of validations"
        message = f"expected a subject that can be deleted, got {subject} {key!r}; {word} only grows; {advice[subject]}"
        raise HistoryError(message, path=path)
    request = WriteRequest("deleteSubject", {"subject": subject, "key": key}, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        await unit.run("database/lock_graph")
        if subject in CLAIM_SUBJECTS:
            gone = await _delete_claim(unit, subject, key, path)
        elif subject == "Milestone":
            gone = await _delete_milestone(unit, key, path)
        else:
            gone = await _delete_other(unit, subject, key, path)
        numbers = {name: gone.get(name, 0) for name in ("influences", "exposures", "document_links", "milestones")}
        return {"subject": subject, "id": key, **numbers}

    return await write_once(database, request, work)


async def remove_edge(
    database: Database, change: Change, mutation: str, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Remove an influence, an exposure or a document's link, in one transaction.

    Args:
        database: Where to.
        change: Which; its values are the ends and, where there are several kinds, the kind.
        mutation: Under which name a retry is known.
        idempotency_key: Under which key.
        is_dry_run: Keep it.

    Raises:
        NotFoundError: One of its ends is not there, or it is not there itself.
    """
    values = {name: str(value) for name, value in change.values.items()}
    request = WriteRequest(mutation, values, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        await unit.run("database/lock_graph")
        (answer,) = await unit.run(f"remove/{change.name}", **values)
        if not answer["num_removed"]:
            await _check_ends(unit, change)
            said = ", ".join(f"{name} {value}" for name, value in values.items())
            message = f"no {ROW_LISTS[change.name].noun} has {said}"
            raise NotFoundError(message, path=change.path)
        return {"removed": values}

    return await write_once(database, request, work)


async def _check_ends(unit: Unit, change: Change) -> None:
    ends = [
        (end.property, end.target, str(change.values[end.property])) for end in references_of(ROW_LISTS[change.name])
    ]
    found = await get(unit, [(subject, node_id, ()) for _, subject, node_id in ends])
    refuse(
        [
            _not_found(subject, node_id, change.place(name))
            for (name, subject, node_id), entry in zip(ends, found, strict=True)
            if entry is None
        ]
    )


async def _delete_claim(unit: Unit, subject: str, key: str, path: str) -> Mapping[str, int]:
    (found,) = await get(unit, [(subject, key, ())])
    counts = await unit.run("subjects/count_claim_dependents", id=key) if found else []
    if not counts:
        raise _not_found(subject, key, path)
    (claim,) = counts
    if reasons := _claim_history(claim):
        annul = "" if claim["status"] == ClaimStatus.ANNULLED else "; annul it instead, so that it counts no longer"
        message = f"expected a claim without history, got {key!r}, which has {' and '.join(reasons)}{annul}"
        raise HistoryError(message, path=path)
    num_relationships = claim["influences"] + claim["exposures"] + claim["document_links"]
    if num_relationships > MAX_RELATIONSHIPS:
        message = (
            f"expected a claim with at most {MAX_RELATIONSHIPS} influences, exposures and documents, got "
            f"{num_relationships}; remove some of them first"
        )
        raise ConflictError(message, path=path)
    await unit.run("subjects/delete_claim", id=key)
    return claim


def _claim_history(claim: Mapping[str, Any]) -> list[str]:
    words = {"evidence": "ledger row", "validations": "validation", "observed_milestones": "observed milestone"}
    reasons = [counted(claim[name], word) for name, word in words.items() if claim[name]]
    if claim["status"] != ClaimStatus.OPEN:
        reasons.append(f"a settled outcome ({claim['status']})")
    return reasons


async def _delete_milestone(unit: Unit, key: str, path: str) -> Mapping[str, int]:
    """A milestone out of its chain, whose ranks are made anew; the check-ins on the way to an event go with it."""
    (owners,) = await unit.run("outcomes/list_milestone_owners", ids=[key])
    if not owners["prediction_ids"]:
        raise _not_found("Milestone", key, path)
    await unit.run("ledger/lock_claims", ids=owners["prediction_ids"])
    (chain,) = await unit.run("outcomes/list_milestones", ids=owners["prediction_ids"])
    milestones = {row["id"]: from_properties(Milestone, row) for row in chain["rows"]}
    (found,) = await unit.run("subjects/count_milestone_dependents", ids=[key])
    if reasons := observations_of(found):
        raise HistoryError(f"expected a milestone without history, got {key!r}, which {reasons}; it stays", path=path)
    check_ins = [row.id for row in milestones.values() if row.kind is MilestoneKind.CHECK_IN]
    going = {key}
    if milestones[key].kind is MilestoneKind.CHECK_IN and any(
        row.kind is MilestoneKind.EVENT for row in milestones.values()
    ):
        message = (
            f"expected an event or a researched milestone, got check-in {key!r}, which follows from the window and the "
            "event of its chain; delete the event, and the check-ins go with it"
        )
        raise ConflictError(message, path=path)
    if milestones[key].kind is MilestoneKind.EVENT:
        pending = await unit.run("subjects/count_milestone_dependents", ids=check_ins)
        going |= {entry["milestone"]["id"] for entry in pending if not observations_of(entry)}
    await unit.run("subjects/delete_milestones", ids=sorted(going))
    (owner,) = await unit.run("bundles/list_predictions", ids=owners["prediction_ids"])
    await import_rows(unit, {"predictions": [from_properties(Prediction, row) for row in owner["rows"]]})
    return {"milestones": len(going) - 1}


async def _delete_other(unit: Unit, subject: str, key: str, path: str) -> Mapping[str, int]:
    name = list_of(subject).name
    found = await unit.run(f"count_dependents/{name}", id=key)
    if not found:
        raise _not_found(subject, key, path)
    (counts,) = found
    if referring := {name: number for name, number in counts.items() if number}:
        word = noun_of(subject)
        who = " and ".join(counted(number, _describe_referrers(name)[0]) for name, number in referring.items())
        _, advice = _describe_referrers("evidence" if "evidence" in referring else next(iter(referring)))
        message = f"expected a {word} that nothing refers to, got {key!r}, to which {who} refer; {advice} first"
        raise HistoryError(message.removesuffix(" first") if "evidence" in referring else message, path=path)
    await unit.run(f"delete/{name}", id=key)
    return {}


def _describe_referrers(name: str) -> tuple[str, str]:
    """The noun for a list's rows that refer to a node, and what to do about them first."""
    if name in REFERRERS:
        return REFERRERS[name]
    listed = ROW_LISTS[name]
    return listed.noun, "remove them" if isinstance(listed, EdgeList) else _NAME_ANOTHER


def _not_found(subject: str, key: str, path: str) -> NotFoundError:
    return NotFoundError(f"expected the id of a {noun_of(subject)}, got {key!r}, which none has", path=path)
