"""A prediction's window and how much of it remains."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from graph.inference.log_odds import FloatArray

MomentArray = NDArray[np.datetime64]
"""Moments in UTC to the microsecond: dtype datetime64[us], which knows no zones; NaT is none."""


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


def utc_moments(moments: Sequence[datetime | None]) -> MomentArray:
    """
    Moments as an array, shape (n,); None becomes NaT.

    Raises:
        ValueError: One of them has no zone.
    """
    for moment in moments:
        if moment is not None and moment.utcoffset() is None:
            message = f"expected a moment with a zone, got {moment}"
            raise ValueError(message)
    naive = [None if moment is None else moment.astimezone(UTC).replace(tzinfo=None) for moment in moments]
    return np.array(naive, dtype="datetime64[us]")


def moments_of(microseconds: Sequence[int | None]) -> MomentArray:
    """Moments given in microseconds since 1970 in UTC, shape (n,); None becomes NaT."""
    return np.array([None if value is None else value for value in microseconds], "datetime64[us]")


def windows_of(
    from_years: Sequence[int | None], starts: Sequence[int | None], ends: Sequence[int | None]
) -> tuple[MomentArray, MomentArray]:
    """
    `window_of` of many claims, moments in microseconds since 1970 in UTC.

    Returns:
        Starts and deadlines, each of shape (n,); NaT where a claim has no window.
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
    `time_remaining_fraction` of many windows or at many moments; NaN where there is no window.

    Equal to the last bit for windows under 285 years, whose microseconds a double holds exactly.

    Args:
        starts: Of shapes that broadcast, as are the others; NaT is no window.
        deadlines: As `starts`.
        moments: At which to ask.

    Raises:
        ValueError: A deadline is not after its start, or only one of the two is there.
    """
    if (np.isnat(starts) != np.isnat(deadlines)).any() or (deadlines <= starts).any():
        message = "expected each deadline after its start, or neither"
        raise ValueError(message)
    fractions: FloatArray = np.clip((deadlines - moments) / (deadlines - starts), 0.0, 1.0)
    return fractions
