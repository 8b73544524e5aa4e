"""Both policies through one interface, against worked examples and direct formulas."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from graph.inference.blended import BlendedPolicy
from graph.inference.calibrated import CalibratedParameters, CalibratedPolicy
from graph.inference.history import Ledger, beliefs_at, inside_log_odds_at
from graph.inference.log_odds import logit, sigmoid
from graph.inference.policies import FOREGRAPH_1, FOREGRAPH_2, POLICIES, policy_named
from graph.inference.policy import Policy
from graph.inference.posterior import posterior
from graph.inference.predictor_effects import PredictorEffects
from graph.inference.silence import TimingShares
from graph.inference.statements import ResolvedClaims, StatedClaims, elapsed_shares, stated_claim
from graph.inference.time import time_remaining_fraction, utc_moments, year_window

START, DEADLINE = YEAR = year_window(2026)
MIDDLE = START + (DEADLINE - START) / 2
ALL_POLICIES = tuple(POLICIES.values())

probabilities = st.floats(0.001, 0.999)
effects = st.tuples(st.floats(-1.0, 1.0), st.floats(-0.5, 0.5))
year_moments = st.datetimes(datetime(2025, 10, 1), datetime(2027, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds it


def prior_of(claim: StatedClaims, policy: Policy = FOREGRAPH_2) -> float:
    return float(policy.prior_log_odds(claim)[0])


def belief_of(claim: StatedClaims, moment: datetime, *, evidence: float = 0.0, policy: Policy = FOREGRAPH_2) -> float:
    inside = policy.prior_log_odds(claim) + evidence
    return float(policy.beliefs(claim, inside, utc_moments([moment]))[0])


def prior_by_hand(
    stated: float, trf: float, days: float, effect: tuple[float, float] = (0.0, 0.0), base_rate: float | None = None
) -> float:
    """The policy's formula, as it is written, with the odds of tanh."""
    x = max(-4.595, min(4.595, math.log(stated / (1.0 - stated))))
    h = 3.0 * (math.exp(2.0 * x / 3.0) - 1.0) / (math.exp(2.0 * x / 3.0) + 1.0)
    prior = -0.20 + 1.45 * h * (1.0 - 0.40 * trf) - 0.04 * math.log(1.0 + days) + effect[0] + effect[1] * h
    if base_rate is None:
        return prior
    return prior + 0.35 * (math.log(base_rate / (1.0 - base_rate)) - math.log(0.355 / 0.645))


@pytest.mark.parametrize(
    ("stated", "expected"),
    [(0.82, 0.685957), (0.5, 0.392695), (0.347, 0.273278), (0.412, 0.322127), (0.95, 0.822178)],
)
def test_the_prior_of_a_whole_year(stated: float, expected: float) -> None:
    """Stated on the first day: all of the window and 364 days remain."""
    assert sigmoid(prior_of(stated_claim(stated, window=YEAR))) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(("stated", "expected"), [(0.82, 0.771123), (0.5, 0.399301)])
def test_the_prior_of_half_a_year(stated: float, expected: float) -> None:
    """Stated in the middle: half of the window and 182 days remain, and the statement says more."""
    claim = stated_claim(stated, stated_at=MIDDLE, window=YEAR)

    assert sigmoid(prior_of(claim)) == pytest.approx(expected, abs=5e-7)


@given(probabilities, st.floats(0.0, 1.0), effects, st.none() | probabilities)
def test_the_prior_is_its_formula(
    stated: float, share: float, effect: tuple[float, float], base_rate: float | None
) -> None:
    """Longhand, from the moment of the statement on."""
    stated_at = START + share * (DEADLINE - START)
    trf, days = (DEADLINE - stated_at) / (DEADLINE - START), (DEADLINE - stated_at) / timedelta(days=1)
    claim = stated_claim(stated, stated_at=stated_at, window=YEAR, base_rate=base_rate, effects=effect)

    assert prior_of(claim) == pytest.approx(prior_by_hand(stated, trf, days, effect, base_rate), abs=1e-12)


@given(
    st.lists(st.floats(1e-6, 1.0 - 1e-6), min_size=2, max_size=30).map(sorted),
    st.floats(0.0, 1.0),
    st.floats(0.01, 40_000.0),
)
def test_who_states_more_is_believed_more(stated: list[float], share: float, days: float) -> None:
    """The prior is monotone in what was stated, for whatever remains of whatever window."""
    length = timedelta(days=days)
    claim = replace(
        stated_claim(0.5, stated_at=START + share * length, window=(START, START + length)), stated=np.array(stated)
    )

    assert (np.diff(FOREGRAPH_2.prior_log_odds(claim)) >= 0.0).all()


def test_what_is_stated_beyond_its_limit_counts_as_the_limit() -> None:
    """Nobody is believed more for .9999 than for .99."""
    limit = sigmoid(4.595)
    stated = [prior_of(stated_claim(p, window=YEAR)) for p in (limit, 0.9999, 1.0 - 1e-12)]

    assert stated[1] == stated[2] == pytest.approx(stated[0], abs=1e-12)
    assert prior_of(stated_claim(0.98, window=YEAR)) < stated[0]


@pytest.mark.parametrize("days_early", [0, 1, 400])
def test_a_statement_before_its_window_counts_from_the_windows_start(days_early: int) -> None:
    """Nothing could have happened before, so its silence says nothing."""
    early = stated_claim(0.82, stated_at=START - timedelta(days=days_early), window=YEAR)
    whole = stated_claim(0.82, window=YEAR)

    assert prior_of(early) == prior_of(whole)
    assert belief_of(early, START - timedelta(days=1)) == sigmoid(prior_of(whole))
    assert belief_of(early, MIDDLE) == belief_of(whole, MIDDLE)


def test_a_claim_without_a_window_has_a_year_that_never_passes() -> None:
    """Its prior is that of a year's claim, and silence says nothing."""
    standing = stated_claim(0.82, stated_at=MIDDLE)

    assert sigmoid(prior_of(standing)) == pytest.approx(0.685957, abs=5e-7)
    assert belief_of(standing, MIDDLE + timedelta(days=4000)) == sigmoid(prior_of(standing))


def test_a_statement_after_the_deadline_has_no_silence() -> None:
    """No day was left in which something could have failed to happen."""
    late = stated_claim(0.82, stated_at=DEADLINE + timedelta(days=9), window=YEAR)

    assert prior_of(late) == pytest.approx(prior_by_hand(0.82, 0.0, 0.0), abs=1e-12)
    assert belief_of(late, DEADLINE + timedelta(days=30)) == sigmoid(prior_of(late))


@pytest.mark.parametrize(
    ("share", "stated", "elapsed", "expected"),
    [
        (0.44, 0.82, 0.25, 0.802154),
        (0.44, 0.82, 0.50, 0.780381),
        (0.44, 0.82, 0.75, 0.753222),
        (1.0, 0.5, 0.25, 0.428571),
        (1.0, 0.5, 0.50, 0.333333),
        (1.0, 0.5, 0.75, 0.2),
    ],
)
def test_silence_lowers_a_belief(share: float, stated: float, elapsed: float, expected: float) -> None:
    """Where all that comes true is spread evenly over the time left, and where 44 % of it is."""
    policy = FOREGRAPH_2.with_timing(TimingShares(0.0, share))
    moments = utc_moments([START + elapsed * (DEADLINE - START)])
    claim = stated_claim(stated, window=YEAR)

    assert policy.beliefs(claim, np.array([logit(stated)]), moments)[0] == pytest.approx(expected, abs=5e-7)


@given(probabilities, st.lists(st.floats(-0.2, 3.0), min_size=2, max_size=20).map(sorted))
def test_silence_never_raises_a_belief(stated: float, shares: list[float]) -> None:
    """Not even past the deadline, from which on nothing changes."""
    claim = stated_claim(stated, stated_at=MIDDLE, window=YEAR)
    moments = utc_moments([MIDDLE + share * (DEADLINE - MIDDLE) for share in shares])
    beliefs = FOREGRAPH_2.beliefs(claim, FOREGRAPH_2.prior_log_odds(claim), moments)

    assert (np.diff(beliefs) <= 0.0).all()
    past = beliefs[moments >= utc_moments([DEADLINE])]
    assert_array_equal(past, np.full(past.shape, belief_of(claim, DEADLINE)))


def test_silence_follows_the_length_of_the_window() -> None:
    """A share of its own for windows under a year; a bare year is 364 days long."""
    policy = FOREGRAPH_2.with_timing(TimingShares(0.1, 0.8))
    short = (START, DEADLINE - timedelta(days=1))
    for window, share in [(YEAR, 0.8), (short, 0.1)]:
        claim = stated_claim(0.5, window=window)
        change = logit(belief_of(claim, window[1], policy=policy)) - prior_of(claim, policy)
        assert change == pytest.approx(math.log(1.0 - share), abs=1e-12)


@given(probabilities, st.none() | probabilities, year_moments, st.floats(-4.0, 4.0))
def test_the_first_policy_is_the_known_arithmetic(
    stated: float, base_rate: float | None, moment: datetime, evidence: float
) -> None:
    """To the last bit, in one claim or many, and whoever made it."""
    claim = stated_claim(stated, window=YEAR, base_rate=base_rate, effects=(0.4, -0.2))
    expected = posterior(
        logit(stated) + evidence, base_rate=base_rate, trf=time_remaining_fraction(START, DEADLINE, moment)
    )

    assert belief_of(claim, moment, evidence=evidence, policy=FOREGRAPH_1) == expected


def test_the_first_policy_follows_a_ledger() -> None:
    """The same as the history of a claim gives."""
    rows = utc_moments([MIDDLE, MIDDLE + timedelta(days=30)])
    ledger = Ledger(0.82, rows, np.array([-0.26, 0.9]), window=YEAR, base_rate=0.1)
    claim = stated_claim(0.82, window=YEAR, base_rate=0.1)
    moments = utc_moments([START + timedelta(days=day) for day in range(0, 400, 7)])

    assert_array_equal(
        FOREGRAPH_1.beliefs(claim, inside_log_odds_at(ledger, moments), moments), beliefs_at(ledger, moments)
    )


@pytest.mark.parametrize("policy", ALL_POLICIES)
def test_many_claims_are_answered_as_each_alone(policy: Policy) -> None:
    """Equal to the last bit, so that stored and computed beliefs agree."""
    generator = np.random.default_rng(7)
    each = [
        stated_claim(
            float(generator.uniform(0.01, 0.99)),
            stated_at=START + timedelta(days=float(generator.uniform(-50, 400))),
            window=YEAR if generator.random() < 0.8 else None,
            base_rate=float(generator.uniform(0.01, 0.99)) if generator.random() < 0.5 else None,
            effects=(float(generator.normal()), float(generator.normal())),
        )
        for _ in range(57)
    ]
    together = StatedClaims(
        *(np.concatenate([getattr(claim, name) for claim in each]) for name in StatedClaims.__slots__)
    )
    moments = utc_moments([START + timedelta(days=float(day)) for day in generator.uniform(0, 500, len(each))])
    prior = policy.prior_log_odds(together)

    assert prior.tolist() == [prior_of(claim, policy) for claim in each]
    assert policy.beliefs(together, prior, moments).tolist() == [
        float(policy.beliefs(claim, policy.prior_log_odds(claim), moments[k : k + 1])[0])
        for k, claim in enumerate(each)
    ]


@pytest.mark.parametrize("policy", ALL_POLICIES)
@given(
    probabilities, st.none() | probabilities, effects, year_moments, st.floats(-4.0, 4.0), st.sampled_from([YEAR, None])
)
def test_terms_add_up_to_the_belief(
    policy: Policy,
    stated: float,
    base_rate: float | None,
    effect: tuple[float, float],
    moment: datetime,
    evidence: float,
    window: tuple[datetime, datetime] | None,
) -> None:
    """Their sum is the log-odds of the belief; the first is what was stated."""
    claim = stated_claim(stated, window=window, base_rate=base_rate, effects=effect)
    inside, moments = policy.prior_log_odds(claim) + evidence, utc_moments([moment])
    terms = policy.terms(claim, inside, moments)
    total = math.fsum(float(getattr(terms, name)[0]) for name in terms.__slots__)

    assert total == pytest.approx(logit(float(policy.beliefs(claim, inside, moments)[0])), abs=1e-11)
    assert terms.stated[0] == logit(stated)
    assert terms.evidence[0] == pytest.approx(evidence, abs=1e-12)


def test_terms_have_the_shape_of_the_belief() -> None:
    """One claim at many moments."""
    moments = utc_moments([START, MIDDLE, DEADLINE])
    claim = stated_claim(0.3, window=YEAR, base_rate=0.2)
    for policy in ALL_POLICIES:
        terms = policy.terms(claim, policy.prior_log_odds(claim), moments)
        assert {getattr(terms, name).shape for name in terms.__slots__} == {(3,)}


def record_of(stated: list[float], outcomes: list[bool]) -> ResolvedClaims:
    claim = replace(stated_claim(0.5, window=YEAR), stated=np.array(stated))
    return ResolvedClaims(claim, np.array(outcomes, dtype=np.bool_), np.arange(len(stated)))


def test_kappa_is_each_policys_own() -> None:
    """By the calibration slope, or by the predictor's effect on the prior's slope; limited on both sides."""
    good = record_of([0.8, 0.83], [True, True])

    assert FOREGRAPH_1.evidence_kappa(good) == 0.6429
    assert FOREGRAPH_2.evidence_kappa(good) == 1.0
    wrong = record_of([0.95, 0.05] * 400, [False, True] * 400)
    assert FOREGRAPH_2.evidence_kappa(wrong) == 0.1
    poor = record_of([0.9, 0.1] * 20, [True, False, False, True] * 10)
    assert FOREGRAPH_2.evidence_kappa(poor) == 1.0 + FOREGRAPH_2.effects(poor).slope
    assert 0.1 < FOREGRAPH_2.evidence_kappa(poor) < 1.0


def test_evidence_without_a_predictor_has_the_policys_weight() -> None:
    """Unless its submitter has one; leaving the predictor out gains nothing under the second policy."""
    assert (FOREGRAPH_1.evidence_kappa(None), FOREGRAPH_2.evidence_kappa(None)) == (1.0, 0.5)
    assert {policy.evidence_kappa(None, submitter_kappa=0.25) for policy in ALL_POLICIES} == {0.25}
    other = CalibratedPolicy(CalibratedParameters(name="other", kappa_without_predictor=0.3))
    assert other.evidence_kappa(None) == 0.3


def test_missed_check_ins_count_in_one_policy_only() -> None:
    """The other counts the silence itself."""
    assert FOREGRAPH_1.missed_check_in_llr == pytest.approx(math.log(2.0 / 3.0), abs=1e-15)
    assert FOREGRAPH_2.missed_check_in_llr == 0.0


def test_only_the_second_policy_learns_from_a_record() -> None:
    """The first has kappa alone."""
    record = record_of([0.7] * 10, [True] * 10)

    assert FOREGRAPH_1.effects(record) == PredictorEffects()
    assert FOREGRAPH_2.effects(record).intercept > 0.0
    assert FOREGRAPH_1.with_timing(TimingShares(0.0, 1.0)) is FOREGRAPH_1


def test_a_record_without_an_outcome_for_each_claim_is_refused() -> None:
    """A claim left open is not in the record."""
    with pytest.raises(ValueError, match="as many outcomes"):
        record_of([0.5, 0.5], [True])


def test_policies_are_found_by_name() -> None:
    """And a wrong name is told the right ones."""
    assert [policy_named(name).name for name in POLICIES] == ["foregraph-1", "foregraph-2"]
    with pytest.raises(ValueError, match="foregraph-1, foregraph-2, got 'foregraph-9'"):
        policy_named("foregraph-9")


def test_policies_say_their_numbers() -> None:
    """Each parameter by its name, and the formulas in the order of their use."""
    first, second = (policy.description() for policy in ALL_POLICIES)

    assert first.parameters["outside_weight"] == 0.7
    assert (second.parameters["slope"], second.parameters["timing_share_long"]) == (1.45, 0.44)
    assert second.parameters["timing_share_short"] == 0.23
    assert [formula.name for formula in second.formulas][-3:] == ["inside", "silence", "posterior"]
    assert "1.45 h (1 - 0.4 TRF0)" in second.formulas[1].text
    assert all(value == float(value) for value in (first.parameters | second.parameters).values())


@pytest.mark.parametrize("policy", [BlendedPolicy(), CalibratedPolicy()])
def test_log_odds_without_a_number_are_refused(policy: Policy) -> None:
    """They would give a belief of NaN, or a certain one."""
    claim = stated_claim(0.5, window=YEAR)
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="finite"):
            policy.beliefs(claim, np.array([bad]), utc_moments([MIDDLE]))
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        policy.prior_log_odds(stated_claim(1.0, window=YEAR))


def test_elapsed_shares_begin_with_the_statement() -> None:
    """0 until it, 1 from the deadline on."""
    claim = stated_claim(0.5, stated_at=MIDDLE, window=YEAR)
    quarter = (DEADLINE - MIDDLE) / 4
    moments = [START, MIDDLE, MIDDLE + quarter, DEADLINE, DEADLINE + quarter]

    assert_allclose(elapsed_shares(claim, utc_moments(moments)), [0.0, 0.0, 0.25, 1.0, 1.0], atol=1e-12)
