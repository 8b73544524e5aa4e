"""
Judges regular expressions: Java tries each way to match in turn, and no time limit stops it.

The ways are exponentially many where a repetition stands within a repetition. Otherwise they are the product of the
choices, times the text's length for each unlimited repetition.
"""

import re
from dataclasses import dataclass, field
from typing import Final

MOST_LENGTH: Final = 500
"""Characters of a pattern."""

_PART: Final = re.compile(
    r"""
    (?P<back>\\[1-9k])
  | (?P<open>\((?:\?(?:[:=!>]|<[=!]|<\w+>|[a-zA-Z-]*(?=[:)]):?))?)
  | (?P<close>\))
  | (?P<repeat>[*+?]|\{\d+(?:,\d*)?\})[+?]?
  | (?P<either>\|)
  | (?P<other>\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.)
    """,
    re.DOTALL | re.VERBOSE,
)
_COUNTS: Final = re.compile(r"\{(\d+)(,?)(\d*)\}")


class PatternError(ValueError):
    """The pattern can take for ever to match."""


@dataclass(slots=True)
class _Judged:
    """State while a pattern is read: ways to match, unlimited repetitions, and whether each open group varies."""

    ways: float = 1.0
    num_unlimited: int = 0
    varies: list[bool] = field(default_factory=lambda: [False])
    last_varies: bool = False

    def vary(self, ways: float) -> None:
        self.ways *= ways
        self.varies[-1] = True

    def close(self) -> None:
        self.last_varies = self.varies.pop() if len(self.varies) > 1 else True
        self.varies[-1] |= self.last_varies

    def repeat(self, sign: str) -> None:
        least, most = _read_counts(sign)
        if most > 1 and self.last_varies:
            raise PatternError("a repetition contains another, or a choice")
        if most == float("inf"):
            self.num_unlimited += 1
            self.varies[-1] = True
        elif most > least:
            self.vary(most - least + 1)
        self.last_varies = True


def count_ways(pattern: str, length: float) -> float:
    """
    Count the ways in which a pattern can match a text of a length, at most.

    Raises:
        PatternError: They are exponentially many, or the pattern is too long to be judged.
    """
    if len(pattern) > MOST_LENGTH:
        raise PatternError(f"it has {len(pattern)} characters, more than {MOST_LENGTH}")
    judged = _Judged()
    for found in _PART.finditer(pattern):
        kind = found.lastgroup
        if kind == "back":
            raise PatternError("it refers back to a group")
        if kind == "open":
            judged.varies.append(False)
        elif kind == "close":
            judged.close()
        elif kind == "either":
            judged.vary(2.0)
        elif kind == "repeat":
            judged.repeat(found["repeat"])
        if kind in ("open", "either", "other"):
            judged.last_varies = False
    return judged.ways * max(length, 2.0) ** judged.num_unlimited


def _read_counts(sign: str) -> tuple[float, float]:
    """Least and most times of a repetition."""
    if sign in "*+?":
        return 0.0, 1.0 if sign == "?" else float("inf")
    found = _COUNTS.fullmatch(sign)
    assert found is not None  # noqa: S101 - matched before
    least = float(found[1])
    return least, float(found[3]) if found[3] else (float("inf") if found[2] else least)
