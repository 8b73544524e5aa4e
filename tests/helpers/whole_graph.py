"""A graph read whole, by plain statements, to answer lists from in the slow and obvious way."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graph.database.sessions import Database, from_driver

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Whole:
    """
    All nodes and relationships.

    Attributes:
        nodes: The labels and the properties of each node, by key within each label.
        links: The type of each relationship, and the keys of its ends.
    """

    nodes: Mapping[str, Mapping[str, Properties]]
    links: frozenset[tuple[str, str, str]]

    def of(self, label: str) -> Mapping[str, Properties]:
        """The nodes of a label, by key."""
        return self.nodes.get(label, {})

    def has_link(self, start: str, kinds: set[str], end: str) -> bool:
        """Whether a relationship of one of some types leads from a node to another."""
        return any((start, kind, end) in self.links for kind in kinds)


async def read_whole(database: Database) -> Whole:
    """Read everything."""
    async with database.open_session() as session:
        found = await session.run("MATCH (n) RETURN labels(n), properties(n)")
        nodes: dict[str, dict[str, Properties]] = {}
        async for labels, properties in found:
            for label in labels:
                key = properties.get("symbol") or properties.get("id")
                nodes.setdefault(label, {})[str(key)] = from_driver(properties)
        text = "MATCH (a)-[r]->(b) RETURN coalesce(a.id, a.symbol), type(r), coalesce(b.id, b.symbol)"
        links = frozenset([(str(a), str(kind), str(b)) async for a, kind, b in await session.run(text)])
    return Whole(nodes, links)


def _millionths(value: float) -> int:
    return math.floor(value * 1_000_000 + 0.5)


def _difference(high: str, low: str) -> Callable[[Properties], float | None]:
    def measure(node: Properties) -> float | None:
        a, b = node.get(high), node.get(low)
        return None if a is None or b is None else _millionths(a - b)

    return measure


def _disagreement(node: Properties) -> float | None:
    a, b = node.get("marginal"), node.get("posterior")
    return None if a is None or b is None else _millionths(abs(a - b))


ABSENT_LAST: Final = {"deadline", "brier", "kappa"}
"""Orders in which nodes without a value come last."""

MEASURES: Final[Mapping[str, Callable[[Properties], Any]]] = {
    "key": lambda node: node.get("symbol") or node["id"],
    "deadline": lambda node: node.get("deadline"),
    "posterior": lambda node: node.get("posterior"),
    "marginal": lambda node: None if node.get("marginal") is None else _millionths(node["marginal"]),
    "disagreement": _disagreement,
    "change_7_days": _difference("posterior", "posterior_7_days_ago"),
    "change_30_days": _difference("posterior", "posterior_30_days_ago"),
    "evidence_count": lambda node: node.get("num_evidence") or 0,
    "last_evidence": lambda node: node.get("last_recorded_at"),
    "stated": lambda node: node.get("stated_probability"),
    "created": lambda node: node.get("created_at"),
    "updated": lambda node: node.get("updated_at"),
    "due": lambda node: node.get("range_to") or node["expected_date"],
    "chain": lambda node: (node["prediction_id"], node["ordinal"]),
    "recorded": lambda node: node["recorded_at"],
    "observed": lambda node: node["observed_at"],
    "published": lambda node: node.get("published_at"),
    "brier": lambda node: node.get("brier"),
    "kappa": lambda node: node.get("kappa"),
    "resolved_count": lambda node: node.get("n_resolved") or 0,
}
"""The value that each order sorts by."""


def sort_nodes(label: str, whole: Whole, sort: str, keys: list[str], *, is_descending: bool) -> list[str]:
    """Sort nodes of a label, given by key: by value, those without one at the end that the order says, then by key."""
    nodes = whole.of(label)

    def place(key: str) -> tuple[bool, Any, str]:
        value = MEASURES[sort](nodes[key])
        is_absent = value is None
        return is_absent is (sort in ABSENT_LAST), 0 if is_absent else value, key

    return sorted(keys, key=place, reverse=is_descending)


def holds(whole: Whole, label: str, key: str, condition: str, given: Any) -> bool:
    """Whether a node satisfies a condition, whose value is one or a list of those that do."""
    node = whole.of(label)[key]
    if (ways := _links_of(label, condition)) is not None:
        kinds, leads_here = ways
        ends = [(other, key) if leads_here else (key, other) for other in given]
        return any(whole.has_link(start, kinds, end) for start, end in ends)
    if label == "Milestone" and condition in {"predictor", "domain"}:
        return whole.of("Claim")[node["prediction_id"]].get(f"{condition}_id") in given
    if condition == "has_evidence":
        return ((node.get("num_evidence") or 0) > 0) is given
    if condition == "symbols":
        return key in given
    if condition == "kind" and label == "Claim":
        return any(key in whole.of(kind.capitalize()) for kind in given)
    return _has_value(node, {("Evidence", "kind"): "evidence_kind"}.get((label, condition), condition), given)


def _links_of(label: str, condition: str) -> tuple[set[str], bool] | None:
    """The relationships that a condition asks for, and whether they lead to the list's nodes."""
    if condition == "document" and label != "Evidence":
        return {"ABOUT"}, True
    if condition == "claim" and label == "Document":
        return {"ABOUT"}, False
    return {
        "killer": ({"KILLS"}, True),
        "prerequisite": ({"PREREQUISITE_OF"}, True),
        "ticker": ({"BENEFITS", "HARMS"}, False),
    }.get(condition)


def _has_value(node: Properties, name: str, given: Any) -> bool:
    """Whether a property has one of some values, or lies at one side of a bound."""
    if name == "changed_since":
        return node.get("updated_at") is not None and node["updated_at"] >= given
    measure = name.removesuffix("_from").removesuffix("_to")
    if measure == name:
        return (node.get(f"{name}_id") or node.get(name)) in given
    value = MEASURES[{"probability": "posterior"}.get(measure, measure)](node)
    return value is not None and (value >= given if name.endswith("_from") else value <= given)
