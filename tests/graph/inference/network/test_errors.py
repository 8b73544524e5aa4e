"""Errors that end a valid inference."""

import pytest

from graph.inference.network.errors import Cancelled, TooLargeError, check_stop, never


def test_only_a_request_stops() -> None:
    """A false answer lets the computation go on."""
    check_stop(never)
    with pytest.raises(Cancelled, match="stopped on request"):
        check_stop(lambda: True)


def test_a_limit_is_reported_in_numbers() -> None:
    """So that a caller need not parse the message."""
    error = TooLargeError("too many claims", size=7, limit=5)

    assert (str(error), error.size, error.limit) == ("too many claims", 7, 5)
