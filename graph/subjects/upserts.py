"""
Upserts of single nodes and relationships: given properties change, all others stay.

The stored row and the given properties are merged, checked as a whole and imported, so that everything derived from
the row is recomputed in the same transaction. A change that would lose recorded history is refused.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from graph.bundles.contradictions import list_contradictions
from graph.bundles.importing import import_rows
from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.revisions import Changes, raise_revision
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
from graph.model.subjects import (
    CLAIM_LISTS,
    ROW_LISTS,
    SIGNED_LISTS,
    EdgeList,
    NodeList,
    noun_of,
    references_of,
    row_id,
)
from graph.network.combinations import combine
from graph.network.contradictions import list_between
from graph.reading.following import get

# The most that a local day is ahead of UTC.
LATEST_DAY_OFFSET = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Change:
    """
    The given properties of one row.

    Attributes:
        list_name: The name of the row's list in a bundle, such as `predictions`.
        values: The given values by property, the row's key included; None removes a property.
        path: The path of the row in the request, for error messages.
    """

    list_name: str
    values: Mapping[str, Any]
    path: str = "input"

    def path_of(self, name: str) -> str:
        """Return the path of a property, for error messages."""
        return f"{self.path}.{name}"


async def upsert(
    database: Database, change: Change, *, idempotency_key: str | None = None, is_dry_run: bool = False
) -> Answered:
    """
    Create or change one row, in one transaction.

    Args:
        database: The database to write to.
        change: The given properties.
        idempotency_key: The request's key; None without one.
        is_dry_run: Whether to compute the answer and roll back.

    Returns:
        A payload with the row's `id`, whether it was `created`, whether anything has `changed`, the `row` after the
        write, of a claim the beliefs `before` and `after`, both as of the write, and of an influence the table
        `combined` of all that join the same two claims, None if it is the only one.

    Raises:
        InvalidError: The merged row breaks a rule.
        NotFoundError: The row names a node that does not exist.
        ConflictError: The id belongs to a claim of another kind, or the row contradicts another between the same nodes.
        CycleError: The influence would close a cycle.
        HistoryError: The change would lose recorded history.
        KeyReusedError: The idempotency key belongs to another request.
        RefusedItemsError: Several of these apply; the error lists each refusal.
    """
    request = WriteRequest(
        _mutation_name(change.list_name),
        {"name": change.list_name, "values": dict(change.values)},
        idempotency_key,
        is_dry_run,
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
    Add an assessment of how a prediction is doing; otherwise as `upsert`.

    Args:
        database: The database to write to.
        values: The validation's properties except its id.
        path: The path of the validation in the request, for error messages.
        idempotency_key: The request's key; None without one.
        is_dry_run: Whether to compute the answer and roll back.

    Raises:
        DuplicateError: The same assessment is recorded already.
        FutureObservationError: The day lies in the future everywhere.
        RefusedError: As `upsert`.
    """
    request = WriteRequest("addValidation", {"values": dict(values)}, idempotency_key, is_dry_run)
    change = Change("validations", {"id": f"V_{uuid.uuid4().hex}", **values}, path)

    async def work(unit: Unit) -> Payload:
        await unit.run("database/lock_graph")
        validation = Validation.model_validate(_merged(change, None).model_dump())
        if validation.observed_at > (datetime.now(UTC) + LATEST_DAY_OFFSET).date():
            message = f"the day {validation.observed_at} lies in the future; add the validation when it has come"
            raise FutureObservationError(message, path=change.path_of("observed_at"))
        await _read_stored(unit, change)
        await _check_not_recorded(unit, change, validation)
        return await _write(unit, change, validation)

    return await write_once(database, request, work, raises_revision=False)


def _mutation_name(name: str) -> str:
    return "linkDocument" if name == "document_links" else f"upsert{ROW_LISTS[name].row.__name__}"


async def _upsert(unit: Unit, change: Change) -> Payload:
    # Locks are taken in the order of imports: the graph's, then the claims'.
    await unit.run("database/lock_graph")
    await _lock_claims(unit, change)
    stored = await _read_stored(unit, change)
    row = _merged(change, stored)
    if stored is not None:
        await _check_history(unit, change, stored, row)
    if isinstance(row, Influence) and stored is None:
        await _check_cycle(unit, change)
    if change.list_name in SIGNED_LISTS:
        refuse([found.refusal() for found in await list_contradictions(unit, [(change.path, row)], _has_ends)])
    if isinstance(row, Influence):
        return await _write_influence(unit, row)
    return await _write(unit, change, row)


def _has_ends(_row: Row) -> bool:
    return True  # as `_read_stored` has checked


async def _write(unit: Unit, change: Change, row: Row) -> Payload:
    moment = datetime.now(UTC)
    before = await _read_belief(unit, change, moment)
    try:
        report = await import_rows(unit, {change.list_name: [row]})
    except BundleError as error:
        refuse([_to_refusal(problem.message, _property_of(problem), change) for problem in error.problems])
        raise
    return {
        "id": row_id(row),
        "created": report.created[change.list_name] > 0,
        "changed": report.num_changed() > 0,
        "row": row.model_dump(mode="json"),
        "before": before,
        "after": await _read_belief(unit, change, moment),
    }


async def _write_influence(unit: Unit, row: Influence) -> Payload:
    """Write one influence, whose cycles are checked already; an import would read all influences for that."""
    ends = (row.parent_id, row.child_id)
    found = await get(unit, [("Claim", end, ("stated_probability",)) for end in ends])
    probabilities = {
        end: None if entry is None else entry[1]["stated_probability"] for end, entry in zip(ends, found, strict=True)
    }
    (answer,) = await unit.run("upsert/influences", rows=[to_properties(row) | influence_keys(row, probabilities)])
    is_changed = bool(answer["created"] or answer["updated"])
    if is_changed:
        await raise_revision(unit, Changes(child_ids=[row.child_id]))
    return {
        "id": row_id(row),
        "created": bool(answer["created"]),
        "changed": is_changed,
        "row": row.model_dump(mode="json"),
        "combined": await _read_combined(unit, ends),
    }


async def _read_combined(unit: Unit, ends: tuple[str, str]) -> Payload | None:
    """Return the table that all influences between two claims are combined to; None if there are not several."""
    between = await list_between(unit, Influence, [ends])
    found = combine([row for row in between.get(ends, ()) if isinstance(row, Influence)])
    return None if found is None else found.payload()


async def _lock_claims(unit: Unit, change: Change) -> None:
    """Lock the claim that a claim's or a milestone's upsert changes."""
    claim_ids: set[str] = set()
    if change.list_name in CLAIM_LISTS:
        claim_ids = {change.values["id"]}
    elif change.list_name == "milestones":
        (owners,) = await unit.run("outcomes/list_milestone_owners", ids=[change.values["id"]])
        claim_ids = {*owners["prediction_ids"], *filter(None, [change.values.get("prediction_id")])}
    if claim_ids:
        await unit.run("ledger/lock_claims", ids=sorted(claim_ids))


async def _read_stored(unit: Unit, change: Change) -> Row | None:
    """
    Read the stored row, None for a new one, and check that the nodes that the change names exist.

    Raises:
        NotFoundError: A node named does not exist.
        ConflictError: The id belongs to a claim of another kind.
        RefusedItemsError: Several nodes named do not exist.
    """
    listed = ROW_LISTS[change.list_name]
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
            NotFoundError(f"no {noun_of(subject)} has the id {node_id!r}; add it first", path=change.path_of(name))
            for (name, subject, node_id), entry in zip(named, found, strict=False)
            if entry is None
        ]
    )
    if isinstance(listed, NodeList):
        return _stored_row(change, listed.label, found[-1])
    return await _read_edge(unit, change, listed)


def _stored_row(change: Change, label: str, found: tuple[str, Mapping[str, Any]] | None) -> Row | None:
    if found is None:
        return None
    subject, properties = found
    if subject != label:
        message = f"{change.values['id']!r} is a {subject}; choose another id"
        raise ConflictError(message, path=change.path_of("id"))
    return _to_row(change.list_name, properties)


async def _read_edge(unit: Unit, change: Change, listed: EdgeList) -> Row | None:
    if listed.type_property is None:  # the ends are its only properties
        return None
    found = await unit.run(f"get/{change.list_name}", **{name: str(change.values[name]) for name in listed.key})
    return _to_row(change.list_name, found[0]["properties"]) if found else None


def _to_row(name: str, properties: Mapping[str, Any]) -> Row:
    return from_properties(ROW_LISTS[name].row, {key: value for key, value in properties.items() if value is not None})


def _merged(change: Change, stored: Row | None) -> Row:
    """
    Merge the stored row and the given properties.

    Raises:
        InvalidError: The merged row breaks a rule.
        RefusedItemsError: It breaks several.
    """
    stored_values = {} if stored is None else _underived_values(change, stored)
    try:
        return ROW_LISTS[change.list_name].row.model_validate({**stored_values, **change.values})
    except ValidationError as error:
        details = error.errors(include_url=False)
        refuse([_to_refusal(describe_problem(detail).message, property_of(detail), change) for detail in details])
        raise


def _underived_values(change: Change, stored: Row) -> dict[str, Any]:
    """Return the stored properties without those that are recomputed from others unless they are given."""
    values = stored.model_dump()
    if isinstance(stored, Claim):
        sources = ("window_end", "from_year")
        if any(values[name] or change.values.get(name) for name in sources):
            del values["deadline"]
    if isinstance(stored, Milestone):
        del values["ordinal"]
        if values["range_from"] or change.values.get("range_from"):
            del values["expected_date"]
    return values


def _to_refusal(message: str, property_name: str, change: Change) -> InvalidError:
    return InvalidError(message, path=change.path_of(property_name) if property_name else change.path)


def _property_of(problem: Problem) -> str:
    """Return the property that a bundle's problem is about: `deadline` of `predictions[0].deadline`."""
    _, _, path = problem.path.partition("].")
    return path.partition(".")[0]


async def _check_history(unit: Unit, change: Change, stored: Row, row: Row) -> None:
    """
    Raise HistoryError if a property changes that recorded history depends on.

    Raises:
        HistoryError: Ledger rows, a predictor's record or a milestone's observation depend on the property.
        RefusedItemsError: Several such properties change.
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
                f"the {name} of milestone {stored.id!r} cannot change from {getattr(stored, name)!s} to "
                f"{getattr(row, name)!s}, since it {reasons}; add another milestone instead"
            )
            raise HistoryError(message, path=change.path_of(name))


def _claim_history(change: Change, stored: Claim, differing: set[str], num_evidence: int) -> list[RefusedError]:
    refusals: list[RefusedError] = []
    is_scored = stored.status in {ClaimStatus.RESOLVED_TRUE, ClaimStatus.RESOLVED_FALSE}
    if "stated_probability" in differing and (num_evidence or is_scored):
        reason = f"has {counted(num_evidence, 'ledger row')}" if num_evidence else "is resolved"
        advice = "reopen it first if the outcome was wrong" if is_scored and not num_evidence else "submit evidence"
        message = (
            f"the stated probability {stored.stated_probability} cannot change to "
            f"{change.values['stated_probability']}, since claim {stored.id!r} {reason}; {advice}, or add another claim"
        )
        refusals.append(HistoryError(message, path=change.path_of("stated_probability")))
    if "predictor_id" in differing and stored.status is not ClaimStatus.OPEN:
        message = (
            f"the predictor of claim {stored.id!r} cannot change from {getattr(stored, 'predictor_id', None)!r} to "
            f"{change.values['predictor_id']!r}, since the claim is {stored.status}; reopen it first, or add "
            "another prediction"
        )
        refusals.append(HistoryError(message, path=change.path_of("predictor_id")))
    return refusals


def observations_of(found: Mapping[str, Any]) -> str:
    """
    Describe the recorded history of a milestone as a predicate; empty without any.

    Args:
        found: A row of `subjects/count_milestone_dependents`.
    """
    milestone = found["milestone"]
    parts = []
    if milestone["observed_date"] is not None or milestone["status"] in {MilestoneStatus.HIT, MilestoneStatus.MISSED}:
        parts.append(f"was observed ({milestone['status']})")
    if found["evidence"]:
        parts.append(f"has {counted(found['evidence'], 'ledger row')}")
    elif milestone["miss_emitted_at"] is not None:
        parts.append("has a ledger row for its miss")
    return " and ".join(parts)


async def _check_cycle(unit: Unit, change: Change) -> None:
    """
    Raise CycleError if a new influence would close a cycle.

    Raises:
        CycleError: The graph has a path of influences from the child to the parent.
    """
    parent_id, child_id = change.values["parent_id"], change.values["child_id"]
    found = await unit.run("subjects/find_influence_path", from_id=child_id, to_id=parent_id)
    if found:
        cycle = [parent_id, *found[0]["ids"]]
        message = f"the influence would close a cycle: {' → '.join(cycle)}; remove one of them, or reverse this one"
        raise CycleError(message, cycle=cycle, path=change.path)


async def _check_not_recorded(unit: Unit, change: Change, validation: Validation) -> None:
    """Raise DuplicateError if a stored validation has the same properties, its id aside."""
    low, high = bounds(join(validation.prediction_id, validation.observed_at.isoformat()))
    for found in await unit.run("subjects/list_validations_of_day", low=low, high=high):
        stored = from_properties(Validation, found["properties"])
        if stored == validation.model_copy(update={"id": stored.id}):
            message = f"validation {stored.id!r} already records this assessment and counts once"
            raise DuplicateError(message, existing_key=stored.id, path=change.path)


async def _read_belief(unit: Unit, change: Change, moment: datetime) -> dict[str, Any] | None:
    if change.list_name not in CLAIM_LISTS:
        return None
    found = await unit.run("ledger/list_claim_states", ids=[change.values["id"]])
    return belief_payload(ClaimState.from_row(found[0]).belief(moment)) if found else None
