"""Chains that a bundle changes, completed with what is stored, without a database."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from graph.bundles.batches import RowAtPath
from graph.bundles.chains import derive_chains
from graph.bundles.check_ins import MilestoneAtPath
from graph.errors import Problem
from graph.model.bundle import Bundle
from graph.model.kinds import MilestoneKind
from tests.helpers.bundles import bundle, event, prediction
from tests.helpers.fake_store import FakeStore

OWNER = prediction(imported_on="2026-01-01")


TODAY = date(2026, 6, 1)


def sign(row_id: str, day: str, **values: object) -> dict[str, Any]:
    """A researched milestone."""
    return {**event(day=day), "id": row_id, "kind": "RESEARCHED", **values}


def at_paths(given: Bundle) -> Mapping[str, Sequence[RowAtPath]]:
    """A bundle's rows with their paths."""
    return {name: [(f"{name}[{index}]", row) for index, row in enumerate(rows)] for name, rows in given.rows().items()}


async def derive(stored: Bundle, given: Bundle) -> tuple[list[MilestoneAtPath], list[Problem]]:
    """The chains of a bundle over a graph."""
    chains = await derive_chains(FakeStore(stored), at_paths(given), TODAY)
    return chains.milestones, chains.problems


def ranks(rows: Sequence[MilestoneAtPath]) -> dict[str, int | None]:
    """The ordinals of milestones, check-ins aside."""
    return {row.id: row.ordinal for _, row in rows if row.kind is not MilestoneKind.CHECK_IN}


async def test_a_new_milestone_is_ranked_among_the_stored_ones() -> None:
    """The prediction, which the bundle does not hold, is read too; stored ranks are no problem."""
    stored = bundle(predictions=[OWNER], milestones=[sign("a", "2026-02-01", ordinal=0)])

    rows, problems = await derive(stored, bundle(milestones=[sign("b", "2026-01-15")]))

    assert ranks(rows) == {"b": 0, "a": 1}
    assert problems == []
    assert {row.id: path for path, row in rows} == {"b": "milestones[0]", "a": "milestones"}


async def test_a_changed_prediction_brings_its_stored_chain() -> None:
    """A new window moves its check-ins; problems with them name the prediction."""
    whole, _ = await derive(bundle(), bundle(predictions=[OWNER], milestones=[event()]))
    stored = bundle(predictions=[OWNER], milestones=[row.model_dump() for _, row in whole])
    later = prediction(
        imported_on="2026-01-01", from_year=None, window_start="2026-06-01T00:00:00Z", window_end="2027-01-01T00:00:00Z"
    )

    rows, problems = await derive(stored, bundle(predictions=[later]))

    before = {row.id: row.expected_date for _, row in whole}
    after = {row.id: row.expected_date for _, row in rows}
    assert before.keys() == after.keys()
    assert before["P_1:event"] == after["P_1:event"]
    assert all(before[name] != after[name] for name in before if "check-in" in name)
    assert {path for path, _ in rows} == {"predictions[0]"}
    assert problems == []


async def test_a_milestone_that_moves_leaves_a_chain_to_be_ranked_again() -> None:
    """Both chains come back whole."""
    owners = [OWNER, prediction("P_2", imported_on="2026-01-01")]
    moving = sign("a", "2026-02-01", ordinal=0)
    stored = bundle(predictions=owners, milestones=[moving, sign("b", "2026-03-01", ordinal=1)])

    rows, problems = await derive(stored, bundle(milestones=[moving | {"prediction_id": "P_2", "ordinal": None}]))

    assert ranks(rows) == {"a": 0, "b": 0}
    assert {row.id: row.prediction_id for _, row in rows} == {"a": "P_2", "b": "P_1"}
    assert problems == []


async def test_a_chain_of_an_unknown_prediction_is_left_out() -> None:
    """The missing reference is a problem of its own, found elsewhere."""
    rows, problems = await derive(bundle(), bundle(milestones=[sign("a", "2026-02-01", prediction_id="P_404")]))

    assert (rows, problems) == ([], [])


async def test_milestones_are_new_unless_the_graph_has_their_ids() -> None:
    """Those of other chains too: one whose id a check-in takes may have moved to another prediction."""
    owners = [OWNER, prediction("P_2", imported_on="2026-01-01")]
    moved = sign("P_1:check-in-1", "2026-02-01", prediction_id="P_2")
    given = bundle(predictions=[OWNER], milestones=[event()])
    check_ins = {f"P_1:check-in-{number}" for number in (1, 2, 3)}

    everything_new, none_stored, taken = [
        (await derive_chains(FakeStore(stored), at_paths(given), TODAY)).new_ids
        for stored in (
            bundle(),
            bundle(predictions=[OWNER], milestones=[event()]),
            bundle(predictions=owners, milestones=[moved]),
        )
    ]

    assert everything_new == {"P_1:event", *check_ins}
    assert none_stored == check_ins
    assert taken == {"P_1:event"}
