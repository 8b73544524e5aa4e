"""Submission and retraction of forecasts, append-only and idempotent."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from pydantic import ValidationError

from graph.bundles.importing import import_rows
from graph.database.bounds import Bounds, current_bounds
from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.sessions import Database, Unit
from graph.errors import (
    ClosedClaimError,
    DuplicateError,
    FutureObservationError,
    InvalidError,
    NotFoundError,
    OutsideKeyError,
    RefusedError,
    refuse,
)
from graph.forecasts.consensus import ClaimForecasts, consensus_of, list_forecasts
from graph.model.kinds import ClaimStatus
from graph.model.problems import describe_problem
from graph.model.properties import from_properties
from graph.model.rows import Forecast
from graph.reading.following import get

SUBMIT_FORECAST: Final = "submitForecast"
MAX_BATCH_ITEMS: Final = 1_000


@dataclass(frozen=True, slots=True)
class NewForecast:
    """
    A forecast as submitted.

    Attributes:
        predictor_id: The predictor's id.
        claim_id: The claim's id.
        probability: In [0, 1].
        stated_at: When it was stated; None for now.
        source: Where it was stated.
        cluster: Name of what it follows.
        submitted_by: Name of the submitter.
        note: Remarks.
        path: Path of the item in the request, for error messages.
    """

    predictor_id: str
    claim_id: str
    probability: float
    stated_at: datetime | None = None
    source: str | None = None
    cluster: str | None = None
    submitted_by: str | None = None
    note: str | None = None
    path: str = "input"


async def submit_forecasts(
    database: Database,
    items: Sequence[NewForecast],
    *,
    mutation: str = SUBMIT_FORECAST,
    idempotency_key: str | None = None,
    is_dry_run: bool = False,
) -> Answered:
    """
    Append forecasts, all of them or none.

    Args:
        database: The database to write to.
        items: The forecasts, in order.
        mutation: The mutation's name; an idempotency key belongs to one mutation.
        idempotency_key: The request's key; None without one.
        is_dry_run: Whether to compute the answer and roll back.

    Returns:
        A payload with `items`, of each its `forecast` and the probabilities of the consensus `before` and `after` it.

    Raises:
        InvalidError: There are no items or more than `MAX_BATCH_ITEMS`, or a value breaks a rule of its property.
        NotFoundError: No claim or no predictor has the id.
        ClosedClaimError: The claim has an outcome.
        FutureObservationError: The forecast is of a moment that is yet to come.
        DuplicateError: The predictor has a forecast of that claim at that very moment.
        OutsideKeyError: The caller's key is bound to other predictors or sources.
        RefusedItemsError: Several items are refused.
    """
    if not 1 <= len(items) <= MAX_BATCH_ITEMS:
        message = f"expected 1 to {MAX_BATCH_ITEMS} items, got {len(items)}"
        raise InvalidError(message, path="items")
    bounds = current_bounds.get()
    refuse([fault for item in items for fault in _list_outside(item, bounds)])
    arguments = {"items": [{**asdict(item), "path": None} for item in items]}
    request = WriteRequest(mutation, arguments, idempotency_key, is_dry_run)
    claim_ids = {item.claim_id for item in items}

    async def work(unit: Unit) -> Payload:
        return await _append(unit, items, datetime.now(UTC))

    return await write_once(database, request, work, claim_ids=claim_ids, raises_revision=False)


def _list_outside(item: NewForecast, bounds: Bounds) -> Iterator[OutsideKeyError]:
    for fault in bounds.list_faults(item.predictor_id, item.source, path=item.path, source_field="source"):
        yield OutsideKeyError(fault.message, path=fault.path.replace("predictor_id", "predictor"))


async def _append(unit: Unit, items: Sequence[NewForecast], now: datetime) -> Payload:
    known, faults = await _read_ends(unit, items)
    rows: list[Forecast] = []
    answers = []
    for item in items:
        before = known.get(item.claim_id)
        if before is None:
            continue
        try:
            row = _checked_row(item, before, now)
        except RefusedError as fault:
            faults.append(fault)
            continue
        after = known[item.claim_id] = before.with_row(row)
        rows.append(row)
        answers.append(
            {
                "forecast": row.model_dump(mode="json"),
                "before": _probability(before, now),
                "after": _probability(after, now),
            }
        )
    refuse(faults)
    await import_rows(unit, {"forecasts": rows})
    return {"items": answers}


async def _read_ends(unit: Unit, items: Sequence[NewForecast]) -> tuple[dict[str, ClaimForecasts], list[RefusedError]]:
    """Read claims with their forecasts, and find what keeps items from being appended: missing ends, settled claims."""
    claim_ids = list(dict.fromkeys(item.claim_id for item in items))
    latest = datetime.max.replace(tzinfo=UTC)
    found = await list_forecasts(unit, [(claim_id, latest) for claim_id in claim_ids])
    known = {claim_id: forecasts for claim_id, forecasts in zip(claim_ids, found, strict=True) if forecasts}
    ends = await get(unit, [("Claim", item.claim_id, ("status", "resolved_at")) for item in items])
    predictors = await get(unit, [("Predictor", item.predictor_id, ()) for item in items])
    faults: list[RefusedError] = []
    for item, claim, predictor in zip(items, ends, predictors, strict=True):
        if claim is None:
            message = f"no claim has the id {item.claim_id!r}; add it first"
            faults.append(NotFoundError(message, path=f"{item.path}.claim"))
        elif claim[1]["status"] != ClaimStatus.OPEN:
            message = f"claim {item.claim_id!r} is {claim[1]['status']}; forecasts are of open claims"
            refusal = ClosedClaimError(
                message,
                status=claim[1]["status"],
                resolved_at=claim[1]["resolved_at"],
                path=f"{item.path}.claim",
            )
            faults.append(refusal)
        if predictor is None:
            message = f"no predictor has the id {item.predictor_id!r}; add it first"
            faults.append(NotFoundError(message, path=f"{item.path}.predictor"))
    return known, faults


def _checked_row(item: NewForecast, before: ClaimForecasts, now: datetime) -> Forecast:
    stated_at = item.stated_at or now
    if stated_at > now:
        message = f"expected a moment that has come, got {stated_at.isoformat()}"
        raise FutureObservationError(message, path=f"{item.path}.stated_at")
    for row in before.standing(stated_at):
        if (row.predictor_id, row.stated_at) == (item.predictor_id, stated_at):
            message = f"forecast {row.id!r} is by the same predictor at the same moment; retract it first"
            raise DuplicateError(message, existing_key=row.id, path=item.path)
    values = {name: value for name, value in asdict(item).items() if name != "path"}
    try:
        return Forecast(**{**values, "id": f"forecast:{uuid4().hex}", "stated_at": stated_at, "recorded_at": now})
    except ValidationError as error:
        problem = describe_problem(error.errors(include_url=False)[0])
        raise InvalidError(problem.message, path=f"{item.path}.{problem.path}") from error


def _probability(found: ClaimForecasts, moment: datetime) -> float | None:
    consensus = consensus_of(found, moment)
    return None if consensus is None else consensus.probability


async def retract_forecast(
    database: Database,
    forecast_id: str,
    *,
    note: str,
    submitted_by: str | None = None,
    idempotency_key: str | None = None,
    is_dry_run: bool = False,
) -> Answered:
    """
    Append a retraction, after which a forecast counts no longer; the forecast itself stays.

    Args:
        database: The database to write to.
        forecast_id: The forecast's id.
        note: The reason.
        submitted_by: Name of who retracts it.
        idempotency_key: The request's key; None without one.
        is_dry_run: Whether to compute the answer and roll back.

    Returns:
        A payload as that of `submit_forecasts`.

    Raises:
        NotFoundError: No forecast has the id.
        DuplicateError: It is retracted already.
    """
    arguments = {"forecast": forecast_id, "note": note, "by": submitted_by}
    request = WriteRequest("retractForecast", arguments, idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        now = datetime.now(UTC)
        (answer,) = await unit.run("bundles/list_forecasts", ids=[forecast_id])
        if not answer["rows"]:
            raise NotFoundError(f"no forecast has the key {forecast_id!r}", path="forecast")
        retracted = from_properties(Forecast, answer["rows"][0])
        (before,) = await list_forecasts(unit, [(retracted.claim_id, datetime.max.replace(tzinfo=UTC))])
        assert before is not None  # noqa: S101 - a relationship has both of its ends
        for row in before.forecasts:
            if row.retracts == forecast_id:
                raise DuplicateError(f"retraction {row.id!r} says so already", existing_key=row.id, path="forecast")
        row = _retraction(retracted, note, submitted_by, now)
        await import_rows(unit, {"forecasts": [row]})
        beliefs = {"before": _probability(before, now), "after": _probability(before.with_row(row), now)}
        return {"items": [{"forecast": row.model_dump(mode="json"), **beliefs}]}

    return await write_once(database, request, work, raises_revision=False)


def _retraction(retracted: Forecast, note: str, submitted_by: str | None, now: datetime) -> Forecast:
    values: dict[str, Any] = {
        "id": f"forecast:{uuid4().hex}",
        "predictor_id": retracted.predictor_id,
        "claim_id": retracted.claim_id,
        "stated_at": now,
        "recorded_at": now,
        "note": note,
        "submitted_by": submitted_by,
        "retracts": retracted.id,
    }
    if retracted.probability is None:
        raise InvalidError(f"{retracted.id!r} is a retraction, which cannot be retracted", path="forecast")
    try:
        return Forecast(**values)
    except ValidationError as error:
        problem = describe_problem(error.errors(include_url=False)[0])
        raise InvalidError(problem.message, path=problem.path) from error
