"""Subjects written by mutation: what is said changes, what is not said stays, and history is not lost."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.ledger.derived import verify
from graph.model.bundle import Bundle
from resolvers.base.relay import global_id
from tests.helpers.asking import place_of
from tests.helpers.bundles import bundle, claim, event, evidence, killing, prediction, requiring
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter
from tests.helpers.graph_dump import ask as ask_cypher
from tests.helpers.graph_dump import everything
from tests.helpers.mutating import Json, mutate

pytestmark = pytest.mark.statements

NODES = (
    "Prediction",
    "Scenario",
    "Killer",
    "Predictor",
    "ReferenceClass",
    "Milestone",
    "Ticker",
    "Document",
    "Episode",
    "Domain",
)


async def delete(database: Database, subject: str, key: str, **options: Any) -> Json:
    """Delete a subject by its global id."""
    selected = "... on SubjectDeleted { subject id key influenceCount exposureCount documentLinkCount milestoneCount }"
    return await mutate(database, "deleteSubject", None, selected, id=global_id(subject, key), **options)


async def stored(database: Database, label: str, key: str) -> Json | None:
    """A node's properties, by an analyst's own Cypher."""
    found = await ask_cypher(
        database, f"MATCH (n:{label}) WHERE coalesce(n.id, n.symbol) = $key RETURN properties(n)", key=key
    )
    return dict(found[0][0]) if found else None


async def exported(database: Database) -> str:
    """The whole graph as text, but for what it was before."""
    return (await export_bundle(database)).model_copy(update={"versions": ()}).to_json()


NEW: Json = {
    "Prediction": {"id": "P_9", "title": "It happens", "statedProbability": 0.4, "fromYear": 2026},
    "Scenario": {"id": "S_9", "title": "A slow world", "statedProbability": 0.4},
    "Killer": {"id": "TK_9", "title": "The lights go out"},
    "Predictor": {"id": "ada", "name": "Ada"},
    "ReferenceClass": {"id": "chips", "description": "Chips", "baseRate": 0.2},
    "Milestone": {
        "id": "m",
        "prediction": "P_1",
        "milestoneKind": "RESEARCHED",
        "label": "M",
        "expectedOn": "2026-05-01",
    },
    "Ticker": {"symbol": "NVDA", "name": "Nvidia"},
    "Document": {"id": "doc", "title": "A paper", "url": "https://example.org"},
    "Episode": {"id": "EP_1", "title": "The first"},
    "Domain": {"id": "chips", "name": "Chips"},
}
WRONG: Json = {
    "Prediction": ({"statedProbability": 0.4, "windowStartsAt": "2026-01-01T00:00:00Z"}, "input.windowStartsAt"),
    "Scenario": ({"title": ""}, "input.title"),
    "Killer": ({"fromYear": 99}, "input.fromYear"),
    "Predictor": ({"recordKappa": 2.0}, "input.recordKappa"),
    "ReferenceClass": ({"successCount": 3, "trialCount": 2}, "input.successCount"),
    "Milestone": ({"weight": 1.5}, "input.weight"),
    "Ticker": ({"name": "\u0007"}, "input.name"),
    "Document": ({"kind": ""}, "input.kind"),
    "Episode": ({"number": -1}, "input.number"),
    "Domain": ({"name": ""}, "input.name"),
}


@pytest.mark.parametrize("subject", NODES)
async def test_an_upsert_creates_then_changes_then_finds_nothing_to_change(database: Database, subject: str) -> None:
    """The same request states the same row, whatever was there."""
    await import_once(database, bundle(predictions=[prediction()]))
    field = subject[0].lower() + subject[1:]
    selected = f"... on {subject}Upserted {{ {field} {{ id key }} }}"
    key = NEW[subject].get("id") or NEW[subject]["symbol"]

    first = await mutate(database, f"upsert{subject}", NEW[subject], selected)
    again = await mutate(database, f"upsert{subject}", NEW[subject], selected)

    assert (first["__typename"], first["isNew"], first["hasChanged"]) == (f"{subject}Upserted", True, True)
    assert first[field] == {"id": global_id(subject, key), "key": key}
    assert (again["isNew"], again["hasChanged"]) == (False, False)
    assert await stored(database, subject, key) is not None


@pytest.mark.parametrize("subject", NODES)
async def test_a_row_that_breaks_a_rule_is_refused_where_it_breaks_it(database: Database, subject: str) -> None:
    """The merged row is checked whole, whatever the change says."""
    await import_once(database, bundle(predictions=[prediction()]))
    await mutate(database, f"upsert{subject}", NEW[subject])
    before = await everything(database)
    identity = {name: NEW[subject][name] for name in ("id", "symbol") if name in NEW[subject]}
    wrong, path = WRONG[subject]

    answer = await mutate(database, f"upsert{subject}", identity | wrong)

    assert (answer["__typename"], place_of(answer)) == ("Invalid", path)
    assert "got" in answer["message"]
    assert await everything(database) == before


async def test_what_is_not_said_stays_and_null_removes(database: Database) -> None:
    """A change is of what it names."""
    await mutate(database, "upsertDocument", {"id": "d", "title": "A paper", "kind": "paper", "url": "https://a.org"})
    await mutate(database, "upsertDocument", {"id": "d", "url": None, "publishedAt": "2026-01-01T01:00:00+01:00"})

    found = await stored(database, "Document", "d")
    assert found is not None
    assert (found["title"], found["kind"], found.get("url")) == ("A paper", "paper", None)
    assert found["published_at"].isoformat().startswith("2026-01-01T00:00:00")


async def test_one_change_and_the_same_bundle_come_to_one_graph(database: Database) -> None:
    """Whatever way a row comes in, what follows from it is the same: keys, deadlines, chains, beliefs."""
    base: dict[str, list[Json]] = {
        "predictors": [{"id": "ada", "name": "Ada"}],
        "reference_classes": [{"id": "c", "description": "c", "base_rate": 0.2}],
        "domains": [{"id": "chips"}],
        "killers": [claim("TK_1", 0.3)],
        "milestones": [event()],
        "influences": [killing("TK_1", "P_1")],
    }
    row = prediction(stated_probability=0.5)
    after = row | {"stated_probability": 0.7, "from_year": 2025, "predictor_id": "ada", "domain_id": "chips"}
    after["reference_class_id"] = "c"
    await import_bundle(database, bundle(predictions=[after], **base))
    expected = await exported(database)
    keys = "MATCH (n:Claim) RETURN n.id, n.deadline_key, n.probability_key, n.class_deadline_key ORDER BY n.id"
    edges = "MATCH ()-[r:KILLS]->() RETURN r.incoming_key, r.outgoing_key"
    expected_keys = [await ask_cypher(database, text) for text in (keys, edges)]
    await ask_cypher(database, "MATCH (n) WHERE n:Claim OR n:Milestone DETACH DELETE n")
    await import_bundle(database, bundle(predictions=[row], **base))

    answer = await mutate(
        database,
        "upsertPrediction",
        {
            "id": global_id("Prediction", "P_1"),
            "statedProbability": 0.7,
            "fromYear": 2025,
            "predictor": global_id("Predictor", "ada"),
            "domain": "chips",
            "referenceClass": "c",
        },
    )

    assert answer["__typename"] == "PredictionUpserted", answer
    assert await exported(database) == expected
    found = [await ask_cypher(database, text) for text in (keys, edges)]
    assert [row[:2] for row in found[0]] == [row[:2] for row in expected_keys[0]]
    assert found[1] == expected_keys[1]


async def test_a_claims_upsert_says_what_it_does_to_the_belief(database: Database) -> None:
    """A dry run is of use when it tells that."""
    await import_bundle(database, bundle(scenarios=[claim("S_1", 0.25)]))
    given = {"id": "S_1", "statedProbability": 0.75}

    dry = await mutate(database, "upsertScenario", given, dryRun=True)
    done = await mutate(database, "upsertScenario", given)

    for answer in (dry, done):
        assert answer["before"]["probability"] == pytest.approx(0.25)
        assert answer["after"]["probability"] == pytest.approx(0.75)
    assert (dry["isDryRun"], dry["bookmark"], done["isDryRun"]) == (True, None, False)


async def test_a_dry_run_keeps_nothing(database: Database) -> None:
    """Not even a receipt."""
    await import_once(database, bundle(predictions=[prediction()]))
    before = await everything(database)

    answer = await mutate(database, "upsertPrediction", NEW["Prediction"], dryRun=True, idempotencyKey="k")
    gone = await delete(database, "Prediction", "P_1", dryRun=True)

    assert (answer["isNew"], answer["isDryRun"]) == (True, True)
    assert (gone["__typename"], gone["isDryRun"]) == ("SubjectDeleted", True)
    assert await everything(database) == before


async def test_a_retry_gets_the_same_answer_and_another_request_is_refused_its_key(database: Database) -> None:
    """Twenty at once are one."""
    answers = await asyncio.gather(
        *(mutate(database, "upsertKiller", NEW["Killer"], idempotencyKey="once") for _ in range(20))
    )
    other = await mutate(database, "upsertKiller", NEW["Killer"] | {"title": "Another"}, idempotencyKey="once")

    assert [answer["isNew"] for answer in answers] == [True] * 20
    assert sorted(answer["isReplayed"] for answer in answers) == [False] + [True] * 19
    assert (other["__typename"], place_of(other)) == ("KeyReused", "idempotencyKey")


async def test_a_retry_is_answered_even_when_what_was_written_is_gone(database: Database) -> None:
    """The answer is the first one's; what it led to is read now."""
    await import_once(database, bundle(predictions=[prediction()], killers=[claim("TK_1")]))
    edge = {"kind": "KILLS", "parent": "TK_1", "child": "P_1"}
    selected = "... on InfluenceUpserted { kind parent { key } child { key } }"
    await mutate(database, "upsertInfluence", edge, selected, idempotencyKey="edge")
    await mutate(database, "upsertDomain", NEW["Domain"], idempotencyKey="domain")
    await delete(database, "Killer", "TK_1")
    await delete(database, "Domain", "chips")

    edge_again = await mutate(database, "upsertInfluence", edge, selected, idempotencyKey="edge")
    domain_again = await mutate(
        database, "upsertDomain", NEW["Domain"], "... on DomainUpserted { domain { key } }", idempotencyKey="domain"
    )

    assert (edge_again["isReplayed"], edge_again["parent"], edge_again["child"]) == (True, None, {"key": "P_1"})
    assert (domain_again["isReplayed"], domain_again["isNew"], domain_again["domain"]) == (True, True, None)


async def test_a_deadline_follows_its_window_and_goes_with_it(database: Database) -> None:
    """What was made of a field is made anew, and never stands against it."""
    await mutate(database, "upsertPrediction", NEW["Prediction"])
    await mutate(database, "upsertPrediction", {"id": "P_9", "fromYear": 2027})
    moved = await stored(database, "Prediction", "P_9")
    await mutate(database, "upsertPrediction", {"id": "P_9", "fromYear": None})
    gone = await stored(database, "Prediction", "P_9")
    wrong = await mutate(
        database, "upsertPrediction", {"id": "P_9", "fromYear": 2027, "deadline": "2027-01-01T00:00:00Z"}
    )

    assert moved is not None
    assert gone is not None
    assert moved["deadline"].isoformat().startswith("2027-12-31")
    assert "deadline" not in gone
    assert (wrong["__typename"], place_of(wrong)) == ("Invalid", "input.deadline")


async def test_a_milestone_that_moves_has_its_chain_ranked_anew(database: Database) -> None:
    """Ranks and check-ins follow, and never stand against a change."""
    await import_bundle(database, bundle(predictions=[prediction()], milestones=[event()]))
    new = {"id": "m", "prediction": "P_1", "milestoneKind": "RESEARCHED", "label": "M", "rangeStartsOn": "2026-11-01"}

    await mutate(database, "upsertMilestone", new | {"rangeEndsOn": "2026-11-11"})
    late = await stored(database, "Milestone", "m")
    await mutate(database, "upsertMilestone", {"id": "m", "rangeStartsOn": "2026-01-01", "rangeEndsOn": "2026-01-03"})
    early = await stored(database, "Milestone", "m")
    await mutate(database, "upsertMilestone", {"id": "P_1:event", "expectedOn": "2026-12-01"})
    moved = await stored(database, "Milestone", "P_1:check-in-1")

    assert late is not None
    assert early is not None
    assert moved is not None
    assert (late["ordinal"], str(late["expected_date"])) == (1, "2026-11-06")
    assert (early["ordinal"], str(early["expected_date"])) == (-4, "2026-01-02")
    assert str(moved["expected_date"]) == "2026-03-25"


async def test_what_is_named_must_be_there(database: Database) -> None:
    """Each name that stands for nothing is told, with its place."""
    given = NEW["Prediction"] | {"predictor": "nobody", "domain": "nowhere"}
    answer = await mutate(database, "upsertPrediction", given)
    one = await mutate(database, "upsertExposure", {"sign": "HARMS", "prediction": "P_9", "ticker": "NVDA"})

    assert answer["__typename"] == "BatchRefused"
    assert [(found["__typename"], place_of(found)) for found in answer["refusals"]] == [
        ("NotFound", "input.predictor"),
        ("NotFound", "input.domain"),
    ]
    assert [place_of(found) for found in one["refusals"]] == ["input.prediction", "input.ticker"]


async def test_an_id_of_another_kind_of_claim_is_a_conflict(database: Database) -> None:
    """Claims share their ids."""
    await mutate(database, "upsertKiller", NEW["Killer"])
    answer = await mutate(database, "upsertScenario", {"id": "TK_9", "title": "A scenario"})

    assert (answer["__typename"], place_of(answer)) == ("Conflict", "input.id")
    assert "'TK_9' is a Killer" in answer["message"]


async def test_influences_come_change_and_go(database: Database) -> None:
    """Its kind and its ends say which."""
    await import_once(database, bundle(predictions=[prediction()], killers=[claim("TK_1")]))
    which = {"kind": "KILLS", "parent": "TK_1", "child": "P_1"}
    selected = """... on InfluenceUpserted { kind probabilityIfTrue probabilityIfFalse lagDays basis
        parent { key } child { key } }"""

    first = await mutate(
        database, "upsertInfluence", which | {"probabilityIfTrue": 0.1, "probabilityIfFalse": 0.6}, selected
    )
    second = await mutate(database, "upsertInfluence", which | {"lagDays": 3}, selected)
    half = await mutate(database, "upsertInfluence", which | {"probabilityIfTrue": None})
    gone = await mutate(database, "removeInfluence", which, "... on InfluenceRemoved { kind parent { key } }")
    again = await mutate(database, "removeInfluence", which)

    assert (first["isNew"], first["parent"]["key"], first["child"]["key"]) == (True, "TK_1", "P_1")
    assert (second["isNew"], second["probabilityIfTrue"], second["probabilityIfFalse"], second["lagDays"]) == (
        False,
        0.1,
        0.6,
        3,
    )
    assert (half["__typename"], place_of(half)) == ("Invalid", "input.probabilityIfTrue")
    assert (gone["__typename"], gone["kind"], gone["parent"]["key"]) == ("InfluenceRemoved", "KILLS", "TK_1")
    assert again["__typename"] == "NotFound"
    assert await ask_cypher(database, "MATCH ()-[r:KILLS]->() RETURN r") == []


async def test_an_influence_that_closes_a_cycle_is_refused_with_its_ids(database: Database) -> None:
    """Whatever kinds of influence the way back is made of."""
    scenarios = [claim(f"S_{n}") for n in range(4)]
    edges = [requiring("S_0", "S_1"), killing("S_1", "S_2"), requiring("S_2", "S_3")]
    await import_bundle(database, bundle(scenarios=scenarios, influences=edges))
    given = {"kind": "CORRELATES_WITH", "parent": "S_3", "child": "S_0"}

    answer = await mutate(database, "upsertInfluence", given)
    itself = await mutate(database, "upsertInfluence", given | {"child": "S_3"})

    assert (answer["__typename"], answer["cycle"]) == ("CycleRefused", ["S_3", "S_0", "S_1", "S_2", "S_3"])
    assert place_of(answer) == "input"
    assert itself["__typename"] == "Invalid"
    assert "two different claims" in itself["message"]


async def test_two_influences_at_once_cannot_close_a_cycle_together(database: Database) -> None:
    """Each alone is fine; writers take turns, so the second sees the first."""
    for attempt in range(3):
        ends = [f"A_{attempt}", f"B_{attempt}"]
        await import_bundle(database, bundle(scenarios=[claim(end) for end in ends]))
        answers = await asyncio.gather(
            *(
                mutate(database, "upsertInfluence", {"kind": "KILLS", "parent": parent, "child": child})
                for parent, child in (ends, ends[::-1])
            )
        )
        assert sorted(answer["__typename"] for answer in answers) == ["CycleRefused", "InfluenceUpserted"]


async def test_exposures_come_change_and_go(database: Database) -> None:
    """Its sign and its ends say which."""
    await import_bundle(database, bundle(predictions=[prediction()], tickers=[{"symbol": "NVDA"}]))
    which = {"sign": "HARMS", "prediction": "P_1", "ticker": global_id("Ticker", "NVDA")}
    selected = "... on ExposureUpserted { sign relevance impact prediction { key } ticker { symbol } }"

    first = await mutate(database, "upsertExposure", which | {"relevance": 0.5}, selected)
    second = await mutate(database, "upsertExposure", which | {"impact": -0.2}, selected)
    wrong = await mutate(database, "upsertExposure", which | {"relevance": 1.5}, selected)
    gone = await mutate(database, "removeExposure", which, "... on ExposureRemoved { ticker { symbol } }")

    assert (first["isNew"], first["ticker"], first["prediction"]) == (True, {"symbol": "NVDA"}, {"key": "P_1"})
    assert (second["isNew"], second["relevance"], second["impact"]) == (False, 0.5, -0.2)
    assert (wrong["__typename"], place_of(wrong)) == ("Invalid", "input.relevance")
    assert (gone["__typename"], gone["ticker"]) == ("ExposureRemoved", {"symbol": "NVDA"})


async def test_documents_are_linked_and_unlinked(database: Database) -> None:
    """Saying it again changes nothing."""
    await import_bundle(database, bundle(killers=[claim("TK_1")], documents=[{"id": "doc", "title": "A paper"}]))
    ends = {"document": "doc", "claim": global_id("Killer", "TK_1")}
    selected = "... on DocumentLinked { isNew document { key } claim { key } }"

    first = await mutate(database, "linkDocument", ends, selected)
    again = await mutate(database, "linkDocument", ends, selected)
    refused = await delete(database, "Document", "doc")
    gone = await mutate(database, "unlinkDocument", ends, "... on DocumentUnlinked { document { key } }")
    absent = await mutate(database, "unlinkDocument", ends)
    deleted = await delete(database, "Document", "doc")

    assert (first["isNew"], first["document"], first["claim"]) == (True, {"key": "doc"}, {"key": "TK_1"})
    assert again["isNew"] is False
    assert refused["__typename"] == "HistoryWouldBeLost"
    assert "1 claim" in refused["message"]
    assert "unlink" in refused["message"]
    assert (gone["__typename"], absent["__typename"]) == ("DocumentUnlinked", "NotFound")
    assert deleted["__typename"] == "SubjectDeleted"


async def test_a_look_counts_once(database: Database) -> None:
    """The same look again is told apart from another on the same day."""
    await import_once(database, bundle(predictions=[prediction()]))
    look = {"prediction": "P_1", "observedOn": "2026-03-01", "finding": "partial", "by": "Ada"}
    selected = "... on ValidationAdded { validation { key finding observedOn prediction { key } } }"

    first = await mutate(database, "addValidation", look, selected)
    again = await mutate(database, "addValidation", look)
    other = await mutate(database, "addValidation", look | {"finding": "on track"})
    future = await mutate(database, "addValidation", look | {"observedOn": "2990-01-01"})

    assert first["validation"]["prediction"] == {"key": "P_1"}
    assert (first["validation"]["finding"], first["validation"]["observedOn"]) == ("partial", "2026-03-01")
    assert (again["__typename"], again["existingKey"]) == ("Duplicate", first["validation"]["key"])
    assert other["__typename"] == "ValidationAdded"
    assert (future["__typename"], place_of(future)) == ("FutureObservation", "input.observedOn")


@pytest.fixture
async def history(database: Database) -> Database:
    """A graph in which something refers to everything."""
    given: Bundle = bundle(
        predictors=[{"id": "ada", "name": "Ada"}, {"id": "bob", "name": "Bob"}],
        reference_classes=[
            {"id": "chips", "description": "Chips", "base_rate": 0.2},
            {"id": "old", "description": "Old", "base_rate": 0.3},
        ],
        tickers=[{"symbol": "NVDA"}],
        documents=[{"id": "doc", "title": "A paper"}],
        episodes=[{"id": "EP_1", "title": "The first"}],
        domains=[{"id": "chips"}],
        predictions=[
            prediction("P_1", predictor_id="ada", reference_class_id="chips", episode_id="EP_1", domain_id="chips"),
            prediction("P_2", predictor_id="ada", status="RESOLVED_TRUE", resolved_at="2026-05-01T00:00:00Z"),
            prediction("P_3"),
            prediction("P_4", status="ANNULLED", resolved_at="2026-05-01T00:00:00Z"),
            prediction("P_5"),
        ],
        milestones=[
            event("P_1"),
            event("P_3", observed_date="2026-06-01", status="HIT"),
            event("P_5"),
            {**event("P_5", "2026-02-01"), "id": "P_5:m", "kind": "RESEARCHED"},
        ],
        evidence=[evidence(predictor_id="ada", document_id="doc", reference_class_id="old", milestone_id="P_1:event")],
        validations=[{"id": "v", "prediction_id": "P_2", "observed_at": "2026-03-01", "status": "partial"}],
        exposures=[{"sign": "HARMS", "prediction_id": "P_1", "symbol": "NVDA"}],
    )
    await import_once(database, given)
    return database


@pytest.mark.parametrize(
    ("subject", "key", "words"),
    [
        ("Prediction", "P_1", "it has 1 ledger row and 1 observed milestone; annul it instead"),
        ("Prediction", "P_2", "1 validation and the status RESOLVED_TRUE"),
        ("Prediction", "P_3", "1 observed milestone"),
        ("Prediction", "P_4", "the status ANNULLED"),
        ("Predictor", "ada", "is referred to by 2 predictions and 1 ledger row;"),
        ("ReferenceClass", "chips", "is referred to by 1 prediction;"),
        ("ReferenceClass", "old", "is referred to by 1 ledger row;"),
        ("Ticker", "NVDA", "is referred to by 1 exposure;"),
        ("Document", "doc", "is referred to by 1 ledger row;"),
        ("Episode", "EP_1", "is referred to by 1 prediction;"),
        ("Domain", "chips", "is referred to by 1 claim;"),
        ("Milestone", "P_1:event", "has 1 ledger row"),
        ("Milestone", "P_3:event", "was observed (HIT)"),
        ("Evidence", "E_1", "the ledger is append-only"),
        ("Validation", "v", "append-only"),
    ],
)
async def test_nothing_is_deleted_that_is_history_or_referred_to(
    history: Database, subject: str, key: str, words: str
) -> None:
    """The answer says what would be lost, how much of it, and what to do instead."""
    before = await everything(history)
    answer = await delete(history, subject, key)

    assert (answer["__typename"], place_of(answer)) == ("HistoryWouldBeLost", "input.id")
    assert words in answer["message"]
    assert await everything(history) == before


@pytest.mark.parametrize(
    ("mutation", "given", "path"),
    [
        ("upsertPrediction", {"id": "P_1", "statedProbability": 0.6}, "input.statedProbability"),
        ("upsertPrediction", {"id": "P_1", "statedProbability": None}, "input.statedProbability"),
        ("upsertPrediction", {"id": "P_2", "statedProbability": 0.6}, "input.statedProbability"),
        ("upsertPrediction", {"id": "P_2", "predictor": "bob"}, "input.predictor"),
        ("upsertPrediction", {"id": "P_2", "predictor": None}, "input.predictor"),
        ("upsertPrediction", {"id": "P_4", "predictor": "bob"}, "input.predictor"),
        ("upsertMilestone", {"id": "P_3:event", "milestoneKind": "RESEARCHED"}, "input.milestoneKind"),
        ("upsertMilestone", {"id": "P_1:event", "prediction": "P_3"}, "input.prediction"),
    ],
)
async def test_nothing_is_changed_that_history_was_made_from(
    history: Database, mutation: str, given: Json, path: str
) -> None:
    """A record and a ledger stay what they were made of."""
    before = await everything(history)
    answer = await mutate(history, mutation, given)

    assert (answer["__typename"], place_of(answer)) == ("HistoryWouldBeLost", path)
    assert await everything(history) == before


async def test_what_is_no_history_of_a_settled_claim_can_still_be_mended(history: Database) -> None:
    """A slip in a title is no record."""
    answer = await mutate(
        history, "upsertPrediction", {"id": "P_2", "title": "Better", "predictor": "ada", "statedProbability": 0.5}
    )
    assert answer["__typename"] == "PredictionUpserted"
    row = await stored(history, "Prediction", "P_2")
    assert row is not None
    assert (row["title"], row["status"]) == ("Better", "RESOLVED_TRUE")


async def test_a_claim_goes_with_what_is_only_its_own(database: Database) -> None:
    """What is left is the graph without it, as if it had never come."""
    rest: dict[str, list[Json]] = {
        "predictors": [{"id": "ada", "name": "Ada"}],
        "domains": [{"id": "chips"}],
        "tickers": [{"symbol": "NVDA"}],
        "documents": [{"id": "doc", "title": "A paper"}],
        "killers": [claim("TK_1")],
    }
    await import_bundle(database, bundle(predictions=[prediction("P_2")], **rest))
    expected = await exported(database)
    more = bundle(
        predictions=[prediction("P_1", predictor_id="ada", domain_id="chips")],
        milestones=[event()],
        influences=[killing("TK_1", "P_1"), requiring("P_1", "P_2")],
        exposures=[{"sign": "HARMS", "prediction_id": "P_1", "symbol": "NVDA"}],
        document_links=[{"document_id": "doc", "claim_id": "P_1"}],
    )
    await import_bundle(database, more)

    answer = await delete(database, "Prediction", "P_1")

    numbers = {
        name: answer[name] for name in ("influenceCount", "exposureCount", "documentLinkCount", "milestoneCount")
    }
    assert numbers == {"influenceCount": 2, "exposureCount": 1, "documentLinkCount": 1, "milestoneCount": 4}
    assert (answer["subject"], answer["id"], answer["key"]) == ("PREDICTION", global_id("Prediction", "P_1"), "P_1")
    assert await exported(database) == expected
    assert (await delete(database, "Prediction", "P_1"))["__typename"] == "NotFound"


async def test_an_event_takes_its_pending_check_ins_and_the_rest_is_ranked_anew(history: Database) -> None:
    """Ranks count from the event while there is one."""
    check_in = await delete(history, "Milestone", "P_5:check-in-2")
    answer = await delete(history, "Milestone", "P_5:event")
    left = await ask_cypher(history, "MATCH (:Claim {id: 'P_5'})-[:HAS_MILESTONE]->(m) RETURN m.id, m.ordinal")

    assert (check_in["__typename"], place_of(check_in)) == ("Conflict", "input.id")
    assert "delete the event" in check_in["message"]
    assert (answer["__typename"], answer["milestoneCount"]) == ("SubjectDeleted", 3)
    assert left == [["P_5:m", 0]]


@pytest.mark.parametrize("subject", [name for name in NODES if name not in {"Prediction", "Scenario", "Killer"}])
async def test_what_nothing_refers_to_can_be_deleted(database: Database, subject: str) -> None:
    """By its key too, where the subject is said."""
    await import_once(database, bundle(predictions=[prediction()]))
    before = await exported(database)
    await mutate(database, f"upsert{subject}", NEW[subject])
    key = NEW[subject].get("id") or NEW[subject]["symbol"]
    name = "".join(f"_{letter}" if letter.isupper() else letter for letter in subject).lstrip("_").upper()

    answer = await mutate(database, "deleteSubject", None, "... on SubjectDeleted { key }", id=key, subject=name)

    assert (answer["__typename"], answer["key"]) == ("SubjectDeleted", key)
    assert await exported(database) == before


async def test_every_write_raises_the_revision_and_none_that_changes_nothing(database: Database) -> None:
    """The revision is the key of all that is kept computed over the graph."""
    await import_once(database, bundle(predictions=[prediction()], killers=[claim("TK_1")]))
    which = {"kind": "KILLS", "parent": "TK_1", "child": "P_1"}

    async def revision() -> int:
        return int((await ask_cypher(database, "MATCH (g:Graph {id: 'graph'}) RETURN g.revision"))[0][0])

    seen = [await revision()]
    for name in ("upsertInfluence", "upsertInfluence", "removeInfluence"):
        await mutate(database, name, which)
        seen.append(await revision())
    await delete(database, "Killer", "TK_1")
    seen.append(await revision())

    rises = [after - before for before, after in pairwise(seen)]
    assert [rise > 0 for rise in rises] == [True, False, True, True]


async def test_deleting_a_hub_costs_as_many_statements_as_deleting_a_leaf(
    database: Database, statements: StatementCounter
) -> None:
    """What goes with it goes in one statement."""
    hub = bundle(
        killers=[claim("TK_HUB"), claim("TK_LEAF")],
        predictions=[prediction(f"P_{n}") for n in range(300)],
        influences=[killing("TK_HUB", f"P_{n}") for n in range(300)],
    )
    await import_bundle(database, hub)
    counts = []
    for key in ("TK_LEAF", "TK_HUB"):
        statements.reset()
        answer = await delete(database, "Killer", key)
        counts.append(len(statements.names))

    assert answer["influenceCount"] == 300
    assert counts[0] == counts[1]


async def test_what_follows_from_the_ledger_is_right_after_any_change(history: Database) -> None:
    """Windows, classes, base rates and records move beliefs; what is stored is what would be computed."""
    changes: list[tuple[str, Json]] = [
        ("upsertPrediction", {"id": "P_1", "fromYear": 2027}),
        ("upsertPrediction", {"id": "P_1", "referenceClass": "old"}),
        ("upsertReferenceClass", {"id": "old", "baseRate": 0.45}),
        ("upsertPrediction", {"id": "P_1", "referenceClass": None, "predictor": "bob"}),
        ("upsertPrediction", {"id": "P_5", "statedProbability": 0.8, "referenceClass": "chips"}),
        ("upsertReferenceClass", {"id": "chips", "baseRate": 0.6}),
        ("upsertPrediction", {"id": "P_5", "statedProbability": None}),
        ("upsertPredictor", {"id": "ada", "recordKappa": 0.7, "recordResolvedCount": 4}),
    ]
    for name, given in changes:
        answer = await mutate(history, name, given)
        assert answer["hasChanged"], answer
        assert [found async for found in verify(history)] == [], (name, given)


async def test_deletion_and_evidence_at_once_come_to_one_of_two_ends(database: Database) -> None:
    """Either the claim is gone and the evidence is told so, or the evidence is there and the claim stays."""

    async def submit(key: str, pause: float) -> Json:
        await asyncio.sleep(pause)
        return await mutate(database, "submitEvidence", {"claim": key, "direction": "FOR", "strength": "WEAK"})

    await import_bundle(database, bundle(scenarios=[claim(f"S_{n}") for n in range(16)]))
    for n in range(16):
        gone, recorded = await asyncio.gather(delete(database, "Scenario", f"S_{n}"), submit(f"S_{n}", n * 0.005))
        end = gone["__typename"], recorded["__typename"]
        assert end in {("SubjectDeleted", "NotFound"), ("HistoryWouldBeLost", "EvidenceRecorded")}
    assert [found async for found in verify(database)] == []
