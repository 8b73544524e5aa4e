"""
Subjects and relationships written one at a time: what is said changes, what is not said stays.

The row as it will be is made from the stored one and what is said, checked whole, and written as an import would, so
that everything which follows from it is made anew in the same transaction. What is history cannot be changed so.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from graph.bundles.importing import import_rows
from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.sessions import Database, Unit
from graph.errors import (
    BundleError,
    ConflictError,
    CycleError,
    DuplicateError,
    FutureObservationError,
    HistoryError,
    InvalidError,
    NotFoundError,
    Problem,
    RefusedError,
    counted,
    refuse,
)
from graph.ledger.claim_state import ClaimState
from graph.ledger.entries import belief_payload
from graph.model.kinds import ClaimStatus, MilestoneStatus
from graph.model.page_keys import bounds, influence_keys, join
from graph.model.problems import describe_problem, property_of
from graph.model.properties import from_properties, to_properties
from graph.model.rows import Claim, Influence, Milestone, Row, Validation
from graph.model.subjects import CLAIM_LISTS, ROW_LISTS, EdgeList, NodeList, noun_of, references_of, row_id
from graph.reading.following import get

# Somewhere on earth the day is that much ahead of UTC.
LATEST_DAY_OFFSET = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Change:
    """
    What is said of one row.

    Attributes:
        name: The bundle's list that it belongs to, such as `predictions`.
        values: What is said, by property, what identifies the row included; None removes a property.
        path: Where in the input it is, for errors.
    """

    name: str
    values: Mapping[str, Any]
    path: str = "input"

    def place(self, name: str) -> str:
        """The path of a property, for errors."""
        return f"{self.path}.{name}"


async def upsert(
    database: Database, change: Change, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Create or change one row, in one transaction.

    Args:
        database: Where to.
        change: What is said.
        idempotency_key: Under which a retry is known.
        is_dry_run: Say what would come of it, and keep nothing.

    Returns:
        A payload with the row's `id`, whether it was `created`, whether anything has `changed`, the `row` as it is
        after, and of a claim the belief `before` and `after`, both as of the write.

    Raises:
        RefusedError: The row would break a rule, names what is not there, closes a cycle or loses history.
    """
    request = WriteRequest(
        _mutation(change.name), {"name": change.name, "values": dict(change.values)}, idempotency_key, is_dry_run
    )

    async def work(unit: Unit) -> Payload:
        return await _upsert(unit, change)

    return await write_once(database, request, work, raises_revision=False)


async def add_validation(
    database: Database,
    values: Mapping[str, Any],
    *,
    path: str = "input",
    idempotency_key: str | None = None,
    is_dry_run: bool = False,
) -> Answered:
    """
    Record a look at how a prediction is doing; otherwise as `upsert`.

    Raises:
        DuplicateError: The same look is recorded already.
        FutureObservationError: Its day has not come yet.
        RefusedError: As `upsert`.
    """
    request = WriteRequest("addValidation", {"values": dict(values)}, idempotency_key, is_dry_run)
    change = Change("validations", {"id": f"V_{uuid.uuid4().hex}", **values}, path)

    async def work(unit: Unit) -> Payload:
        await unit.run("database/lock_graph")
        look = Validation.model_validate(_merged(change, None).model_dump())
        if look.observed_at > (datetime.now(UTC) + LATEST_DAY_OFFSET).date():
            message = f"expected a day that has come, got {look.observed_at}; add it once somebody has looked"
            raise FutureObservationError(message, path=change.place("observed_at"))
        await _read_stored(unit, change)
        await _check_same_look(unit, change, look)
        return await _write(unit, change, look)

    return await write_once(database, request, work, raises_revision=False)


def _mutation(name: str) -> str:
    return "linkDocument" if name == "document_links" else f"upsert{ROW_LISTS[name].row.__name__}"


async def _upsert(unit: Unit, change: Change) -> Payload:
    # The order in which imports take locks too: the writers', then the claims'.
    await unit.run("database/lock_graph")
    await _lock_claims(unit, change)
    stored = await _read_stored(unit, change)
    row = _merged(change, stored)
    if stored is not None:
        await _check_history(unit, change, stored, row)
    if isinstance(row, Influence):
        if stored is None:
            await _check_cycle(unit, change)
        return await _write_influence(unit, row)
    return await _write(unit, change, row)


async def _write(unit: Unit, change: Change, row: Row) -> Payload:
    moment = datetime.now(UTC)
    before = await _read_belief(unit, change, moment)
    try:
        report = await import_rows(unit, {change.name: [row]})
    except BundleError as error:
        refuse([_refusal(problem.message, _property(problem), change) for problem in error.problems])
        raise
    return {
        "id": row_id(row),
        "created": report.created[change.name] > 0,
        "changed": report.num_changed() > 0,
        "row": row.model_dump(mode="json"),
        "before": before,
        "after": await _read_belief(unit, change, moment),
    }


async def _write_influence(unit: Unit, row: Influence) -> Payload:
    """One influence that closes no cycle: an import would read all influences there are to see to that."""
    ends = (row.parent_id, row.child_id)
    found = await get(unit, [("Claim", end, ("stated_probability",)) for end in ends])
    probabilities = {
        end: None if entry is None else entry[1]["stated_probability"] for end, entry in zip(ends, found, strict=True)
    }
    (answer,) = await unit.run("upsert/influences", rows=[to_properties(row) | influence_keys(row, probabilities)])
    is_changed = bool(answer["created"] or answer["updated"])
    if is_changed:
        await unit.run("database/raise_revision")
    return {
        "id": row_id(row),
        "created": bool(answer["created"]),
        "changed": is_changed,
        "row": row.model_dump(mode="json"),
    }


async def _lock_claims(unit: Unit, change: Change) -> None:
    """A claim's own writes, and those of its milestones, keep others off the claim."""
    claim_ids: set[str] = set()
    if change.name in CLAIM_LISTS:
        claim_ids = {change.values["id"]}
    elif change.name == "milestones":
        (owners,) = await unit.run("outcomes/list_milestone_owners", ids=[change.values["id"]])
        claim_ids = {*owners["prediction_ids"], *filter(None, [change.values.get("prediction_id")])}
    if claim_ids:
        await unit.run("ledger/lock_claims", ids=sorted(claim_ids))


async def _read_stored(unit: Unit, change: Change) -> Row | None:
    """
    The row as it is stored, None where it is not; what it names is looked up by the way.

    Raises:
        NotFoundError: Something that it names is not there.
        ConflictError: Its id stands for a claim of another kind.
    """
    listed = ROW_LISTS[change.name]
    named = [
        (reference.property, reference.target, str(change.values[reference.property]))
        for reference in references_of(listed)
        if change.values.get(reference.property) is not None
    ]
    asked: list[tuple[str, str, tuple[str, ...]]] = [(subject, node_id, ()) for _, subject, node_id in named]
    if isinstance(listed, NodeList):
        (key,) = listed.key
        asked.append((listed.space, change.values[key], tuple(listed.row.model_fields)))
    found = await get(unit, asked)
    refuse(
        [
            NotFoundError(_absent(subject, node_id), path=change.place(name))
            for (name, subject, node_id), entry in zip(named, found, strict=False)
            if entry is None
        ]
    )
    if isinstance(listed, NodeList):
        return _stored_row(change, listed.label, found[-1])
    return await _read_edge(unit, change, listed)


def _stored_row(change: Change, own: str, found: tuple[str, Mapping[str, Any]] | None) -> Row | None:
    if found is None:
        return None
    subject, properties = found
    if subject != own:
        message = f"expected an id of its own, got {change.values['id']!r}, which is a {subject}"
        raise ConflictError(message, path=change.place("id"))
    return _row(change.name, properties)


async def _read_edge(unit: Unit, change: Change, listed: EdgeList) -> Row | None:
    if listed.type_property is None:  # nothing to keep: its ends are all that it has
        return None
    found = await unit.run(f"get/{change.name}", **{name: str(change.values[name]) for name in listed.key})
    return _row(change.name, found[0]["properties"]) if found else None


def _row(name: str, properties: Mapping[str, Any]) -> Row:
    return from_properties(ROW_LISTS[name].row, {key: value for key, value in properties.items() if value is not None})


def _absent(subject: str, node_id: str) -> str:
    word = noun_of(subject)
    return f"expected the id of a {word}, got {node_id!r}, which none has; add the {word} first"


def _merged(change: Change, stored: Row | None) -> Row:
    """
    The row as it will be.

    Raises:
        InvalidError: It breaks a rule.
        RefusedItemsError: It breaks several.
    """
    kept = {} if stored is None else _kept(change, stored)
    try:
        return ROW_LISTS[change.name].row.model_validate({**kept, **change.values})
    except ValidationError as error:
        details = error.errors(include_url=False)
        refuse([_refusal(describe_problem(detail).message, property_of(detail), change) for detail in details])
        raise


def _kept(change: Change, stored: Row) -> dict[str, Any]:
    """What stays of the stored row; what follows from other fields is made anew unless it is said."""
    values = stored.model_dump()
    if isinstance(stored, Claim):
        windows = ("window_end", "from_year")
        if any(values[name] or change.values.get(name) for name in windows):
            del values["deadline"]
    if isinstance(stored, Milestone):
        del values["ordinal"]
        if values["range_from"] or change.values.get("range_from"):
            del values["expected_date"]
    return values


def _refusal(message: str, property_name: str, change: Change) -> InvalidError:
    return InvalidError(message, path=change.place(property_name) if property_name else change.path)


def _property(problem: Problem) -> str:
    """The property that a bundle's problem is about, as `deadline` in `predictions[0].deadline`."""
    _, _, place = problem.path.partition("].")
    return place.partition(".")[0]


async def _check_history(unit: Unit, change: Change, stored: Row, row: Row) -> None:
    """
    That nothing is changed from which something recorded was made.

    Raises:
        HistoryError: Something is.
    """
    differing = {name for name in type(row).model_fields if getattr(row, name) != getattr(stored, name)}
    if isinstance(stored, Claim) and differing & {"stated_probability", "predictor_id"}:
        (counts,) = await unit.run("subjects/count_claim_dependents", id=stored.id)
        refuse(_claim_history(change, stored, differing, counts["evidence"]))
    if isinstance(stored, Milestone) and differing & {"prediction_id", "kind"}:
        (found,) = await unit.run("subjects/count_milestone_dependents", ids=[stored.id])
        if reasons := observations_of(found):
            name = "prediction_id" if "prediction_id" in differing else "kind"
            message = (
                f"expected {getattr(stored, name)!s}, as it was when the milestone was observed, got "
                f"{getattr(row, name)!s}; milestone {stored.id!r} {reasons}; add another milestone instead"
            )
            raise HistoryError(message, path=change.place(name))


def _claim_history(change: Change, stored: Claim, differing: set[str], num_evidence: int) -> list[RefusedError]:
    refusals: list[RefusedError] = []
    is_scored = stored.status in {ClaimStatus.RESOLVED_TRUE, ClaimStatus.RESOLVED_FALSE}
    if "stated_probability" in differing and (num_evidence or is_scored):
        because = f"has {counted(num_evidence, 'ledger row')} that start from it" if num_evidence else "is resolved"
        advice = "unresolve it first if the outcome was wrong" if is_scored and not num_evidence else "submit evidence"
        message = (
            f"expected {stored.stated_probability}, as it was stated, got {change.values['stated_probability']}; claim "
            f"{stored.id!r} {because}; {advice}, or make another claim"
        )
        refusals.append(HistoryError(message, path=change.place("stated_probability")))
    if "predictor_id" in differing and stored.status is not ClaimStatus.OPEN:
        message = (
            f"expected {getattr(stored, 'predictor_id', None)!r}, who made it, got {change.values['predictor_id']!r}; "
            f"claim {stored.id!r} is settled ({stored.status}) and stands in a record; unresolve it first, or make "
            "another prediction"
        )
        refusals.append(HistoryError(message, path=change.place("predictor_id")))
    return refusals


def observations_of(found: Mapping[str, Any]) -> str:
    """
    What was observed of a milestone, in words; nothing where nothing was.

    Args:
        found: As `subjects/count_milestone_dependents` gives it.
    """
    milestone = found["milestone"]
    parts = []
    if milestone["observed_date"] is not None or milestone["status"] in {MilestoneStatus.HIT, MilestoneStatus.MISSED}:
        parts.append(f"is observed ({milestone['status']})")
    if found["evidence"]:
        parts.append(f"bears {counted(found['evidence'], 'ledger row')}")
    elif milestone["miss_emitted_at"] is not None:
        parts.append("has its miss in the ledger")
    return " and ".join(parts)


async def _check_cycle(unit: Unit, change: Change) -> None:
    """
    That a new influence closes no cycle.

    Raises:
        CycleError: It does.
    """
    parent_id, child_id = change.values["parent_id"], change.values["child_id"]
    found = await unit.run("subjects/find_influence_path", from_id=child_id, to_id=parent_id)
    if found:
        cycle = [parent_id, *found[0]["ids"]]
        message = (
            f"expected influences without a cycle, got {' → '.join(cycle)}; remove one of them, or turn this one round"
        )
        raise CycleError(message, cycle=cycle, path=change.path)


async def _check_same_look(unit: Unit, change: Change, look: Validation) -> None:
    low, high = bounds(join(look.prediction_id, look.observed_at.isoformat()))
    for found in await unit.run("subjects/list_validations_of_day", low=low, high=high):
        stored = from_properties(Validation, found["properties"])
        if stored == look.model_copy(update={"id": stored.id}):
            message = f"this very look is recorded already, as validation {stored.id!r}; it counts once"
            raise DuplicateError(message, existing_key=stored.id, path=change.path)


async def _read_belief(unit: Unit, change: Change, moment: datetime) -> dict[str, Any] | None:
    if change.name not in CLAIM_LISTS:
        return None
    found = await unit.run("ledger/list_claim_states", ids=[change.values["id"]])
    return belief_payload(ClaimState.from_row(found[0]).belief(moment)) if found else None
