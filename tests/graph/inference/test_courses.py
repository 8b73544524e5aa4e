"""Histories of many claims as arrays, against each claim by itself."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pytest

from graph.inference.basis import Basis
from graph.inference.courses import EVIDENT, RESTATED, SETTLED, Courses, count_by, starts_of
from graph.inference.history import Calibration, Course, Piece, Trail, course_beliefs_at
from graph.inference.log_odds import logit, optional_numbers
from graph.inference.statements import StatedClaims, stated_claim
from graph.inference.time import datetime_of, utc_moments

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 400


class Section(NamedTuple):
    """A piece of a history with what its belief follows from; without a probability until one is stated."""

    since: datetime
    until: datetime | None
    stated: float | None
    window: tuple[datetime, datetime] | None
    base_rate: float | None
    effects: tuple[float, float]
    share: float
    is_calibrated: bool


class Claim(NamedTuple):
    """A claim: its pieces, its ledger's rows (when each was recorded, the sums after it) and its outcome."""

    sections: list[Section]
    rows: list[tuple[datetime, float, float]]
    outcome: float

    def course(self) -> Course:
        """The history as that of a single claim."""
        moments = utc_moments([at for at, _, _ in self.rows])
        log_odds, check_ins = (np.array([row[place] for row in self.rows]) for place in (1, 2))
        pieces = []
        for own in self.sections:
            trail = None
            if own.stated is not None:
                claim = stated_claim(own.stated, window=own.window, base_rate=own.base_rate, effects=own.effects)
                terms = Calibration(claim, own.share, np.array([0.0, *check_ins])) if own.is_calibrated else None
                trail = Trail(logit(own.stated), moments, log_odds, own.window, own.base_rate, terms)
            pieces.append(Piece(own.since, trail, own.until))
        return tuple(pieces)


def some_moment(generator: np.random.Generator) -> datetime:
    """A full day, so that moments meet."""
    return START + timedelta(days=int(generator.integers(DAYS)))


def some_moments(generator: np.random.Generator, most: int) -> list[datetime]:
    """Some moments in order, each once."""
    return sorted({some_moment(generator) for _ in range(generator.integers(most + 1))})


def some_section(generator: np.random.Generator, since: datetime) -> Section:
    """A piece of any kind."""

    def is_so(share: float) -> bool:
        return bool(generator.random() < share)

    begin = some_moment(generator)
    window = (begin, begin + timedelta(days=int(generator.integers(1, 900)))) if is_so(0.7) else None
    return Section(
        since,
        some_moment(generator) if is_so(0.4) else None,
        float(generator.uniform(0.01, 0.99)) if is_so(0.9) else None,
        window,
        float(generator.uniform(0.01, 0.99)) if is_so(0.6) else None,
        (float(generator.normal()), float(generator.normal())),
        float(generator.random()),
        is_so(0.5),
    )


def some_claim(generator: np.random.Generator) -> Claim:
    """A claim with any history; at one moment its ledger may have several rows."""
    sections = [some_section(generator, since) for since in [START, *some_moments(generator, 3)]]
    moments = sorted([*some_moments(generator, 4), *some_moments(generator, 1) * 2])
    rows = [(at, float(generator.normal()), float(generator.normal(scale=0.1))) for at in moments]
    return Claim(sections, rows, float(generator.choice([0.0, 1.0, np.nan])))


def join(claims: list[Claim]) -> Courses:
    """The histories of claims as arrays."""
    sections = [section for claim in claims for section in claim.sections]
    rows = [row for claim in claims for row in claim.rows]
    starts, deadlines = (
        utc_moments([None if own.window is None else own.window[end] for own in sections]) for end in (0, 1)
    )
    stated = StatedClaims(
        stated=np.array([own.stated or 0.5 for own in sections]),
        stated_at=utc_moments([None] * len(sections)),
        starts=starts,
        deadlines=deadlines,
        base_rates=optional_numbers([own.base_rate for own in sections]),
        intercept_effects=np.array([own.effects[0] for own in sections]),
        slope_effects=np.array([own.effects[1] for own in sections]),
    )
    nothing = np.zeros(len(sections))
    shares, is_calibrated = (np.array([own[place] for own in sections]) for place in (6, 7))
    return Courses(
        piece_starts=np.cumsum([0, *(len(claim.sections) for claim in claims)]),
        sinces=utc_moments([own.since for own in sections]),
        untils=utc_moments([own.until for own in sections]),
        is_stated=np.array([own.stated is not None for own in sections]),
        basis=Basis(stated, nothing, nothing, shares, is_calibrated),
        row_starts=np.cumsum([0, *(len(claim.rows) for claim in claims)]),
        recorded=utc_moments([at for at, _, _ in rows]),
        log_odds=np.array([own for _, own, _ in rows], np.float64),
        check_ins=np.array([own for _, _, own in rows], np.float64),
        outcomes=np.array([claim.outcome for claim in claims]),
    )


def value_at(claim: Claim, moment: datetime) -> float:
    """What a claim counts as at a moment, by its piece then."""
    number = max(0, bisect_right([own.since for own in claim.sections[1:]], moment))
    until = claim.sections[number].until
    if not np.isnan(claim.outcome) and until is not None and until <= moment:
        return claim.outcome
    belief = float(course_beliefs_at(claim.course(), utc_moments([moment]))[0])
    return 0.0 if np.isnan(belief) else belief


@pytest.mark.parametrize("seed", range(20))
def test_beliefs_are_those_of_each_claim_by_itself(seed: int) -> None:
    """To the last bit, however many are computed together; so is what the claims count as."""
    generator = np.random.default_rng(seed)
    claims = [some_claim(generator) for _ in range(8)]
    courses = join(claims)
    asked = [(claim, some_moment(generator)) for claim in generator.integers(0, 8, 200).tolist()]
    numbers, moments = np.array([claim for claim, _ in asked]), utc_moments([at for _, at in asked])

    alone = [course_beliefs_at(claims[claim].course(), utc_moments([at]))[0] for claim, at in asked]
    np.testing.assert_array_equal(courses.beliefs(numbers, moments), alone)
    assert courses.values(numbers, moments).tolist() == [value_at(claims[claim], at) for claim, at in asked]


@pytest.mark.parametrize("seed", range(20))
def test_records_are_listed_once_for_a_moment(seed: int) -> None:
    """An outcome comes before evidence, and that before restated numbers; evidence has all rows of its moment."""
    generator = np.random.default_rng(seed)
    claims = [some_claim(generator) for _ in range(8)]
    start, end = START + timedelta(days=40), START + timedelta(days=300)
    expected: dict[tuple[int, datetime], tuple[int, list[int]]] = {}
    first = 0
    for number, claim in enumerate(claims):
        for section in claim.sections[1:]:
            expected[number, section.since] = RESTATED, []
        for at in {at for at, _, _ in claim.rows}:
            rows = [first + place for place, row in enumerate(claim.rows) if row[0] == at]
            expected[number, at] = EVIDENT, rows
        for section in claim.sections:
            if section.until is not None and not np.isnan(claim.outcome):
                expected[number, max(section.until, section.since)] = SETTLED, []
        first += len(claim.rows)

    found = join(claims).records(*utc_moments([start, end]))
    listed = [
        ((claim, datetime_of(at)), (kind, list(range(first, end))))
        for claim, at, kind, first, end in zip(
            found.claims.tolist(), found.moments, found.kinds, found.first_rows, found.end_rows, strict=True
        )
    ]
    assert listed == sorted((key, own) for key, own in expected.items() if start < key[1] <= end)


@pytest.mark.parametrize("seed", range(5))
def test_moments_are_counted_in_groups_of_any_size(seed: int) -> None:
    """As by bisection of each group; a group may be empty, and a moment may be met exactly."""
    generator = np.random.default_rng(seed)
    groups = [some_moments(generator, 6) for _ in range(7)]
    numbers = generator.integers(0, 7, 100)
    asked = [some_moment(generator) if generator.random() < 0.5 else (groups[n] or [START])[0] for n in numbers]
    starts = starts_of(np.repeat(np.arange(7), [len(own) for own in groups]), 7)

    found = count_by(starts, utc_moments([at for own in groups for at in own]), numbers, utc_moments(asked))
    assert found.tolist() == [bisect_right(groups[n], at) for n, at in zip(numbers, asked, strict=True)]
