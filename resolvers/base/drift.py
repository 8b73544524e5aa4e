"""Marks fields whose value changes with time alone, so that their answers are not kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Drift:
    """
    Dependence of a field on the moment when it is asked for.

    Attributes:
        unless: GraphQL name of the argument that gives the moment instead; None if nothing does.
    """

    unless: str | None = None


def drifts(unless: str | None = None) -> dict[str, Any]:
    """The metadata of a field whose value changes with time alone, unless an argument is given."""
    return {"drift": Drift(unless)}


def find_drift(metadata: Mapping[str, Any]) -> Drift | None:
    """Find how a field depends on the moment; None if it does not."""
    found: Drift | None = metadata.get("drift")
    return found
