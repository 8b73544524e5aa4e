"""Limits of what a process keeps of the network; apart, as settings need them without the network's code."""

from typing import Final

MAX_SAMPLE_BYTES: Final = 1 << 28
"""Default memory limit of kept joint samples: two banks of 65,000 claims."""
