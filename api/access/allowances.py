"""Rights of callers, as settings say them."""

from dataclasses import dataclass
from typing import Final

MEMORY: Final = "async+memory://"
"""Stands for counts in this process."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """
    The allowance of a caller; None for no limit.

    Attributes:
        points: Cost points in a minute: rows that documents may read and points that they may compute, as priced.
        mutations: Requests that write, in a minute.
        concurrent: Requests at a time, in each process.
    """

    points: int | None = None
    mutations: int | None = None
    concurrent: int | None = None
