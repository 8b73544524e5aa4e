"""Deadlines, expected dates, ordinals and check-ins: computed when absent, checked when present."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.bundles.check_ins import window_start_day
from graph.bundles.derivation import complete_chains, with_deadline, with_import_day
from graph.errors import Problem
from graph.model.kinds import MilestoneKind
from graph.model.rows import Milestone, Prediction, Scenario

WINDOW = {"window_start": datetime(2027, 3, 1, 12, tzinfo=UTC), "window_end": datetime(2028, 3, 1, tzinfo=UTC)}
END_OF_2026 = datetime(2026, 12, 31, tzinfo=UTC)
TODAY = date(2026, 4, 29)


def prediction(**fields: Any) -> Prediction:
    return Prediction(**{"id": "P", "title": "A prediction"} | fields)


def milestone(name: str, **fields: Any) -> Milestone:
    kind = MilestoneKind.EVENT if name == "event" else MilestoneKind.RESEARCHED
    return Milestone(**{"id": name, "prediction_id": "P", "kind": kind, "label": name} | fields)


def on(name: str, day: str, **fields: Any) -> Milestone:
    return milestone(name, expected_date=date.fromisoformat(day), **fields)


def check_in(number: int, day: str, **fields: Any) -> Milestone:
    return on(f"P:check-in-{number}", day, kind=MilestoneKind.CHECK_IN, **fields)


def complete(
    *milestones: Milestone, of: Prediction | None = None, stored: frozenset[str] = frozenset()
) -> tuple[dict[str, Milestone], list[Problem]]:
    """One chain completed, its milestones by id."""
    owner = of or prediction(from_year=2026)
    rows = [(f"milestones[{index}]", row) for index, row in enumerate(milestones)]
    done, problems = complete_chains(rows, {owner.id: owner}, stored=stored)
    return {row.id: row for _, row in done}, problems


def ordinals(chain: dict[str, Milestone]) -> dict[str, int | None]:
    return {name: row.ordinal for name, row in chain.items() if row.kind is not MilestoneKind.CHECK_IN}


# Deadlines


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"from_year": 2026}, END_OF_2026),
        ({"from_year": 2026, "to_year": 2030}, END_OF_2026),
        ({"from_year": 2026, **WINDOW}, WINDOW["window_end"]),
        (WINDOW, WINDOW["window_end"]),
        ({"deadline": END_OF_2026}, END_OF_2026),
        ({}, None),
    ],
)
def test_a_deadline_comes_from_the_window_else_the_year_else_the_claim(
    fields: dict[str, Any], expected: datetime | None
) -> None:
    """The year of the last possible outcome does not count; a claim that says nothing has no deadline."""
    derived, problems = with_deadline("predictions[0]", prediction(**fields))

    assert derived.deadline == expected
    assert problems == []
    assert with_deadline("predictions[0]", derived) == (derived, [])


@pytest.mark.parametrize("fields", [{"from_year": 2026}, WINDOW])
def test_a_deadline_that_disagrees_with_its_window_is_refused(fields: dict[str, Any]) -> None:
    """The problem names the path, what was expected and what came."""
    wrong = datetime(2026, 12, 31, 0, 0, 1, tzinfo=UTC)
    _, (problem,) = with_deadline("scenarios[7]", Scenario(**{"id": "S", "title": "t", "deadline": wrong} | fields))

    expected = fields.get("window_end", END_OF_2026)
    assert problem.path == "scenarios[7].deadline"
    assert problem.message.startswith(f"expected {expected.isoformat()}")
    assert problem.message.endswith(f"got {wrong}")


def test_the_day_of_import_is_the_stated_else_the_first_one() -> None:
    """A second import does not move a window that counts from the first."""
    first = date(2026, 1, 5)

    assert with_import_day(prediction(), TODAY, None).imported_on == TODAY
    assert with_import_day(prediction(), TODAY, first).imported_on == first
    assert with_import_day(prediction(imported_on=date(2025, 1, 1)), TODAY, first).imported_on == date(2025, 1, 1)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"from_year": 2026, "imported_on": TODAY, **WINDOW}, "2027-03-01"),
        ({"from_year": 2026, "imported_on": TODAY}, "2026-01-01"),
        ({"imported_on": TODAY}, "2026-04-30"),
    ],
)
def test_a_window_starts_with_itself_else_its_year_else_the_day_after_import(
    fields: dict[str, Any], expected: str
) -> None:
    """What is known only since today can be looked at from tomorrow on."""
    assert window_start_day(prediction(**fields)).isoformat() == expected


def test_a_window_without_any_start_is_a_slip_of_ours() -> None:
    """The import fills the day in before anything is derived from it."""
    with pytest.raises(AssertionError, match="import day of P"):
        window_start_day(prediction())


# Expected dates


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2026-06-01", "2026-12-31", "2026-09-15"),
        ("2026-06-01", "2027-06-30", "2026-12-15"),
        ("2026-12-01", "2028-05-14", "2027-08-23"),
        ("2026-02-01", "2026-02-01", "2026-02-01"),
    ],
)
def test_a_range_is_expected_at_its_midpoint(first: str, last: str, expected: str) -> None:
    """Half the days between its ends, rounded down."""
    ranged = milestone("a", range_from=date.fromisoformat(first), range_to=date.fromisoformat(last))
    chain, problems = complete(ranged)

    assert chain["a"].expected_date == date.fromisoformat(expected)
    assert problems == []
    assert complete(chain["a"])[1] == []


def test_an_expected_date_beside_the_midpoint_is_refused() -> None:
    """Two dates for one milestone are one too many."""
    wrong = on("a", "2026-12-16", range_from=date(2026, 6, 1), range_to=date(2027, 6, 30))
    _, (problem,) = complete(on("b", "2026-01-01"), wrong)

    assert problem == Problem(
        "milestones[1].expected_date", "expected 2026-12-15, the midpoint of its range, got 2026-12-16"
    )


# Ordinals


def test_ordinals_count_from_the_event() -> None:
    """By expected date; the check-ins, made on 2026-03-11, 05-19 and 07-27, count as well."""
    chain, problems = complete(
        on("late", "2027-01-01"), on("event", "2026-10-05"), on("early", "2026-01-31"), on("middle", "2026-06-01")
    )

    assert ordinals(chain) == {"early": -5, "middle": -2, "event": 0, "late": 1}
    assert problems == []


def test_without_an_event_ordinals_count_from_the_first() -> None:
    """There is nothing else to count from, and no window to check in on."""
    chain, problems = complete(on("b", "2026-05-01"), on("a", "2026-06-01"), on("c", "2025-01-01"))

    assert ordinals(chain) == {"c": 0, "b": 1, "a": 2}
    assert len(chain) == 3
    assert problems == []


def test_milestones_of_one_day_rank_as_stated_else_by_id() -> None:
    """What an export wrote must be right when it comes in again."""
    same = "2026-06-01"
    by_id, _ = complete(on("b", same), on("c", same), on("a", same))
    stated, problems = complete(on("b", same, ordinal=0), on("c", same, ordinal=1), on("a", same, ordinal=2))

    assert ordinals(by_id) == {"a": 0, "b": 1, "c": 2}
    assert ordinals(stated) == {"b": 0, "c": 1, "a": 2}
    assert problems == []


def test_an_ordinal_that_is_not_the_rank_is_refused() -> None:
    """The problem stands at the milestone that states it."""
    _, (problem,) = complete(on("a", "2026-05-01"), on("b", "2026-06-01", ordinal=7))

    assert problem == Problem("milestones[1].ordinal", "expected 1, its rank by expected date, got 7")


def test_two_events_are_refused() -> None:
    """What would resolve the prediction must be one thing."""
    twins = [on("event", "2026-10-05"), on("twin", "2026-10-06", kind=MilestoneKind.EVENT)]
    chain, problems = complete(*twins)

    assert problems == [Problem("milestones[1]", "prediction 'P' has the events 'event', 'twin'; keep only one")]
    assert len(chain) == 2


# Check-ins


@pytest.mark.parametrize(
    ("owner", "event", "expected"),
    [
        (prediction(from_year=2026), "2026-10-05", ["2026-03-11", "2026-05-19", "2026-07-27"]),
        (prediction(imported_on=TODAY), "2028-05-14", ["2026-11-02", "2027-05-07", "2027-11-09"]),
        (prediction(imported_on=TODAY), "2036-06-18", ["2028-11-10", "2031-05-25", "2033-12-05"]),
    ],
)
def test_the_check_ins_of_the_pages_are_made(owner: Prediction, event: str, expected: list[str]) -> None:
    """A quarter, a half and three quarters of the way to the event, as three pages show them."""
    chain, problems = complete(on("event", event), of=owner)

    made = [row for row in chain.values() if row.kind is MilestoneKind.CHECK_IN]
    assert [str(row.expected_date) for row in made] == expected
    assert [row.ordinal for row in made] == [-3, -2, -1]
    assert [row.id for row in made] == [f"P:check-in-{number}" for number in (1, 2, 3)]
    assert [(row.label, row.weight) for row in made] == [
        ("Q1 window check-in (25%)", 0.05),
        ("Q2 window check-in (50%)", 0.05),
        ("Q3 window check-in (75%)", 0.05),
    ]
    assert problems == []


def test_check_ins_that_are_there_are_kept_and_no_others_made() -> None:
    """What has been noted on a check-in stays."""
    given_ = check_in(2, "2026-05-19", notes="looked")
    chain, problems = complete(on("event", "2026-10-05"), given_)

    assert {name for name in chain if "check-in" in name} == {given_.id}
    assert chain[given_.id].notes == "looked"
    assert problems == []


def test_a_check_in_on_another_day_is_refused() -> None:
    """Its day follows from the window and the event."""
    _, (problem,) = complete(on("event", "2026-10-05"), check_in(1, "2026-03-12"))

    assert problem.path == "milestones[1].expected_date"
    assert problem.message.startswith("expected 2026-03-11")
    assert problem.message.endswith("got 2026-03-12")


def test_a_check_in_under_another_name_is_refused() -> None:
    """A fourth one would be swept like the three."""
    _, (problem,) = complete(on("event", "2026-10-05"), check_in(4, "2026-08-01"))

    assert problem.path == "milestones[1].id"
    assert problem.message == ("expected one of P:check-in-1, P:check-in-2, P:check-in-3, got 'P:check-in-4'")


@pytest.mark.parametrize("event", ["2026-01-04", "2026-01-01", "2025-10-05"])
def test_too_short_a_window_has_no_check_ins(event: str) -> None:
    """In three days they would fall together; one that is stated all the same is refused."""
    chain, problems = complete(on("event", event))
    _, (problem,) = complete(on("event", event), check_in(1, "2026-01-01"))

    assert (set(chain), problems) == ({"event"}, [])
    assert problem.message == "expected no check-in in so short a window, got 'P:check-in-1'"


def test_what_nobody_states_now_is_made_anew() -> None:
    """A stored check-in moves with the event, and keeps what was noted on it."""
    old = [check_in(number, f"2026-0{number}-01", ordinal=number - 9, notes="looked") for number in (1, 2, 3)]
    chain, problems = complete(on("event", "2026-10-05"), *old, stored=frozenset(row.id for row in old))

    assert [str(chain[row.id].expected_date) for row in old] == ["2026-03-11", "2026-05-19", "2026-07-27"]
    assert [chain[row.id].ordinal for row in old] == [-3, -2, -1]
    assert {chain[row.id].notes for row in old} == {"looked"}
    assert problems == []


MISS = {"miss_emitted_at": datetime(2026, 6, 1, tzinfo=UTC), "miss_emitted_by": "sweep"}
FIRST = {1: "2026-03-11", 2: "2026-05-19", 3: "2026-07-27"}
SLIPPED = {3: "2026-07-30", 4: "2026-10-10", 5: "2026-12-21"}
"""A quarter, a half and three quarters of the 289 days from 2026-05-19 to 2027-03-04, by a calendar."""


def days_of(chain: dict[str, Milestone]) -> dict[int, str]:
    """The days of the check-ins by their numbers."""
    check_ins = [row for row in chain.values() if row.kind is MilestoneKind.CHECK_IN]
    return {int(row.id.rpartition("-")[2]): str(row.expected_date) for row in check_ins}


def test_missed_check_ins_keep_their_days_when_the_event_slips() -> None:
    """Those of the new stretch begin after the last that was missed; they move with the event until one is missed."""
    missed = [check_in(number, FIRST[number], **MISS) for number in (1, 2)]
    chain = [*missed, check_in(3, FIRST[3], label="Q3 window check-in (75%)")]
    is_stored = frozenset(row.id for row in chain)

    as_it_was, _ = complete(on("event", "2026-10-05"), *chain, stored=is_stored)
    slipped, problems = complete(on("event", "2027-03-04"), *chain, stored=is_stored)
    ids = frozenset(slipped) - {"event"}
    same, _ = complete(*slipped.values(), stored=ids)
    again, _ = complete(
        *(row for name, row in slipped.items() if name != "event"), on("event", "2027-03-08"), stored=ids
    )

    assert days_of(as_it_was) == FIRST
    assert days_of(slipped) == {1: FIRST[1], 2: FIRST[2], **SLIPPED}
    assert [slipped[f"P:check-in-{number}"].label[:2] for number in SLIPPED] == ["Q1", "Q2", "Q3"]
    assert days_of(same) == days_of(slipped)
    assert days_of(again) == {1: FIRST[1], 2: FIRST[2], 3: "2026-07-31", 4: "2026-10-12", 5: "2026-12-24"}
    assert problems == []


def test_a_slipped_chain_is_stated_as_it_was_exported() -> None:
    """A check-in of the new stretch on another day is refused, as one of the first stretch."""
    missed = [check_in(number, FIRST[number], **MISS) for number in (1, 2)]
    slipped = [*missed, *(check_in(number, day) for number, day in SLIPPED.items())]

    stated, problems = complete(on("event", "2027-03-04"), *slipped)
    _, (problem,) = complete(on("event", "2027-03-04"), *slipped[:-1], check_in(5, "2026-12-22"))

    assert days_of(stated) == {1: FIRST[1], 2: FIRST[2], **SLIPPED}
    assert problems == []
    assert problem.message.startswith("expected 2026-12-21")


def test_too_short_a_slip_adds_no_check_ins() -> None:
    """In three days after the last missed one they would fall together."""
    missed = [check_in(number, day, **MISS) for number, day in FIRST.items()]
    slipped, problems = complete(on("event", "2026-07-30"), *missed, stored=frozenset(row.id for row in missed))

    assert (days_of(slipped), problems) == (FIRST, [])
    assert complete(*slipped.values())[1] == []


# Chains as a whole


def test_chains_are_completed_one_by_one() -> None:
    """An event of one says nothing about the next, and every problem is told."""
    owners = {name: prediction(id=name, from_year=2026) for name in ("P", "Q")}
    rows = [
        ("milestones[0]", on("q", "2026-05-01", prediction_id="Q", ordinal=3)),
        ("milestones[1]", on("event", "2026-10-05", ordinal=1)),
    ]
    done, problems = complete_chains(rows, owners)

    assert sorted(row.id for _, row in done if row.prediction_id == "P") == [
        "P:check-in-1",
        "P:check-in-2",
        "P:check-in-3",
        "event",
    ]
    assert [row.id for _, row in done if row.prediction_id == "Q"] == ["q"]
    assert sorted(problem.path for problem in problems) == ["milestones[0].ordinal", "milestones[1].ordinal"]
    # An added check-in has the path of its event.
    assert {path for path, row in done if row.kind is MilestoneKind.CHECK_IN} == {"milestones[1]"}


@given(
    st.lists(st.tuples(st.integers(-400, 800), st.integers(0, 90)), max_size=8),
    st.none() | st.integers(-10, 800),
    st.randoms(),
)
def test_a_completed_chain_is_complete(ranges: list[tuple[int, int]], event: int | None, random: Any) -> None:
    """Whatever is left out is made once; made once more, in another order, nothing changes and nothing is wrong."""
    start = date(2026, 1, 1)
    rows = [
        milestone(
            f"m{index}",
            range_from=start + timedelta(days=first),
            range_to=start + timedelta(days=first + length),
        )
        for index, (first, length) in enumerate(ranges)
    ]
    if event is not None:
        rows.append(milestone("event", expected_date=start + timedelta(days=event)))
    chain, problems = complete(*rows)
    shuffled = list(chain.values())
    random.shuffle(shuffled)

    assert problems == []
    assert complete(*shuffled) == (chain, [])
    ranks = sorted(row.ordinal for row in chain.values() if row.ordinal is not None)
    assert ranks == list(range(ranks[0], ranks[0] + len(chain))) if ranks else chain == {}
    assert event is None or chain["event"].ordinal == 0
