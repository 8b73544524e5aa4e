"""Inside view, outside view, and the figures of a ledger row."""

import math
import time
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graph.inference.evidence import POLICY, adjusted_llr, missed_check_in
from graph.inference.log_odds import logit, logits, sigmoid, sigmoids
from graph.inference.posterior import (
    GREATEST_PROBABILITY,
    LEAST_PROBABILITY,
    LedgerStep,
    OutsideView,
    bayes_factor_text,
    blend_reason_text,
    inside_log_odds,
    inside_weight,
    ledger_step,
    posterior,
    posteriors,
    probability_of,
)
from graph.inference.time import time_remaining_fraction, time_remaining_fractions, utc_moments, year_window

HUMANOIDS = OutsideView(base_rate=0.1, reference_class_id="humanoid_commercial_volume")
FIRST_SWEEP = datetime(2026, 5, 2, 22, 7, 21, 384228, tzinfo=UTC)
SECOND_SWEEP = datetime(2026, 5, 30, 22, 15, 0, 756418, tzinfo=UTC)

# Both rows of the humanoid prediction's ledger, as they came.
FIRST_ROW = {
    "trf": 0.6650500679109432,
    "kappa": 0.6429,
    "base_rate": 0.1,
    "total_llr": -0.4054651081081644,
    "grace_days": 7,
    "prior_logit": 1.5163474893680882,
    "bayes_factor": "1.3:1 against",
    "blend_reason": "blend 53% inside / 46% outside (TRF=0.665, base_rate=0.100 from humanoid_commercial_volume)",
    "inside_prior": 0.82,
    "blend_applied": True,
    "inside_weight": 0.5344649524623397,
    "outside_weight": 0.4655350475376603,
    "posterior_prob": 0.4129529469303463,
    "posterior_logit": 1.2556739713653493,
    "inside_posterior": 0.7782805072082809,
    "blended_posterior": 0.4129529469303463,
    "reference_class_id": "humanoid_commercial_volume",
    "total_adjusted_llr": -0.2606735180027389,
}
SECOND_ROW = {
    "trf": 0.5881123843731557,
    "kappa": 0.6875,
    "base_rate": 0.1,
    "total_llr": -0.4054651081081644,
    "grace_days": 7,
    "prior_logit": -0.6607919366149184,
    "bayes_factor": "1.3:1 against",
    "blend_reason": "blend 58% inside / 41% outside (TRF=0.588, base_rate=0.100 from humanoid_commercial_volume)",
    "inside_prior": 0.34056173641693016,
    "blend_applied": True,
    "inside_weight": 0.5883213309387909,
    "outside_weight": 0.4116786690612091,
    "posterior_prob": 0.1888795084186773,
    "posterior_logit": -0.9395491984392814,
    "inside_posterior": 0.2809914113915666,
    "blended_posterior": 0.1888795084186773,
    "reference_class_id": "humanoid_commercial_volume",
    "total_adjusted_llr": -0.278757261824363,
}

probabilities = st.floats(1e-9, 1.0 - 1e-9)
log_odds_values = st.floats(-30.0, 30.0)
any_log_odds = st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(0.0, 1.0)
llrs = st.floats(-50.0, 50.0)


def missed(inside_prior_logit: float, kappa: float, at: datetime) -> LedgerStep:
    """The step of a missed check-in of the humanoid prediction."""
    llr = missed_check_in().llr
    return ledger_step(
        prior_logit=inside_prior_logit,
        total_llr=llr,
        total_adjusted_llr=adjusted_llr(llr, kappa),
        kappa=kappa,
        trf=time_remaining_fraction(*year_window(2026), at),
        outside_view=HUMANOIDS,
    )


@pytest.mark.parametrize(("row", "at"), [(FIRST_ROW, FIRST_SWEEP), (SECOND_ROW, SECOND_SWEEP)])
def test_a_step_reproduces_every_figure_of_the_known_rows(row: dict[str, object], at: datetime) -> None:
    """Given its inside prior; numbers to a part in 10^12, texts to the letter."""
    inside_prior, kappa = row["inside_prior"], row["kappa"]
    assert isinstance(inside_prior, float)
    assert isinstance(kappa, float)
    step = missed(logit(inside_prior), kappa, at)

    for name, expected in row.items():
        found = getattr(step, name)
        if isinstance(expected, float):
            assert found == pytest.approx(expected, rel=1e-12, abs=0.0), name
        else:
            assert found == expected, name


def test_two_weak_misses_blended_once_leave_what_they_should() -> None:
    """0.82 falls to 0.4183; blended at each update it fell to 0.1889, having met the base rate twice."""
    first = missed(logit(0.82), 0.6429, FIRST_SWEEP)
    second = missed(first.posterior_logit, 0.6875, SECOND_SWEEP)

    assert second.inside_posterior == pytest.approx(0.7265, abs=5e-5)
    assert second.posterior_prob == pytest.approx(0.4183, abs=5e-5)
    odds = 0.82 / 0.18 * 1.5 ** -(0.6429 + 0.6875)
    weight = 1.0 - 0.7 * 0.5881123843731557
    blended = odds**weight * (1.0 / 9.0) ** (1.0 - weight)
    assert second.posterior_prob == pytest.approx(blended / (1.0 + blended), rel=1e-12)


def test_a_claim_without_a_reference_class_is_believed_from_inside() -> None:
    """No blend is made, and the row says so."""
    step = ledger_step(prior_logit=0.3, total_llr=1.0, total_adjusted_llr=0.5, kappa=0.5, trf=0.25, outside_view=None)

    assert step.posterior_prob == step.inside_posterior == sigmoid(0.8)
    assert (step.blend_applied, step.blended_posterior, step.inside_weight, step.outside_weight) == (False, None, 1, 0)
    assert (step.base_rate, step.reference_class_id, step.trf) == (None, None, 0.25)
    assert step.blend_reason == "inside view only (no reference class)"


def test_a_claim_without_a_window_is_believed_from_inside() -> None:
    """Nothing says how much of the outside view is left; the base rate is shown all the same."""
    step = ledger_step(
        prior_logit=0.3, total_llr=1.0, total_adjusted_llr=0.5, kappa=0.5, trf=None, outside_view=HUMANOIDS
    )

    assert step.posterior_prob == step.inside_posterior
    assert (step.blend_applied, step.base_rate) == (False, 0.1)
    assert step.blend_reason == "inside view only (no window, base_rate=0.100 from humanoid_commercial_volume)"


@given(probabilities, st.lists(llrs, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_independent_evidence_does_not_matter(
    stated: float, adjusted: list[float], random: Random
) -> None:
    """Not to the last bit."""
    shuffled = list(adjusted)
    random.shuffle(shuffled)

    assert inside_log_odds(stated, shuffled) == inside_log_odds(stated, adjusted)


@given(probabilities, shares, probabilities)
def test_a_ratio_of_1_changes_nothing(stated: float, trf: float, base_rate: float) -> None:
    """Neither the inside view nor the belief, by any bit."""
    outside = OutsideView(base_rate, "class")
    before = posterior(logit(stated), base_rate=base_rate, trf=trf)
    step = ledger_step(
        prior_logit=logit(stated), total_llr=0.0, total_adjusted_llr=0.0, kappa=0.5, trf=trf, outside_view=outside
    )

    assert step.posterior_prob == before
    assert step.inside_posterior == step.inside_prior
    assert step.bayes_factor == "1.0:1 for"
    assert inside_log_odds(stated, [0.0, -0.0]) == logit(stated)


@given(log_odds_values, st.floats(0.001, 0.999), shares)
def test_belief_is_the_complement_of_disbelief(log_odds: float, base_rate: float, trf: float) -> None:
    """Turning the question round turns the log-odds and the base rate, and the answer with them."""
    belief = posterior(log_odds, base_rate=base_rate, trf=trf)
    disbelief = posterior(-log_odds, base_rate=1.0 - base_rate, trf=trf)

    assert belief + disbelief == pytest.approx(1.0, abs=1e-12)


@given(log_odds_values, llrs, shares)
def test_a_step_against_mirrors_a_step_for(prior: float, llr: float, trf: float) -> None:
    """With a base rate of a half, all that differs is the sign."""
    outside = OutsideView(0.5, "class")
    steps = [
        ledger_step(
            prior_logit=sign * prior,
            total_llr=sign * llr,
            total_adjusted_llr=sign * 0.5 * llr,
            kappa=0.5,
            trf=trf,
            outside_view=outside,
        )
        for sign in (1.0, -1.0)
    ]

    assert steps[0].posterior_logit == -steps[1].posterior_logit
    assert steps[0].posterior_prob + steps[1].posterior_prob == pytest.approx(1.0, abs=1e-12)
    assert steps[0].blend_reason == steps[1].blend_reason
    assert steps[0].bayes_factor.split()[0] == steps[1].bayes_factor.split()[0]


@given(log_odds_values, probabilities, shares)
def test_a_blend_lies_between_its_views(log_odds: float, base_rate: float, trf: float) -> None:
    """It is a weighted mean of log-odds."""
    belief = posterior(log_odds, base_rate=base_rate, trf=trf)
    views = sorted([sigmoid(log_odds), base_rate])

    assert views[0] * (1.0 - 1e-12) <= belief <= views[1] * (1.0 + 1e-12)


@pytest.mark.parametrize(("trf", "weight"), [(1.0, 0.3), (0.5, 0.65), (0.0, 1.0)])
def test_the_inside_view_gains_weight_as_time_runs_out(trf: float, weight: float) -> None:
    """0.3 when just made, 1 at the deadline."""
    assert inside_weight(trf) == pytest.approx(weight, rel=1e-15)


def test_at_the_deadline_the_base_rate_has_no_say() -> None:
    """The inside view is the belief, to the last bit."""
    assert posterior(1.25, base_rate=0.001, trf=0.0) == sigmoid(1.25)


def test_another_policy_blends_otherwise() -> None:
    """A row names the policy that its figures follow."""
    inward = replace(POLICY, name="inward", outside_weight=0.0, grace_days=3)
    step = ledger_step(
        prior_logit=1.0,
        total_llr=0.0,
        total_adjusted_llr=0.0,
        kappa=1.0,
        trf=1.0,
        outside_view=HUMANOIDS,
        policy=inward,
    )

    assert (step.policy, step.grace_days, step.inside_weight) == ("inward", 3, 1.0)
    assert step.posterior_prob == sigmoid(1.0)


@given(any_log_odds, probabilities, shares)
@example(1e308, 0.5, 0.0)
@example(-1e308, 0.5, 1.0)
@example(37.0, 0.5, 0.0)
@example(-745.2, 0.5, 0.0)
def test_beliefs_stay_probabilities_however_much_evidence_there_is(
    log_odds: float, base_rate: float, trf: float
) -> None:
    """Neither 0 nor 1 nor NaN, where doubles end."""
    for belief in (
        posterior(log_odds, base_rate=base_rate, trf=trf),
        posterior(log_odds, base_rate=None, trf=trf),
        probability_of(log_odds),
    ):
        assert 0.0 < belief < 1.0


def test_evidence_beyond_what_a_probability_can_show_is_kept() -> None:
    """A thousand strong items for and a thousand against end where they began; the belief saturates in between."""
    strong = [math.log(10.0)] * 1000
    heights = [inside_log_odds(0.7, strong), inside_log_odds(0.7, [*strong, *(-llr for llr in strong)])]

    assert probability_of(heights[0]) == GREATEST_PROBABILITY
    assert probability_of(-heights[0]) == LEAST_PROBABILITY
    assert probability_of(heights[1]) == pytest.approx(0.7, rel=1e-12)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_log_odds_that_are_not_finite_are_refused(value: float) -> None:
    """Whichever way they come in."""
    with pytest.raises(ValueError, match="finite"):
        posterior(value, base_rate=None, trf=None)
    with pytest.raises(ValueError, match="finite"):
        posteriors(np.array([0.0, value]), base_rates=np.array(np.nan), trfs=np.array(np.nan))
    with pytest.raises(ValueError, match="finite"):
        inside_log_odds(0.5, [value])
    names = ("prior_logit", "total_llr", "total_adjusted_llr")
    for bad in names:
        prior, llr, adjusted = (value if name == bad else 0.0 for name in names)
        with pytest.raises(ValueError, match="finite"):
            ledger_step(
                prior_logit=prior, total_llr=llr, total_adjusted_llr=adjusted, kappa=1.0, trf=None, outside_view=None
            )


@pytest.mark.parametrize("base_rate", [0.0, 1.0, -0.1, 1.2, math.inf])
def test_a_certain_base_rate_is_refused(base_rate: float) -> None:
    """It would drown any evidence."""
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        posterior(0.0, base_rate=base_rate, trf=0.5)
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        posteriors(np.zeros(2), base_rates=np.array([0.5, base_rate]), trfs=np.array(0.5))


@pytest.mark.parametrize("trf", [-0.01, 1.01, math.inf])
def test_a_fraction_outside_the_window_is_refused(trf: float) -> None:
    """Time that remains is a share."""
    with pytest.raises(ValueError, match="from 0 to 1"):
        posterior(0.0, base_rate=0.5, trf=trf)
    with pytest.raises(ValueError, match="from 0 to 1"):
        posteriors(np.zeros(2), base_rates=np.array(0.5), trfs=np.array([0.5, trf]))


claims = st.tuples(any_log_odds, st.none() | probabilities, st.none() | shares)


@given(st.lists(claims, max_size=20))
def test_many_claims_at_once_are_believed_as_each_alone(rows: list[tuple[float, float | None, float | None]]) -> None:
    """To the last bit, so that a stored belief can be checked by either."""
    found = posteriors(
        np.array([row[0] for row in rows], dtype=np.float64),
        base_rates=np.array([math.nan if row[1] is None else row[1] for row in rows], dtype=np.float64),
        trfs=np.array([math.nan if row[2] is None else row[2] for row in rows], dtype=np.float64),
    )

    assert found.tolist() == [posterior(row[0], base_rate=row[1], trf=row[2]) for row in rows]


@given(st.lists(probabilities, max_size=20))
def test_log_odds_of_many_are_those_of_each(values: list[float]) -> None:
    """To the last bit, there and back, in any shape."""
    array = np.array(values, dtype=np.float64)

    assert logits(array).tolist() == [logit(value) for value in values]
    assert sigmoids(logits(array)).tolist() == [sigmoid(logit(value)) for value in values]
    assert logits(array.reshape(-1, 1)).shape == (len(values), 1)


def test_one_base_rate_serves_many_claims() -> None:
    """Shapes broadcast, and inputs are left as they were."""
    log_odds, trfs = np.array([0.0, 1.0]), np.array([[0.2], [0.8], [math.nan]])
    log_odds.setflags(write=False)
    trfs.setflags(write=False)
    found = posteriors(log_odds, base_rates=np.array(0.3), trfs=trfs)

    assert found.shape == (3, 2)
    assert found[1, 1] == posterior(1.0, base_rate=0.3, trf=0.8)
    assert_array_equal(found[2], sigmoids(log_odds))


def test_a_hundred_thousand_beliefs_take_well_under_a_second() -> None:
    """The daily refresh recomputes every claim. Some 0.1 s of processor time; ten times as much is a fault."""
    generator = np.random.default_rng(3)
    count = 100_000
    starts = np.datetime64("2024-01-01", "us") + generator.integers(0, 10**13, count) * np.timedelta64(1, "us")
    deadlines = starts + np.timedelta64(400, "D")
    log_odds, base_rates = generator.normal(size=count), generator.uniform(0.01, 0.99, count)

    began = time.process_time()
    trfs = time_remaining_fractions(starts, deadlines, np.array("2024-06-01", dtype="datetime64[us]"))
    found = posteriors(log_odds, base_rates=base_rates, trfs=trfs)
    took_seconds = time.process_time() - began

    assert found.shape == (count,)
    assert took_seconds < 1.0


moments = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds it


@given(st.lists(st.tuples(moments, moments, moments).filter(lambda row: row[0] < row[1]), max_size=10))
def test_fractions_of_many_windows_are_those_of_each(rows: list[tuple[datetime, datetime, datetime]]) -> None:
    """To the last bit, so that no stored belief depends on how many were asked for."""
    starts, deadlines, asked = (utc_moments([row[k] for row in rows]) for k in range(3))

    found = time_remaining_fractions(starts, deadlines, asked)
    assert found.tolist() == [time_remaining_fraction(*row) for row in rows]


@pytest.mark.parametrize(("at", "trf"), [(FIRST_SWEEP, 0.6650500679109432), (SECOND_SWEEP, 0.5881123843731557)])
def test_fractions_of_the_known_sweeps_come_out(at: datetime, trf: float) -> None:
    """Both of the humanoid prediction's, from an array."""
    start, deadline, asked = (utc_moments([moment]) for moment in (*year_window(2026), at))

    assert time_remaining_fractions(start, deadline, asked) == pytest.approx([trf], abs=1e-12)


def test_windows_that_do_not_hold_together_are_refused() -> None:
    """The deadline first, or only one of the two."""
    early, late, none = (np.array([text], dtype="datetime64[us]") for text in ("2026-01-01", "2026-12-31", "NaT"))

    for start, deadline in [(late, early), (early, early), (early, none), (none, late)]:
        with pytest.raises(ValueError, match="expected each deadline after its start"):
            time_remaining_fractions(start, deadline, early)


def test_moments_without_a_zone_are_refused() -> None:
    """Nobody knows when they are."""
    with pytest.raises(ValueError, match="with a time zone"):
        utc_moments([datetime(2026, 1, 1)])  # noqa: DTZ001  # that is the point


@pytest.mark.parametrize(
    ("llr", "text"),
    [
        (-0.2606735180027389, "1.3:1 against"),
        (math.log(4.0), "4.0:1 for"),
        (0.0, "1.0:1 for"),
        (-math.log(1234.56), "1234.6:1 against"),
        (50.0 * math.log(10.0), "1e50:1 for"),
        (-2000.0 * math.log(10.0), "1e2000:1 against"),
    ],
)
def test_a_bayes_factor_reads_as_odds(llr: float, text: str) -> None:
    """One decimal, and powers of ten where a double has no decimals."""
    assert bayes_factor_text(llr) == text


@pytest.mark.parametrize(
    ("trf", "shares_shown"), [(1.0, "30% inside / 70% outside"), (0.0, "100% inside / 0% outside")]
)
def test_whole_percentages_lose_nothing_to_truncation(trf: float, shares_shown: str) -> None:
    """1 - 0.7 is a hair off 0.3 in doubles; it is 30% all the same."""
    assert blend_reason_text(trf, HUMANOIDS).startswith(f"blend {shares_shown} (TRF={trf:.3f}, base_rate=0.100 ")


@given(shares)
def test_truncated_percentages_miss_one_at_most(trf: float) -> None:
    """58% and 41%: what is cut off may sum to one, never to more."""
    words = blend_reason_text(trf, HUMANOIDS).split()
    inside, outside = int(words[1].rstrip("%")), int(words[4].rstrip("%"))

    assert 99 <= inside + outside <= 100
