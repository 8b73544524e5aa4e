"""The samples are whole, consistent with themselves, and agree with the rules that make derived data."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from graphlib import TopologicalSorter
from importlib.resources import files
from math import exp, log
from typing import Any, cast

import pytest

from graph.model.bundle import Bundle
from graph.model.kinds import InfluenceKind, MilestoneKind, MilestoneStatus
from graph.model.rows import Claim, Evidence, Milestone, Prediction
from graph.model.subjects import row_id
from graph.sample.loading import ILLUSTRATION_FILE, SAMPLE_FILE, load_illustration, load_sample

FEW_MILLION = "P_FEW_MILLION_PARAMETERS"
SMALL_MODELS = "P_SMALL_LANGUAGE_MODELS"
HUMANOID = "CMQ_056"
PREDICTION_IDS = (FEW_MILLION, SMALL_MODELS, HUMANOID)
DAY = timedelta(days=1)

SHOWN_DELTAS = {
    FEW_MILLION: {"S_AGI_MID_2029": "-0.157", "TK03": "0.063", "TK02": "0.055", "TK01": "0.043", "TK09": "-0.037"},
    SMALL_MODELS: {
        "S_ASI_SLOW_2040PLUS": "-0.092",
        "TK09": "-0.070",
        "TK05": "-0.047",
        "TK03": "0.043",
        "TK02": "0.034",
    },
}

SHOWN_CHECK_INS = {
    FEW_MILLION: ("2026-11-02", "2027-05-07", "2027-11-09"),
    SMALL_MODELS: ("2028-11-10", "2031-05-25", "2033-12-05"),
    HUMANOID: ("2026-03-11", "2026-05-19", "2026-07-27"),
}

NAMES_OF_RAW_KINDS = {
    "llm_pre_event": MilestoneKind.RESEARCHED,
    "quartile_checkpoint": MilestoneKind.CHECK_IN,
    "event": MilestoneKind.EVENT,
}

NAMES_OF_RAW_KEYS = {
    "quantity": "qty",
    "source_url": "url",
    "verbatim_quote": "verbatim",
    "conviction_cues": "conv_cues",
    "conviction_level": "conv_level",
    **{
        name: name for name in ("mode", "role", "context", "direction", "timeframe", "cited_by", "from_year", "to_year")
    },
}


@pytest.fixture(scope="module")
def sample() -> Bundle:
    return load_sample()


@pytest.fixture(scope="module", params=[load_sample, load_illustration])
def either(request: pytest.FixtureRequest) -> Bundle:
    """The three real pages, and the illustrative graph."""
    loaded: Bundle = request.param()
    return loaded


@pytest.mark.parametrize(("name", "load"), [(SAMPLE_FILE, load_sample), (ILLUSTRATION_FILE, load_illustration)])
def test_the_file_is_what_an_export_would_write(name: str, load: Callable[[], Bundle]) -> None:
    """One row a line and absent values left out, so that a change to the sample reads well as a diff."""
    text = files("graph.sample").joinpath(name).read_text(encoding="utf-8")

    assert text == load().to_json()


def test_the_sample_holds_everything_that_the_pages_list(sample: Bundle) -> None:
    """The numbers are counted by hand on the three pages, with the event that each page hides."""
    counts = {name: len(rows) for name, rows in sample.rows().items() if rows}

    assert counts == {
        "domains": 3,
        "episodes": 2,
        "predictors": 2,
        "reference_classes": 1,
        "tickers": 2,
        "documents": 6 + 1 + 3,
        "predictions": 3,
        "scenarios": 3,
        "killers": 5,
        "milestones": 10 + 9 + 9,
        "evidence": 2,
        "validations": 1,
        "influences": 6 + 6 + 1,
        "exposures": 2,
        "document_links": 6 + 1 + 3,
    }


def test_no_id_is_used_twice(either: Bundle) -> None:
    """Claims share one space of ids: a killer and a prediction may not have the same."""
    for name, rows in either.rows().items():
        ids = [row_id(row) for row in rows]
        assert len(set(ids)) == len(ids), name
    claim_ids = [claim.id for claim in claims_of(either)]
    assert len(set(claim_ids)) == len(claim_ids)


def test_every_id_that_is_named_exists(either: Bundle) -> None:
    """A relationship to nobody would be refused on import."""
    known = {
        "predictor_id": ids_of(either, "predictors"),
        "episode_id": ids_of(either, "episodes"),
        "domain_id": ids_of(either, "domains"),
        "reference_class_id": ids_of(either, "reference_classes"),
        "prediction_id": ids_of(either, "predictions"),
        "document_id": ids_of(either, "documents"),
        "milestone_id": ids_of(either, "milestones"),
        "symbol": ids_of(either, "tickers"),
        **{field: {claim.id for claim in claims_of(either)} for field in ("claim_id", "parent_id", "child_id")},
    }

    for rows in either.rows().values():
        for row in rows:
            named = {field: value for field, value in row.model_dump(exclude_none=True).items() if field in known}
            assert {field: value for field, value in named.items() if value not in known[field]} == {}, row_id(row)


def test_nothing_stands_alone(either: Bundle) -> None:
    """A row that no other row names is on none of the pages."""
    named: set[object] = set()
    for rows in either.rows().values():
        for row in rows:
            named |= {value for field, value in row.model_dump().items() if field.endswith("_id") or field == "symbol"}

    for name in ("domains", "episodes", "predictors", "reference_classes", "documents", "scenarios", "killers"):
        assert ids_of(either, name) <= named, name
    assert ids_of(either, "tickers") == {exposure.symbol for exposure in either.exposures}


def test_influences_form_no_cycle(sample: Bundle) -> None:
    """Python's own sorter refuses a cycle."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for influence in sample.influences:
        sorter.add(influence.child_id, influence.parent_id)

    assert set(sorter.static_order()) == {claim.id for claim in claims_of(sample)}


@pytest.mark.parametrize("prediction_id", PREDICTION_IDS)
def test_check_ins_lie_at_the_quarters_of_the_window(sample: Bundle, prediction_id: str) -> None:
    """
    A quarter of the window is a length of time, not a number of days: the day it falls on is the check-in.

    The window starts with the prediction's first year or else on the day after its import, and ends with the event.
    """
    prediction = get_prediction(sample, prediction_id)
    start = midnight(start_of(prediction))
    length = midnight(expected_date_of(event_of(sample, prediction_id))) - start

    quarters = [(start + length * k / 4).date().isoformat() for k in (1, 2, 3)]

    check_ins = [get_milestone(sample, f"{prediction_id}:check-in-{k}") for k in (1, 2, 3)]
    assert tuple(quarters) == SHOWN_CHECK_INS[prediction_id]
    assert [str(check_in.expected_date) for check_in in check_ins] == quarters
    assert {check_in.kind for check_in in check_ins} == {MilestoneKind.CHECK_IN}


@pytest.mark.parametrize(
    ("prediction_id", "windows"),
    [
        (FEW_MILLION, [("2026-04-30", "2028-05-13"), ("2026-04-30", "2028-05-14"), ("2026-05-01", "2028-05-13")]),
        (SMALL_MODELS, [("2026-04-30", "2036-06-18")]),
    ],
)
def test_the_check_ins_leave_few_windows_open(prediction_id: str, windows: list[tuple[str, str]]) -> None:
    """
    Neither page shows the event; every start in 2026 before the first check-in is tried.

    If both predictions came with one import, the second's only solution fixes the first's start too.
    """
    shown = SHOWN_CHECK_INS[prediction_id]
    first, last = (date.fromisoformat(day) for day in (shown[0], shown[-1]))

    starts = [date(2026, 1, 1) + n * DAY for n in range(365) if date(2026, 1, 1) + n * DAY < first]

    # The last check-in bounds the length on both sides: floor(3 * length / 4) days is its distance.
    found = [
        (str(start), str(start + length * DAY))
        for start in starts
        for length in range((last - start).days * 4 // 3, (last - start).days * 4 // 3 + 3)
        if tuple(str(start + (k * length // 4) * DAY) for k in (1, 2, 3)) == shown
    ]

    assert found == windows


def test_derived_events_are_open_and_say_how_they_were_derived(sample: Bundle) -> None:
    """Who reads the sample can tell what stood on a page from what follows from it."""
    last_day_of_range = get_milestone(sample, f"{FEW_MILLION}:sub-100m-competent").range_to

    assert event_of(sample, FEW_MILLION).expected_date == last_day_of_range == date(2028, 5, 14)
    assert event_of(sample, SMALL_MODELS).expected_date == date(2036, 6, 18)
    assert event_of(sample, HUMANOID).expected_date == date(2026, 10, 5)
    for prediction_id in PREDICTION_IDS:
        event = event_of(sample, prediction_id)
        assert event.status is MilestoneStatus.PENDING
        assert (event.basis is None) == (prediction_id == HUMANOID)
    assert {milestone.id for milestone in sample.milestones if milestone.basis} == {
        f"{FEW_MILLION}:event",
        f"{SMALL_MODELS}:event",
    }


def test_expected_dates_of_ranges_are_their_midpoints(sample: Bundle) -> None:
    """Halfway between two midnights, then the day that moment falls on."""
    with_both = [milestone for milestone in sample.milestones if milestone.range_from and milestone.expected_date]

    for milestone in with_both:
        assert milestone.expected_date == midpoint(milestone), milestone.id
    assert len(with_both) == 2 + 4 + 2


@pytest.mark.parametrize("prediction_id", PREDICTION_IDS)
def test_ordinals_count_from_the_event(sample: Bundle, prediction_id: str) -> None:
    """The pages number some milestones; with midpoints for the others, all those numbers come out."""
    milestones = sorted(milestones_of(sample, prediction_id), key=expected_date_of)
    place_of_event = [milestone.kind for milestone in milestones].index(MilestoneKind.EVENT)

    places = {milestone.id: place - place_of_event for place, milestone in enumerate(milestones)}
    shown = {milestone.id: milestone.ordinal for milestone in milestones if milestone.ordinal is not None}

    assert shown == {milestone_id: places[milestone_id] for milestone_id in shown}
    assert len(shown) == {FEW_MILLION: 6, SMALL_MODELS: 5, HUMANOID: 7}[prediction_id]
    assert [milestone.id for milestone in milestones] == [row.id for row in milestones_of(sample, prediction_id)]


def test_only_one_of_the_three_has_nothing_after_its_event(sample: Bundle) -> None:
    """Its page says "No downstream cascades"; the two others have milestones that follow the event."""
    num_later = {
        prediction_id: sum(
            expected_date_of(milestone) > expected_date_of(event_of(sample, prediction_id))
            for milestone in milestones_of(sample, prediction_id)
        )
        for prediction_id in PREDICTION_IDS
    }

    assert num_later == {FEW_MILLION: 1, SMALL_MODELS: 0, HUMANOID: 3}


@pytest.mark.parametrize("prediction_id", [FEW_MILLION, SMALL_MODELS])
def test_the_tables_give_the_deltas_shown(sample: Bundle, prediction_id: str) -> None:
    """Decimal arithmetic: one of the deltas is -0.0695 exactly, which binary fractions would round to -0.069."""
    stated = decimal(get_prediction(sample, prediction_id).stated_probability)

    deltas = {parent: implied - stated for parent, implied in implied_by(sample, prediction_id).items()}

    shown = SHOWN_DELTAS[prediction_id]
    ranked = sorted(deltas, key=lambda parent: (-abs(deltas[parent]), parent))
    assert {parent: str(round(delta, 3)) for parent, delta in deltas.items()} == shown
    assert ranked == list(shown)


@pytest.mark.parametrize(("prediction_id", "expected"), [(FEW_MILLION, "0.347"), (SMALL_MODELS, "0.412")])
def test_one_probability_alone_fits_all_deltas(sample: Bundle, prediction_id: str, expected: str) -> None:
    """Of all numbers with three decimals; so the stated probability, which no page shows, is the pages' own."""
    shown = {parent: Decimal(delta) for parent, delta in SHOWN_DELTAS[prediction_id].items()}
    implied = implied_by(sample, prediction_id)
    half = Decimal("0.0005")

    fitting = [
        str(Decimal(n) / 1000)
        for n in range(1, 1000)
        if all(abs(implied[parent] - Decimal(n) / 1000 - delta) <= half for parent, delta in shown.items())
    ]

    prediction = get_prediction(sample, prediction_id)
    assert expected in fitting
    assert fitting == [expected]
    assert decimal(prediction.stated_probability) == Decimal(expected)
    assert "Not shown on the page" in (prediction.probability_basis or "")


def test_every_stated_probability_says_where_it_is_from(sample: Bundle) -> None:
    """One scenario's probability stands on no page, and none is made up for it."""
    without = [claim.id for claim in claims_of(sample) if claim.stated_probability is None]

    assert without == ["S_HUMANOID_CONSUMER_2030"]
    assert all((claim.stated_probability is None) == (claim.probability_basis is None) for claim in claims_of(sample))


def test_influences_whose_table_is_not_shown_say_so(sample: Bundle) -> None:
    """The tables stop at five rows; the sixth parent of two predictions is listed without its probabilities."""
    without = {(row.kind, row.parent_id, row.child_id) for row in sample.influences if row.p_if_true is None}

    assert without == {
        (InfluenceKind.KILLS, "TK05", FEW_MILLION),
        (InfluenceKind.KILLS, "TK01", SMALL_MODELS),
        (InfluenceKind.CORRELATES_WITH, "S_HUMANOID_CONSUMER_2030", HUMANOID),
    }
    assert all((row.basis is None) == (row.p_if_true is not None) for row in sample.influences)
    assert all(row.lag_days is None for row in sample.influences)


def test_exposures_rest_on_words_of_the_prediction(sample: Bundle) -> None:
    """The pages only count tickers, so the two that a text names outright are all there is."""
    watch_events = get_prediction(sample, HUMANOID).watch_events or ""

    for exposure in sample.exposures:
        quoted = (exposure.basis or "").split('"')[1]
        name = next(ticker.name for ticker in sample.tickers if ticker.symbol == exposure.symbol)
        assert quoted in watch_events
        assert (name or "") in quoted
        assert exposure.impact is None


def test_every_address_of_a_source_is_a_document(sample: Bundle) -> None:
    """The same sources seen from the two sides."""
    links = {(link.claim_id, link.document_id) for link in sample.document_links}
    addresses = {document.id: document.url for document in sample.documents}

    linked = {(claim_id, addresses[document_id]) for claim_id, document_id in links}

    assert linked == {(row.prediction_id, row.source_url) for row in sample.milestones if row.source_url}


@pytest.mark.parametrize(
    ("evidence_id", "figures"),
    [
        (
            "CMQ_056:ledger-1",
            {
                "observed_at": datetime(2026, 5, 2, 22, 7, 21, 384228, UTC),
                "trf": 0.6650500679109432,
                "kappa": 0.6429,
                "predictor_brier": 0.03445,
                "predictor_n_resolved": 2,
                "prior_logit": 1.5163474893680882,
                "inside_prior": 0.82,
                "total_llr": -0.4054651081081644,
                "total_adjusted_llr": -0.2606735180027389,
                "inside_weight": 0.5344649524623397,
                "outside_weight": 0.4655350475376603,
                "inside_posterior": 0.7782805072082809,
                "posterior_logit": 1.2556739713653493,
                "blended_posterior": 0.4129529469303463,
                "posterior_prob": 0.4129529469303463,
                "blend_reason": "blend 53% inside / 46% outside"
                " (TRF=0.665, base_rate=0.100 from humanoid_commercial_volume)",
            },
        ),
        (
            "CMQ_056:ledger-2",
            {
                "observed_at": datetime(2026, 5, 30, 22, 15, 0, 756418, UTC),
                "trf": 0.5881123843731557,
                "kappa": 0.6875,
                "predictor_brier": 0.0363,
                "predictor_n_resolved": 3,
                "prior_logit": -0.6607919366149184,
                "inside_prior": 0.34056173641693016,
                "total_llr": -0.4054651081081644,
                "total_adjusted_llr": -0.278757261824363,
                "inside_weight": 0.5883213309387909,
                "outside_weight": 0.4116786690612091,
                "inside_posterior": 0.2809914113915666,
                "posterior_logit": -0.9395491984392814,
                "blended_posterior": 0.1888795084186773,
                "posterior_prob": 0.1888795084186773,
                "blend_reason": "blend 58% inside / 41% outside"
                " (TRF=0.588, base_rate=0.100 from humanoid_commercial_volume)",
            },
        ),
    ],
)
def test_figures_of_the_evidence_are_kept_to_the_last_digit(
    sample: Bundle, evidence_id: str, figures: Mapping[str, object]
) -> None:
    """What another system computed is a record, not something to compute again."""
    evidence = get_evidence(sample, evidence_id)

    kept = {name: getattr(evidence, name) for name in figures}

    assert kept == figures
    assert evidence.policy == "imported"
    assert evidence.bayes_factor == "1.3:1 against"


@pytest.mark.parametrize("evidence_id", ["CMQ_056:ledger-1", "CMQ_056:ledger-2"])
def test_figures_of_the_evidence_follow_from_one_another(sample: Bundle, evidence_id: str) -> None:
    """A digit lost in copying would break the sums; the year that they rest on is the prediction's first."""
    row = get_evidence(sample, evidence_id)
    trf, kappa, base_rate, prior = floats(row, "trf", "kappa", "base_rate", "inside_prior")
    deadline = datetime(2026, 12, 31, tzinfo=UTC)
    remaining = (deadline - row.observed_at) / (deadline - datetime(2026, 1, 1, tzinfo=UTC))
    prior_logit = log(prior / (1 - prior))
    posterior_logit = prior_logit + kappa * log(2 / 3)
    weight = 1 - 0.7 * trf
    odds = exp(weight * posterior_logit + (1 - weight) * log(base_rate / (1 - base_rate)))

    assert trf == pytest.approx(remaining, rel=1e-12)
    assert row.total_llr == pytest.approx(log(2 / 3), rel=1e-12)
    assert row.total_adjusted_llr == pytest.approx(kappa * log(2 / 3), rel=1e-12)
    assert row.prior_logit == pytest.approx(prior_logit, rel=1e-12)
    assert row.posterior_logit == pytest.approx(posterior_logit, rel=1e-12)
    assert row.inside_posterior == pytest.approx(1 / (1 + exp(-posterior_logit)), rel=1e-12)
    assert row.inside_weight == pytest.approx(weight, rel=1e-12)
    assert row.outside_weight == pytest.approx(1 - weight, rel=1e-12)
    assert row.blended_posterior == pytest.approx(odds / (1 + odds), rel=1e-12)
    assert row.posterior_prob == row.blended_posterior


def test_the_first_inside_prior_is_the_stated_probability(sample: Bundle) -> None:
    """Before its first evidence the inside view is what the predictor said."""
    first = min(sample.evidence, key=lambda row: row.observed_at)

    assert first.inside_prior == get_prediction(sample, HUMANOID).stated_probability


def test_evidence_is_the_miss_of_a_check_in(sample: Bundle) -> None:
    """Each overdue check-in sent its miss once, at the moment at which the row was written."""
    overdue = [milestone for milestone in sample.milestones if milestone.status is MilestoneStatus.OVERDUE]

    assert [row.milestone_id for row in sample.evidence] == [milestone.id for milestone in overdue]
    for row, milestone in zip(sample.evidence, overdue, strict=True):
        [contribution] = row.contributions
        assert row.observed_at == row.recorded_at == milestone.miss_emitted_at
        assert row.submitted_by == milestone.miss_emitted_by
        assert row.idempotency_key == f"miss:{milestone.id}"
        assert contribution.label == milestone.label
        assert contribution.expected_date == milestone.expected_date
        assert (contribution.llr, contribution.adjusted_llr) == (row.total_llr, row.total_adjusted_llr)


def test_the_predictors_record_is_that_of_the_newest_evidence(sample: Bundle) -> None:
    """The record was kept elsewhere, and the evidence chain is where it shows."""
    newest = max(sample.evidence, key=lambda row: row.observed_at)
    records = {
        predictor.id: (
            predictor.record_n_resolved,
            predictor.record_brier,
            predictor.record_kappa,
            predictor.record_source,
        )
        for predictor in sample.predictors
    }

    assert records == {
        "alex_wissner_gross": (None, None, None, None),
        newest.predictor_id: (newest.predictor_n_resolved, newest.predictor_brier, newest.kappa, newest.kappa_source),
    }


@pytest.mark.parametrize("evidence_id", ["CMQ_056:ledger-1", "CMQ_056:ledger-2"])
def test_raw_metadata_of_evidence_agrees_with_its_fields(sample: Bundle, evidence_id: str) -> None:
    """The raw metadata is shown beside the fields that were taken from it."""
    row = get_evidence(sample, evidence_id)
    raw = as_object(row.raw_metadata)
    [raw_contribution] = raw["contributions"]
    [contribution] = row.model_dump(mode="json")["contributions"]

    assert raw.keys() - row.model_dump().keys() == {"predictor", "bayesian_v2"}
    assert {name: getattr(row, name) for name in raw.keys() - {"predictor", "bayesian_v2", "contributions"}} == {
        name: value for name, value in raw.items() if name not in {"predictor", "bayesian_v2", "contributions"}
    }
    assert contribution | {"measurement_criterion": contribution["criterion"]} == raw_contribution | {"criterion": None}


@pytest.mark.parametrize("prediction_id", PREDICTION_IDS)
def test_raw_metadata_of_a_prediction_agrees_with_its_fields(sample: Bundle, prediction_id: str) -> None:
    """Every key is a field under another name, the list of milestones, or "nia", which is kept here only."""
    prediction = get_prediction(sample, prediction_id)
    raw = as_object(prediction.raw_metadata)

    fields = {key: getattr(prediction, name) for name, key in NAMES_OF_RAW_KEYS.items() if key in raw}

    assert fields | {"nia": False, "milestones": raw["milestones"]} == raw
    assert all(getattr(prediction, name) is None for name, key in NAMES_OF_RAW_KEYS.items() if key not in raw)
    assert prediction.raw_metadata_is_complete is False


@pytest.mark.parametrize("prediction_id", PREDICTION_IDS)
def test_raw_metadata_of_milestones_agrees_with_their_rows(sample: Bundle, prediction_id: str) -> None:
    """The pages show a milestone twice, as a line of the chain and raw; only the raw list breaks off."""
    rows = {row.label: row for row in milestones_of(sample, prediction_id)}
    raw_milestones = as_object(get_prediction(sample, prediction_id).raw_metadata)["milestones"]

    for raw in raw_milestones:
        row = rows[raw["label"]]
        assert raw == {key: value for key, value in raw_form(row).items() if key in raw}, row.id
    assert len(raw_milestones) == {FEW_MILLION: 6, SMALL_MODELS: 6, HUMANOID: 7}[prediction_id]


def test_typographic_marks_are_kept() -> None:
    """Texts are compared with the pages to the letter, and the file is UTF-8 without escapes."""
    text = files("graph.sample").joinpath(SAMPLE_FILE).read_text(encoding="utf-8")

    assert "extreme power efficiency — embedded AI without cloud dependency." in text
    assert "\\u" not in text


def raw_form(row: Milestone) -> dict[str, Any]:
    """A milestone as the raw metadata would have it, keys that it leaves out included."""
    fields = row.model_dump(mode="json")
    moment = row.miss_emitted_at
    return fields | {
        "kind": next(raw for raw, kind in NAMES_OF_RAW_KINDS.items() if kind is row.kind),
        "status": row.status.lower(),
        "measurement_criterion": row.criterion,
        "expected_date_range": {"from": fields["range_from"], "to": fields["range_to"]},
        "source_id": row.prediction_id if row.kind is MilestoneKind.EVENT else None,
        "miss_emitted_at": moment.isoformat() if moment else None,
    }


def as_object(value: object) -> dict[str, Any]:
    """A JSON object, read back from its own text so that numbers compare as JSON has them."""
    return cast("dict[str, Any]", json.loads(json.dumps(value)))


def claims_of(sample: Bundle) -> Iterator[Claim]:
    yield from sample.predictions
    yield from sample.scenarios
    yield from sample.killers


def ids_of(sample: Bundle, name: str) -> set[str]:
    return {row_id(row) for row in sample.rows()[name]}


def get_prediction(sample: Bundle, prediction_id: str) -> Prediction:
    return next(row for row in sample.predictions if row.id == prediction_id)


def get_milestone(sample: Bundle, milestone_id: str) -> Milestone:
    return next(row for row in sample.milestones if row.id == milestone_id)


def get_evidence(sample: Bundle, evidence_id: str) -> Evidence:
    return next(row for row in sample.evidence if row.id == evidence_id)


def milestones_of(sample: Bundle, prediction_id: str) -> list[Milestone]:
    return [row for row in sample.milestones if row.prediction_id == prediction_id]


def event_of(sample: Bundle, prediction_id: str) -> Milestone:
    return get_milestone(sample, f"{prediction_id}:event")


def start_of(prediction: Prediction) -> date:
    if prediction.from_year is not None:
        return date(prediction.from_year, 1, 1)
    assert prediction.imported_on is not None
    return prediction.imported_on + DAY


def expected_date_of(milestone: Milestone) -> date:
    return milestone.expected_date or midpoint(milestone)


def midpoint(milestone: Milestone) -> date:
    assert milestone.range_from is not None
    assert milestone.range_to is not None
    start, end = midnight(milestone.range_from), midnight(milestone.range_to)
    return (start + (end - start) / 2).date()


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def implied_by(sample: Bundle, child_id: str) -> dict[str, Decimal]:
    """The child's probability as each parent's table alone would have it."""
    stated = {claim.id: claim.stated_probability for claim in claims_of(sample)}
    return {
        row.parent_id: decimal(stated[row.parent_id]) * decimal(row.p_if_true)
        + (1 - decimal(stated[row.parent_id])) * decimal(row.p_if_false)
        for row in sample.influences
        if row.child_id == child_id and row.p_if_true is not None
    }


def decimal(number: float | None) -> Decimal:
    assert number is not None
    return Decimal(repr(number))


def floats(row: Evidence, *names: str) -> tuple[float, ...]:
    return tuple(float(getattr(row, name)) for name in names)
