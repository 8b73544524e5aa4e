"""Paging through the answers of network questions."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.database.sessions import Database
from graph.inference.network.diagnostics import Method
from resolvers.base.context import Service
from tests.helpers.asking import error_of, try_ask_at
from tests.helpers.bundles import bundle, claim, killing, prediction, requiring
from tests.helpers.copies import import_once
from tests.helpers.mutating import mutate
from tests.helpers.unchecked import store_unchecked

NUM_PREDICTIONS = 24
SYMBOLS = [f"T{number}" for number in range(9)]


@pytest.fixture
async def stored(database: Database) -> Database:
    """A scenario over many predictions, of which equal ones shift alike, tickers, and rows that contradict."""
    ids = [f"P_{number:02d}" for number in range(NUM_PREDICTIONS)]
    await import_once(
        database,
        bundle(
            scenarios=[claim("S_A", 0.4)],
            killers=[claim("TK_1", 0.3)],
            predictions=[prediction(key, stated_probability=0.3 + 0.02 * (n // 3)) for n, key in enumerate(ids)],
            influences=[
                *(requiring("S_A", key, p_if_true=0.5 + 0.01 * (n // 4), p_if_false=0.2) for n, key in enumerate(ids)),
                *(killing("TK_1", key) for key in ids[::3]),
            ],
            tickers=[{"symbol": symbol} for symbol in SYMBOLS],
            exposures=[
                {"sign": "BENEFITS", "prediction_id": key, "symbol": SYMBOLS[n % 9], "impact": 0.01 * (1 + n % 5)}
                for n, key in enumerate(ids)
            ],
        ),
    )
    killers = [killing("TK_1", key, p_if_true=0.9) for key in ids[1::3]]
    gains = [{"sign": "HARMS", "prediction_id": key, "symbol": "T0", "impact": 0.3} for key in ids[1:4]]
    await store_unchecked(database, influences=killers, exposures=gains)
    return database


@dataclass(frozen=True)
class Listed:
    """A connection: the field with its arguments, its way in the answer, and what is selected of an item."""

    head: str
    name: str
    item: str
    fragment: str = ""

    def document(self) -> str:
        """A query for a page of it, each item both as a node and on its edge."""
        page = f"{self.name}(first: $first, after: $after) {{ totalCount nodes {{ {self.item} }}"
        page += f" edges {{ cursor node {{ {self.item} }} }} pageInfo {{ hasNextPage hasPreviousPage endCursor }} }}"
        inner = f"... on {self.fragment} {{ {page} }} ... on UserError {{ code message }}" if self.fragment else page
        return f"query ($first: Int! = 20, $after: String) {{ asked: {self.head} {{ {inner} }} }}"


WHAT_IF = 'whatIf(observations: [{claim: "S_A", outcome: TRUE}], method: %s)'
SHIFT, TICKER = (
    "claim { key title } probabilityBefore probabilityAfter delta",
    "ticker { symbol } delta standardError claimCount",
)
LISTS = {
    **{
        f"{name} by {method.value}": Listed(WHAT_IF % method.value, name, item, "WhatIfResult")
        for method in (Method.LBP, Method.SAMPLE)
        for name, item in (("shifts", SHIFT), ("tickers", TICKER))
    },
    "effects": Listed(
        'sensitivity(target: "P_00")',
        "effects",
        "parameter claim { key } parent { key } kind probability derivative",
        "SensitivityResult",
    ),
    "informative": Listed(
        'valueOfInformation(targets: ["P_00", "P_05"])',
        "claims",
        "claim { key } marginalProbability expectedReductionBits",
        "ValueOfInformationResult",
    ),
    "incoherent": Listed(
        "incoherence", "claims", "claim { key } contradiction lowestProbability highestProbability tableCount"
    ),
    "contradictions": Listed("incoherence", "contradictions", "kind fromKey toKey message"),
}
ASKED_AT: dict[str, datetime] = {}
"""The moment of all documents of a test, so that no hour turns between two pages: cursors would be stale."""

every_list = pytest.mark.parametrize("name", LISTS)
PINNED = [name for name in LISTS if name != "contradictions"]


@pytest.fixture(autouse=True)
def asked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment at which a test begins; the process's samples are never of a later hour."""
    monkeypatch.setitem(ASKED_AT, "moment", datetime.now(UTC))


async def page(asked: Database | Service, listed: Listed, **variables: Any) -> dict[str, Any]:
    """A page of a connection, all in one hour."""
    answer = await try_ask_at(ASKED_AT["moment"], asked, listed.document(), **variables)
    assert answer.errors == []
    found: dict[str, Any] = answer.data["asked"][listed.name]
    return found


@every_list
@pytest.mark.parametrize("size", [1, 4, 7])
async def test_pages_in_turn_are_one_large_page(stored: Database, name: str, size: int) -> None:
    """The same items in the same order with the same figures, each once, and the count of all."""
    listed = LISTS[name]
    whole = await page(stored, listed, first=100)
    seen: list[Any] = []
    after = None
    while True:
        found = await page(stored, listed, first=size, after=after)
        assert found["nodes"] == [edge["node"] for edge in found["edges"]]
        assert found["totalCount"] == whole["totalCount"]
        assert found["pageInfo"]["hasPreviousPage"] is bool(seen)
        seen += found["nodes"]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break

    assert seen == whole["nodes"]
    assert whole["totalCount"] == len(seen) > 2
    assert not whole["pageInfo"]["hasNextPage"]


@every_list
async def test_another_process_goes_on_where_the_first_ended(stored: Database, name: str) -> None:
    """With nothing kept: what it computes is the same, bit for bit."""
    first = await page(stored, LISTS[name], first=2)
    other = Service.make(stored)

    found = await page(other, LISTS[name], first=3, after=first["pageInfo"]["endCursor"])

    expected = (await page(stored, LISTS[name], first=5))["nodes"][2:]
    if "LBP" in name:  # whose error is estimated by the samples that are at hand
        for node in (*found["nodes"], *expected):
            node.pop("standardError", None)
    assert found["nodes"] == expected


@pytest.mark.parametrize("name", PINNED)
async def test_a_write_makes_cursors_stale(stored: Database, name: str) -> None:
    """Told with the code, the argument and both revisions; a page from the beginning is right again."""
    listed = LISTS[name]
    after = (await page(stored, listed, first=2))["pageInfo"]["endCursor"]
    await mutate(stored, "upsertScenario", {"id": "S_NEW", "title": "New", "statedProbability": 0.5})

    error = error_of(await try_ask_at(ASKED_AT["moment"], stored, listed.document(), first=2, after=after))

    assert error["extensions"] == {"code": "STALE_CURSOR", "isRetryable": False, "argument": "after"}
    assert "begin again without one" in error["message"]
    again = await page(stored, listed, first=2)
    assert len((await page(stored, listed, first=2, after=again["pageInfo"]["endCursor"]))["nodes"]) > 0


async def test_a_write_that_changes_nothing_leaves_cursors_valid(stored: Database) -> None:
    """The revision does not rise."""
    listed = LISTS["shifts by LBP"]
    first = await page(stored, listed, first=2)
    await mutate(stored, "upsertScenario", {"id": "S_A", "title": "S_A"})

    found = await page(stored, listed, first=2, after=first["pageInfo"]["endCursor"])

    assert found["nodes"] == (await page(stored, listed, first=4))["nodes"][2:]


async def test_another_impact_makes_the_cursors_of_tickers_stale(stored: Database) -> None:
    """The network stays as it is, but the order of the tickers may not."""
    listed = LISTS["tickers by LBP"]
    after = (await page(stored, listed, first=2))["pageInfo"]["endCursor"]
    exposure = {"sign": "BENEFITS", "prediction": "P_05", "ticker": "T5", "impact": 0.9}
    assert (await mutate(stored, "upsertExposure", exposure))["hasChanged"]

    error = error_of(await try_ask_at(ASKED_AT["moment"], stored, listed.document(), first=2, after=after))

    assert error["extensions"]["code"] == "STALE_CURSOR"


async def test_contradictions_are_paged_as_they_are_stored(stored: Database) -> None:
    """Their cursors outlive writes, like those of every stored list."""
    listed = LISTS["contradictions"]
    first = await page(stored, listed, first=3)
    await mutate(stored, "upsertScenario", {"id": "S_NEW", "title": "New"})

    rest = await page(stored, listed, first=100, after=first["pageInfo"]["endCursor"])

    assert [(row["kind"], row["fromKey"]) for row in first["nodes"]] == [("HARMS", f"P_0{n}") for n in (1, 2, 3)]
    assert {row["kind"] for row in rest["nodes"]} == {"KILLS"}
    assert first["totalCount"] == 3 + len(rest["nodes"])
    assert "expected probabilityIfTrue to be at most probabilityIfFalse" in rest["nodes"][0]["message"]


async def test_a_new_hour_makes_cursors_stale(stored: Database) -> None:
    """Beliefs drift with time, and so does the order."""
    document = LISTS["shifts by LBP"].document()

    moment = datetime(2026, 5, 30, 22, 1, tzinfo=UTC)
    first = await try_ask_at(moment, stored, document, first=2)
    after = first.data["asked"]["shifts"]["pageInfo"]["endCursor"]

    same = await try_ask_at(moment + timedelta(minutes=58), stored, document, first=2, after=after)
    later = error_of(await try_ask_at(moment + timedelta(hours=1), stored, document, first=2, after=after))

    assert same.errors == []
    assert len(same.data["asked"]["shifts"]["nodes"]) == 2
    assert later["extensions"]["code"] == "STALE_CURSOR"


@every_list
async def test_other_cursors_are_refused(stored: Database, name: str) -> None:
    """Of another list, of other arguments, and what is none."""
    others = {other: (await page(stored, LISTS[other], first=1))["pageInfo"]["endCursor"] for other in LISTS}
    wrong = [cursor for other, cursor in others.items() if other != name]
    wrong += ["", "x", base64.urlsafe_b64encode(b"words:ape").decode()]

    for cursor in wrong:
        error = error_of(await try_ask_at(ASKED_AT["moment"], stored, LISTS[name].document(), after=cursor))
        assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("INVALID", "after"), cursor


async def test_equal_questions_share_cursors(stored: Database) -> None:
    """The order of the supposed outcomes says nothing."""
    outcomes = ['{claim: "S_A", outcome: TRUE}', '{claim: "P_03", outcome: FALSE}']
    lists = [
        Listed(f"whatIf(observations: [{', '.join(order)}], method: EXACT)", "shifts", SHIFT, "WhatIfResult")
        for order in (outcomes, outcomes[::-1])
    ]
    after = (await page(stored, lists[0], first=2))["pageInfo"]["endCursor"]

    found = await page(stored, lists[1], first=2, after=after)

    assert found["nodes"] == (await page(stored, lists[0], first=4))["nodes"][2:]
