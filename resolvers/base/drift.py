"""Marks fields whose value changes with time alone, or with who asks, so that their answers are not kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Drift:
    """
    Dependence of a field on the moment when it is asked for.

    Attributes:
        unless: GraphQL name of the argument that gives the moment instead; None if nothing does.
        is_daily: Whether the value changes with the day (UTC) alone, just after its first moment, so that an answer
            holds for the rest of the day.
    """

    unless: str | None = None
    is_daily: bool = False


def drifts(unless: str | None = None) -> dict[str, Any]:
    """The metadata of a field whose value changes with time alone, unless an argument is given."""
    return {"drift": Drift(unless)}


def drifts_daily() -> dict[str, Any]:
    """The metadata of a field whose value changes with the day alone; see `Drift`."""
    return {"drift": Drift(is_daily=True)}


def belongs_to_caller() -> dict[str, Any]:
    """The metadata of a field whose value depends on who asks, so that nobody gets an answer kept for another."""
    return drifts()


def find_drift(metadata: Mapping[str, Any]) -> Drift | None:
    """Find how a field depends on the moment; None if it does not."""
    found: Drift | None = metadata.get("drift")
    return found
