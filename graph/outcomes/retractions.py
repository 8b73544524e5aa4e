"""
Retractions of mistaken evidence: a ledger row that takes back what another added.

The ledger only grows, so the history shows both rows, and a belief as of before the retraction is what it was.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from graph.database.receipts import Answered, Payload, WriteRequest, write_once
from graph.database.sessions import Database, Unit
from graph.errors import ConflictError, DuplicateError, NotFoundError
from graph.inference.calibration import KappaInUse
from graph.inference.evidence import Cluster
from graph.inference.policies import POLICIES
from graph.ledger.claim_state import applied_llr, is_silent, item_llrs, kappa_in_force
from graph.ledger.entries import LedgerEntry, Weight, check_open, make_entry, new_id
from graph.model.page_keys import bounds, cluster_anchor
from graph.model.properties import from_properties
from graph.model.rows import Evidence
from graph.outcomes.service_entries import StoredClaim, append_entries, client_values, get_claim

MUTATION, RETRACTION = "retractEvidence", "retraction"
RETRACTION_KEY = "retraction:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """
    A request to take evidence back.

    Attributes:
        reason: The reason.
        by: The name of the person or program that asks for it.
        idempotency_key: The request's key; None without one.
    """

    reason: str
    by: str | None = None
    idempotency_key: str | None = None


async def retract(
    database: Database, evidence_id: str, retraction: Retraction, *, is_dry_run: bool = False
) -> Answered:
    """
    Append a ledger row that takes back what another row added, its share in its cluster included.

    Args:
        database: The database to write to.
        evidence_id: The id of the ledger row; its claim is locked.
        retraction: The reason, and who gives it.
        is_dry_run: Whether to compute the answer and roll back.

    Returns:
        A payload with `evidence_id` of the new row, `claim_id`, `step`, and the belief `before` and `after`.

    Raises:
        NotFoundError: No ledger row has the id.
        DuplicateError: The row is retracted already.
        ConflictError: The row has no weight, or is a retraction itself.
        ClosedClaimError: The claim is resolved or annulled.
        InvalidError: The reason is empty.
    """
    owner = await database.read(lambda unit: _find_owner(unit, evidence_id), unknown_names_are_fine=True)
    arguments = {"evidence_id": evidence_id, "reason": retraction.reason, "by": retraction.by}
    request = WriteRequest(MUTATION, arguments, retraction.idempotency_key, is_dry_run)

    async def work(unit: Unit) -> Payload:
        if owner is None:
            raise NotFoundError(f"no ledger row has the id {evidence_id!r}", path="evidence")
        return await _retract(unit, owner, evidence_id, retraction)

    return await write_once(database, request, work, claim_ids=[] if owner is None else [owner])


async def _find_owner(unit: Unit, evidence_id: str) -> str | None:
    (answer,) = await unit.run("bundles/list_evidence", ids=[evidence_id])
    return answer["rows"][0]["claim_id"] if answer["rows"] else None


async def _retract(unit: Unit, owner: str, evidence_id: str, retraction: Retraction) -> Payload:
    (answer,) = await unit.run("bundles/list_evidence", ids=[evidence_id])
    row = from_properties(Evidence, answer["rows"][0])
    claim = await get_claim(unit, owner, path="evidence")
    check_open(claim.properties, path="evidence")
    _check_weight(row, claim)
    key = RETRACTION_KEY + row.id
    (known,) = await unit.run("ledger/list_by_idempotency_keys", keys=[key])
    for _, holder in known["holders"]:
        message = f"ledger row {row.id!r} is retracted by ledger row {holder!r} already, and counts no more"
        raise DuplicateError(message, existing_key=holder, path="evidence")
    now = datetime.now(UTC)
    entry = _make_entry(row, claim, await _cluster_of(unit, row), retraction, key, now)
    await append_entries(unit, claim, [entry], entry.after, now)
    return entry.payload(now)


def _check_weight(row: Evidence, claim: StoredClaim) -> None:
    if row.retracts_id is not None:
        message = f"ledger row {row.id!r} is a retraction; submit the evidence again instead"
        raise ConflictError(message, path="evidence")
    is_counted = not (is_silent(row) and claim.state.rules.is_calibrated)
    if not is_counted or applied_llr(row) == 0.0 or claim.state.inside_log_odds is None:
        message = f"ledger row {row.id!r} has no weight, so there is nothing to retract"
        raise ConflictError(message, path="evidence")


async def _cluster_of(unit: Unit, row: Evidence) -> Cluster | None:
    """Return the state of the row's cluster after its latest row; None where it weighs by itself."""
    if row.cluster_id is None or row.policy not in POLICIES:
        return None
    low, high = bounds(cluster_anchor(row.claim_id, row.cluster_id))
    (found,) = await unit.run("ledger/get_cluster", low=low, high=high)
    return Cluster(*found["cluster"])


def _make_entry(
    row: Evidence,
    claim: StoredClaim,
    cluster: Cluster | None,
    retraction: Retraction,
    key: str,
    now: datetime,
) -> LedgerEntry:
    if row.policy in POLICIES:
        llr, adjusted = item_llrs(row)
    else:
        llr, adjusted = row.total_llr, applied_llr(row)
    record = None
    if row.kappa is not None and row.predictor_id is not None:
        record = KappaInUse(row.kappa, row.kappa_source or "", row.predictor_brier, row.predictor_n_resolved or 0)
    values = {
        "id": new_id(),
        "evidence_kind": RETRACTION,
        "observed_at": now,
        "submitted_by": retraction.by,
        "idempotency_key": key,
        "note": retraction.reason,
        "cluster_id": None if cluster is None else row.cluster_id,
        "predictor_id": row.predictor_id,
        "document_id": row.document_id,
        "milestone_id": row.milestone_id,
        "retracts_id": row.id,
    }
    contribution = {"kind": RETRACTION, "label": None if not row.contributions else row.contributions[0].label}
    kappa = kappa_in_force(row.kappa, row.predictor_id)
    weight = Weight(-llr, record, -adjusted, row.id if is_silent(row) else None, own_kappa=kappa)
    with client_values():
        entry = make_entry(claim.state, weight, values, contribution, now=now, cluster=cluster)
    if record is not None and not record.source:
        return replace(entry, row=entry.row.model_copy(update={"kappa_source": None}))
    return entry
