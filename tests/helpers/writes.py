"""A small graph, and writes to it of every kind."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from graph.bundles.importing import import_bundle
from graph.database.revisions import MAX_NOTED
from graph.database.sessions import Database
from graph.families.store import delete_family
from graph.inference.evidence import Direction, Strength
from graph.ledger.derived import rebuild
from graph.ledger.items import EvidenceItem
from graph.model.kinds import ClaimStatus
from graph.outcomes.milestones import Observation, record_milestone
from graph.outcomes.resolution import Outcome, annul, resolve, unresolve
from graph.outcomes.sweep import sweep
from graph.subjects.deletions import delete_subject, remove_edge
from graph.subjects.upserts import Change, add_validation, upsert
from tests.helpers.asking import service_of
from tests.helpers.bundles import bundle, claim, event, evidence, family, killing, portfolio, prediction, requiring

Write = Callable[[Database], Awaitable[Any]]

MOMENT = datetime(2026, 5, 30, 22, 15, tzinfo=UTC)
SMALL = bundle(
    domains=[{"id": "chips"}],
    predictors=[{"id": "ada", "name": "Ada"}],
    tickers=[{"symbol": "NVDA"}, {"symbol": "BHP:XASX"}],
    documents=[{"id": "doc", "title": "A paper"}],
    predictions=[prediction(f"P_{n}", predictor_id="ada") for n in range(6)],
    killers=[claim("TK_1")],
    scenarios=[claim("S_1")],
    milestones=[event(f"P_{n}") for n in range(6)],
    evidence=[evidence(f"E_{n}", f"P_{n % 2}", recorded_at=f"2026-05-{n + 10}T00:00:00Z") for n in range(4)],
    validations=[{"id": "V_1", "prediction_id": "P_0", "observed_at": "2026-03-01", "status": "partial"}],
    influences=[killing("TK_1", f"P_{n}") for n in range(6)] + [requiring("S_1", "P_0")],
    exposures=[{"sign": "BENEFITS", "prediction_id": f"P_{n}", "symbol": "NVDA", "relevance": 0.5} for n in range(3)],
    document_links=[{"document_id": "doc", "claim_id": f"P_{n}"} for n in range(3)],
    portfolios=[portfolio("book", MOMENT, {"NVDA": 2.0, "GONE": -1.0})],
    claim_families=[family("outcomes", MOMENT, "P_0", "P_1")],
    saved_queries=[{"name": "overdue", "version": n, "statement": "RETURN 1"} for n in (1, 2)],
)


def given(name: str, *rows: Any) -> Write:
    """An import of rows of one list."""
    return lambda database: import_bundle(database, bundle(**{name: list(rows)}))


def submitted(claim_id: str, key: str | None = None) -> Write:
    """Evidence."""
    item = EvidenceItem(claim_id, Direction.FOR, Strength.WEAK, note=key)
    return lambda database: service_of(database).intake.submit([item], idempotency_key=key)


def deleted(subject: str, key: str) -> Write:
    """A deletion."""
    return lambda database: delete_subject(database, subject, key)


def settled(claim_id: str, status: ClaimStatus) -> Write:
    """An outcome."""
    write = {ClaimStatus.ANNULLED: annul, ClaimStatus.OPEN: unresolve}.get(status, resolve)
    return lambda database: write(database, claim_id, Outcome(status=status))


def removed(name: str, **ends: str) -> Write:
    """A relationship that is taken away."""
    return lambda database: remove_edge(database, Change(name, ends), f"remove {name}")


def upserted(list_name: str, /, **values: Any) -> Write:
    """A row as a mutation writes it."""
    return lambda database: upsert(database, Change(list_name, values))


WRITES: Mapping[str, Write] = {
    "evidence": submitted("P_3"),
    "evidence under a key": submitted("P_3", "a key"),
    "a new prediction": given("predictions", prediction("A_NEW", predictor_id="ada")),
    "a changed prediction": given("predictions", prediction("P_0", predictor_id="ada", title="Another")),
    "a new ticker": given("tickers", {"symbol": "AAA"}),
    "a changed ticker": upserted("tickers", symbol="NVDA", name="Nvidia"),
    "a changed document": upserted("documents", id="doc", title="Another", published_at=MOMENT),
    "a document": given("documents", {"id": "another", "title": "Another"}),
    "a saved query": given("saved_queries", {"name": "overdue", "version": 3, "statement": "RETURN 3"}),
    "a portfolio": given("portfolios", portfolio("book", MOMENT + timedelta(days=1), {"NVDA": 3.0})),
    "a family": given("claim_families", family("outcomes", MOMENT + timedelta(days=1), "P_3", "P_4")),
    "a family deleted": lambda database: delete_family(database, "outcomes"),
    "an exposure": given("exposures", {"sign": "BENEFITS", "prediction_id": "P_0", "symbol": "NVDA", "relevance": 0.9}),
    "a new exposure": given("exposures", {"sign": "HARMS", "prediction_id": "P_5", "symbol": "BHP:XASX"}),
    "a link": given("document_links", {"document_id": "doc", "claim_id": "P_5"}),
    "an influence": upserted("influences", **killing("TK_1", "P_0", p_if_true=0.02)),
    "a milestone": upserted("milestones", id="P_0:event", label="Another"),
    "an earlier event": given("milestones", event("P_0", "2026-08-01")),
    "a validation": lambda database: add_validation(
        database, {"prediction_id": "P_2", "observed_at": date(2026, 3, 2), "status": "late"}
    ),
    "an outcome": settled("P_0", ClaimStatus.RESOLVED_TRUE),
    "an annulment": settled("P_1", ClaimStatus.ANNULLED),
    "an event": lambda database: record_milestone(database, "P_4:event", Observation(is_hit=True)),
    "a sweep": sweep,
    "a claim deleted": deleted("Prediction", "P_2"),
    "a killer deleted": deleted("Killer", "TK_1"),
    "a ticker deleted": deleted("Ticker", "BHP:XASX"),
    "a milestone deleted": deleted("Milestone", "P_0:event"),
    "an exposure removed": removed("exposures", sign="BENEFITS", prediction_id="P_1", symbol="NVDA"),
    "a link removed": removed("document_links", document_id="doc", claim_id="P_1"),
    "an influence removed": removed("influences", kind="KILLS", parent_id="TK_1", child_id="P_1"),
    "beliefs rebuilt": rebuild,
    "too much to be noted": given("tickers", *({"symbol": f"T{n}"} for n in range(MAX_NOTED + 1))),
}
