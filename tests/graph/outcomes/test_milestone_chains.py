"""Chains of milestones: their order, and which misses are looked up."""

from typing import Any

import pytest

from graph.model.properties import to_properties
from graph.model.rows import Milestone
from graph.outcomes.milestone_chains import list_chain, list_missed, miss_key, set_milestones
from tests.helpers.fake_unit import FakeUnit


def milestone(name: str, **given: Any) -> Milestone:
    """A milestone of one prediction."""
    values: dict[str, Any] = {"kind": "CHECK_IN", "label": name, "expected_date": "2026-03-01"} | given
    return Milestone.model_validate({"id": f"P:{name}", "prediction_id": "P", **values})


async def test_a_chain_is_ordered_by_the_last_day_that_each_is_expected_on() -> None:
    """A range is due at its end; milestones of one day are ordered by id."""
    wide = milestone("wide", range_from="2026-01-01", range_to="2026-05-01", expected_date="2026-03-02")
    chain = [wide, milestone("b"), milestone("a"), milestone("late", expected_date="2026-06-01")]
    rows = [to_properties(entry) for entry in chain]
    unit = FakeUnit({"outcomes/list_milestones": lambda **_: [{"id": "P", "rows": rows}]})

    found = await list_chain(unit, "P")

    assert [entry.label for entry in found] == ["a", "b", "wide", "late"]
    assert unit.calls == [("outcomes/list_milestones", {"ids": ["P"]})]


RECORD = "record_versions/milestones"


@pytest.mark.parametrize("properties", [{}, {"P:a": {"status": "HIT"}, "P:b": {"status": "MISSED"}}])
async def test_nothing_is_sent_where_nothing_changes(properties: dict[str, dict[str, Any]]) -> None:
    """And all changes go in one statement."""
    unit = FakeUnit({"outcomes/set_milestones": lambda **_: [], RECORD: lambda **_: [{"revised": []}]})

    await set_milestones(unit, properties)

    rows = [{"id": key, "properties": changed} for key, changed in properties.items()]
    assert unit.calls[:1] == ([("outcomes/set_milestones", {"rows": rows})] if rows else [])
    assert [(name, given["ids"]) for name, given in unit.calls[1:]] == ([(RECORD, ["P:a", "P:b"])] if rows else [])


async def test_only_the_misses_of_check_ins_are_looked_up() -> None:
    """Other milestones may be in the ledger many times, and have no key there."""
    chain = [milestone("a"), milestone("b"), milestone("sign", kind="RESEARCHED"), milestone("event", kind="EVENT")]
    holders = [[miss_key("P:b"), "E_1"]]
    unit = FakeUnit({"ledger/list_by_idempotency_keys": lambda **_: [{"holders": holders}]})

    assert await list_missed(unit, chain) == {"P:b"}
    assert unit.calls == [("ledger/list_by_idempotency_keys", {"keys": ["miss:P:a", "miss:P:b"]})]


async def test_a_chain_without_check_ins_asks_nothing() -> None:
    """There is no miss that it could have."""
    unit = FakeUnit({})

    assert await list_missed(unit, [milestone("event", kind="EVENT")]) == frozenset()
    assert unit.calls == []
