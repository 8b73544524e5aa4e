"""Encoders of tables: rows of Neo4j's values in, batch by batch, and bytes out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Rows = Sequence[Sequence[Any]]
"""Rows of a table: the driver's values, in the order of the columns."""


@dataclass(frozen=True, slots=True)
class Ending:
    """
    Facts about a table that are known once all rows have been read.

    Attributes:
        revision: The graph's revision that the rows were read at; None where it is not known.
        is_truncated: Whether there are further rows.
        elapsed_seconds: Time from the question to the last row.
    """

    revision: int | None = None
    is_truncated: bool = False
    elapsed_seconds: float = 0.0


class Encoder(Protocol):
    """Encodes one table."""

    def add(self, rows: Rows) -> bytes:
        """
        Encode some more rows; returns no bytes as long as the format cannot be begun.

        Raises:
            InvalidError: A value's type is not known.
        """
        ...

    def finish(self, ending: Ending) -> Iterator[bytes]:
        """Encode what remains after the last rows."""
        ...

    def fail(self, error: dict[str, Any]) -> bytes | None:
        """Tell of an error after the first bytes; None where the format has no place for it."""
        ...

    def close(self) -> None:
        """Give up what the encoder holds besides memory."""
        ...
