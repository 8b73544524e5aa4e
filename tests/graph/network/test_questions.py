"""Questions over a network made by hand."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from graph.errors import ClosedClaimError, ConflictError, DuplicateError, InvalidError, NotFoundError
from graph.inference.network.diagnostics import Diagnostics, Method
from graph.inference.network.shifts import Shifts
from graph.network.questions import (
    DEFAULT_SAMPLING,
    LARGEST_SEED,
    LEAST_SHIFT,
    MOST_OBSERVATIONS,
    Observation,
    Sampling,
    Supposed,
    find_claim,
    find_outcomes,
    make_sampling,
    read_observation,
    what_if_answer,
)
from graph.network.view import View, make_view
from tests.helpers.snapshots import RESOLVED_AT, snapshot

MOMENT = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def view() -> View:
    """Of five claims, A, B and E are included; E is resolved."""
    return make_view(snapshot(revision=7), MOMENT)


def test_outcomes_are_by_index_in_the_order_asked(view: View) -> None:
    """Indices of the network, which leaves claims out."""
    found = find_outcomes(view, [Observation("B", outcome=False), Observation("A", outcome=True)])

    assert list(found.items()) == [(1, False), (0, True)]


def test_a_claim_that_is_not_there_is_named(view: View) -> None:
    """With its path in the request."""
    with pytest.raises(NotFoundError, match="no claim has the id 'Z'") as refused:
        find_claim(view, "Z", "target")
    assert refused.value.path == "target"


def test_a_claim_without_a_probability_is_not_included(view: View) -> None:
    """And the message says what to do."""
    with pytest.raises(InvalidError, match=r"'D' has no stated probability.*state one first"):
        find_claim(view, "D", "target")


def test_closed_claims_say_since_when(view: View) -> None:
    """An annulled one has no moment here."""
    with pytest.raises(ClosedClaimError, match="'E' is RESOLVED_TRUE") as resolved:
        find_claim(view, "E", "target")
    with pytest.raises(ClosedClaimError, match="'C' is ANNULLED") as annulled:
        find_claim(view, "C", "target")

    assert (resolved.value.status, resolved.value.resolved_at) == ("RESOLVED_TRUE", RESOLVED_AT)
    assert (annulled.value.status, annulled.value.resolved_at) == ("ANNULLED", None)


@pytest.mark.parametrize(("again", "kind"), [(True, DuplicateError), (False, ConflictError)])
def test_a_claim_is_given_once(view: View, kind: type[Exception], *, again: bool) -> None:
    """Twice the same is a duplicate, both outcomes a conflict; the second one's path is told."""
    with pytest.raises(kind) as refused:
        find_outcomes(view, [Observation("A", outcome=True, path="a"), Observation("A", outcome=again, path="b")])
    assert refused.value.path == "b"  # type: ignore[attr-defined]  # of each refused error


@pytest.mark.parametrize("number", [0, MOST_OBSERVATIONS + 1])
def test_the_number_of_observations_is_limited(view: View, number: int) -> None:
    """Before any of them is looked up."""
    with pytest.raises(InvalidError, match=f"1 to {MOST_OBSERVATIONS} observations, got {number}"):
        find_outcomes(view, [Observation("Z", outcome=True)] * number)


@pytest.mark.parametrize(
    ("text", "expected"), [("A=true", ("A", True)), ("A=FALSE", ("A", False)), ("x=y=true", ("x=y", True))]
)
def test_an_observation_is_read_from_its_last_equals_sign(text: str, expected: tuple[str, bool]) -> None:
    """In any case."""
    assert (read_observation(text).claim_id, read_observation(text).outcome) == expected


@pytest.mark.parametrize("text", ["A", "A=", "=true", "A=yes", ""])
def test_what_is_no_observation_is_refused(text: str) -> None:
    """With the text."""
    with pytest.raises(InvalidError, match=f"expected CLAIM=true or CLAIM=false, got {text!r}"):
        read_observation(text)


def test_sampling_defaults_to_the_stored_banks() -> None:
    """Each number by itself."""
    assert make_sampling(None, None) == DEFAULT_SAMPLING
    assert make_sampling(1_024, None) == Sampling(1_024, DEFAULT_SAMPLING.seed)
    assert make_sampling(None, 3) == Sampling(DEFAULT_SAMPLING.num_samples, 3)


@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    """With its path."""
    with pytest.raises(InvalidError, match=f"got {seed}") as refused:
        make_sampling(None, seed)
    assert refused.value.path == "seed"


def test_an_answer_ranks_what_shifts(view: View) -> None:
    """What is supposed apart; rounding is no shift; the count is of all, the list as long as asked."""
    before, after = np.array([0.4, 0.5, 1.0]), np.array([1.0, 0.3, 1.0 - 0.5 * LEAST_SHIFT])
    diagnostics = Diagnostics(Method.EXACT, converged=True, reason="", seconds=0.0)
    shifts = Shifts(before, after, np.array([0.0, 0.01, 0.0]), diagnostics)
    supposed = Supposed(view, {0: True}, {}, shifts, is_intervention=False, sampling=DEFAULT_SAMPLING)
    answer, none = what_if_answer(supposed, 5), what_if_answer(supposed, 0)
    implied = what_if_answer(replace(supposed, implied={1: False}), 5)

    (shift,) = answer.shifts
    assert (shift.claim_id, shift.before, shift.after, shift.standard_error) == ("B", 0.5, 0.3, 0.01)
    assert [supposed.claim_id for supposed in answer.supposed] == ["A"]
    assert answer.all_deltas == {"A": pytest.approx(0.6), "B": pytest.approx(-0.2)}
    assert (answer.num_shifted, none.num_shifted, none.shifts) == (1, 1, ())
    assert ([found.claim_id for found in implied.implied], implied.num_shifted) == (["B"], 0)
    assert (answer.basis.state.revision, answer.basis.as_of) == (7, MOMENT)
    assert (answer.basis.num_claims, answer.basis.num_influences) == (3, 2)


def test_noise_is_no_shift_and_moves_no_ticker(view: View) -> None:
    """Three standard errors and a little more, as two claims are looked at; what does not move at all is no claim."""
    diagnostics = Diagnostics(Method.SAMPLE, converged=True, reason="", seconds=0.0)
    before, errors = np.array([0.4, 0.5, 0.5]), np.array([0.01, 0.01, 0.0])
    settled = Shifts(before, before, errors, diagnostics)
    supposed = Supposed(view, {2: True}, {}, settled, is_intervention=False, sampling=DEFAULT_SAMPLING)
    noise, shift = (
        what_if_answer(replace(supposed, shifts=replace(settled, after=before + np.array([0.001, delta, 0.0]))), 5)
        for delta in (0.031, 0.033)
    )

    assert (noise.num_shifted, noise.shifts, noise.all_deltas) == (0, (), {})
    assert (shift.num_shifted, [one.claim_id for one in shift.shifts]) == (1, ["B"])
    assert shift.all_deltas == {"B": pytest.approx(0.033)}
