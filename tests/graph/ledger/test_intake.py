"""Evidence intake on the live server: each item counts once, in any order, and can be told to the last bit."""

import asyncio
import json
import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_text
from graph.database.receipts import Answered, purge_receipts
from graph.database.sessions import Database
from graph.errors import (
    ClosedClaimError,
    ConflictError,
    DuplicateError,
    FutureObservationError,
    InvalidError,
    KeyReusedError,
    NotFoundError,
    RefusedItemsError,
    UnlinkedPredictorError,
)
from graph.inference.evidence import Direction, Strength
from graph.ledger.derived import ensure_rebuilt, rebuild, refresh_posteriors, verify
from graph.ledger.items import BatchMode, EvidenceItem
from graph.ledger.refusal_payloads import read_refusal, write_refusal
from tests.helpers.asking import service_of

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

OBSERVED = datetime(2026, 3, 1, tzinfo=UTC)
FOR = EvidenceItem("P", Direction.FOR, Strength.WEAK)
AGAINST = EvidenceItem("P", Direction.AGAINST, Strength.MODERATE)
BUNDLE: dict[str, Any] = {
    "format": "foregraph-bundle/1",
    "predictors": [
        {"id": "ada", "name": "Ada"},
        {"id": "bob", "name": "Bob", "record_n_resolved": 3, "record_brier": 0.1, "record_kappa": 0.6875},
    ],
    "reference_classes": [{"id": "c", "description": "Such things", "base_rate": 0.1}],
    "documents": [{"id": "doc", "title": "A paper"}],
    "predictions": [
        {
            "id": "P",
            "title": "It happens",
            "stated_probability": 0.8,
            "predictor_id": "bob",
            "reference_class_id": "c",
            "from_year": 2026,
        },
        {"id": "Q", "title": "It happens too", "stated_probability": 0.5, "predictor_id": "ada"},
        {"id": "SILENT", "title": "Nobody said how likely"},
        {
            "id": "DONE",
            "title": "Over",
            "stated_probability": 0.5,
            "status": "ANNULLED",
            "resolved_at": "2026-02-01T00:00:00Z",
        },
    ],
}


@pytest.fixture
async def graph(database: Database) -> Database:
    """A few claims."""
    await import_text(database, json.dumps(BUNDLE))
    return database


async def ask(database: Database, text: str, **parameters: Any) -> list[list[Any]]:
    """What a statement of the test's own gives."""
    async with database.open_session() as session:
        result = await session.run(text, parameters)
        return [record.values() async for record in result]


async def inside(database: Database, claim: str = "P") -> float:
    """A claim's inside log-odds as they are stored."""
    ((value,),) = await ask(database, "MATCH (n:Claim {id: $id}) RETURN n.inside_log_odds", id=claim)
    return float(value)


async def submit(database: Database, *items: EvidenceItem, **options: Any) -> Answered:
    return await service_of(database).intake.submit(items, **options)


async def differences(database: Database) -> list[str]:
    """Everything stored that is not what the ledgers come to."""
    return [str(found) async for found in verify(database)]


async def test_an_item_adds_its_weight_times_kappa(graph: Database) -> None:
    """Ln 1.5 times the record's kappa of 0.6875, and full weight where no predictor stands for it."""
    weighed = await submit(graph, replace(FOR, predictor_id="bob"))
    plain = await submit(graph, replace(AGAINST, confidence=0.5))

    step = weighed.payload["items"][0]["step"]
    assert step["kappa"] == 0.6875
    assert step["total_adjusted_llr"] == pytest.approx(0.6875 * math.log(1.5), rel=1e-15)
    assert plain.payload["items"][0]["step"]["total_llr"] == pytest.approx(-math.log(0.5 * 4 + 0.5), rel=1e-15)
    assert await inside(graph) == pytest.approx(math.log(4) + 0.6875 * math.log(1.5) - math.log(2.5), rel=1e-12)
    assert await differences(graph) == []


async def test_the_row_keeps_every_figure(graph: Database) -> None:
    """What the ledger holds is what the answer said, and the record that weighed it."""
    answered = await submit(
        graph, replace(FOR, predictor_id="bob", note="seen", submitted_by="me"), idempotency_key="k"
    )
    (row,) = (await export_bundle(graph)).evidence

    told = answered.payload["items"][0]
    assert row.id == told["evidence_id"]
    assert {name: getattr(row, name) for name in told["step"]} == told["step"]
    assert (row.kappa_source, row.predictor_brier, row.predictor_n_resolved) == ("elsewhere", 0.1, 3)
    assert (row.note, row.submitted_by, row.idempotency_key, row.policy) == ("seen", "me", "k", "foregraph-1")
    assert row.contributions[0].strength == "weak"


@pytest.mark.every_release
async def test_two_hundred_items_at_once_count_each_once(graph: Database) -> None:
    """Eight workers on one claim: the state is the sum in any order, and every item stands in the ledger."""
    rng = random.Random(7)
    items = [
        EvidenceItem("P", rng.choice(list(Direction)), 1 + 9 * rng.random(), predictor_id=rng.choice(["bob", None]))
        for _ in range(200)
    ]
    queue = list(enumerate(items))

    async def work() -> None:
        while queue:
            number, item = queue.pop()
            await submit(graph, item, idempotency_key=f"item {number}")

    await asyncio.gather(*(work() for _ in range(8)))

    kappas = {"bob": 0.6875, None: 1.0}
    signs = {Direction.FOR: 1.0, Direction.AGAINST: -1.0}
    weights = [signs[i.direction] * kappas[i.predictor_id] * math.log(float(i.strength)) for i in items]
    assert await inside(graph) == pytest.approx(math.log(4) + math.fsum(weights), rel=1e-10)
    rows = (await export_bundle(graph)).evidence
    assert len({row.idempotency_key for row in rows}) == len(rows) == 200
    moments = sorted(row.recorded_at for row in rows)
    assert len(set(moments)) == 200
    assert await differences(graph) == []


async def test_fifty_retries_at_once_make_one_row_and_fifty_equal_answers(graph: Database) -> None:
    """The first writes; all others find its answer."""
    answers = await asyncio.gather(*(submit(graph, FOR, idempotency_key="once") for _ in range(50)))

    assert len({json.dumps(answer.payload, sort_keys=True) for answer in answers}) == 1
    assert sorted(answer.is_replayed for answer in answers) == [False] + [True] * 49
    assert len((await export_bundle(graph)).evidence) == 1


async def test_a_key_stands_for_one_request(graph: Database) -> None:
    """The same key with other evidence is refused, and nothing is written."""
    await submit(graph, FOR, idempotency_key="once")

    with pytest.raises(KeyReusedError, match="belongs to another submitEvidence"):
        await submit(graph, AGAINST, idempotency_key="once")
    assert len((await export_bundle(graph)).evidence) == 1


async def test_a_cluster_shares_one_weight(graph: Database) -> None:
    """Three items of one source event weigh their mean, whatever comes between; another claim's cluster is another."""
    items = [replace(FOR, cluster_id="event", strength=ratio) for ratio in (2.0, 8.0, 4.0)]
    await submit(graph, items[0])
    await submit(graph, FOR, replace(items[1], claim_id="Q"))
    await submit(graph, items[1], items[2])

    mean = (math.log(2) + math.log(8) + math.log(4)) / 3
    assert await inside(graph) == pytest.approx(math.log(4) + mean + math.log(1.5), rel=1e-12)
    assert await inside(graph, "Q") == pytest.approx(math.log(8), rel=1e-12)
    assert await differences(graph) == []


async def test_a_dry_run_tells_the_same_and_keeps_nothing(graph: Database) -> None:
    """Everything but the row's own id and moment."""
    before = await export_bundle(graph)

    dry = await submit(graph, FOR, is_dry_run=True, idempotency_key="k")

    assert await export_bundle(graph) == before
    assert dry.is_dry_run
    assert dry.bookmark is None
    wet = await submit(graph, FOR, idempotency_key="k")
    assert not wet.is_replayed
    told = [answered.payload["items"][0]["step"]["posterior_logit"] for answered in (dry, wet)]
    assert told[0] == told[1]


REFUSED = [
    (replace(FOR, claim_id="NOBODY"), NotFoundError, "input.claim_id: no claim has the id 'NOBODY'"),
    (replace(FOR, predictor_id="nobody"), NotFoundError, "input.predictor_id: no predictor has the id 'nobody'"),
    (replace(FOR, document_id="nothing"), NotFoundError, "input.document_id: no document has the id 'nothing'"),
    (replace(FOR, claim_id="SILENT"), ConflictError, "state one first"),
    (replace(FOR, claim_id="DONE"), ClosedClaimError, r"annulled at 2026-02-01.*`reopenClaim` it first"),
    (replace(FOR, predictor_id="ada"), UnlinkedPredictorError, "accepts_unlinked_predictor: true"),
    (replace(FOR, strength=0.5), InvalidError, "likelihood ratio of 1 or more"),
    (replace(FOR, strength=math.inf), InvalidError, "finite likelihood ratio"),
    (replace(FOR, confidence=1.5), InvalidError, "input.confidence: expected a probability from 0 to 1, got 1.5"),
    (replace(FOR, confidence=math.nan), InvalidError, "input.confidence"),
    (replace(FOR, note="a\x00b"), InvalidError, "input.note: expected text without control characters"),
    (replace(FOR, url="ftp://x"), InvalidError, "input.url"),
    (replace(FOR, cluster_id=""), InvalidError, "input.cluster"),
]


@pytest.mark.parametrize(("item", "kind", "message"), REFUSED)
async def test_evidence_argues_back(graph: Database, item: EvidenceItem, kind: type[Exception], message: str) -> None:
    """Each refusal names the field, what was expected and what came; nothing is written."""
    before = await export_bundle(graph)

    with pytest.raises(kind, match=message):
        await submit(graph, item)

    assert await export_bundle(graph) == before


async def test_an_observation_of_the_future_is_refused(graph: Database) -> None:
    """Before anything is asked of the database."""
    item = replace(FOR, observed_at=datetime.now(UTC) + timedelta(minutes=5))

    with pytest.raises(FutureObservationError, match=r"the moment .* lies in the future; it is now"):
        await submit(graph, item)


async def test_the_same_observation_of_the_same_source_counts_once(graph: Database) -> None:
    """By document or by address; another moment, source or claim is another observation."""
    seen = replace(FOR, document_id="doc", observed_at=OBSERVED)
    first = await submit(graph, seen)

    with pytest.raises(DuplicateError, match="counts once") as caught:
        await submit(graph, replace(seen, direction=Direction.AGAINST))
    assert caught.value.existing_key == first.payload["items"][0]["evidence_id"]
    with pytest.raises(DuplicateError):
        await submit(graph, replace(seen, claim_id="Q"), replace(seen, claim_id="Q"))
    await submit(graph, replace(seen, observed_at=OBSERVED + timedelta(microseconds=1)), replace(seen, claim_id="Q"))
    await submit(graph, replace(FOR, url="https://example.org/a", observed_at=OBSERVED))
    assert len((await export_bundle(graph)).evidence) == 4


async def test_a_batch_is_all_or_nothing(graph: Database) -> None:
    """Every refusal is listed with its place."""
    items = [
        FOR,
        replace(FOR, claim_id="NOBODY", path="items[1]"),
        replace(FOR, claim_id="DONE", path="items[2]"),
    ]

    with pytest.raises(RefusedItemsError, match=r"2 items refused.*items\[1\].claim_id.*items\[2\].claim_id") as caught:
        await submit(graph, *items)

    assert [type(refusal) for refusal in caught.value.refusals] == [NotFoundError, ClosedClaimError]
    assert (await export_bundle(graph)).evidence == ()


async def test_a_batch_is_the_same_as_its_items_one_by_one(graph: Database) -> None:
    """To the last bit."""
    items = [replace(FOR, strength=1.0 + n / 7, claim_id="PQ"[n % 2]) for n in range(20)]
    await submit(graph, *items)
    together = await inside(graph), await inside(graph, "Q")
    await ask(graph, "MATCH (n:Evidence) DETACH DELETE n")
    await rebuild(graph)
    assert await inside(graph, "Q") == 0.0

    for item in items:
        await submit(graph, item)

    assert (await inside(graph), await inside(graph, "Q")) == together


@pytest.mark.every_release
async def test_verify_finds_what_was_tampered_with_and_rebuild_mends_it(graph: Database) -> None:
    """One bit is enough, on a claim, in the ledger and in a record."""
    await submit(graph, replace(FOR, predictor_id="bob"), AGAINST)
    stored = await ask(graph, "MATCH (n:Claim {id: 'P'}) RETURN n.inside_log_odds, n.posterior, n.probability_key")
    assert await differences(graph) == []
    tampered = math.nextafter(float(stored[0][0]), math.inf)
    await ask(graph, "MATCH (n:Claim {id: 'P'}) SET n.inside_log_odds = $x, n.probability_key = 'a'", x=tampered)
    await ask(graph, "MATCH (n:Evidence {claim_id: 'P'}) SET n.posterior_prob = 0.5")
    await ask(graph, "MATCH (n:Predictor {id: 'ada'}) SET n.kappa = 0.9")

    found = await differences(graph)

    assert len(found) == 5
    assert f"Claim P: inside_log_odds is {tampered!r}, the ledger says {stored[0][0]!r}" in found
    assert any("Predictor ada: kappa is 0.9, the ledger says 0.5" in text for text in found)
    await rebuild(graph)
    assert await differences(graph) == []


async def test_a_refresh_moves_beliefs_with_time_and_nothing_else(graph: Database) -> None:
    """At the deadline the inside view stands alone; the ledger and the log-odds stay."""
    await submit(graph, FOR)
    before = await export_bundle(graph)
    deadline = datetime(2026, 12, 31, tzinfo=UTC)

    assert await refresh_posteriors(graph, deadline) == 3  # not the one without a probability

    found = await ask(graph, "MATCH (n:Claim) WHERE n.posterior IS NOT NULL RETURN n.id, n.posterior ORDER BY n.id")
    assert [name for name, _ in found] == ["DONE", "P", "Q"]
    assert dict(map(tuple, found))["P"] == pytest.approx(6 / 7, rel=1e-12)  # odds of 4 times 1.5
    assert await export_bundle(graph) == before
    assert await differences(graph) == []


async def test_receipts_without_a_key_expire(graph: Database) -> None:
    """Nobody can ask for them again; those with a key stay."""
    await submit(graph, FOR)
    await submit(graph, FOR, idempotency_key="k")

    assert await purge_receipts(graph, datetime.now(UTC)) == 0
    assert await purge_receipts(graph, datetime.now(UTC) + timedelta(days=2)) == 1
    assert (await submit(graph, FOR, idempotency_key="k")).is_replayed


async def test_imported_rows_come_behind_what_is_there(graph: Database) -> None:
    """The ledger only grows at its end, and what was stated stays under it."""
    await submit(graph, FOR)
    row = {"id": "old", "claim_id": "P", "policy": "imported", "total_llr": 1.0}
    old = {**row, "observed_at": "2026-01-01T00:00:00Z", "recorded_at": "2026-01-01T00:00:00Z"}
    stated = [{**BUNDLE["predictions"][0], "stated_probability": 0.7}]

    with pytest.raises(
        Exception,
        match=r"2026-01-01T00:00:00\+00:00 is not after .*, when the last ledger row of claim 'P' was recorded",
    ):
        await import_text(graph, json.dumps({"format": "foregraph-bundle/1", "evidence": [old]}))
    with pytest.raises(Exception, match=r"probability 0\.8 cannot change to 0\.7, since the claim has 1 ledger row;"):
        await import_text(graph, json.dumps({"format": "foregraph-bundle/1", "predictions": stated}))
    new = {**row, "observed_at": "2027-01-01T00:00:00Z", "recorded_at": "2027-01-01T00:00:00Z", "kappa": 0.5}
    await import_text(graph, json.dumps({"format": "foregraph-bundle/1", "evidence": [new]}))
    assert await inside(graph) == pytest.approx(math.log(4) + math.log(1.5) + 0.5, rel=1e-12)
    assert await differences(graph) == []


EACH = BatchMode.EACH
OLDER = """MATCH (n:Evidence) SET n.observation_key = 'P!2026!old'
MERGE (graph:Graph {id: 'graph'}) SET graph.derived_version = 1"""


def kinds(payload: dict[str, Any]) -> list[Any]:
    """What became of each item of an answer: the codes of its refusals, or whether it is replayed."""
    return [
        [refusal["code"] for refusal in item["refusals"]] if "refusals" in item else bool(item.get("is_replayed"))
        for item in payload["items"]
    ]


async def keys_of_rows(database: Database) -> list[str | None]:
    """The idempotency keys of the ledger's rows, in order of recording."""
    rows = await ask(database, "MATCH (n:Evidence) RETURN n.idempotency_key ORDER BY n.claim_id, n.ledger_key")
    return [key for (key,) in rows]


async def test_an_item_by_its_own_key_counts_once_whichever_way_it_comes(graph: Database) -> None:
    """Alone, in a batch of either mode, and beside others that are new."""
    keyed = [replace(FOR, idempotency_key=f"k{number}") for number in range(4)]
    alone = await submit(graph, FOR, idempotency_key="k0")

    both = await submit(graph, keyed[0], keyed[1], mutation="submitEvidenceBatch")
    each = await submit(graph, *keyed[:3], mutation="submitEvidenceBatch", mode=EACH)
    again = await submit(graph, FOR, idempotency_key="k2")

    assert kinds(both.payload) == [True, False]
    assert kinds(each.payload) == [True, True, False]
    assert both.payload["items"][0] == alone.payload["items"][0] | {"is_replayed": True}
    assert again.is_replayed
    assert again.payload["items"][0] == each.payload["items"][2]
    assert await keys_of_rows(graph) == ["k0", "k1", "k2"]
    assert await inside(graph) == pytest.approx(math.log(4) + 3 * math.log(1.5), rel=1e-12)
    assert await differences(graph) == []


async def test_a_key_twice_in_one_batch_counts_once(graph: Database) -> None:
    """The second gets the first one's answer; under one key two different items are refused."""
    keyed = replace(FOR, idempotency_key="k")
    answered = await submit(graph, keyed, replace(keyed, path="items[1]"))
    other = replace(AGAINST, idempotency_key="j", path="items[1]")

    assert kinds(answered.payload) == [False, True]
    with pytest.raises(KeyReusedError, match=r"items\[1\].idempotency_key: the idempotency key 'j'"):
        await submit(graph, replace(FOR, idempotency_key="j"), other)
    mixed = await submit(graph, replace(FOR, idempotency_key="j"), other, mode=EACH)
    assert kinds(mixed.payload) == [False, ["KEY_REUSED"]]
    assert await keys_of_rows(graph) == ["k", "j"]


async def test_what_is_refused_leaves_no_key(graph: Database) -> None:
    """Neither the item's own nor its batch's: sent again once it can be, it is recorded."""
    items = [replace(FOR, idempotency_key="a"), replace(FOR, claim_id="LATER", idempotency_key="b", path="items[1]")]

    with pytest.raises(NotFoundError):
        await submit(graph, *items, idempotency_key="batch")
    each = await submit(graph, *items, mode=EACH)
    await import_text(
        graph, json.dumps({**BUNDLE, "scenarios": [{"id": "LATER", "title": "x", "stated_probability": 0.5}]})
    )
    whole = await submit(graph, *items, idempotency_key="batch")

    assert kinds(each.payload) == [False, ["NOT_FOUND"]]
    assert kinds(whole.payload) == [True, False]
    ((num_receipts,),) = await ask(graph, "MATCH (n:Receipt) WHERE n.key STARTS WITH 'key:' RETURN count(n)")
    assert num_receipts == 3


async def test_each_item_is_recorded_or_refused_by_itself(graph: Database) -> None:
    """In order, in one transaction, with the same effect as the valid ones alone; a retry gets the same answer."""
    items = [
        FOR,
        replace(FOR, claim_id="DONE", path="items[1]"),
        replace(AGAINST, predictor_id="nobody", confidence=2.0, path="items[2]"),
        replace(AGAINST, path="items[3]"),
    ]

    answered = await submit(graph, *items, mode=EACH, idempotency_key="batch")
    again = await submit(graph, *items, mode=EACH, idempotency_key="batch")

    assert kinds(answered.payload) == [False, ["CLAIM_CLOSED"], ["INVALID", "NOT_FOUND"], False]
    assert again.is_replayed
    assert again.payload == answered.payload
    assert await inside(graph) == pytest.approx(math.log(4) + math.log(1.5) - math.log(4), rel=1e-12)
    assert len((await export_bundle(graph)).evidence) == 2
    assert await differences(graph) == []
    refusal = answered.payload["items"][1]["refusals"][0]
    told = read_refusal(refusal)
    assert isinstance(told, ClosedClaimError)
    assert (told.status, told.resolved_at, told.path) == (
        "ANNULLED",
        datetime(2026, 2, 1, tzinfo=UTC),
        "items[1].claim_id",
    )
    assert write_refusal(told) == refusal


async def test_a_batch_by_each_is_the_same_as_its_items_one_by_one(graph: Database) -> None:
    """Whatever is refused between them, over clusters and observations."""
    rng = random.Random(5)
    items = [
        replace(
            FOR,
            claim_id=rng.choice(["P", "Q", "DONE", "NOBODY"]),
            strength=1.0 + rng.random(),
            cluster_id=rng.choice([None, "event"]),
            url=rng.choice([None, "https://example.org/a", "https://EXAMPLE.org/a#b"]),
            observed_at=OBSERVED + timedelta(days=rng.randrange(3)),
            path=f"items[{number}]",
        )
        for number in range(40)
    ]
    together = await submit(graph, *items, mode=EACH)
    state = await inside(graph), await inside(graph, "Q")
    assert await differences(graph) == []
    await ask(graph, "MATCH (n:Evidence) DETACH DELETE n")
    await rebuild(graph)

    alone = [(await submit(graph, item, mode=EACH)).payload["items"][0] for item in items]

    assert kinds({"items": alone}) == kinds(together.payload)
    assert {code for found in kinds(together.payload) if found for code in found} == {
        "NOT_FOUND", "CLAIM_CLOSED", "DUPLICATE",
    }  # fmt: skip
    assert (await inside(graph), await inside(graph, "Q")) == state


async def test_all_faults_of_all_items_are_told_at_once(graph: Database) -> None:
    """Those found without the graph and those found in it, several of one item included."""
    items = [
        replace(FOR, strength=0.5, confidence=2.0, note="", label="a\x00b", url="x", path="items[0]"),
        replace(FOR, claim_id="NOBODY", predictor_id="nobody", document_id="nothing", path="items[1]"),
        replace(
            FOR, claim_id="DONE", predictor_id="bob", observed_at=datetime.now(UTC) + timedelta(days=1), path="items[2]"
        ),
        replace(FOR, path="items[3]"),
        replace(FOR, idempotency_key="", path="items[4]"),
    ]
    before = await export_bundle(graph)

    with pytest.raises(RefusedItemsError) as caught:
        await submit(graph, *items)

    assert sorted(refusal.path for refusal in caught.value.refusals) == [
        "items[0].confidence", "items[0].label", "items[0].note", "items[0].strength", "items[0].url",
        "items[1].claim_id", "items[1].document_id", "items[1].predictor_id",
        "items[2].claim_id", "items[2].observed_at", "items[2].predictor_id",
        "items[4].idempotency_key",
    ]  # fmt: skip
    assert str(caught.value).startswith("4 items with 12 faults refused, nothing was written: items[0]")
    assert str(caught.value).endswith("; and 7 more")
    assert await export_bundle(graph) == before


async def test_equal_items_without_a_key_are_taken_for_one(graph: Database) -> None:
    """A list that was put together twice; with keys of their own they are two."""
    twins = [replace(FOR, path=f"items[{number}]") for number in range(3)]

    with pytest.raises(RefusedItemsError) as caught:
        await submit(graph, *twins)
    each = await submit(graph, *twins, mode=EACH)
    await submit(graph, *(replace(twin, idempotency_key=f"k{number}") for number, twin in enumerate(twins)))
    await submit(graph, FOR)

    assert [(type(refusal), refusal.path) for refusal in caught.value.refusals] == [
        (DuplicateError, "items[1]"),
        (DuplicateError, "items[2]"),
    ]
    assert "it equals items[0] and counts once" in caught.value.refusals[0].message
    assert kinds(each.payload) == [False, ["DUPLICATE"], ["DUPLICATE"]]
    assert len((await export_bundle(graph)).evidence) == 5


async def test_one_source_counts_once_however_its_address_is_spelled(graph: Database) -> None:
    """Within a batch and behind it; the row keeps the spelling that came."""
    seen = replace(FOR, observed_at=OBSERVED)
    spellings = ["https://Example.org:443/a%7eb", "https://example.org/a~b#part", "https://example.org/a/../a%7Eb"]
    answered = await submit(
        graph, *(replace(seen, url=url, path=f"items[{n}]") for n, url in enumerate(spellings)), mode=EACH
    )

    assert kinds(answered.payload) == [False, ["DUPLICATE"], ["DUPLICATE"]]
    first = answered.payload["items"][0]["evidence_id"]
    assert answered.payload["items"][1]["refusals"][0]["existing_key"] == first
    for url in spellings:
        with pytest.raises(DuplicateError) as caught:
            await submit(graph, replace(seen, url=url))
        assert caught.value.existing_key == first
    with pytest.raises(DuplicateError, match=r"items\[0\] already records this source") as within:
        await submit(
            graph, *(replace(seen, claim_id="Q", url=url, path=f"items[{n}]") for n, url in enumerate(spellings[:2]))
        )
    assert within.value.existing_key is None  # nothing of the batch is recorded
    (row,) = (await export_bundle(graph)).evidence
    assert row.url == spellings[0]


async def test_keys_of_an_older_version_are_made_anew(graph: Database) -> None:
    """They were made of addresses as they came; the next start finds them, and verify before."""
    seen = replace(FOR, url="https://EXAMPLE.org/a", observed_at=OBSERVED)
    await submit(graph, seen)
    assert not await differences(graph)
    await ask(
        graph,
        OLDER,
    )
    (found,) = await differences(graph)

    assert "observation_key is 'P!2026!old'" in found
    assert await ensure_rebuilt(graph)
    assert not await differences(graph)
    with pytest.raises(DuplicateError):
        await submit(graph, replace(seen, url="https://example.org/a"))
    assert not await ensure_rebuilt(graph)


async def test_a_dry_run_of_each_tells_what_would_be(graph: Database) -> None:
    """Replays included; nothing is kept, no key either."""
    await submit(graph, replace(FOR, idempotency_key="k"), mode=EACH)
    before = await export_bundle(graph)
    items = [replace(FOR, idempotency_key="k"), replace(FOR, idempotency_key="j"), replace(FOR, claim_id="NOBODY")]

    dry = await submit(graph, *items, mode=EACH, is_dry_run=True)
    wet = await submit(graph, *items, mode=EACH)

    assert kinds(dry.payload) == kinds(wet.payload) == [True, False, ["NOT_FOUND"]]
    assert (dry.is_dry_run, dry.bookmark) == (True, None)
    assert len((await export_bundle(graph)).evidence) == len(before.evidence) + 1


async def test_batches_with_keys_in_common_at_once_record_each_item_once(graph: Database) -> None:
    """Twenty clients send parts of the same hundred items, in any order and mode."""
    rng = random.Random(3)
    items = [
        EvidenceItem(rng.choice("PQ"), Direction.FOR, 1 + rng.random(), idempotency_key=f"k{n}") for n in range(100)
    ]

    async def send(seed: int) -> Answered:
        own = random.Random(seed)
        return await submit(graph, *own.sample(items, 30), mode=own.choice([EACH, BatchMode.ALL_OR_NONE]))

    answers = await asyncio.gather(*(send(seed) for seed in range(20)))

    told: dict[str, set[str]] = {}
    for answer in answers:
        for item in answer.payload["items"]:
            told.setdefault(item["evidence_id"], set()).add(json.dumps(item["step"]))
    keys = await keys_of_rows(graph)
    assert len(set(keys)) == len(keys) == len(told)
    assert all(len(steps) == 1 for steps in told.values())
    assert await differences(graph) == []
