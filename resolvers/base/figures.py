"""Computed numbers as they are shown: to twelve significant digits, so that -0.157 is not -0.15699999999999997."""

from collections.abc import Collection, Mapping
from typing import Any, overload


@overload
def figure(value: float) -> float: ...
@overload
def figure(value: None) -> None: ...
def figure(value: float | None) -> float | None:
    """A computed number as it is shown."""
    # Twelve of the fifteen digits that a float holds, as sums and products lose some.
    return None if value is None else float(f"{value:.12g}")


def figures(row: Mapping[str, Any], *, stated: Collection[str] = ()) -> dict[str, Any]:
    """
    A row with its numbers as they are shown.

    Args:
        row: In the response's shape; of the values in it, floats and lists of floats are numbers.
        stated: Names of numbers that were stated, not computed, which stay as they are.
    """
    return {name: value if name in stated else _shown(value) for name, value in row.items()}


def _shown(value: Any) -> Any:
    if type(value) is float:
        return figure(value)
    return [_shown(item) for item in value] if type(value) is list else value
