"""Writes and builds the source of generated functions."""

from collections.abc import Callable, Mapping
from typing import Any


class Code:
    """
    Source of functions that call each other, with the constants that they use.

    Names of functions, variables and constants are made here; texts of a document enter the source as `repr` only.

    Args:
        given: Values that the functions may name besides, by name.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._lines: list[str] = []
        self._names: dict[str, Any] = dict(given)
        self._num_names = 0

    def name(self, letter: str) -> str:
        """Make a new name."""
        self._num_names += 1
        return f"{letter}{self._num_names}"

    def constant(self, value: object) -> str:
        """Make a name for a value."""
        name = self.name("k")
        self._names[name] = value
        return name

    def define(self, head: str, body: "Body") -> None:
        """Add a function."""
        self._lines += [f"def {head}:", *body.lines]

    def assign(self, name: str, expression: str) -> None:
        """Add a value that the functions may name."""
        self._lines.append(f"{name} = {expression}")

    @property
    def source(self) -> str:
        """The source so far."""
        return "\n".join(self._lines)

    def build(self, entry: str) -> Callable[..., Any]:
        """Compile the source; returns the function of a name."""
        exec(compile(self.source, "<completion>", "exec"), self._names)  # noqa: S102 - source made here alone
        built: Callable[..., Any] = self._names[entry]
        return built


class Body:
    """Lines of a function."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, text: str, depth: int = 1) -> None:
        """Add a line, indented by some levels."""
        self.lines.append("    " * depth + text)
