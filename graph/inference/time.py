"""A prediction's window and how much of it remains."""

from datetime import UTC, datetime


def year_window(from_year: int) -> tuple[datetime, datetime]:
    """The window that a bare year means: from the first moment of the year to the first moment of its last day."""
    return datetime(from_year, 1, 1, tzinfo=UTC), datetime(from_year, 12, 31, tzinfo=UTC)


def time_remaining_fraction(start: datetime, deadline: datetime, moment: datetime) -> float:
    """
    The share of a window that is left: 1 at its start and before, 0 at its deadline and after.

    Raises:
        ValueError: The deadline is not after the start.
    """
    if deadline <= start:
        message = f"expected a deadline after the start, got {deadline} and {start}"
        raise ValueError(message)
    return min(1.0, max(0.0, (deadline - moment) / (deadline - start)))


def window_of(
    from_year: int | None, window_start: datetime | None, window_end: datetime | None
) -> tuple[datetime, datetime] | None:
    """A claim's window: the explicit one, else its year's; None where it has neither."""
    if window_start is not None and window_end is not None:
        return window_start, window_end
    return None if from_year is None else year_window(from_year)
