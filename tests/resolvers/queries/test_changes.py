"""The feed as a query: pages by the id of the last event, and a clear error once that is gone."""

import pytest

from graph.database.sessions import Database
from tests.helpers.asking import ask, ask_wrong
from tests.helpers.copies import import_once
from tests.helpers.writes import SMALL, WRITES, submitted

PAGE = """query Page($since: String, $first: Int) {
  changes(since: $since, first: $first) {
    changes {
      eventId revision kind writtenAt claimKeys influencedClaimKeys evidenceKeys rows { list key } isPartial
      movedClaimKeys dueMilestoneKeys propagationRunKey
    }
    lastEventId latestEventId hasMoreChanges
  }
}"""


async def test_a_poller_gets_each_event_once(database: Database) -> None:
    """From the earliest one on, page by page; whoever is at the end gets what is written next."""
    await import_once(database, SMALL)
    answers = [await submitted(f"P_{n}")(database) for n in range(3)]
    await WRITES["a ticker deleted"](database)
    await WRITES["an influence removed"](database)

    found, since, has_more = [], None, True
    while has_more:
        page = (await ask(database, PAGE, since=since, first=2)).data["changes"]
        found += page["changes"]
        since, has_more = page["lastEventId"], page["hasMoreChanges"]

    assert [entry["revision"] for entry in found] == ["1", "2", "3", "4", "5", "6"]
    assert {entry["kind"] for entry in found} == {"WRITE"}
    assert [entry["evidenceKeys"] for entry in found[1:4]] == [
        [answer.payload["items"][0]["evidence_id"]] for answer in answers
    ]
    assert [entry["claimKeys"] for entry in found[1:4]] == [["P_0"], ["P_1"], ["P_2"]]
    assert found[4]["rows"] == [{"list": "tickers", "key": "BHP:XASX"}]
    assert found[5]["influencedClaimKeys"] == ["P_1"]
    assert since == page["latestEventId"] == found[-1]["eventId"]
    page = (await ask(database, PAGE, since=since)).data["changes"]
    assert (page["changes"], page["lastEventId"], page["hasMoreChanges"]) == ([], since, False)

    await submitted("P_3")(database)
    page = (await ask(database, PAGE, since=since)).data["changes"]
    assert [entry["claimKeys"] for entry in page["changes"]] == [["P_3"]]


@pytest.mark.parametrize(
    ("since", "code"), [("yesterday", "INVALID"), ("1-1-0", "EVENT_GONE"), ("9999999999999-1-0", "EVENT_GONE")]
)
async def test_an_id_that_leads_nowhere_is_refused(database: Database, since: str, code: str) -> None:
    """With the argument; whoever is told that events are gone is told where to begin."""
    await import_once(database, SMALL)

    error = await ask_wrong(database, PAGE, since=since)

    assert (error["extensions"]["code"], error["extensions"]["argument"]) == (code, "since")
    latest = (await ask(database, "{ changes(first: 1) { latestEventId } }")).data["changes"]["latestEventId"]
    assert (latest in error["message"]) == (code == "EVENT_GONE")
