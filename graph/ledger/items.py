"""Items of evidence: as submitted, and with everything about them that follows without the database."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import TypeAdapter, ValidationError

from graph.database.bounds import UNBOUND, Bounds
from graph.database.receipts import WriteRequest
from graph.errors import DuplicateError, InvalidError, RefusedError
from graph.inference.evidence import Direction, Strength, WeighedEvidence, weigh
from graph.ledger.claim_state import as_mapping
from graph.ledger.entries import check_past, new_id
from graph.model.page_keys import bounds, cluster_anchor, observation_key
from graph.model.problems import describe_problem
from graph.model.rows import Contribution, Evidence, Row

SUBMITTED = "submitted"
SUBMIT_EVIDENCE: Final = "submitEvidence"
"""The mutation of one item; whichever way an item with a key comes, its receipt is one of this mutation."""

FUTURE_ADVICE: Final = "; submit it once it is observed, or record a milestone for what is expected"
_NO_ARGUMENTS: Final = frozenset({"path", "idempotency_key", "faults"})

MAX_KNOWN: Final = 20_000
"""Items that are remembered of one source, the latest ones; they take some 4 MB."""


class Known:
    """The items of one source so far, as far as the graph does not tell them: equal ones, and those of dry runs."""

    def __init__(self) -> None:
        self._items: dict[str, str] = {}
        self._observations: dict[str, str] = {}

    def find_equal(self, item: "EvidenceItem") -> str | None:
        """Find the path of an equal item before it, and remember it otherwise."""
        text = json.dumps(item.arguments(), sort_keys=True, default=str)
        fingerprint = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
        return _find_other(self._items, fingerprint, item.path)

    def find_observation(self, key: str, path: str) -> str | None:
        """Find the path of an item of the same observation that a dry run before it would have recorded."""
        found = self._observations.get(key)
        return None if found == path else found

    def note_observation(self, key: str, path: str) -> None:
        """Remember an observation that a dry run would have recorded."""
        _find_other(self._observations, key, path)


def _find_other(paths: dict[str, str], key: str, path: str) -> str | None:
    """Find the other path of a key, or remember this one."""
    found = paths.setdefault(key, path)
    if len(paths) > MAX_KNOWN:
        del paths[next(iter(paths))]
    return None if found == path else found


class BatchMode(StrEnum):
    """Treatment of a batch of which items are refused: nothing is recorded, or each item is by itself."""

    ALL_OR_NONE = "ALL_OR_NONE"
    EACH = "EACH"


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """
    An item of evidence as submitted.

    Attributes:
        claim_id: The id of the claim that it bears on; empty where it could not be read.
        direction: Whether it supports the claim or contradicts it.
        strength: A named strength, or a likelihood ratio of 1 or more.
        confidence: Probability that the evidence is real, 0 to 1; None counts as 1.
        predictor_id: The id of the predictor whose record weights it; None for evidence without a predictor.
        document_id: The id of its source, if that is a document of the graph.
        milestone_id: The id of the milestone that it reports on.
        url: The address of its source.
        cluster_id: The name of the source event that it shares with other items.
        observed_at: The moment of observation; None for now.
        note: Free text about it.
        submitted_by: The name of the person or program that submits it.
        kind: The kind of evidence.
        label: A short name for it.
        accepts_unlinked_predictor: Whether the predictor may be another than the claim's.
        idempotency_key: The item's own key, under which it counts once; None without one.
        path: The path of the item in the request, for error messages.
        faults: What was found wrong when the item was read; it is refused with these and whatever else is found.
    """

    claim_id: str
    direction: Direction
    strength: Strength | float
    confidence: float | None = None
    predictor_id: str | None = None
    document_id: str | None = None
    milestone_id: str | None = None
    url: str | None = None
    cluster_id: str | None = None
    observed_at: datetime | None = None
    note: str | None = None
    submitted_by: str | None = None
    kind: str = SUBMITTED
    label: str | None = None
    accepts_unlinked_predictor: bool = False
    idempotency_key: str | None = None
    path: str = "input"
    faults: tuple[RefusedError, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """Return the attributes that decide what is written, which a request's fingerprint is computed from."""
        return {name: value for name, value in as_mapping(self).items() if name not in _NO_ARGUMENTS}


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """
    An item with everything about it that follows without the database.

    Attributes:
        item: The item.
        weight: Its weight before any predictor's record applies; None where a value of the item is wrong.
        evidence_id: The id of its ledger row, should it be recorded.
        observed_at: The moment of observation.
        request: The request that the item is by itself; None without a key of its own.
        faults: All that is wrong with it so far.
        key_kappa: Factor of its weight by the caller's key.
    """

    item: EvidenceItem
    weight: WeighedEvidence | None
    evidence_id: str
    observed_at: datetime
    request: WriteRequest | None
    faults: tuple[RefusedError, ...]
    key_kappa: float = 1.0

    def observation_key(self) -> str | None:
        """Return the key under which its source counts once at its moment; None without a source."""
        return observation_key(self.item.claim_id, self.item.document_id, self.item.url, self.observed_at)

    def parameters(self, index: int, idempotency_key: str | None) -> dict[str, Any]:
        """Return the item as `ledger/list_intake_context` takes it, with the key that its ledger row would have."""
        item = self.item
        low, high = None, None
        if item.cluster_id is not None:
            low, high = bounds(cluster_anchor(item.claim_id, item.cluster_id))
        return {
            "index": index,
            "claim_id": item.claim_id,
            "predictor_id": item.predictor_id,
            "document_id": item.document_id,
            "milestone_id": item.milestone_id,
            "id": self.evidence_id,
            "idempotency_key": idempotency_key,
            "observation_key": self.observation_key(),
            "cluster_low": low,
            "cluster_high": high,
        }


def prepare_items(
    items: Sequence[EvidenceItem], now: datetime, known: Known, bounds: Bounds = UNBOUND
) -> list[PreparedItem]:
    """
    Check and weigh items as far as that needs no database.

    Args:
        items: The items.
        now: The current moment.
        known: The items before them, to which they are added; an equal one without a key is a fault.
        bounds: What the caller may add.
    """
    return [_prepare(item, now, known, bounds) for item in items]


def _prepare(item: EvidenceItem, now: datetime, known: Known, bounds: Bounds) -> PreparedItem:
    faults = [*item.faults, *_value_faults(item), *_weight_faults(item)]
    weight = None if faults else weigh(item.strength, item.direction, confidence=item.confidence)
    request = None
    observed_at = item.observed_at or now
    try:
        check_past(observed_at, now, path=f"{item.path}.observed_at", advice=FUTURE_ADVICE)
    except RefusedError as fault:
        faults.append(fault)
    try:
        request = _own_request(item)
    except InvalidError as fault:
        faults.append(InvalidError(fault.message, path=f"{item.path}.idempotency_key"))
    faults += bounds.list_faults(item.predictor_id, item.url, path=item.path, source_field="url")
    if not item.faults:
        faults += _repetitions(item, observed_at, known)
    return PreparedItem(item, weight, new_id(), observed_at, request, tuple(faults), bounds.kappa)


def _weight_faults(item: EvidenceItem) -> Iterator[RefusedError]:
    if item.confidence is not None and not 0.0 <= item.confidence <= 1.0:
        message = f"expected a probability from 0 to 1, got {item.confidence}"
        yield InvalidError(message, path=f"{item.path}.confidence")
    try:
        weigh(item.strength, item.direction)
    except ValueError as error:
        yield InvalidError(str(error), path=f"{item.path}.strength")


def _own_request(item: EvidenceItem) -> WriteRequest | None:
    if item.idempotency_key is None:
        return None
    return WriteRequest(SUBMIT_EVIDENCE, {"items": [item.arguments()]}, item.idempotency_key)


def _repetitions(item: EvidenceItem, observed_at: datetime, known: Known) -> Iterator[RefusedError]:
    """Find the item before it of which it may be a repetition."""
    equal = None if item.idempotency_key is not None else known.find_equal(item)
    key = observation_key(item.claim_id, item.document_id, item.url, observed_at)
    same = None if key is None else known.find_observation(key, item.path)
    if equal is not None:
        message = f"it equals {equal} and counts once; if both are to count, give each an idempotency key of its own"
        yield DuplicateError(message, existing_key=None, path=item.path)
    elif same is not None:
        yield repeated_observation(same, observed_at, existing_key=None, path=item.path)


def repeated_observation(first: str, observed_at: datetime, *, existing_key: str | None, path: str) -> DuplicateError:
    """
    Return the refusal of an item whose source counts already at its moment.

    Args:
        first: Words for what counts.
        observed_at: The moment of observation.
        existing_key: The key of the ledger row that counts, if there is one.
        path: The path of the item.
    """
    message = (
        f"{first} already records this source as observed at {observed_at.isoformat()} "
        "and counts once; give a second observation its own observed_at"
    )
    return DuplicateError(message, existing_key=existing_key, path=path)


def _adapter(kind: type[Row], name: str) -> TypeAdapter[Any]:
    field = kind.model_fields[name]
    declared: Any = Annotated[field.annotation, field]
    return TypeAdapter(declared)


_VALUES: Final[Mapping[str, TypeAdapter[Any]]] = {
    "url": _adapter(Evidence, "url"),
    "cluster_id": _adapter(Evidence, "cluster_id"),
    "note": _adapter(Evidence, "note"),
    "submitted_by": _adapter(Evidence, "submitted_by"),
    "label": _adapter(Contribution, "label"),
}
"""Checks of the values that enter the ledger as they come, by the rules of the row's properties."""


def _value_faults(item: EvidenceItem) -> Iterator[RefusedError]:
    for name, adapter in _VALUES.items():
        value = getattr(item, name)
        if value is None:
            continue
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            yield InvalidError(describe_problem(error.errors(include_url=False)[0]).message, path=f"{item.path}.{name}")
