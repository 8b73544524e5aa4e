"""Page keys: texts that sort as what they stand for."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.inference.influence import implied_belief
from graph.model.kinds import ClaimStatus, ExposureSign, InfluenceKind, MilestoneKind
from graph.model.moments import FIRST_YEAR, LAST_YEAR
from graph.model.page_keys import (
    belief_keys,
    bounds,
    change_keys,
    claim_keys,
    document_link_keys,
    evidence_keys,
    exposure_keys,
    influence_keys,
    join,
    largest_first,
    milestone_keys,
    moment_text,
    probability_key,
    probability_text,
    stamp_text,
    validation_keys,
)
from graph.model.rows import DocumentLink, Evidence, Exposure, Influence, Milestone, Prediction, Validation
from graph.model.values import ID_PATTERN

T = TypeVar("T")

# Short ones, so that one is often the beginning of another, and every character that an id may hold.
ids = st.sampled_from(["P", "P_1", "P_10", "P.1"]) | st.from_regex(ID_PATTERN, fullmatch=True).map(lambda id_: id_[:3])
shares = st.floats(0, 1).map(lambda value: round(value, 12))
probabilities = st.floats(0, 1, exclude_min=True, exclude_max=True)
days = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))
moments = st.builds(lambda day, time: datetime.combine(day, time.replace(fold=0), tzinfo=UTC), days, st.times())
some_exposures = st.builds(
    Exposure, sign=st.sampled_from(ExposureSign), prediction_id=ids, symbol=ids, relevance=shares
)
NEVER = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)  # behind every deadline
BEFORE_ALL = datetime(FIRST_YEAR - 1, 1, 1, tzinfo=UTC)  # before every moment of publication


def assert_keys_sort_as(
    rows: list[T], key: Callable[[T], str | None], stands_for: Callable[[T], tuple[Any, ...]]
) -> None:
    """The rows in the order of their keys are the rows in the order of their tuples."""
    by_key = sorted(rows, key=lambda row: str(key(row)))
    assert [stands_for(row) for row in by_key] == sorted(map(stands_for, rows))


@given(st.lists(st.builds(Prediction, id=ids, title=st.just("t"), deadline=st.none() | moments, predictor_id=ids)))
def test_predictions_sort_by_deadline_and_then_by_id(predictions: list[Prediction]) -> None:
    """Within a predictor as in the whole list; those without a deadline come last."""
    assert_keys_sort_as(predictions, lambda p: claim_keys(p)["deadline_key"], lambda p: (p.deadline or NEVER, p.id))
    assert_keys_sort_as(
        predictions,
        lambda p: claim_keys(p)["predictor_deadline_key"],
        lambda p: (p.predictor_id, p.deadline or NEVER, p.id),
    )


@given(st.lists(st.tuples(ids, st.none() | probabilities.map(lambda value: round(value, 15)))))
def test_predictions_sort_by_probability_and_then_by_id(rows: list[tuple[str, float | None]]) -> None:
    """To fifteen digits; those without a probability come first, and so last where the largest does."""
    assert_keys_sort_as(
        rows,
        lambda row: probability_key(*row),
        lambda row: (-1.0 if row[1] is None else row[1], row[0]),
    )


@given(
    st.lists(st.builds(Exposure, sign=st.sampled_from(ExposureSign), prediction_id=ids, symbol=ids, relevance=shares))
)
def test_exposures_sort_by_relevance_and_then_by_the_other_end(exposures: list[Exposure]) -> None:
    """The most relevant first, seen from either end."""
    assert_keys_sort_as(
        exposures,
        lambda e: exposure_keys(e)["ticker_key"],
        lambda e: (e.symbol, -(e.relevance or 0.0), e.prediction_id, e.sign.value),
    )
    assert_keys_sort_as(
        exposures,
        lambda e: exposure_keys(e)["prediction_key"],
        lambda e: (e.prediction_id, -(e.relevance or 0.0), e.symbol, e.sign.value),
    )


@given(st.lists(ids, unique=True, min_size=1), st.sampled_from(InfluenceKind))
def test_influences_of_one_size_sort_by_the_other_end(children: list[str], kind: InfluenceKind) -> None:
    """Ties go by id, one that begins another first."""
    rows = [
        Influence(kind=kind, parent_id="PARENT", child_id=child, p_if_true=0.2, p_if_false=0.4) for child in children
    ]
    known = dict.fromkeys([*children, "PARENT"], 0.5)

    assert_keys_sort_as(rows, lambda row: influence_keys(row, known)["outgoing_key"], lambda row: (row.child_id,))


@given(
    st.lists(st.tuples(ids, probabilities, probabilities), unique_by=lambda row: row[0]), probabilities, probabilities
)
def test_influences_sort_by_the_size_of_delta(
    rows: list[tuple[str, float, float]], parent: float, child: float
) -> None:
    """To twelve digits, whatever its sign."""
    size = {
        node: round(1.0 - abs(implied_belief(parent, child, if_true, if_false).delta), 12)
        for node, if_true, if_false in rows
    }
    influences = [
        Influence(kind=InfluenceKind.KILLS, parent_id=node, child_id="CHILD", p_if_true=if_true, p_if_false=if_false)
        for node, if_true, if_false in rows
    ]
    known = {node: parent for node, _, _ in rows} | {"CHILD": child}

    assert_keys_sort_as(
        influences,
        lambda row: influence_keys(row, known)["incoming_key"],
        lambda row: (size[row.parent_id], row.parent_id),
    )


def test_an_influence_without_delta_sorts_last() -> None:
    """There is nothing to rank it by, whichever part is missing."""
    full = Influence(kind=InfluenceKind.KILLS, parent_id="A", child_id="C", p_if_true=0.3, p_if_false=0.3)
    bare = Influence(kind=InfluenceKind.KILLS, parent_id="A", child_id="B")
    ranked = influence_keys(full, {"A": 0.5, "C": 0.3})["outgoing_key"]

    assert ranked < influence_keys(bare, {"A": 0.5, "B": 0.3})["outgoing_key"]
    assert ranked < influence_keys(full, {"A": 0.5, "C": None})["outgoing_key"]
    assert ranked < influence_keys(full, {"C": 0.3})["outgoing_key"]


@given(st.lists(st.tuples(ids, ids, st.integers(-10_000, 10_000))))
def test_milestones_sort_by_ordinal(rows: list[tuple[str, str, int]]) -> None:
    """Before the event by count, not by the digits of a negative number."""
    assert_keys_sort_as(
        rows,
        lambda row: milestone_keys(
            Milestone(
                id=row[1],
                prediction_id=row[0],
                kind=MilestoneKind.RESEARCHED,
                label="m",
                ordinal=row[2],
                expected_date=date(2026, 1, 1),
            )
        )["chain_key"],
        lambda row: (row[0], row[2], row[1]),
    )


@given(st.lists(st.tuples(ids, ids, moments)))
def test_the_ledger_sorts_by_the_moment_of_recording(rows: list[tuple[str, str, datetime]]) -> None:
    """To the microsecond."""
    assert_keys_sort_as(
        rows,
        lambda row: evidence_keys(
            Evidence(id=row[1], claim_id=row[0], policy="p", observed_at=row[2], recorded_at=row[2], total_llr=0.0)
        )["ledger_key"],
        lambda row: (row[0], row[2], row[1]),
    )


@given(st.lists(st.builds(Validation, id=ids, prediction_id=ids, observed_at=days, status=st.just("s"))))
def test_validations_sort_by_day(validations: list[Validation]) -> None:
    """And by id within one."""
    assert_keys_sort_as(
        validations, lambda v: validation_keys(v)["check_key"], lambda v: (v.prediction_id, v.observed_at, v.id)
    )


@given(st.lists(st.tuples(ids, ids, st.none() | moments)))
def test_documents_sort_by_publication_and_claims_by_id(rows: list[tuple[str, str, datetime | None]]) -> None:
    """Undated documents come first, and so last where the newest does."""

    def keys(row: tuple[str, str, datetime | None]) -> dict[str, str]:
        return document_link_keys(DocumentLink(document_id=row[1], claim_id=row[0]), row[2])

    assert_keys_sort_as(rows, lambda row: keys(row)["claim_key"], lambda row: (row[0], row[2] or BEFORE_ALL, row[1]))
    assert_keys_sort_as(rows, lambda row: keys(row)["document_key"], lambda row: (row[1], row[0]))


@given(ids, ids, st.text("0123456789-~TZ.:", max_size=30), ids)
def test_between_an_anchors_bounds_lie_its_keys_and_no_others(anchor: str, other: str, sort: str, node: str) -> None:
    """Also where one anchor's id is the beginning of another's."""
    low, high = bounds(anchor)

    assert low < join(anchor, sort, node) < high
    assert (low < join(other, sort, node) < high) == (other == anchor)


@given(st.none() | moments, st.none() | probabilities, ids)
def test_without_an_anchor_the_bounds_hold_every_key(
    deadline: datetime | None, probability: float | None, node: str
) -> None:
    """Those that sort last and first among them."""
    low, high = bounds(None)
    keys = claim_keys(Prediction(id=node, title="t", deadline=deadline))

    assert low < str(keys["deadline_key"]) < high
    assert low < probability_key(node, probability) < high


def test_a_prediction_has_keys_for_the_anchors_it_has() -> None:
    """A key of an anchor that is not there would put it among some other's."""
    bare = claim_keys(Prediction(id="P", title="t"))
    full = claim_keys(
        Prediction(id="P", title="t", predictor_id="a", domain_id="d", reference_class_id="r", episode_id="e")
    )

    assert {name for name, key in bare.items() if key is not None} == {"kind_key", "deadline_key", "stated_key"}
    assert {name for name, key in full.items() if key is None} == {"record_key"}
    for name, anchor in {"predictor": "a", "domain": "d", "class": "r", "episode": "e"}.items():
        assert full[f"{name}_deadline_key"] == join(anchor, str(full["deadline_key"]))


@given(st.lists(st.tuples(ids, st.none() | st.floats(-1, 1).map(lambda change: round(change, 6)))))
def test_changes_sort_from_falls_to_rises(rows: list[tuple[str, float | None]]) -> None:
    """To a millionth; those without one come first."""
    assert_keys_sort_as(
        rows,
        lambda row: change_keys(row[0], {7: row[1]})["change_7_key"],
        lambda row: (-2.0 if row[1] is None else row[1], row[0]),
    )


@given(st.lists(st.tuples(ids, st.integers(0, 10**9), st.none() | moments)))
def test_claims_sort_by_their_ledgers(rows: list[tuple[str, int, datetime | None]]) -> None:
    """By number of rows, and by the last; those without any come first."""
    assert_keys_sort_as(
        rows, lambda row: belief_keys(row[0], None, *row[1:])["evidence_count_key"], lambda row: row[1::-1]
    )
    assert_keys_sort_as(
        rows,
        lambda row: belief_keys(row[0], None, *row[1:])["last_evidence_key"],
        lambda row: (row[2] or BEFORE_ALL, row[0]),
    )


@given(moments, moments)
def test_moments_of_writing_sort_as_texts(one: datetime, other: datetime) -> None:
    """As long as they lie between 1970 and 2286, in which the database counts them with 16 digits."""
    if all(2002 <= moment.year < 2286 for moment in (one, other)):
        assert (stamp_text(one) < stamp_text(other)) is (one < other)


@pytest.mark.parametrize(
    ("status", "stated", "counts"),
    [
        ("RESOLVED_TRUE", 0.5, True),
        ("RESOLVED_FALSE", 0.5, True),
        ("ANNULLED", 0.5, False),
        ("RESOLVED_TRUE", None, False),
    ],
)
def test_a_record_counts_what_was_stated_and_came_out(status: str, stated: float | None, *, counts: bool) -> None:
    """Neither what was annulled nor what nobody put a number on."""
    moment = datetime(2026, 6, 1, tzinfo=UTC)
    prediction = Prediction(
        id="P", title="t", predictor_id="a", status=ClaimStatus(status), resolved_at=moment, stated_probability=stated
    )

    assert claim_keys(prediction)["record_key"] == (join("a", moment_text(moment), "P") if counts else None)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(FIRST_YEAR, 1, 1, tzinfo=UTC),
        datetime(LAST_YEAR, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 5, 30, 22, 15, tzinfo=UTC),
    ],
)
def test_moments_are_texts_of_one_width_that_mean_them(moment: datetime) -> None:
    """Fixed width is what makes texts sort as times do."""
    assert len(moment_text(moment)) == len("2026-05-30T22:15:00.000000Z")
    assert datetime.fromisoformat(moment_text(moment)) == moment
    assert moment_text(moment) < moment_text(moment + timedelta(microseconds=1))


def test_extreme_probabilities_and_sizes_have_the_width_of_the_others() -> None:
    """Neither an exponent nor a minus sign, which would sort among the absent ones."""
    assert {len(probability_text(p)) for p in (5e-324, 1e-9, 0.5, 1 - 2**-53)} == {17}
    assert {len(largest_first(size)) for size in (0.0, 5e-324, 0.5, 1 - 2**-53, 1.0)} == {14}
    assert largest_first(1.0) == f"{0:.12f}"
