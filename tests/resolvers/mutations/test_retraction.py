"""Evidence that was a mistake is taken back by a row of its own, and counts no more."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.ledger.derived import rebuild, verify
from graph.model.bundle import Bundle
from tests.helpers.asking import ask
from tests.helpers.mutating import mutate

ROW = "... on EvidenceRecorded { recorded { evidence { key } } }"
RETRACTED = (
    "... on EvidenceRetracted { recorded { after { probability } evidence { key kind retractsKey note kappa "
    "logLikelihoodRatio: totalLogLikelihoodRatio } } }"
)


async def load(database: Database) -> None:
    """Two equal claims of a predictor with a record."""
    claims = [
        {"id": claim, "title": "It holds", "stated_probability": 0.3, "predictor_id": "ada"} for claim in ("P", "TWIN")
    ]
    ada = {"id": "ada", "name": "Ada", "record_n_resolved": 9, "record_kappa": 0.7}
    bundle = {"format": "foregraph-bundle/1", "predictors": [ada], "predictions": claims}
    await import_bundle(database, Bundle.model_validate(bundle))


async def submit(database: Database, claim: str, ratio: float, **more: Any) -> str:
    """Evidence for a claim; returns its key."""
    given = {"claim": claim, "direction": "FOR", "likelihoodRatio": ratio, **more}
    answer = await mutate(database, "submitEvidence", given, selected=ROW)
    key: str = answer["recorded"]["evidence"]["key"]
    return key


async def belief(database: Database, claim: str, at: datetime | None = None) -> float:
    document = "query ($id: ID!, $at: DateTime) { claim(id: $id) { posterior(asOf: $at) { probability } } }"
    found = (await ask(database, document, id=claim, at=at and at.isoformat())).data["claim"]["posterior"]
    probability: float = found["probability"]
    return probability


async def test_what_is_retracted_counts_no_more(database: Database) -> None:
    """As on a claim that never had it; both rows stay, and the past is what it was."""
    await load(database)
    mistaken = await submit(database, "P", 20, predictor="ada")
    for claim in ("P", "TWIN"):
        await submit(database, claim, 3)
    before = datetime.now(UTC)
    then = await belief(database, "P", before)

    answer = await mutate(
        database, "retractEvidence", evidence=mistaken, reason="It was about another", selected=RETRACTED
    )

    assert await belief(database, "P") == pytest.approx(await belief(database, "TWIN"), rel=1e-11)
    assert answer["recorded"]["after"]["probability"] == await belief(database, "P")
    assert await belief(database, "P", before) == then
    row = answer["recorded"]["evidence"]
    assert (row["kind"], row["retractsKey"], row["note"]) == ("retraction", mistaken, "It was about another")
    assert row["kappa"] == 0.7
    history = '{ claim(id: "P") { evidence { nodes { key retractsKey } } } }'
    nodes = (await ask(database, history)).data["claim"]["evidence"]["nodes"]
    assert [node["retractsKey"] for node in nodes] == [mistaken, None, None]
    assert [str(difference) async for difference in verify(database)] == []
    await rebuild(database)
    assert [str(difference) async for difference in verify(database)] == []
    assert (await import_bundle(database, await export_bundle(database))).num_changed() == 0


async def test_what_is_retracted_leaves_its_cluster(database: Database) -> None:
    """The others share one weight as if it had never joined, those that come later too."""
    await load(database)
    await submit(database, "P", 4, cluster="one event")
    mistaken = await submit(database, "P", 50, cluster="one event", predictor="ada")
    await submit(database, "TWIN", 4, cluster="one event")
    await mutate(database, "retractEvidence", evidence=mistaken, reason="Another event")

    assert await belief(database, "P") == pytest.approx(await belief(database, "TWIN"), rel=1e-11)
    for claim in ("P", "TWIN"):
        await submit(database, claim, 9, cluster="one event")
    assert await belief(database, "P") == pytest.approx(await belief(database, "TWIN"), rel=1e-11)
    assert [str(difference) async for difference in verify(database)] == []


async def test_what_cannot_be_retracted_is_refused(database: Database) -> None:
    """What is retracted, a retraction, a row without weight, an unknown one, and one of a closed claim."""
    await load(database)
    row = await submit(database, "P", 4)
    other = await submit(database, "P", 5)
    answer = await mutate(database, "retractEvidence", evidence=row, reason="Wrong", selected=RETRACTED)
    retraction = answer["recorded"]["evidence"]["key"]

    found = [
        (await mutate(database, "retractEvidence", evidence=key, reason="Wrong"))["__typename"]
        for key in (row, retraction, "nobody")
    ]
    assert found == ["Duplicate", "Conflict", "NotFound"]
    assert (await mutate(database, "retractEvidence", evidence=other, reason=""))["__typename"] == "Invalid"
    await mutate(database, "resolveClaim", claim="P", outcome="TRUE")
    assert (await mutate(database, "retractEvidence", evidence=other, reason="Wrong"))["__typename"] == "ClaimClosed"
