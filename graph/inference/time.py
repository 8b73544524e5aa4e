"""Windows of predictions and the fraction of them that remains."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import overload

import numpy as np
from numpy.typing import NDArray

from graph.inference.log_odds import FloatArray

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MomentArray = NDArray[np.datetime64]
"""Moments in UTC to the microsecond: dtype datetime64[us], which has no time zone; NaT for a missing moment."""


def year_window(from_year: int) -> tuple[datetime, datetime]:
    """Return the window of a bare year: from its first moment to the first moment of its last day."""
    return datetime(from_year, 1, 1, tzinfo=UTC), datetime(from_year, 12, 31, tzinfo=UTC)


def time_remaining_fraction(start: datetime, deadline: datetime, moment: datetime) -> float:
    """
    Compute the fraction of a window that remains: 1 at or before its start, 0 at or after its deadline.

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
    """Return a claim's explicit window, else its year's; None if it has neither."""
    if window_start is not None and window_end is not None:
        return window_start, window_end
    return None if from_year is None else year_window(from_year)


def is_before_window(
    moment: datetime, from_year: int | None, window_start: datetime | None, window_end: datetime | None
) -> bool:
    """Whether a moment is before a claim's window opens; false for a claim without a window."""
    window = window_of(from_year, window_start, window_end)
    return window is not None and moment < window[0]


def utc_moments(moments: Sequence[datetime | None]) -> MomentArray:
    """
    Convert moments to an array of shape (n,); None becomes NaT.

    Raises:
        ValueError: A moment has no time zone.
    """
    for moment in moments:
        if moment is not None and moment.utcoffset() is None:
            message = f"expected a moment with a time zone, got {moment}"
            raise ValueError(message)
    naive = [None if moment is None else moment.astimezone(UTC).replace(tzinfo=None) for moment in moments]
    return np.array(naive, dtype="datetime64[us]")


def moments_of(microseconds: Sequence[int | None]) -> MomentArray:
    """Convert microseconds since 1970 in UTC to moments, shape (n,); None becomes NaT."""
    return np.array([None if value is None else value for value in microseconds], "datetime64[us]")


def moment_of(microseconds: int | None) -> datetime | None:
    """Convert microseconds since 1970 in UTC to a moment; None stays None."""
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


@overload
def microseconds_of(moment: datetime) -> int: ...
@overload
def microseconds_of(moment: datetime | None) -> int | None: ...
def microseconds_of(moment: datetime | None) -> int | None:
    """Convert a moment to microseconds since 1970 in UTC; None stays None."""
    return None if moment is None else (moment - EPOCH) // timedelta(microseconds=1)


def datetime_of(moment: np.datetime64) -> datetime:
    """Convert a moment of an array to a datetime in UTC."""
    found: datetime = moment.astype("datetime64[us]").item()
    return found.replace(tzinfo=UTC)


def windows_of(
    from_years: Sequence[int | None], starts: Sequence[int | None], ends: Sequence[int | None]
) -> tuple[MomentArray, MomentArray]:
    """
    Apply `window_of` to many claims, with moments in microseconds since 1970 in UTC.

    Returns:
        Starts and deadlines, each of shape (n,); NaT for claims without a window.
    """
    first, last = moments_of(starts), moments_of(ends)
    is_explicit = ~np.isnat(first) & ~np.isnat(last)
    first[~is_explicit] = last[~is_explicit] = np.datetime64("NaT")
    years = np.array([0 if year is None else year for year in from_years], np.int64) - 1970
    by_year = ~is_explicit & np.array([year is not None for year in from_years], np.bool_)
    first[by_year] = years[by_year].astype("datetime64[Y]")
    last[by_year] = (years[by_year] + 1).astype("datetime64[Y]").astype("datetime64[D]") - np.timedelta64(1, "D")
    return first, last


def time_remaining_fractions(starts: MomentArray, deadlines: MomentArray, moments: MomentArray) -> FloatArray:
    """
    Apply `time_remaining_fraction` to many windows or moments; NaN without a window.

    Equal to the last bit for windows under 285 years, whose microseconds a double represents exactly.

    Args:
        starts: Starts of the windows, of any shape that broadcasts with the others; NaT without a window.
        deadlines: Ends of the windows, likewise.
        moments: Moments to compute the fraction at.

    Raises:
        ValueError: A deadline is not after its start, or only one of the two is NaT.
    """
    if (np.isnat(starts) != np.isnat(deadlines)).any() or (deadlines <= starts).any():
        message = "expected each deadline after its start, or neither"
        raise ValueError(message)
    fractions: FloatArray = np.clip((deadlines - moments) / (deadlines - starts), 0.0, 1.0)
    return fractions
