"""The project's own queries: their answers on the sample, each by a second route over the bundle's rows."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from graph.adhoc.running import Adhoc
from graph.bundles.importing import import_bundle
from graph.database.address import DatabaseAddress
from graph.database.sessions import Database
from graph.inference.network.diagnostics import Method
from graph.ledger.derived import refresh_posteriors
from graph.model.bundle import Bundle
from graph.model.kinds import ClaimStatus, InfluenceKind, MilestoneKind, MilestoneStatus, ParameterType
from graph.model.rows import Claim, Evidence
from graph.network.engine import Engine
from graph.network.propagation import propagate_all
from graph.sample import Sample
from graph.sample.loading import load_samples
from graph.saved import library
from graph.saved.library import list_library, list_own_versions, read_folder, read_query
from graph.saved.queries import NAME, RESERVED, Origin
from graph.saved.running import SavedQueries
from graph.saved.store import find_query, list_versions
from tests.helpers.database import empty

pytestmark = pytest.mark.statements

AS_OF = datetime(2026, 9, 1, tzinfo=UTC)
TODAY = AS_OF.date()
OPEN = ClaimStatus.OPEN

Rows = list[dict[str, Any]]


class Sampled:
    """The sample, and the values that the graph derives from it."""

    def __init__(self, bundle: Bundle, derived: Mapping[str, Mapping[str, Any]], queries: SavedQueries) -> None:
        self.bundle, self.derived, self._queries = bundle, derived, queries
        self.claims: dict[str, Claim] = {
            claim.id: claim for claim in (*bundle.predictions, *bundle.scenarios, *bundle.killers)
        }
        self.predictors = {predictor.id: predictor for predictor in bundle.predictors}
        self.milestones = {milestone["id"]: milestone for milestone in derived.values() if "ordinal" in milestone}

    def is_open(self, claim_id: str) -> bool:
        """Whether a claim is open."""
        return self.claims[claim_id].status is OPEN

    def of(self, node_id: str, name: str) -> Any:
        """A property of a node, as the graph has it."""
        return self.derived[node_id].get(name)

    async def run(self, name: str, **values: Any) -> Rows:
        """The rows of a query."""
        async with self._queries.run(name, values, caller="test") as answer:
            rows = [row async for batch in answer.batches() for row in batch]
        return [dict(zip(answer.columns, map(_native, row), strict=True)) for row in rows]


def _native(value: Any) -> Any:
    return value.to_native() if hasattr(value, "to_native") else value


@pytest.fixture(scope="module")
async def sampled(migrated_database: Database, database_address: DatabaseAddress) -> AsyncIterator[Sampled]:
    """The sample, with marginals, and beliefs of a week and a month before."""
    await empty(migrated_database)
    bundle = load_samples(Sample.ALL)
    await import_bundle(migrated_database, bundle)
    await refresh_posteriors(migrated_database)
    engine = Engine()
    await propagate_all(migrated_database, engine, Method.AUTO)
    engine.close()
    async with migrated_database.open_session() as session:
        found = await session.run("MATCH (n) WHERE n:Claim OR n:Milestone OR n:Evidence OR n:Predictor RETURN n")
        nodes = [dict(record["n"]) async for record in found]
    derived = {node["id"]: {name: _native(value) for name, value in node.items()} for node in nodes}
    async with Adhoc(database_address) as adhoc:
        yield Sampled(bundle, derived, SavedQueries(migrated_database, adhoc))
    await empty(migrated_database)


def ranked(rows: Iterable[dict[str, Any]], *keys: Callable[[dict[str, Any]], Any]) -> Rows:
    """Rows in order."""
    return sorted(rows, key=lambda row: tuple(key(row) for key in keys))


def picked(rows: Rows, *names: str) -> list[tuple[Any, ...]]:
    """Some columns of rows, numbers rounded, as sums differ in their last digits by their order."""
    return [tuple(round(row[name], 9) if isinstance(row[name], float) else row[name] for name in names) for row in rows]


def recorded(sampled: Sampled, days: int) -> list[Evidence]:
    """The evidence of the days before the moment."""
    return [row for row in sampled.bundle.evidence if AS_OF - timedelta(days=days) < row.recorded_at <= AS_OF]


async def test_most_surprising_evidence(sampled: Sampled) -> None:
    """By the ledger's own figures, which the bundle states."""
    rows = [
        {"evidence": row.id, "claim": row.claim_id, "log_odds_shift": row.posterior_logit - row.prior_logit}
        for row in recorded(sampled, 60)
        if row.posterior_logit is not None and row.prior_logit is not None
    ]
    expected = ranked(rows, lambda row: -round(abs(row["log_odds_shift"]), 9), lambda row: row["evidence"])[:10]

    found = await sampled.run("most-surprising-evidence", days=60, limit=10, asOf=AS_OF.isoformat())

    assert len(found) == 10
    names = ("evidence", "claim", "log_odds_shift")
    assert sorted(picked(found, *names)) == sorted(picked(expected, *names))
    shifts = [abs(row["log_odds_shift"]) for row in found]
    assert shifts == sorted(shifts, reverse=True)


async def test_overdue_check_ins(sampled: Sampled) -> None:
    day = date(2027, 6, 1)
    late: dict[str, list[tuple[date, str]]] = defaultdict(list)
    predictions = {prediction.id: prediction for prediction in sampled.bundle.predictions}
    for milestone in sampled.milestones.values():
        prediction = predictions[milestone["prediction_id"]]
        last = milestone.get("range_to") or milestone["expected_date"]
        is_waiting = milestone["status"] in {MilestoneStatus.PENDING, MilestoneStatus.OVERDUE}
        is_late = is_waiting and last < day - timedelta(days=7)
        if milestone["kind"] == MilestoneKind.CHECK_IN and is_late and prediction.status is OPEN:
            late[prediction.predictor_id or ""].append((last, prediction.id))
    rows = [
        {
            "predictor": predictor,
            "overdue_count": len(found),
            "prediction_count": len({prediction for _, prediction in found}),
            "oldest": min(found)[0],
        }
        for predictor, found in late.items()
    ]

    found = await sampled.run("overdue-check-ins", on=day.isoformat())

    assert rows
    expected = ranked(rows, lambda r: -r["overdue_count"], lambda r: r["oldest"], lambda r: r["predictor"])
    names = ("predictor", "overdue_count", "prediction_count", "oldest")
    assert picked(found, *names) == picked(expected, *names)


@pytest.mark.parametrize(
    ("name", "kind", "count", "key"),
    [
        ("killers-by-open-children", InfluenceKind.KILLS, "open_count", "killer"),
        ("blocking-prerequisites", InfluenceKind.PREREQUISITE_OF, "blocked_count", "claim"),
    ],
)
async def test_parents_by_open_children(sampled: Sampled, name: str, kind: InfluenceKind, count: str, key: str) -> None:
    children: dict[str, set[str]] = defaultdict(set)
    for row in sampled.bundle.influences:
        if row.kind is kind and sampled.is_open(row.parent_id) and sampled.is_open(row.child_id):
            children[row.parent_id].add(row.child_id)
    rows = [{key: parent, count: len(found)} for parent, found in children.items()]

    found = await sampled.run(name, limit=5)

    assert len(found) == 5
    assert picked(found, key, count) == picked(ranked(rows, lambda r: -r[count], lambda r: r[key])[:5], key, count)
    assert all(row["mean_effect"] > 0 for row in found)


async def test_predictors_by_brier(sampled: Sampled) -> None:
    """Mean squared errors of the stated probabilities of resolved predictions."""
    errors: dict[str, list[float]] = defaultdict(list)
    for row in sampled.bundle.predictions:
        if row.status in {ClaimStatus.RESOLVED_TRUE, ClaimStatus.RESOLVED_FALSE} and row.stated_probability is not None:
            outcome = row.status is ClaimStatus.RESOLVED_TRUE
            errors[row.predictor_id or ""].append((row.stated_probability - outcome) ** 2)
    rows = [
        {"predictor": predictor, "brier": sum(found) / len(found), "resolved_count": len(found)}
        for predictor, found in errors.items()
        if len(found) >= 4 and sampled.predictors[predictor].record_brier is None
    ]

    found = await sampled.run("predictors-by-brier", leastResolved=4)

    names = ("predictor", "brier", "resolved_count")
    own = [row for row in found if sampled.predictors[row["predictor"]].record_brier is None]
    assert rows
    assert picked(own, *names) == picked(ranked(rows, lambda row: row["brier"]), *names)
    assert [row["brier"] for row in found] == sorted(row["brier"] for row in found)


async def test_tickers_by_gross_exposure(sampled: Sampled) -> None:
    gross: Counter[str] = Counter()
    net: Counter[str] = Counter()
    num: Counter[str] = Counter()
    for row in sampled.bundle.exposures:
        if not sampled.is_open(row.prediction_id):
            continue
        effect = (row.impact or 0.0) * (sampled.of(row.prediction_id, "posterior") or 0.0)
        gross[row.symbol] += abs(effect)  # type: ignore[assignment] # Counter counts fractions, too
        net[row.symbol] += effect  # type: ignore[assignment]
        num[row.symbol] += 1
    rows = [{"symbol": s, "gross": gross[s], "net": net[s], "exposure_count": num[s]} for s in num]

    found = await sampled.run("tickers-by-gross-exposure")

    names = ("symbol", "gross", "net", "exposure_count")
    assert len(found) > 10
    assert picked(found, *names) == picked(
        ranked(rows, lambda r: -round(r["gross"], 12), lambda r: r["symbol"]), *names
    )


async def test_marginals_against_posteriors(sampled: Sampled) -> None:
    rows = [
        {"claim": claim, "difference": sampled.of(claim, "marginal") - sampled.of(claim, "posterior")}
        for claim in sampled.claims
        if sampled.is_open(claim) and sampled.of(claim, "marginal") is not None
    ]
    expected = ranked(rows, lambda row: -abs(row["difference"]), lambda row: row["claim"])[:12]

    found = await sampled.run("marginals-against-posteriors", limit=12)

    assert len(found) == 12
    assert picked(found, "claim", "difference") == picked(expected, "claim", "difference")


@pytest.mark.parametrize(("as_of", "days"), [("2027-01-01T00:00:00Z", 0), ("2026-11-01T00:00:00Z", 365)])
async def test_due_for_resolution(sampled: Sampled, as_of: str, days: int) -> None:
    until = datetime.fromisoformat(as_of) + timedelta(days=days)
    rows = [
        {"claim": claim, "deadline": sampled.of(claim, "deadline")}
        for claim in sampled.claims
        if sampled.is_open(claim) and (sampled.of(claim, "deadline") or datetime.max.replace(tzinfo=UTC)) <= until
    ]

    found = await sampled.run("due-for-resolution", asOf=as_of, days=days)

    assert rows
    expected = ranked(rows, lambda row: row["deadline"], lambda row: row["claim"])
    assert picked(found, "claim", "deadline") == picked(expected, "claim", "deadline")


async def test_domains_by_open_claims(sampled: Sampled) -> None:
    by_domain = Counter((claim.domain_id, claim.status) for claim in sampled.claims.values())
    rows = [
        {
            "domain": domain.id,
            "open_count": by_domain[domain.id, OPEN],
            "resolved_count": by_domain[domain.id, ClaimStatus.RESOLVED_TRUE]
            + by_domain[domain.id, ClaimStatus.RESOLVED_FALSE],
            "annulled_count": by_domain[domain.id, ClaimStatus.ANNULLED],
        }
        for domain in sampled.bundle.domains
    ]
    names = ("domain", "open_count", "resolved_count", "annulled_count")

    found = await sampled.run("domains-by-open-claims")

    assert picked(found, *names) == picked(ranked(rows, lambda r: -r["open_count"], lambda r: r["domain"]), *names)


async def test_evidence_by_source(sampled: Sampled) -> None:
    titles = {document.id: document.title for document in sampled.bundle.documents}
    rows = recorded(sampled, 365)
    by_source: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for row in rows:
        if row.document_id is not None:
            by_source["document", titles[row.document_id] or row.document_id].append(row)
        elif row.predictor_id is not None:
            by_source["predictor", sampled.predictors[row.predictor_id].name].append(row)
        else:
            by_source["submitter", row.submitted_by or "unknown"].append(row)

    found = await sampled.run("evidence-by-source", days=365, asOf=AS_OF.isoformat())

    assert {(row["kind"], row["source"]): row["evidence_count"] for row in found} == {
        source: len(rows) for source, rows in by_source.items()
    }
    assert {row["source"]: row["claim_count"] for row in found} == {
        source: len({row.claim_id for row in rows}) for (_, source), rows in by_source.items()
    }
    assert sum(row["evidence_count"] for row in found) == len(rows) > 50


async def test_untouched_claims(sampled: Sampled) -> None:
    latest: dict[str, datetime] = {}
    for row in sampled.bundle.evidence:
        latest[row.claim_id] = max(row.recorded_at, latest.get(row.claim_id, row.recorded_at))
    since = AS_OF - timedelta(days=30)
    ancient = datetime.min.replace(tzinfo=UTC)
    rows = [
        {"claim": claim, "last_recorded_at": latest.get(claim)}
        for claim in sampled.claims
        if sampled.is_open(claim) and latest.get(claim, ancient) < since
    ]
    expected = ranked(rows, lambda row: row["last_recorded_at"] or ancient, lambda row: row["claim"])

    found = await sampled.run("untouched-claims", asOf=AS_OF.isoformat())

    assert {row["last_recorded_at"] is None for row in rows} == {True, False}
    assert picked(found, "claim", "last_recorded_at") == picked(expected, "claim", "last_recorded_at")


@pytest.mark.parametrize("is_month", [False, True])
async def test_largest_moves(sampled: Sampled, *, is_month: bool) -> None:
    before = "posterior_30_days_ago" if is_month else "posterior_7_days_ago"
    rows = [
        {"claim": claim, "move": sampled.of(claim, "posterior") - sampled.of(claim, before)}
        for claim in sampled.claims
        if sampled.is_open(claim) and sampled.of(claim, before) is not None
    ]
    expected = ranked(rows, lambda row: -abs(row["move"]), lambda row: row["claim"])[:10]

    found = await sampled.run("largest-moves", overMonth=is_month, limit=10)

    assert len(found) == 10
    assert picked(found, "claim", "move") == picked(expected, "claim", "move")


async def test_coming_milestones(sampled: Sampled) -> None:
    rows = [
        {"milestone": milestone["id"], "expected_on": milestone["expected_date"]}
        for milestone in sampled.milestones.values()
        if milestone["status"] in {MilestoneStatus.PENDING, MilestoneStatus.OVERDUE}
        and sampled.is_open(milestone["prediction_id"])
        and TODAY <= milestone["expected_date"] <= TODAY + timedelta(days=120)
    ]
    expected = ranked(rows, lambda row: row["expected_on"], lambda row: row["milestone"])

    found = await sampled.run("coming-milestones", on=TODAY.isoformat(), days=120)

    assert rows
    assert picked(found, "milestone", "expected_on") == picked(expected, "milestone", "expected_on")


@pytest.mark.parametrize("name", list(list_library()))
async def test_each_runs_with_its_defaults(sampled: Sampled, name: str) -> None:
    """So that its page shows a table at once, and a schedule needs no values."""
    query = list_library()[name]

    await sampled.run(name)

    assert query.origin is Origin.PROJECT
    assert NAME.fullmatch(name)
    assert not {parameter.name for parameter in query.parameters} & RESERVED
    assert not any(parameter.is_required for parameter in query.parameters)
    assert all(parameter.description for parameter in query.parameters)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("RETURN 1", "expected lines"),
        ("// description: a\nRETURN 1", "expected lines"),
        ("// description: a\n// version: 1\n// parameter: days\nRETURN $days", "expected a parameter as"),
        ("// description: a\n// version: 1\n// parameter: days NUMBER = 1: a\nRETURN $days", "NUMBER"),
    ],
)
def test_a_header_that_is_wrong_is_an_error(text: str, reason: str) -> None:
    """A slip in a file of the library shows at once."""
    with pytest.raises(ValueError, match=reason):
        read_query("query", text)


DIGESTS = Path(__file__).with_name("library.json")


def test_what_is_released_of_a_query_does_not_change() -> None:
    """A new text is a new version, beside the one before; after adding a version, add its digest to the file."""
    found = {
        f"{query.name}@{query.version}": hashlib.sha256(repr(replace(query, origin=Origin.USER)).encode()).hexdigest()
        for name in list_library()
        for query in list_own_versions(name)
    }
    assert found == json.loads(DIGESTS.read_text(encoding="utf-8"))


async def test_older_versions_are_kept(
    migrated_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is found by its number, behind what was saved under the name; a gap, or a wrong number, is a slip."""
    for name, version in (("a@1", 1), ("a@2", 2), ("a", 3), ("b", 1)):
        text = f"// description: d\n// version: {version}\nRETURN {version}"
        (tmp_path / f"{name}.cypher").write_text(text, encoding="utf-8")
    (tmp_path / "README.md").touch()
    found = read_folder(tmp_path)
    assert {name: [query.version for query in versions] for name, versions in found.items()} == {
        "a": [3, 2, 1],
        "b": [1],
    }
    monkeypatch.setattr(library, "_read_library", lambda: found)

    async def find(name: str, version: int | None = None) -> str | None:
        query = await migrated_database.read(partial(find_query, name=name, version=version))
        return None if query is None else query.statement

    assert [await find("a", version) for version in (None, 1, 2, 3, 4)] == [
        *("RETURN 3", "RETURN 1", "RETURN 2", "RETURN 3"),
        None,
    ]
    listed = await migrated_database.read(partial(list_versions, name="a"))
    assert [(query.version, query.origin) for query in listed] == [(n, Origin.PROJECT) for n in (3, 2, 1)]

    (tmp_path / "a@2.cypher").rename(tmp_path / "a@4.cypher")
    with pytest.raises(ValueError, match=r"a@4.cypher: expected version 4, got 2"):
        read_folder(tmp_path)
    (tmp_path / "a@4.cypher").unlink()
    with pytest.raises(ValueError, match=r"a: expected a file of each version from 1 on, got \[3, 1\]"):
        read_folder(tmp_path)


def test_a_header_declares_parameters() -> None:
    """Without a default one is required; null makes it optional."""
    header = "// description: a\n// version: 3\n// parameter: a INTEGER: b\n// parameter: c DATE = null: d\n"

    query = read_query("query", header + "RETURN $a, $c")

    assert [(p.name, p.type, p.is_required, p.default) for p in query.parameters] == [
        ("a", ParameterType.INTEGER, True, None),
        ("c", ParameterType.DATE, False, None),
    ]
    assert (query.version, query.statement) == (3, "RETURN $a, $c")
