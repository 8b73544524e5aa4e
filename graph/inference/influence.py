"""Beliefs in a child that one parent alone implies: rows of an influence table."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImpliedBelief:
    """
    A child's belief as one parent implies it.

    Attributes:
        implied: P(child) by the law of total probability over this parent alone.
        delta: `implied` minus the child's own probability.
        mutual_information_bits: Mutual information of parent and child, in bits.
    """

    implied: float
    delta: float
    mutual_information_bits: float


def implied_belief(parent: float, child: float, p_if_true: float, p_if_false: float) -> ImpliedBelief:
    """
    Compute the row of an influence table for one parent and its child.

    Args:
        parent: P(parent), strictly between 0 and 1.
        child: P(child), strictly between 0 and 1.
        p_if_true: P(child | parent true).
        p_if_false: P(child | parent false).
    """
    implied = parent * p_if_true + (1.0 - parent) * p_if_false
    return ImpliedBelief(
        implied=implied,
        delta=implied - child,
        mutual_information_bits=mutual_information_bits(parent, p_if_true, p_if_false),
    )


def mutual_information_bits(parent: float, p_if_true: float, p_if_false: float) -> float:
    """
    Compute I(parent; child) = H(child) - H(child | parent) of the stated table, in bits.

    It ranks influences by how informative they are, while |delta| may rank the least probable killer first.

    Source: Cover and Thomas, Elements of Information Theory, 2nd ed., equation 2.39.
    """
    implied = parent * p_if_true + (1.0 - parent) * p_if_false
    conditional = parent * _entropy_bits(p_if_true) + (1.0 - parent) * _entropy_bits(p_if_false)
    # The difference of two equal entropies may round to some -1e-17.
    return max(0.0, _entropy_bits(implied) - conditional)


def _entropy_bits(probability: float) -> float:
    if probability in {0.0, 1.0}:
        return 0.0
    return -(probability * math.log2(probability) + (1.0 - probability) * math.log2(1.0 - probability))
