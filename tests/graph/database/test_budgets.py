"""What a request reads is counted as it arrives, and stopped at its own limit or at that of all together."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.database.budgets import PLAIN_BYTES, VALUE_BYTES, Amount, Budget, Meter, measure
from graph.database.sessions import Database, Reading, Row
from graph.errors import BudgetError, BusyError

PLENTY = Amount(rows=10**9, num_bytes=10**12)
NUM_DOMAINS = 5_000
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=2), below, max_size=4),
    max_leaves=30,
)


def slow_measure(record: list[Any]) -> Amount:
    """Walk every value with a stack of its own, which remembers what each is in."""
    rows, num_bytes = 1, 0
    stack: list[tuple[Any, bool]] = [(value, False) for value in record]
    while stack:
        value, is_in_list = stack.pop()
        num_bytes += PLAIN_BYTES.get(type(value), VALUE_BYTES) + (len(value) if isinstance(value, str) else 0)
        inner: Any = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        if inner is not None:
            rows += int(is_in_list)
            stack.extend((item, isinstance(value, list)) for item in inner)
    return Amount(rows, num_bytes)


@given(st.lists(VALUES, max_size=5))
def test_a_record_is_measured_with_all_that_is_nested_in_it(record: list[Any]) -> None:
    assert measure(record) == slow_measure(record)


def test_rows_are_the_same_flat_or_nested() -> None:
    """One record with a list of rows costs as many rows as a record for each, but for itself."""
    rows: list[list[Any]] = [["P_1", 0.5], ["P_2", None]]

    assert measure([rows]).rows == 1 + sum(measure(row).rows for row in rows)


@pytest.mark.parametrize(
    ("each", "message"),
    [
        (Amount(rows=3, num_bytes=10**9), "has read 4 rows, at most 3 are allowed"),
        (Amount(rows=100, num_bytes=3 * VALUE_BYTES), "has read 256 bytes, at most 192 are allowed"),
    ],
)
def test_a_request_above_its_own_budget_has_to_ask_for_less(each: Amount, message: str) -> None:
    meter = Budget(each, PLENTY).open()
    for _ in range(3):
        meter.count([""])

    with pytest.raises(BudgetError, match=f"{message}; ask for smaller pages") as caught:
        meter.count([""])
    with pytest.raises(BudgetError):
        meter.check()

    assert (caught.value.size, caught.value.limit) in {(4, 3), (256, 192)}


@pytest.mark.parametrize("together", [Amount(rows=5, num_bytes=10**9), Amount(rows=100, num_bytes=5 * VALUE_BYTES)])
def test_requests_share_one_budget_until_they_are_answered(together: Amount) -> None:
    """The one that finds nothing left may come again; it is not too large by itself."""
    budget = Budget(PLENTY, together)
    first, second = budget.open(), budget.open()
    first.take(3, 3 * VALUE_BYTES)
    second.take(2, 2 * VALUE_BYTES)
    with pytest.raises(BusyError, match="the requests under way have read 6 rows"):
        second.count([""])
    first.close()
    second.count([""])
    second.close()

    assert (budget.rows, budget.num_bytes) == (0, 0)


async def fill(database: Database) -> None:
    """Store many small nodes."""
    async with database.open_session() as session:
        created = "UNWIND range(1, $number) AS n CREATE (:Domain {id: 'D_' + toString(n), name: 'a name'})"
        await (await session.run(created, number=NUM_DOMAINS)).consume()


async def list_all(reading: Reading) -> list[Row]:
    """List the nodes that `fill` stores."""
    return await reading.run("reading/list_nodes", subject="Domain", after="", limit=NUM_DOMAINS, properties=["id"])


async def num_open_transactions(database: Database) -> int:
    """Count the transactions of the server's, this one aside, once they have had a moment to end."""
    await asyncio.sleep(0.2)
    async with database.open_session() as session:
        result = await session.run("SHOW TRANSACTIONS YIELD currentQuery WHERE NOT currentQuery STARTS WITH 'SHOW'")
        return len([record async for record in result])


@pytest.mark.statements
@pytest.mark.one_release
async def test_a_reading_stops_at_its_limit_while_rows_arrive(database: Database) -> None:
    """The rest is not taken in, its transaction ends, and nothing more is asked; others go on."""
    await fill(database)
    meter = Budget(Amount(rows=10, num_bytes=10**9), PLENTY).open()
    reading = Reading(database, meter=meter)

    with pytest.raises(BudgetError):
        await list_all(reading)
    assert meter.rows == 11
    with pytest.raises(BudgetError):
        await reading.run("bundles/find_any_claim")
    assert await num_open_transactions(database) == 0
    await reading.close()
    async with database.reading() as other:
        assert len(await list_all(other)) == NUM_DOMAINS


@pytest.mark.statements
@pytest.mark.one_release
async def test_a_reading_that_is_told_to_wait_can_come_again(database: Database) -> None:
    await fill(database)
    budget = Budget(PLENTY, Amount(rows=NUM_DOMAINS + 1_000, num_bytes=10**9))
    first, second = (Reading(database, meter=budget.open()) for _ in range(2))

    assert len(await list_all(first)) == NUM_DOMAINS
    with pytest.raises(BusyError):
        await list_all(second)
    await first.close()
    await second.close()
    assert len(await list_all(second)) == NUM_DOMAINS
    await second.close()

    assert (budget.rows, budget.num_bytes) == (0, 0)


@pytest.mark.statements
@pytest.mark.one_release
async def test_rows_that_the_service_keeps_are_nobodys(database: Database) -> None:
    """The network is fetched for all who ask of it, by whoever comes first."""
    meter: Meter = Budget(Amount(rows=0, num_bytes=0), PLENTY).open()
    reading = Reading(database, meter=meter)
    try:
        await reading.run("network/list_claims", after="", limit=10)
    finally:
        await reading.close()

    assert meter.rows == 0
