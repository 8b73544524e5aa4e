"""Limits of a process's subscribers; apart, as settings need them without the feed's code."""

from typing import Final

MOST_SUBSCRIBERS: Final = 20_000
MOST_QUEUED: Final = 256
"""Messages that wait for one subscriber, which is ended with more."""
