"""Belief policies, as data."""

from resolvers.base.described import object_type
from resolvers.base.fields import prop


@object_type
class PolicyFormula:
    """A formula of a belief policy."""

    name: str = prop("The quantity that it gives, such as `posterior`.")
    text: str = prop("The formula in words and symbols, with the policy's numbers.")


@object_type
class PolicyParameter:
    """A parameter of a belief policy."""

    name: str = prop("Name of the parameter, such as `slope`.")
    value: float = prop("Its value, without a unit.")


@object_type
class BeliefPolicy:
    """The rules by which beliefs are computed; ledger rows and answers name theirs."""

    name: str = prop("Name of the policy, such as `foregraph-1`.")
    formulas: list[PolicyFormula] = prop("Its formulas, in the order in which they are applied.")
    parameters: list[PolicyParameter] = prop("Its parameters, by name.")
