"""Prices and limits of the service, as clients see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class OperationPrice:
    """
    The price of an operation.

    Attributes:
        name: Its name; None where it has none.
        rows: The most rows that it may read.
        points: The most points that it may compute.
        cost: Rows and points together, which count for the caller; at least 1.
    """

    name: str | None
    rows: int
    points: int
    cost: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """
    The result of checking and pricing a document.

    Attributes:
        document_id: The SHA-256 of its text, in hexadecimal.
        operations: The prices of its operations; none where it cannot be priced.
        faults: Why it would be refused; empty if it would run.
    """

    document_id: str
    operations: Sequence[OperationPrice] = ()
    faults: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """Limits of the service; None for no limit. Descriptions stand in the schema."""

    max_depth: int
    max_aliases: int
    max_fields: int
    max_tokens: int
    max_items: int
    max_rows: int
    max_points: int
    max_read_rows: int
    max_body_bytes: int
    request_seconds: float
    points_per_minute: int | None
    mutations_per_minute: int | None
    concurrent_requests: int | None
    max_subscribers: int


class Tariff(Protocol):
    """Prices documents, and knows the limits."""

    limits: ServiceLimits

    def estimate(self, document: str, variables: Mapping[str, Any]) -> Estimate:
        """
        Check and price a document that is not run.

        Args:
            document: The document.
            variables: Values of its variables.
        """
