"""Influences of one claim on another, and cascades along them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry

from graph.inference.influence import ImpliedBelief, implied_belief
from graph.model import rows
from graph.model.relations import INCOMING, INFLUENCE_KINDS, OUTGOING
from graph.reading.tree import Node as NodeDict
from resolvers.base.described import field, object_type
from resolvers.base.enums import InfluenceKind
from resolvers.base.fields import kinds_argument, prop
from resolvers.base.row_types import row_type
from resolvers.base.scalars import Probability
from resolvers.base.selection import Follows

if TYPE_CHECKING:
    from resolvers.types.claims import Claim


@row_type(rows.Influence)
class Influence:
    """
    The influence of a parent claim on its child, seen from one of the two.

    Computed figures are null if a claim or the influence has no probabilities.
    """

    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop(
        "The claim at the other end: the parent of an incoming influence, the child of an outgoing one."
    )
    implied: Probability | None = prop(
        "P(child) as this parent's stated probability alone implies it: "
        "P(parent) · probabilityIfTrue + (1 - P(parent)) · probabilityIfFalse.",
        name="impliedProbability",
    )
    delta_implied: float | None = prop("`impliedProbability` minus the child's stated probability.")
    current_implied: Probability | None = prop(
        "`impliedProbability` computed from the parent's stored posterior.", name="currentImpliedProbability"
    )
    current_delta: float | None = prop("`currentImpliedProbability` minus the child's stored posterior.")
    mutual_information_bits: float | None = prop(
        "Information about the child gained by learning the parent's outcome, in bits."
    )


@object_type
class CombinedTable:
    """
    The one table that stands for several influences of a parent on a child.

    Their log-odds are averaged, given the parent true and given it false: the logarithmic opinion pool with equal
    weights.
    """

    p_if_true: Probability = prop("Combined P(child | parent true).")
    p_if_false: Probability = prop("Combined P(child | parent false).")
    influences: list["StatedTable"] = prop("The influences that are combined, by kind.")
    is_contradictory: bool = prop(
        "Whether one of the influences contradicts its kind, or another one; writes refuse that, but a graph made by "
        "an older version may have some."
    )


@object_type
class StatedTable:
    """The table of one influence among several."""

    kind: InfluenceKind = prop("How the parent bears on the child by this influence.")
    p_if_true: Probability = prop("Its P(child | parent true).")
    p_if_false: Probability = prop("Its P(child | parent false).")


@object_type
class CombinedInfluence(CombinedTable):
    """A pair of claims that several influences join."""

    parent: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop(
        "The claim that the influences start from."
    )
    child: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop("The claim that they bear on.")


def shown_combination(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A combination's payload in the shape of `CombinedTable`."""
    tables = [{**table, "kind": InfluenceKind(table["kind"])} for table in payload["influences"]]
    return {**payload, "influences": tables}


def complete_incoming(child: NodeDict, row: NodeDict) -> None:
    """Add the computed figures to a row whose other end is the parent."""
    _complete(row, row["claim"], child)


def complete_outgoing(parent: NodeDict, row: NodeDict) -> None:
    """Add the computed figures to a row whose other end is the child."""
    _complete(row, parent, row["claim"])


def _complete(row: NodeDict, parent: NodeDict, child: NodeDict) -> None:
    stated = _implied(row, parent["stated_probability"], child["stated_probability"])
    current = _implied(row, parent["posterior"], child["posterior"])
    row.update(
        implied=stated and stated.implied,
        delta_implied=stated and stated.delta,
        mutual_information_bits=stated and stated.mutual_information_bits,
        current_implied=current and current.implied,
        current_delta=current and current.delta,
    )


def _implied(row: NodeDict, parent: float | None, child: float | None) -> ImpliedBelief | None:
    if parent is None or child is None or row["p_if_true"] is None:
        return None
    return implied_belief(parent, child, row["p_if_true"], row["p_if_false"])


INCOMING_INFLUENCES = Follows(
    INCOMING,
    kinds_argument,
    wrap="claim",
    reads_source=("stated_probability", "posterior"),
    reads_target=("stated_probability", "posterior"),
    reads_link=("p_if_true", "p_if_false"),
    complete=complete_incoming,
)
OUTGOING_INFLUENCES = replace(INCOMING_INFLUENCES, relation=OUTGOING, complete=complete_outgoing)
_KILLING: Final = (InfluenceKind.KILLS.value,)
_OTHERS: Final = tuple(kind for kind in INFLUENCE_KINDS if kind not in _KILLING)
PREREQUISITES = replace(INCOMING_INFLUENCES, arguments=lambda _: {"kinds": list(_OTHERS)})
KILLERS = replace(INCOMING_INFLUENCES, arguments=lambda _: {"kinds": list(_KILLING)})
DEPENDENTS = replace(OUTGOING_INFLUENCES, arguments=lambda _: {"kinds": list(_OTHERS)})


@object_type
class Cascade:
    """A claim reached by following influences downstream."""

    depth: int = prop("Steps from the starting claim to this one, each an influence.")
    lag_days: int = prop("Sum of the known lags along the way, in days.")
    claim: Annotated["Claim", strawberry.lazy("resolvers.types.claims")] = prop("The claim reached.")

    @field
    def via_key(self: Any) -> str:
        """Key of the claim one step back, from which this one was reached."""
        return self["via_id"]


@object_type
class Cascades:
    """The claims downstream of a claim."""

    reached: list[Cascade] = prop("The claims reached, nearest first.")
    is_leaf: bool = prop("Whether the claim has no outgoing influences of the requested kinds.")
    is_truncated: bool = prop("Whether claims within `depth` steps were left out because of `first`.")
