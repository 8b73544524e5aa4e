"""Prices of documents, and the limits of the service."""

from resolvers.base.described import object_type
from resolvers.base.fields import prop
from resolvers.base.scalars import Int64


@object_type
class OperationPrice:
    """The price of an operation: what it may read and compute at most, by its text and its variables alone."""

    name: str | None = prop("The operation's name; null if it has none.")
    rows: Int64 = prop("Most rows of the graph that it may read; a document above `maxRows` is refused.")
    points: Int64 = prop(
        "Most points of curves that it may compute; an inference counts as 10000. A document above `maxPoints` is "
        "refused."
    )
    cost: Int64 = prop("Cost points, at least 1: rows and points together. They count for `pointsPerMinute`.")


@object_type
class CostEstimate:
    """The result of checking and pricing a document."""

    document_id: str = prop("SHA-256 of the document's text in hexadecimal, by which it may be sent once it is known.")
    operations: list[OperationPrice] = prop("Price of each operation, in their order; empty if it cannot be priced.")
    faults: list[str] = prop("Reasons for which the document would be refused; empty if it would run.")


@object_type
class ServiceConfig:
    """The service's limits, of which those by the minute and at a time hold for each caller."""

    max_depth: int = prop("Deepest nesting of fields in a document.")
    max_aliases: int = prop("Most aliases in a document.")
    max_fields: int = prop("Most fields in a document; those of a fragment count at each use.")
    max_tokens: int = prop("Most tokens in a document.")
    max_items: int = prop("Most items of one list in a document or its variables.")
    max_rows: Int64 = prop("Most rows of the graph that a document may read, by its price.")
    max_points: Int64 = prop("Most points of curves that a document may compute, by its price.")
    max_read_rows: Int64 = prop("Most rows that a request may in fact have read from the database.")
    max_body_bytes: Int64 = prop("Largest body of a request, in bytes.")
    request_seconds: float = prop("Time in seconds after which a request is ended.")
    points_per_minute: Int64 | None = prop("Most cost points of a caller in a minute; null without a limit.")
    mutations_per_minute: Int64 | None = prop("Most mutations of a caller in a minute; null without a limit.")
    concurrent_requests: Int64 | None = prop(
        "Most requests of a caller at a time in each process; null without a limit."
    )
    max_subscribers: Int64 = prop("Most connections by WebSocket at a time in each process.")
