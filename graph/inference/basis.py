"""Bases of beliefs as arrays, each under one of the policies, and the beliefs that follow."""

from dataclasses import dataclass

import numpy as np

from graph.inference.log_odds import FloatArray, logits, sigmoids
from graph.inference.policies import FOREGRAPH_2
from graph.inference.posterior import GREATEST_PROBABILITY, LEAST_PROBABILITY, posteriors
from graph.inference.scoring import BoolArray
from graph.inference.silence import silence_log_odds
from graph.inference.statements import StatedClaims, elapsed_shares
from graph.inference.time import MomentArray, time_remaining_fractions


def calibrated_beliefs(
    claims: StatedClaims, evidence: FloatArray, shares: FloatArray, moments: MomentArray
) -> FloatArray:
    """
    Compute beliefs under foregraph-2, strictly between 0 and 1; arrays of shapes that broadcast.

    Args:
        claims: As they were stated.
        evidence: Sum of the adjusted log-likelihood ratios until each moment, missed check-ins left out.
        shares: f, the share of what comes true that does so before the deadline.
        moments: None of them NaT.
    """
    return beliefs_in_silence(FOREGRAPH_2.prior_log_odds(claims) + evidence, claims, shares, moments)


def beliefs_in_silence(
    log_odds: FloatArray, claims: StatedClaims, shares: FloatArray, moments: MomentArray
) -> FloatArray:
    """
    Compute beliefs under foregraph-2 from log-odds with all evidence but silence; otherwise as `calibrated_beliefs`.

    Args:
        log_odds: The prior log-odds of the claims and the evidence until each moment.
        claims: As they were stated.
        shares: f, the share of what comes true that does so before the deadline.
        moments: None of them NaT.
    """
    silence = silence_log_odds(shares, elapsed_shares(claims, moments))
    return np.clip(sigmoids(log_odds + silence), LEAST_PROBABILITY, GREATEST_PROBABILITY)


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """
    All that beliefs follow from but the moment; each array of shape (n,).

    Attributes:
        claims: As they were stated, with the effects of their makers.
        ledger: Log-odds of the stated probability plus every row of the ledger, finite.
        check_ins: Part of `ledger` that comes from missed check-ins, which foregraph-2 counts as silence.
        shares: f of foregraph-2, the share of what comes true that does so before the deadline, in [0, 1].
        is_calibrated: Whether the policy is foregraph-2; else it is foregraph-1.
    """

    claims: StatedClaims
    ledger: FloatArray
    check_ins: FloatArray
    shares: FloatArray
    is_calibrated: BoolArray

    def take(self, chosen: BoolArray) -> "Basis":
        """Return some of the bases."""
        claims = self.claims.take(np.flatnonzero(chosen))
        others = (getattr(self, name)[chosen] for name in Basis.__slots__ if name != "claims")
        return Basis(claims, *others)

    def prior(self) -> FloatArray:
        """Compute the log-odds of the claims when they were stated, to which evidence is added."""
        found = logits(self.claims.stated)
        if self.is_calibrated.any():
            calibrated = self.take(self.is_calibrated)
            found[self.is_calibrated] = FOREGRAPH_2.prior_log_odds(calibrated.claims)
        return found

    def inside(self) -> FloatArray:
        """Compute the prior and all evidence."""
        found = self.ledger.copy()
        if self.is_calibrated.any():
            chosen = self.take(self.is_calibrated)
            found[self.is_calibrated] = FOREGRAPH_2.prior_log_odds(chosen.claims) + chosen.evidence()
        return found

    def evidence(self) -> FloatArray:
        """Compute the sum of the adjusted log-likelihood ratios without missed check-ins."""
        return self.ledger - self.check_ins - logits(self.claims.stated)

    def silence(self, moments: MomentArray) -> FloatArray:
        """Compute the log-likelihood ratio of nothing having happened until each moment; 0 under foregraph-1."""
        shares = np.where(self.is_calibrated, self.shares, 0.0)
        return silence_log_odds(shares, elapsed_shares(self.claims, moments)) + 0.0

    def beliefs(self, moments: MomentArray) -> FloatArray:
        """
        Compute beliefs, strictly between 0 and 1.

        Args:
            moments: Of each belief, shape (n,), none of them NaT.

        Raises:
            ValueError: A number is out of range.
        """
        blended = ~self.is_calibrated
        found = np.empty(self.ledger.shape)
        if blended.any():
            plain = self.take(blended)
            found[blended] = posteriors(
                plain.ledger,
                base_rates=plain.claims.base_rates,
                trfs=time_remaining_fractions(plain.claims.starts, plain.claims.deadlines, moments[blended]),
            )
        if self.is_calibrated.any():
            chosen = self.take(self.is_calibrated)
            found[self.is_calibrated] = calibrated_beliefs(
                chosen.claims, chosen.evidence(), chosen.shares, moments[self.is_calibrated]
            )
        return found
