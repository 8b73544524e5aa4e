"""Contributions to a belief, and its interval."""

import math
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.inference.explaining import ContributionKind, belief_interval, contributions
from graph.inference.log_odds import sigmoid
from graph.inference.policies import FOREGRAPH_1, FOREGRAPH_2, POLICIES
from graph.inference.policy import Policy
from graph.inference.predictor_effects import NO_EFFECTS
from graph.inference.rates import learned_rate
from graph.inference.statements import stated_claim
from graph.inference.time import utc_moments, year_window

YEAR = year_window(2026)
MIDDLE = YEAR[0] + (YEAR[1] - YEAR[0]) / 2
probabilities = st.floats(0.01, 0.99)


@pytest.mark.parametrize("policy", POLICIES.values())
@given(
    probabilities,
    st.none() | probabilities,
    st.sampled_from([YEAR, None]),
    st.lists(st.floats(-2.0, 2.0), max_size=12),
    st.floats(-0.4, 0.4),
)
def test_contributions_add_up_to_the_log_odds(
    policy: Policy,
    stated: float,
    base_rate: float | None,
    window: tuple[datetime, datetime] | None,
    llrs: list[float],
    effect: float,
) -> None:
    """To 1e-12, a row of evidence each; and to what a belief near 1 tells of its log-odds, rounded as it is."""
    claim = stated_claim(stated, window=window, base_rate=base_rate, effects=(effect, -effect))
    inside, moments = policy.prior_log_odds(claim) + sum(llrs), utc_moments([MIDDLE])
    parts = contributions(policy.terms(claim, inside, moments), [(f"row {k}", llr) for k, llr in enumerate(llrs)])
    belief = float(policy.beliefs(claim, inside, moments)[0])

    assert math.fsum(part.log_odds for part in parts) == pytest.approx(
        math.log(belief) - math.log1p(-belief), abs=1e-12 + math.ulp(1.0) / (belief * (1.0 - belief))
    )
    assert [part.log_odds for part in parts if part.kind is ContributionKind.EVIDENCE] == llrs


def test_only_what_contributes_is_named() -> None:
    """Each policy has its own; the stated probability is always there."""
    claim = stated_claim(0.82, window=YEAR, base_rate=0.1, effects=(0.1, 0.0))
    kinds = {}
    for policy in (FOREGRAPH_1, FOREGRAPH_2):
        terms = policy.terms(claim, policy.prior_log_odds(claim), utc_moments([MIDDLE]))
        kinds[policy.name] = [part.kind.value for part in contributions(terms, [])]
    even = stated_claim(0.5)
    terms = FOREGRAPH_1.terms(even, FOREGRAPH_1.prior_log_odds(even), utc_moments([MIDDLE]))

    assert kinds["foregraph-1"] == ["STATED", "REFERENCE_CLASS"]
    assert kinds["foregraph-2"] == ["STATED", "POPULATION", "PREDICTOR", "REFERENCE_CLASS", "SILENCE"]
    assert [part.kind for part in contributions(terms, [])] == [ContributionKind.STATED]


def test_rows_that_are_not_the_evidence_are_refused() -> None:
    """One is missing, so the sum would be wrong in silence."""
    claim = stated_claim(0.5)
    terms = FOREGRAPH_2.terms(claim, FOREGRAPH_2.prior_log_odds(claim) + 1.0, utc_moments([MIDDLE]))

    with pytest.raises(ValueError, match="add up to"):
        contributions(terms, [("half of it", 0.5)])


def test_the_interval_is_where_nine_of_ten_draws_fall() -> None:
    """Drawn from the normal distribution of the log-odds."""
    interval = belief_interval(-0.7, 0.3)
    draws = np.random.default_rng(2).normal(-0.7, math.sqrt(0.3), 200_000)
    low, high = (sigmoid(float(value)) for value in np.quantile(draws, [0.05, 0.95]))

    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.003)
    assert belief_interval(0.4, 0.0).low == belief_interval(0.4, 0.0).high == sigmoid(0.4)
    for arguments in [(math.inf, 1.0), (0.0, -1.0), (0.0, math.nan)]:
        with pytest.raises(ValueError, match="a variance"):
            belief_interval(*arguments)


def test_doubt_comes_from_short_records() -> None:
    """The predictor's effects and the class's rate in one policy, the blend's share of the rate in the other."""
    claim = stated_claim(0.82, window=YEAR, base_rate=0.365)
    rates = np.array([learned_rate(0, 0).log_odds_variance])
    moments = utc_moments([*YEAR])
    h = FOREGRAPH_2.bent(np.array([0.82]))[0]

    assert FOREGRAPH_2.variances(claim, NO_EFFECTS, rates, moments).tolist() == pytest.approx(
        [0.09 * (1.0 + h * h) + 0.1225 * rates[0]] * 2
    )
    assert FOREGRAPH_1.variances(claim, NO_EFFECTS, rates, moments).tolist() == pytest.approx([0.49 * rates[0], 0.0])
