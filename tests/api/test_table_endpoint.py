"""Endpoints of one table: few are read at a time, and what they do not know is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.requests import Request

from api.deadlines import Deadlines
from api.streams import OpenTable, Table
from api.table_endpoint import AT_ONCE, TableEndpoint, read_parameters
from tests.helpers.tables import FakeTable


class Reading:
    """Tables that stay open until they may end, and the number of those that are."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.num_open = 0
        self.most_open = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Table]:
        """Open a table of one row."""
        self.num_open += 1
        self.most_open = max(self.most_open, self.num_open)
        try:
            await self.may_end.wait()
            async with FakeTable(["n"], [[[1]]]).open() as table:
                yield table
        finally:
            self.num_open -= 1

    def choose(self, request: Request) -> OpenTable:
        """Take one parameter."""
        read_parameters(request, {"asOf"})
        return self.open


def client_of(reading: Reading) -> httpx.AsyncClient:
    """A client of an endpoint of these tables."""
    endpoint = TableEndpoint(reading.choose, Deadlines(30), seconds=30, filename="numbers")
    return httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://testserver")


async def test_few_tables_are_read_at_a_time_and_all_are_answered() -> None:
    """The others wait for one that ends."""
    reading = Reading()
    async with client_of(reading) as client:
        asked = [asyncio.create_task(client.get("/numbers.csv")) for _ in range(2 * AT_ONCE)]
        for _ in range(200):
            await asyncio.sleep(0)
        num_open = reading.num_open
        reading.may_end.set()
        answers = await asyncio.gather(*asked)

    assert num_open == reading.most_open == AT_ONCE
    assert [answer.status_code for answer in answers] == [200] * (2 * AT_ONCE)
    assert {answer.headers["content-disposition"] for answer in answers} == {'inline; filename="numbers.csv"'}


async def test_an_unknown_parameter_is_refused_by_its_name_and_opens_nothing() -> None:
    """With those that there are."""
    reading = Reading()
    async with client_of(reading) as client:
        answer = await client.get("/numbers.csv", params={"asof": "2026-01-01"})

    (error,) = answer.json()["errors"]
    assert answer.status_code == 400
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("INVALID", "asof")
    assert "expected asOf" in error["message"]
    assert reading.most_open == 0
