"""Influences: what one claim alone says about another."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph.fetch import Node as NodeDict
from graph.inference.influence import implied_belief
from graph.relations import INCOMING, OUTGOING
from resolvers.enums import InfluenceKind
from resolvers.fields import kinds_argument, prop
from resolvers.scalars import Probability
from resolvers.selection import Follows

if TYPE_CHECKING:
    from resolvers.claims import Claim


@strawberry.type(
    description="A row of an influence table: how the claim at one end bears on the one at the other. "
    "Figures are null where a claim has no probability or the influence no table."
)
class Influence:
    """A row of an influence table."""

    kind: InfluenceKind = prop("How the parent bears on the child.")
    claim: Annotated["Claim", strawberry.lazy("resolvers.claims")] = prop(
        "The claim at the other end: the parent of an incoming influence, the child of an outgoing one."
    )
    p_if_true: Probability | None = prop("P(child | parent true).")
    p_if_false: Probability | None = prop("P(child | parent false).")
    lag_days: int | None = prop("How many days after the parent the child follows, where known.")
    basis: str | None = prop("Where the figures come from, or why there are none.")
    implied: float | None = prop("P(child) as this parent alone implies it: P(s) P(c|s) + (1 - P(s)) P(c|not s).")
    delta_implied: float | None = prop("`implied` minus the child's own probability; rows come by its size.")
    mutual_information_bits: float | None = prop("What learning the parent would tell about the child, in bits.")


def complete_incoming(child: NodeDict, row: NodeDict) -> None:
    """Add what follows from both ends to a row whose other end is the parent."""
    _complete(row, row["claim"]["stated_probability"], child["stated_probability"])


def complete_outgoing(parent: NodeDict, row: NodeDict) -> None:
    """Add what follows from both ends to a row whose other end is the child."""
    _complete(row, parent["stated_probability"], row["claim"]["stated_probability"])


def _complete(row: NodeDict, parent: float | None, child: float | None) -> None:
    row.update(implied=None, delta_implied=None, mutual_information_bits=None)
    if parent is None or child is None or row["p_if_true"] is None:
        return
    belief = implied_belief(parent, child, row["p_if_true"], row["p_if_false"])
    row.update(
        implied=belief.implied,
        delta_implied=belief.delta,
        mutual_information_bits=belief.mutual_information_bits,
    )


INCOMING_INFLUENCES = Follows(
    INCOMING,
    kinds_argument,
    wrap="claim",
    reads_source=("stated_probability",),
    reads_target=("stated_probability",),
    complete=complete_incoming,
)
OUTGOING_INFLUENCES = Follows(
    OUTGOING,
    kinds_argument,
    wrap="claim",
    reads_source=("stated_probability",),
    reads_target=("stated_probability",),
    complete=complete_outgoing,
)


@strawberry.type(description="A claim that is reached by following influences downstream.")
class Cascade:
    """A claim that is reached by following influences downstream."""

    depth: int = prop("How many influences lie between.")
    lag_days: int = prop("The sum of the known lags on the way, in days.")
    claim: Annotated["Claim", strawberry.lazy("resolvers.claims")] = prop("The claim reached.")

    @strawberry.field(description="The key of the claim one step nearer, by which this one was reached.")
    def via_key(self: Any) -> str:
        """The key of the claim one step nearer."""
        found: str = self["via_id"]
        return found


@strawberry.type(description="What follows downstream of a claim, the nearest first. A leaf has nothing there.")
class Cascades:
    """What follows downstream of a claim."""

    reached: list[Cascade] = prop("The claims reached, the nearest first.")
    is_leaf: bool = prop("Whether no influence leaves the claim at all.")
    is_truncated: bool = prop("Whether more could be reached within the depth than `first` let through.")
