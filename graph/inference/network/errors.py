"""What stops an inference that is otherwise well asked."""

from collections.abc import Callable

ShouldStop = Callable[[], bool]
"""Asked between the parts of a long computation, some ten times a second; a true answer ends it."""


class Cancelled(Exception):  # noqa: N818  # somebody wanted it, so it is no error
    """The caller's `should_stop` said so; nothing is left behind."""


class TooLargeError(Exception):
    """
    The question is sound, but its answer needs more than the limit.

    Attributes:
        size: What it needs.
        limit: What is allowed, in the same unit.
    """

    def __init__(self, message: str, *, size: int, limit: int) -> None:
        super().__init__(message)
        self.size = size
        self.limit = limit


def never() -> bool:
    """Do not stop."""
    return False


def check_stop(should_stop: ShouldStop) -> None:
    """
    Stop if that is wanted.

    Raises:
        Cancelled: It is.
    """
    if should_stop():
        message = "stopped on request"
        raise Cancelled(message)
