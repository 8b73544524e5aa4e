"""Claims as they are stored with their ledgers, many read at once: what derived values are recomputed from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from graph.database.sessions import Unit
from graph.inference.posterior import LedgerStep
from graph.inference.time import moment_of
from graph.ledger.claim_state import STATE_PROPERTIES, past_name
from graph.model.page_keys import CHANGE_DAYS

MOMENTS: Final = (
    "resolved_at",
    "window_start",
    "window_end",
    "last_recorded_at",
    "setting_at",
    "versioned_at",
    "created_at",
    "posterior_as_of",
)
NAMES: Final = (
    *(name for name in STATE_PROPERTIES if name not in MOMENTS),
    "posterior",
    "probability_key",
    "evidence_count_key",
    "last_evidence_key",
    *map(past_name, CHANGE_DAYS),
)
ROW_MOMENTS: Final = ("recorded_at", "observed_at")
STORED_WITH_ROWS: Final = (
    "prior_inside_log_odds",
    "inside_log_odds",
    "check_in_log_odds",
    "cluster_size",
    "cluster_llr_sum",
    "cluster_adjusted_llr_sum",
    "observation_key",
    *(each.name for each in fields(LedgerStep)),
)
"""What is derived of ledger rows and stored with them."""


class StoredItem(NamedTuple):
    """An item of a ledger row, as `LedgerItem` tells."""

    kind: str | None
    llr: float
    adjusted_llr: float | None


class StoredRow(NamedTuple):
    """
    A ledger row, as `LedgerRow` tells, with what else its derived values follow from.

    Attributes:
        stored: The derived values as they are stored, by name.
    """

    id: str
    claim_id: str
    policy: str
    evidence_kind: str | None
    cluster_id: str | None
    retracts_id: str | None
    predictor_id: str | None
    document_id: str | None
    url: str | None
    kappa: float | None
    trf: float | None
    base_rate: float | None
    reference_class_id: str | None
    total_llr: float
    total_adjusted_llr: float | None
    contribution_kind: Sequence[str] | None
    contribution_llr: Sequence[float] | None
    contribution_adjusted_llr: Sequence[float] | None
    recorded_at: datetime
    observed_at: datetime
    stored: Mapping[str, Any]

    @property
    def contributions(self) -> Sequence[StoredItem]:
        """The items that it sums up."""
        kinds, adjusted = self.contribution_kind or (), self.contribution_adjusted_llr or ()
        return [
            StoredItem(kind or None, llr, None if number is None or math.isinf(number) else number)
            for kind, llr, number in zip_longest(kinds, self.contribution_llr or (), adjusted)
        ]

    @classmethod
    def of(cls, values: Sequence[Any]) -> "StoredRow":
        """Make it of values: its own, those stored with it, and its moments in microseconds."""
        own, stored, moments = values[:_NUM_OWN], values[_NUM_OWN : -len(ROW_MOMENTS)], values[-len(ROW_MOMENTS) :]
        return cls._make((*own, *map(moment_of, moments), dict(zip(STORED_WITH_ROWS, stored, strict=True))))


_OWN_NAMES: Final = StoredRow._fields[: StoredRow._fields.index(ROW_MOMENTS[0])]
_NUM_OWN: Final = len(_OWN_NAMES)


@dataclass(frozen=True, slots=True)
class StoredClaim:
    """
    A claim.

    Attributes:
        subject: Prediction, Scenario or Killer.
        properties: What its state is read from.
        reference_class: `CLASS_PROPERTIES` of its reference class; None without one.
        rows: Its ledger, in order.
        stored: Its properties as they are stored, the derived ones among them.
    """

    subject: str
    properties: Mapping[str, Any]
    reference_class: Mapping[str, Any] | None
    rows: Sequence[StoredRow]
    stored: Mapping[str, Any]

    @classmethod
    def of(cls, values: Sequence[Any]) -> "StoredClaim":
        """Make it of an entry of `ledger/list_derived`."""
        subject, named, moments, of_class, rows = values
        properties = dict(zip(NAMES, named, strict=True))
        properties.update(zip(MOMENTS, map(moment_of, moments), strict=True))
        reference_class = None
        if of_class is not None:
            base_rate, num, at = of_class
            reference_class = {"base_rate": base_rate, "num_versions": num, "versioned_at": moment_of(at)}
        return cls(subject, properties, reference_class, [StoredRow.of(row) for row in rows], properties)

    @property
    def id(self) -> str:
        """The claim's id."""
        found: str = self.stored["id"]
        return found


async def list_stored_claims(unit: Unit, claim_ids: Sequence[str]) -> list[StoredClaim]:
    """List claims with their ledgers, in the order of the ids; those that do not exist are left out."""
    (answer,) = await unit.run(
        "ledger/list_derived",
        ids=claim_ids,
        names=NAMES,
        moments=MOMENTS,
        row_names=[*_OWN_NAMES, *STORED_WITH_ROWS],
        row_moments=ROW_MOMENTS,
    )
    return [StoredClaim.of(values) for values in answer["claims"]]
