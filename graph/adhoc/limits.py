"""Limits of statements that analysts write: what the operator allows, and what a caller wants within it."""

import os
from dataclasses import dataclass
from typing import Final

MOST_SECONDS: Final = 60.0
"""The longest that an operator may allow: a page's request ends before."""

LEAST_SECONDS: Final = 0.01

MOST_AT_ONCE: Final = 4
"""Statements that run at a time, unless the operator says otherwise."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Limits that a caller wants for one statement; None for the operator's defaults.

    Attributes:
        max_rows: Most rows.
        timeout_seconds: Time from its start to its last row, in seconds.
        max_bytes: Most bytes that the database sends.
    """

    max_rows: int | None = None
    timeout_seconds: float | None = None
    max_bytes: int | None = None


AS_USUAL: Final = Wanted()


def statements_at_once() -> int:
    """
    Count the statements that may run at a time on this machine: one for each processor, from 2 up to 4.

    Each keeps a processor of the database busy. With twice as many as processors, pages took nine times as long.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(max(processors, 2), MOST_AT_ONCE)


@dataclass(frozen=True, slots=True)
class AdhocLimits:
    """
    Limits that the operator sets.

    Attributes:
        default_rows: Rows of an answer, unless the caller wants another number.
        most_rows: The most that a caller may want.
        default_seconds: Time of a statement in seconds, unless the caller wants another.
        most_seconds: The most that a caller may want, up to `MOST_SECONDS`.
        default_bytes: Bytes that the database sends for a statement, unless the caller wants another number.
        most_bytes: The most that a caller may want.
        most_row_bytes: Bytes that the database sends for one row.
        at_once: Statements that run at a time.
        at_once_per_caller: Statements of one caller that run at a time.
        max_statement_length: Characters of a statement.
    """

    default_rows: int = 1_000
    most_rows: int = 1_000_000
    default_seconds: float = 1.0
    most_seconds: float = MOST_SECONDS
    default_bytes: int = 16 << 20
    most_bytes: int = 1 << 30
    most_row_bytes: int = 8 << 20
    at_once: int = MOST_AT_ONCE
    at_once_per_caller: int = 2
    max_statement_length: int = 10_000

    def clamp(self, wanted: Wanted) -> "Granted":
        """Grant what a caller wants, within these limits."""
        seconds = self.default_seconds if wanted.timeout_seconds is None else wanted.timeout_seconds
        return Granted(
            max_rows=_clamp(self.default_rows if wanted.max_rows is None else wanted.max_rows, self.most_rows),
            timeout_seconds=min(max(seconds, LEAST_SECONDS), self.most_seconds, MOST_SECONDS),
            max_bytes=_clamp(self.default_bytes if wanted.max_bytes is None else wanted.max_bytes, self.most_bytes),
        )


@dataclass(frozen=True, slots=True)
class Granted:
    """Limits of one statement, all of them set; as `Wanted`."""

    max_rows: int
    timeout_seconds: float
    max_bytes: int


def _clamp(number: int, most: int) -> int:
    return min(max(number, 1), most)
