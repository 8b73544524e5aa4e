"""What is wrong with a write is told by its name and place, and nothing of it is written."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from graph.bundles.importing import import_bundle
from graph.database.receipts import MAX_KEY_CHARACTERS
from graph.database.sessions import Database
from graph.ledger.intake import MAX_BATCH_ITEMS
from graph.model.values import MAX_LINE_CHARACTERS, MAX_TEXT_CHARACTERS
from resolvers.base.relay import global_id
from tests.helpers.asking import place_of
from tests.helpers.bundles import bundle, claim, event, evidence, killing, prediction, requiring
from tests.helpers.database import empty
from tests.helpers.graph_dump import everything
from tests.helpers.mutating import Json, mutation
from tests.helpers.service_fakes import open_client

pytestmark = pytest.mark.statements

# What no answer may hold: names of the database's own, of our statements, of Python's.
INNER = re.compile(
    r"[Nn]eo4j|[Cc]ypher|Neo\.|MATCH|MERGE|UNWIND|driver|"
    r"Traceback|\.py\b|pydantic|\w+Error\b|<class|object at 0x|\bNone\b"
)
DOCUMENT_SEEN = {"observedAt": "2026-04-01T00:00:00Z", "document": "doc"}
LONG_LINE, LONG_TEXT = "x" * (MAX_LINE_CHARACTERS + 1), "x" * (MAX_TEXT_CHARACTERS + 1)
EDGE: Json = {"kind": "KILLS", "parent": "TK_1", "child": "P_1"}
LOOK: Json = {"prediction": "P_1", "observedOn": "2026-03-01", "finding": "partial"}


@dataclass(frozen=True)
class Number:
    """A number as the request's text has it, which Python's JSON would not write."""

    text: str


@dataclass(frozen=True)
class Case:
    """
    A write that is wrong.

    Attributes:
        mutation: Which.
        given: Its `input`, or its `items` where it is a list; without either, None.
        answer: The type of the refusal; BAD_REQUEST where the request itself is wrong.
        path: Where the answer says it is.
        words: What its message says besides.
        more: Other arguments.
    """

    mutation: str
    given: Any
    answer: str
    path: str | None = None
    words: str = "got"
    more: Json = field(default_factory=dict)

    def variables(self) -> Json:
        """The arguments."""
        if self.given is None:
            return self.more
        return self.more | {"input": {"items": self.given} if isinstance(self.given, list) else self.given}


def submit(answer: str, path: str | None = None, words: str = "got", *, key: str | None = None, **change: Any) -> Case:
    """Evidence that would be fine but for a change; what is changed to None is left out."""
    fine = {"claim": "P_1", "direction": "FOR", "strength": "WEAK"}
    given = {name: value for name, value in (fine | change).items() if value is not None}
    return Case("submitEvidence", given, answer, path, words, {} if key is None else {"idempotencyKey": key})


def batch(answer: str, path: str | None, words: str, *changes: Json) -> Case:
    """Evidence in a batch."""
    items = [{"claim": "P_1", "direction": "FOR", "strength": "WEAK"} | change for change in changes]
    return Case("submitEvidenceBatch", items, answer, path, words)


def foresee(answer: str, path: str | None = None, words: str = "got", **change: Any) -> Case:
    """A prediction that would be fine but for a change."""
    return Case("upsertPrediction", {"id": "P_9", "title": "It happens"} | change, answer, path, words)


def mark(answer: str, path: str | None = None, words: str = "got", **change: Any) -> Case:
    """A milestone that would be fine but for a change."""
    fine = {"id": "m", "prediction": "P_1", "milestoneKind": "RESEARCHED", "label": "M", "expectedOn": "2026-05-01"}
    return Case("upsertMilestone", fine | change, answer, path, words)


def deletion(answer: str, path: str | None, words: str, node_id: str, **more: Any) -> Case:
    """A deletion."""
    return Case("deleteSubject", {"id": node_id, **more}, answer, path, words)


BAD = "BAD_REQUEST"
CASES: dict[str, Case] = {
    # Numbers
    "NaN": submit(BAD, None, "NaN is not JSON", strength=None, likelihoodRatio=Number("NaN")),
    "infinity": submit(BAD, None, "Infinity is not JSON", strength=None, likelihoodRatio=Number("Infinity")),
    "minus infinity": submit(BAD, None, "-Infinity is not JSON", strength=None, likelihoodRatio=Number("-Infinity")),
    "1e999": submit(BAD, None, "likelihoodRatio", strength=None, likelihoodRatio=Number("1e999")),
    "ratio 0.5": submit("Invalid", "input.likelihoodRatio", "got 0.5", strength=None, likelihoodRatio=0.5),
    "ratio 0": submit("Invalid", "input.likelihoodRatio", "got 0.0", strength=None, likelihoodRatio=0),
    "ratio -4": submit("Invalid", "input.likelihoodRatio", "got -4.0", strength=None, likelihoodRatio=-4),
    "ratio as text": submit(BAD, None, "likelihoodRatio", strength=None, likelihoodRatio="4"),
    "both strengths": submit("Invalid", "input.strength", "got both", likelihoodRatio=4),
    "no strength": submit("Invalid", "input.strength", "got neither", strength=None),
    "confidence 1.5": submit("Invalid", "input.confidence", "got 1.5", confidence=1.5),
    "confidence -0.1": submit("Invalid", "input.confidence", "got -0.1", confidence=-0.1),
    "confidence true": submit(BAD, None, "confidence", confidence=True),
    "probability 0": foresee("Invalid", "input.statedProbability", "got 0", statedProbability=0),
    "probability 1": foresee("Invalid", "input.statedProbability", "got 1", statedProbability=1),
    "probability 1.2": foresee(BAD, None, "got 1.2", statedProbability=1.2),
    "probability -0.1": foresee(BAD, None, "got -0.1", statedProbability=-0.1),
    "probability 1e999": foresee(
        BAD,
        None,
        "1e999 is beyond the range of a float at variables.input.statedProbability",
        statedProbability=Number("1e999"),
    ),
    "probability as text": foresee(BAD, None, "got '0.5'", statedProbability="0.5"),
    "probability true": foresee(BAD, None, "got True", statedProbability=True),
    "base rate 1": Case(
        "upsertReferenceClass", {"id": "c", "description": "c", "baseRate": 1}, "Invalid", "input.baseRate"
    ),
    "more successes than trials": Case(
        "upsertReferenceClass",
        {"id": "c", "description": "c", "baseRate": 0.2, "successCount": 3, "trialCount": 2},
        "Invalid",
        "input.successCount",
        "got 3 of 2",
    ),
    "kappa 0.05": Case("upsertPredictor", {"id": "ada", "recordKappa": 0.05}, "Invalid", "input.recordKappa"),
    "fraction for a count": Case(
        "upsertPredictor", {"id": "ada", "recordResolvedCount": 1.5}, BAD, None, "recordResolvedCount"
    ),
    "negative count": Case(
        "upsertPredictor", {"id": "ada", "recordResolvedCount": -1}, "Invalid", "input.recordResolvedCount"
    ),
    "count above 32 bits": Case(
        "upsertPredictor", {"id": "ada", "recordResolvedCount": 2**40}, BAD, None, "recordResolvedCount"
    ),
    "weight 1.5": mark("Invalid", "input.weight", "got 1.5", weight=1.5),
    "milestone confidence -1": mark("Invalid", "input.confidence", "got -1.0", confidence=-1),
    "relevance 2": Case(
        "upsertExposure",
        {"sign": "HARMS", "prediction": "P_1", "ticker": "NVDA", "relevance": 2},
        "Invalid",
        "input.relevance",
    ),
    "impact -2": Case(
        "upsertExposure",
        {"sign": "HARMS", "prediction": "P_1", "ticker": "NVDA", "impact": -2},
        "Invalid",
        "input.impact",
    ),
    "negative lag": Case("upsertInfluence", EDGE | {"lagDays": -1}, "Invalid", "input.lagDays"),
    "number out of range in raw metadata": foresee(
        BAD,
        None,
        "1e999 is beyond the range of a float at variables.input.rawMetadata.deep[0]",
        rawMetadata={"deep": [Number("1e999")]},
    ),
    # Days and moments
    "future observation": submit(
        "FutureObservation", "input.observedAt", "lies in the future", observedAt="2990-01-01T00:00:00Z"
    ),
    "day for a moment": submit("Invalid", "input.observedAt", "got 2026-01-01, a day", observedAt="2026-01-01"),
    "day for a moment of a row": foresee("Invalid", "input.windowStartsAt", "a day", windowStartsAt="2026-01-01"),
    "day for the moment of an outcome": Case(
        "resolveClaim",
        {"claim": "P_1", "outcome": "TRUE", "resolvedAt": "2026-01-01"},
        "Invalid",
        "input.resolvedAt",
        "got 2026-01-01, a day",
    ),
    "day to sweep for": Case("sweepMilestones", {"asOf": "2026-01-01"}, "Invalid", "input.asOf", "a day"),
    "moment without offset": submit(BAD, None, "with its offset", observedAt="2026-01-01T00:00:00"),
    "moment in words": submit(BAD, None, 'got "yesterday"', observedAt="yesterday"),
    "month 13": submit(BAD, None, "observedAt", observedAt="2026-13-01T00:00:00Z"),
    "moment before the calendar": submit(BAD, None, "observedAt", observedAt="0001-01-01T00:00:00+14:00"),
    "year 500": submit(BAD, None, "expected a year from 1000 to 9000, got 500", observedAt="0500-01-01T00:00:00Z"),
    "moment as a number": submit(BAD, None, "got 1767225600", observedAt=1767225600),
    "window reversed": foresee(
        "Invalid", "input.windowEndsAt", windowStartsAt="2027-01-01T00:00:00Z", windowEndsAt="2026-01-01T00:00:00Z"
    ),
    "half a window": foresee("Invalid", "input.windowStartsAt", "windowEndsAt", windowStartsAt="2027-01-01T00:00:00Z"),
    "years reversed": foresee("Invalid", "input.toYear", "got 2027 to 2026", fromYear=2027, toYear=2026),
    "year 99999": foresee("Invalid", "input.fromYear", "got 99999", fromYear=99999),
    "deadline beside its year": foresee("Invalid", "input.deadline", fromYear=2027, deadline="2026-06-01T00:00:00Z"),
    "day that is none": mark(BAD, None, 'got "2026-02-30"', expectedOn="2026-02-30"),
    "range reversed": mark(
        "Invalid", "input.rangeEndsOn", rangeStartsOn="2026-05-01", rangeEndsOn="2026-04-01", expectedOn=None
    ),
    "half a range": mark("Invalid", "input.rangeStartsOn", "rangeEndsOn", rangeStartsOn="2026-05-01"),
    "no date": mark("Invalid", "input.expectedOn", "got none", expectedOn=None),
    "look in the future": Case(
        "addValidation",
        LOOK | {"observedOn": "2990-01-01"},
        "FutureObservation",
        "input.observedOn",
        "2990-01-01 lies in the future",
    ),
    # Ids
    "unknown claim": submit("NotFound", "input.claim", "no claim has the id 'P_404'", claim="P_404"),
    "claim of another subject": submit("Invalid", "input.claim", "got one of a Ticker", claim=global_id("Ticker", "A")),
    "empty claim": submit("Invalid", "input.claim", "got ''", claim=""),
    "claim with a space": submit("Invalid", "input.claim", "got 'P 1'", claim="P 1"),
    "claim of 201 characters": submit("Invalid", "input.claim", "got 'xxx", claim="x" * 201),
    "claim as an object": submit(BAD, None, "claim", claim={"id": "P_1"}),
    "unknown predictor": submit("NotFound", "input.predictor", "no predictor has the id 'nobody'", predictor="nobody"),
    "unlinked predictor": submit("PredictorNotLinked", "input.predictor", "acceptUnlinkedPredictor", predictor="bob"),
    "unknown document": submit("NotFound", "input.document", "no document has the id 'nothing'", document="nothing"),
    "unknown domain": foresee("NotFound", "input.domain", "no domain has the id 'nowhere'", domain="nowhere"),
    "predictor of another subject": foresee("Invalid", "input.predictor", predictor=global_id("Domain", "x")),
    "reference class of another subject": foresee(
        "Invalid", "input.referenceClass", referenceClass=global_id("Domain", "x")
    ),
    "empty id": foresee("Invalid", "input.id", "got ''", id=""),
    "id of a line feed": foresee("Invalid", "input.id", id="P_9\n"),
    "id of a killer": foresee("Conflict", "input.id", "'TK_1' is a Killer", id="TK_1"),
    "id of 201 characters": foresee("Invalid", "input.id", id="x" * 201),
    "unknown prediction of a milestone": mark(
        "NotFound", "input.prediction", "no prediction has the id 'P_404'", prediction="P_404"
    ),
    "scenario for a prediction": mark(
        "NotFound", "input.prediction", "no prediction has the id 'S_1'", prediction="S_1"
    ),
    "symbol in small letters": Case("upsertTicker", {"symbol": "nvda"}, "Invalid", "input.symbol", 'got "nvda"'),
    "symbol too long": Case("upsertTicker", {"symbol": "N" * 21}, "Invalid", "input.symbol"),
    "unknown ticker": Case(
        "upsertExposure",
        {"sign": "HARMS", "prediction": "P_1", "ticker": "NONE"},
        "NotFound",
        "input.ticker",
        "no ticker has the id 'NONE'",
    ),
    "unknown parent": Case(
        "upsertInfluence", EDGE | {"parent": "TK_404"}, "NotFound", "input.parent", "no claim has the id 'TK_404'"
    ),
    "unknown prediction of a look": Case(
        "addValidation",
        LOOK | {"prediction": "P_404"},
        "NotFound",
        "input.prediction",
        "no prediction has the id 'P_404'",
    ),
    "killer for a look": Case(
        "addValidation", LOOK | {"prediction": global_id("Killer", "TK_1")}, "Invalid", "input.prediction"
    ),
    "unknown document of a link": Case(
        "linkDocument",
        {"document": "nothing", "claim": "P_1"},
        "NotFound",
        "input.document",
        "no document has the id 'nothing'",
    ),
    "unknown claim of a link": Case(
        "linkDocument", {"document": "doc", "claim": "P_404"}, "NotFound", "input.claim", "no claim has the id 'P_404'"
    ),
    "link that is not there": Case(
        "unlinkDocument",
        {"document": "doc", "claim": "P_2"},
        "NotFound",
        "input",
        "no document link has document 'doc', claim 'P_2'",
    ),
    "influence that is not there": Case(
        "removeInfluence", EDGE | {"child": "P_2"}, "NotFound", "input", "no influence has kind"
    ),
    "influence of an unknown claim": Case(
        "removeInfluence", EDGE | {"child": "P_404"}, "NotFound", "input.child", "no claim has the id 'P_404'"
    ),
    "exposure that is not there": Case(
        "removeExposure",
        {"sign": "BENEFITS", "prediction": "P_1", "ticker": "NVDA"},
        "NotFound",
        "input",
        "no exposure has sign 'BENEFITS', prediction 'P_1', ticker 'NVDA'",
    ),
    "deleting what is not there": deletion(
        "NotFound", "input.id", "no prediction has the id 'P_404'", global_id("Prediction", "P_404")
    ),
    "deleting by a bare key": deletion("Invalid", "input.id", "got 'P_1'", "P_1"),
    "deleting by another subject": deletion(
        "Invalid", "input.id", "got one of a Killer", global_id("Killer", "TK_1"), subject="TICKER"
    ),
    "deleting evidence": deletion(
        "HistoryWouldBeLost", "input.id", "ledger is append-only", global_id("Evidence", "E_1")
    ),
    "deleting a predictor of predictions": deletion(
        "HistoryWouldBeLost", "input.id", "predictions", global_id("Predictor", "ada")
    ),
    "deleting a claim with a ledger": deletion(
        "HistoryWouldBeLost", "input.id", "ledger row", global_id("Prediction", "P_1")
    ),
    # Texts
    "note of 100,001 characters": submit("Invalid", "input.note", note=LONG_TEXT),
    "label of 2,001 characters": submit("Invalid", "input.label", label=LONG_LINE),
    "cluster of 2,001 characters": submit("Invalid", "input.cluster", cluster=LONG_LINE),
    "address of 3,000 characters": submit(
        BAD, None, "at most 2000 characters", url="https://example.org/" + "x" * 3000
    ),
    "address that is none": submit(BAD, None, 'got "ftp://example.org"', url="ftp://example.org"),
    "address with a space": submit(BAD, None, 'got "https://a b"', url="https://a b"),
    "null character": submit("Invalid", "input.note", note="a\u0000b"),
    "escape character": submit("Invalid", "input.by", by="\u001b[31m"),
    "empty note": submit("Invalid", "input.note", note=""),
    "empty cluster": submit("Invalid", "input.cluster", cluster=""),
    "note as a number": submit(BAD, None, "note", note=5),
    "half a surrogate pair": submit(BAD, None, "surrogate", note="\ud800"),
    "half a surrogate pair in a title": foresee(BAD, None, "surrogate", title="\udfff"),
    "title of 2,001 characters": foresee("Invalid", "input.title", title=LONG_LINE),
    "text of 100,001 characters": foresee("Invalid", "input.text", text=LONG_TEXT),
    "control character": foresee("Invalid", "input.title", title="a\u0007"),
    "title of blanks": foresee("Invalid", "input.title", "only blanks", title=" \u00a0\u200b"),
    "note of blanks": submit("Invalid", "input.note", "only blanks", note=" \n"),
    "empty title": foresee("Invalid", "input.title", title=""),
    "no title": foresee("Invalid", "input.title", title=None),
    "title left out": Case("upsertPrediction", {"id": "P_9"}, "Invalid", "input.title", "got nothing"),
    "empty status": Case("addValidation", LOOK | {"finding": ""}, "Invalid", "input.finding"),
    "several things": Case(
        "upsertPrediction", {"id": "P_9", "title": "", "text": "", "fromYear": 1}, "BatchRefused", None, "3 items"
    ),
    "resolved before its window": Case(
        "resolveClaim",
        {"claim": "P_1", "outcome": "TRUE", "resolvedAt": "2025-01-01T00:00:00Z"},
        "BeforeWindow",
        "input.resolvedAt",
        "set acceptBeforeWindow: true",
    ),
    "event before its window": Case(
        "recordMilestone",
        {"milestone": "P_1:event", "outcome": "HIT", "observedOn": "2025-01-01"},
        "BeforeWindow",
        "input.observedOn",
        "when the window of claim 'P_1' opens",
    ),
    "early by upsert": foresee(BAD, None, "isEarly", isEarly=True),
    # Kinds and shapes
    "unknown direction": submit(BAD, None, "MAYBE", direction="MAYBE"),
    "unknown strength": submit(BAD, None, "HUGE", strength="HUGE"),
    "unknown kind of milestone": mark(BAD, None, "PARTY", kind="PARTY"),
    "unknown field": submit(BAD, None, "posterior", posterior=0.9),
    "status by upsert": foresee(BAD, None, "status", status="RESOLVED_TRUE"),
    "input of the wrong shape": Case("submitEvidence", "P_1", BAD, None, "EvidenceInput"),
    "claim left out": Case("submitEvidence", {"direction": "FOR", "strength": "WEAK"}, BAD, None, "claim"),
    "empty batch": batch("Invalid", "input.items", "got 0"),
    "1,001 items": batch("Invalid", "input.items", "got 1001", *({} for _ in range(MAX_BATCH_ITEMS + 1))),
    "one item of two": batch("NotFound", "input.items.1.claim", "no claim has the id 'P_404'", {}, {"claim": "P_404"}),
    "two items of three": batch("BatchRefused", None, "2 items", {"confidence": 2}, {}, {"confidence": 3}),
    "one observation twice": batch(
        "Duplicate",
        "input.items.1",
        "counts once",
        *[{"url": "https://a.org", "observedAt": "2026-04-02T00:00:00Z"}] * 2,
    ),
    # What stands against it
    "resolved claim": submit("ClaimClosed", "input.claim", "reopenClaim", claim="P_2"),
    "claim without a probability": submit("Conflict", "input.claim", "state one first", claim="TK_2"),
    "duplicate observation": submit("Duplicate", "input", "counts once", **DOCUMENT_SEEN),
    "reused key": submit("KeyReused", "idempotencyKey", "'used' belongs to", key="used", strength="STRONG"),
    "key used by another mutation": Case(
        "upsertKiller",
        {"id": "TK_1"},
        "KeyReused",
        "idempotencyKey",
        "key 'used' belongs to",
        {"idempotencyKey": "used"},
    ),
    "key of 201 characters": submit("Invalid", "idempotencyKey", "201 characters", key="k" * (MAX_KEY_CHARACTERS + 1)),
    "empty key": submit("Invalid", "idempotencyKey", "got ''", key=""),
    "unprintable key": submit("Invalid", "idempotencyKey", "printable", key="a\nb"),
    "influence on itself": Case("upsertInfluence", EDGE | {"child": "TK_1"}, "Invalid", "input", "got 'TK_1' twice"),
    "cycle": Case("upsertInfluence", EDGE | {"parent": "P_3", "child": "TK_1"}, "CycleRefused", "input", "TK_1 → P_1"),
    "half a table": Case(
        "upsertInfluence", EDGE | {"child": "P_3", "probabilityIfTrue": 0.5}, "Invalid", "input.probabilityIfTrue"
    ),
    "p_if_true 1": Case(
        "upsertInfluence",
        EDGE | {"probabilityIfTrue": 1, "probabilityIfFalse": 0.1},
        "Invalid",
        "input.probabilityIfTrue",
    ),
    "second event": mark("Invalid", "input", "keep only one", milestoneKind="EVENT"),
    "check-in of one's own": mark("Invalid", "input.id", "got 'm'", milestoneKind="CHECK_IN"),
    "same look": Case("addValidation", LOOK | {"finding": "seen"}, "Duplicate", "input", "counts once"),
    "probability with a ledger": Case(
        "upsertPrediction",
        {"id": "P_1", "statedProbability": 0.9},
        "HistoryWouldBeLost",
        "input.statedProbability",
        "probability 0.5 cannot change to 0.9",
    ),
    "predictor of a resolved prediction": Case(
        "upsertPrediction",
        {"id": "P_2", "predictor": "bob"},
        "HistoryWouldBeLost",
        "input.predictor",
        "cannot change from 'ada' to 'bob'",
    ),
}


@dataclass(frozen=True)
class Guarded:
    """
    A graph that stays as it is.

    Attributes:
        database: The database that has it.
        client: A client of the whole service.
        everything: All nodes and relationships, as they were before any request.
    """

    database: Database
    client: httpx.AsyncClient
    everything: list[Any]


@pytest.fixture(scope="module")
async def guarded(migrated_database: Database) -> AsyncIterator[Guarded]:
    """A graph that stays as it is, and a client of the whole service."""
    await empty(migrated_database)
    await import_bundle(
        migrated_database,
        bundle(
            predictors=[{"id": "ada", "name": "Ada"}, {"id": "bob", "name": "Bob"}],
            tickers=[{"symbol": "NVDA"}],
            documents=[{"id": "doc", "title": "A paper"}],
            predictions=[
                prediction(predictor_id="ada"),
                prediction("P_2", predictor_id="ada", status="RESOLVED_TRUE", resolved_at="2026-05-01T00:00:00Z"),
                prediction("P_3"),
            ],
            scenarios=[claim("S_1")],
            killers=[claim("TK_1"), claim("TK_2", None)],
            milestones=[event()],
            evidence=[evidence(document_id="doc", observed_at="2026-04-01T00:00:00Z")],
            influences=[killing("TK_1", "P_1"), requiring("P_1", "P_3")],
            validations=[{"id": "v", "prediction_id": "P_1", "observed_at": "2026-03-01", "status": "seen"}],
            document_links=[{"document_id": "doc", "claim_id": "P_1"}],
        ),
    )
    async with open_client(create_app(Settings(), migrated_database)) as client:
        used = submit("EvidenceRecorded", key="used")
        answer = await post(client, used)
        assert answer.json()["data"]["submitEvidence"]["__typename"] == "EvidenceRecorded", answer.text
        yield Guarded(migrated_database, client, await everything(migrated_database))
    await empty(migrated_database)


async def post(client: httpx.AsyncClient, case: Case) -> httpx.Response:
    """The request of a case, its numbers as they were written."""
    variables = case.variables()
    numbers: dict[str, str] = {}

    def encode(value: object) -> str:
        assert isinstance(value, Number)
        numbers[f'"number {len(numbers)}"'] = value.text
        return f"number {len(numbers) - 1}"

    body = json.dumps({"query": mutation(case.mutation, *variables), "variables": variables}, default=encode)
    for mark, text in numbers.items():
        body = body.replace(mark, text)
    return await client.post("/graphql", content=body.encode(), headers={"content-type": "application/json"})


@pytest.mark.parametrize("name", CASES)
async def test_what_is_wrong_is_told_and_nothing_is_written(guarded: Guarded, name: str) -> None:
    """The kind of error, its place, what was expected and what came; no word of how it is done inside."""
    case = CASES[name]

    response = (await post(guarded.client, case)).json()

    if case.answer == BAD:
        (error,) = response["errors"]
        assert error["extensions"]["code"] == BAD, response
        message = error["message"]
    else:
        assert "errors" not in response, response
        answer = response["data"][case.mutation]
        message = answer["message"]
        assert (answer["__typename"], place_of(answer)) == (case.answer, case.path), answer
        assert all("got" in refusal["message"] for refusal in answer.get("refusals", []))
    assert case.words in message
    assert not INNER.search(message), message
    assert len(message) < 1000, message
    assert await everything(guarded.database) == guarded.everything


def test_there_are_many_cases() -> None:
    """A corpus is worth what is in it."""
    assert len(CASES) >= 60
