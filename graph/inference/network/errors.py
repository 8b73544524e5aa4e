"""Errors that end a valid inference: cancellation and size limits."""

from collections.abc import Callable

ShouldStop = Callable[[], bool]
"""Polled some ten times a second during a long computation; true ends it."""


class Cancelled(Exception):  # noqa: N818  # requested, so not an error
    """The caller's `should_stop` returned true; no partial result remains."""


class TooLargeError(Exception):
    """
    The computation would exceed a limit.

    Attributes:
        size: Required amount.
        limit: Allowed amount, in the same unit.
    """

    def __init__(self, message: str, *, size: int, limit: int) -> None:
        super().__init__(message)
        self.size = size
        self.limit = limit


def never() -> bool:
    """Never stop."""
    return False


def check_stop(should_stop: ShouldStop) -> None:
    """
    Stop if requested.

    Raises:
        Cancelled: `should_stop` returns true.
    """
    if should_stop():
        message = "stopped on request"
        raise Cancelled(message)
