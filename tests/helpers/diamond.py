"""A small graph whose answers are found by brute force."""

import itertools
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from graph.inference.log_odds import logit, sigmoid
from graph.model.bundle import BUNDLE_FORMAT, Bundle


def diamond() -> Bundle:
    """A scenario over two predictions, both over a third; and what takes no part."""
    tables = [
        ("PREREQUISITE_OF", "S_A", "P_B", 0.8, 0.3),
        ("KILLS", "S_A", "P_C", 0.2, 0.6),
        ("PREREQUISITE_OF", "P_B", "P_D", 0.7, 0.2),
        ("KILLS", "P_C", "P_D", 0.1, 0.5),
    ]
    influences: list[dict[str, Any]] = [
        {"kind": kind, "parent_id": parent, "child_id": child, "p_if_true": if_true, "p_if_false": if_false}
        for kind, parent, child, if_true, if_false in tables
    ]
    influences += [
        {"kind": "CORRELATES_WITH", "parent_id": "P_B", "child_id": "P_C"},  # without a table
        {"kind": "KILLS", "parent_id": "TK_UNKNOWN", "child_id": "P_D", "p_if_true": 0.1, "p_if_false": 0.5},
    ]
    return Bundle.model_validate(
        {
            "format": BUNDLE_FORMAT,
            "reference_classes": [{"id": "such", "description": "Such things", "base_rate": 0.2}],
            "scenarios": [{"id": "S_A", "title": "A", "stated_probability": 0.4}],
            "predictions": [
                {"id": "P_B", "title": "B", "stated_probability": 0.5, "from_year": 2026, "imported_on": "2026-01-01"},
                {
                    "id": "P_C",
                    "title": "C",
                    "stated_probability": 0.45,
                    "from_year": 2026,
                    "reference_class_id": "such",
                    "imported_on": "2026-01-01",
                },
                {"id": "P_D", "title": "D", "stated_probability": 0.35, "imported_on": "2026-01-01"},
            ],
            "killers": [{"id": "TK_UNKNOWN", "title": "Nobody knows"}],
            "influences": influences,
        }
    )


PARENTS: Mapping[str, Mapping[str, float]] = {
    "S_A": {},
    "P_B": {"S_A": logit(0.8) - logit(0.3)},
    "P_C": {"S_A": logit(0.2) - logit(0.6)},
    "P_D": {"P_B": logit(0.7) - logit(0.2), "P_C": logit(0.1) - logit(0.5)},
}


def worlds(known: Mapping[str, bool]) -> Iterator[dict[str, bool]]:
    """All worlds in which some claims have these outcomes."""
    for states in itertools.product((False, True), repeat=len(PARENTS)):
        world = dict(zip(PARENTS, states, strict=True))
        if all(world[claim] is outcome for claim, outcome in known.items()):
            yield world


class Enumeration:
    """The same model by brute force: intercepts by bisection over the exact joint, marginals by summing worlds."""

    def __init__(self, references: Mapping[str, float]) -> None:
        self.intercepts: dict[str, float] = {}
        for claim in PARENTS:
            low, high = -40.0, 40.0
            for _ in range(100):
                self.intercepts[claim] = (low + high) / 2.0
                if self.probability(claim, list(self.intercepts)) > references[claim]:
                    high = self.intercepts[claim]
                else:
                    low = self.intercepts[claim]

    def factor(self, claim: str, world: Mapping[str, bool]) -> float:
        """P(claim as it is in the world | its parents as they are there)."""
        log_odds = self.intercepts[claim] + sum(w for parent, w in PARENTS[claim].items() if world[parent])
        return sigmoid(log_odds if world[claim] else -log_odds)

    def probability(self, asked: str, claims: list[str]) -> float:
        """P(asked) over the joint distribution of some claims, each with its parents among them."""
        total = 0.0
        for world in worlds({claim: False for claim in PARENTS if claim not in claims}):
            total += world[asked] * math.prod(self.factor(claim, world) for claim in claims)
        return total

    def marginals(
        self, known: Mapping[str, bool], llrs: Mapping[str, float], cut: frozenset[str] = frozenset()
    ) -> dict[str, float]:
        """P(each claim) given outcomes and evidence; those cut from their parents do not speak for them."""
        weights = self._weights(known, llrs, cut)
        total = sum(weight for _, weight in weights)
        return {claim: sum(w for world, w in weights if world[claim]) / total for claim in PARENTS}

    def price(
        self, impacts: Mapping[str, float], known: Mapping[str, bool], cut: frozenset[str] = frozenset()
    ) -> float:
        """The expected product of 1 + impact over the claims that come true, given outcomes."""
        weights = self._weights(known, {}, cut)
        total = sum(weight for _, weight in weights)
        prices = (
            w * math.prod(1.0 + impact * world[claim] for claim, impact in impacts.items()) for world, w in weights
        )
        return sum(prices) / total

    def _weights(
        self, known: Mapping[str, bool], llrs: Mapping[str, float], cut: frozenset[str]
    ) -> list[tuple[dict[str, bool], float]]:
        return [
            (
                world,
                math.prod(self.factor(claim, world) for claim in PARENTS if claim not in cut)
                * math.exp(sum(llr for claim, llr in llrs.items() if world[claim])),
            )
            for world in worlds(known)
        ]


def reference_of_c(moment: datetime) -> tuple[float, float]:
    """By the blend's own formula: the reference belief and the weight of the inside view."""
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
    weight = 1.0 - 0.7 * ((end - moment) / (end - start))
    return sigmoid(weight * logit(0.45) + (1.0 - weight) * logit(0.2)), weight


def references(moment: datetime) -> dict[str, float]:
    """What is believed without evidence."""
    return {"S_A": 0.4, "P_B": 0.5, "P_C": reference_of_c(moment)[0], "P_D": 0.35}
