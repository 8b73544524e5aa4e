"""Prices of documents and limits of the service, for callers who ask before they send."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from strawberry import Schema

from api.access.allowances import Allowance
from api.asking import NOT_TRUSTED
from api.documents import identify
from api.estimating import estimate
from api.execution import without_suggestion
from api.limits import Limits
from api.settings import Settings
from api.trusted import Trusted
from resolvers.base.tariffs import Estimate, ServiceLimits


class DocumentTariff:
    """
    Prices documents as they are priced before they run.

    Args:
        schema: The schema.
        limits: The limits of a document.
        trusted: Tells which documents are answered.
        shown: All limits, for clients.

    Attributes:
        limits: All limits, for clients.
    """

    def __init__(self, schema: Schema, limits: Limits, trusted: Trusted, shown: ServiceLimits) -> None:
        self.limits = shown
        self._schema, self._limits, self._trusted = schema, limits, trusted

    def estimate(self, document: str, variables: Mapping[str, Any]) -> Estimate:
        """Check and price a document that is not run; see `Tariff`. Faults suggest no names, whoever asks."""
        if not self._trusted.allows(identify(document)):
            return Estimate(identify(document), faults=[NOT_TRUSTED])
        found = estimate(self._schema, self._limits, document, variables)
        return Estimate(found.document_id, found.operations, list(map(without_suggestion, found.faults)))


def limits_of(settings: Settings) -> Limits:
    """Read the limits on documents from the settings."""
    return Limits(
        max_depth=settings.max_depth,
        max_aliases=settings.max_aliases,
        max_fields=settings.max_fields,
        max_tokens=settings.max_tokens,
        max_items=settings.max_items,
        max_rows=settings.max_rows,
        max_points=settings.max_points,
    )


def list_limits(settings: Settings) -> ServiceLimits:
    """List the limits that clients are told, as the settings have them."""
    allowance: Allowance = settings.find_allowance()
    return ServiceLimits(
        **asdict(limits_of(settings)),
        max_read_rows=settings.max_read_rows,
        max_body_bytes=settings.max_body_bytes,
        request_seconds=settings.request_timeout_seconds,
        points_per_minute=allowance.points,
        mutations_per_minute=allowance.mutations,
        concurrent_requests=allowance.concurrent,
        max_subscribers=settings.max_subscribers,
    )
