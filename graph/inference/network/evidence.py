"""Evidence on claims: likelihood ratios, observed outcomes and interventions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.inference.log_odds import FloatArray
from graph.inference.network.groups import excluded_members, without_members
from graph.inference.network.intercepts import CalibratedNetwork, cut_from_parents
from graph.inference.network.structure import BoolArray

OutcomeArray = NDArray[np.int8]

UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """
    Evidence on n claims.

    Attributes:
        llr: Natural log of P(evidence | true) / P(evidence | false), 0 without evidence, finite, shape (n,).
        observed: Outcome of resolved claims, 0 or 1; UNKNOWN for the others; shape (n,).
    """

    llr: FloatArray
    observed: OutcomeArray

    @property
    def is_observed(self) -> BoolArray:
        """Mask of claims whose outcome is known, shape (n,)."""
        return np.not_equal(self.observed, UNKNOWN)

    @property
    def is_informative(self) -> BoolArray:
        """Mask of claims that have evidence or are observed, shape (n,)."""
        return np.not_equal(self.llr, 0.0) | self.is_observed


def make_evidence(llr: FloatArray, observed: OutcomeArray) -> Evidence:
    """
    Check and build evidence.

    Args:
        llr: Natural log-likelihood ratios, finite, shape (n,); ignored for observed claims.
        observed: 0, 1 or UNKNOWN, shape (n,).

    Raises:
        ValueError: Shapes differ, a ratio is not finite, or an outcome is not 0, 1 or UNKNOWN.
    """
    if llr.shape != observed.shape or llr.ndim != 1:
        message = f"expected a ratio and an outcome for each claim, got shapes {llr.shape} and {observed.shape}"
        raise ValueError(message)
    if not np.isfinite(llr).all():
        message = "expected finite log-likelihood ratios, got NaN or an infinity"
        raise ValueError(message)
    if not np.isin(observed, (UNKNOWN, 0, 1)).all():
        message = f"expected outcomes 0, 1 or {UNKNOWN}, got {observed[~np.isin(observed, (UNKNOWN, 0, 1))][0]}"
        raise ValueError(message)
    observed = observed.astype(np.int8)
    return Evidence(np.where(observed == UNKNOWN, llr, 0.0).astype(np.float64), observed)


def no_evidence(num_claims: int) -> Evidence:
    """Evidence on no claim."""
    return Evidence(np.zeros(num_claims), np.full(num_claims, UNKNOWN, np.int8))


def observe(evidence: Evidence, outcomes: Mapping[int, bool]) -> Evidence:
    """
    Fix claims to outcomes, replacing earlier ones.

    Args:
        evidence: Not changed.
        outcomes: Outcomes by index of the claim.

    Raises:
        ValueError: An index is out of range.
    """
    num_claims = evidence.llr.size
    llr, observed = evidence.llr.copy(), evidence.observed.copy()
    for claim, outcome in outcomes.items():
        if not 0 <= claim < num_claims:
            message = f"expected claims from 0 to {num_claims - 1}, got {claim}"
            raise ValueError(message)
        observed[claim] = int(outcome)
        # Given the outcome, evidence on the claim carries no information.
        llr[claim] = 0.0
    return replace(evidence, llr=llr, observed=observed)


def intervene(
    model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool]
) -> tuple[CalibratedNetwork, Evidence]:
    """
    Cut claims from their parents, then fix them to outcomes: the do-operator.

    The outcomes then carry no information on the parents, while the children depend on them as before. Of a group of
    outcomes that exclude each other, one that is made false leaves the choice to the others, in the proportions that
    they had (`graph.inference.network.groups`).

    Args:
        model: Not changed.
        evidence: Not changed.
        outcomes: Outcomes by index of the claim.

    Raises:
        ValueError: An index is out of range.

    Source: Pearl, Causality, 2nd ed. (2009), section 3.2.
    """
    observed = observe(evidence, outcomes)
    claims = np.zeros(model.network.num_claims, np.bool_)
    claims[list(outcomes)] = True
    cut = cut_from_parents(model, claims)
    excluded = excluded_members(model.network, outcomes)
    return without_members(model, cut, excluded) if excluded else cut, observed


def suppose(
    model: CalibratedNetwork, evidence: Evidence, outcomes: Mapping[int, bool], *, is_intervention: bool
) -> tuple[CalibratedNetwork, Evidence, BoolArray]:
    """
    Return the model and the evidence given supposed outcomes, and the mask of the links that remain.

    Args:
        model: Not changed.
        evidence: Not changed.
        outcomes: Outcomes by index of the claim, one or more.
        is_intervention: Whether the claims are cut from their parents first.

    Raises:
        ValueError: There is no outcome, or an index is out of range.
    """
    if not outcomes:
        message = "expected one outcome or more to suppose, got none"
        raise ValueError(message)
    kept = np.ones(model.network.num_links, np.bool_)
    if not is_intervention:
        return model, observe(evidence, outcomes), kept
    kept[np.isin(model.network.link_children, list(outcomes))] = False
    return *intervene(model, evidence, outcomes), kept
