"""Relations are followed by page keys and counted by relationships; both, and the id properties, tell the same."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.errors import InvalidError
from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.model.relations import (
    EXPOSURE_PROPERTIES,
    EXPOSURE_SIGNS,
    INFLUENCE_KINDS,
    INFLUENCE_PROPERTIES,
    RELATIONS,
    Relation,
)
from graph.model.rows import Influence, Row
from graph.model.subjects import CLAIM_SUBJECTS, SUBJECTS, row_id
from graph.reading.following import ROWS_AT_ONCE, Request, count, follow, get
from tests.helpers.copies import import_once
from tests.helpers.database import StatementCounter, empty
from tests.helpers.small_graph import small_graph

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

ARGUMENTS = {"kinds": list(INFLUENCE_KINDS), "signs": list(EXPOSURE_SIGNS), "hides_event": False}
EVERYTHING = 1_000
# From which list, by which field, to which field: each relation again, as the bundle's rows tell it.
TOLD_BY: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "predictor": (("predictions", "id", "predictor_id"),),
    "episode": (("predictions", "id", "episode_id"),),
    "reference_class": (("predictions", "id", "reference_class_id"),),
    "domain": tuple((name, "id", "domain_id") for name in ("predictions", "scenarios", "killers")),
    "milestones": (("milestones", "prediction_id", "id"),),
    "evidence": (("evidence", "claim_id", "id"),),
    "validations": (("validations", "prediction_id", "id"),),
    "exposures": (("exposures", "prediction_id", "symbol"),),
    "documents": (("document_links", "claim_id", "document_id"),),
    "incoming": (("influences", "child_id", "parent_id"),),
    "outgoing": (("influences", "parent_id", "child_id"),),
    "predictor_predictions": (("predictions", "predictor_id", "id"),),
    "reference_class_predictions": (("predictions", "reference_class_id", "id"),),
    "domain_predictions": (("predictions", "domain_id", "id"),),
    "episode_predictions": (("predictions", "episode_id", "id"),),
    "ticker_exposures": (("exposures", "symbol", "prediction_id"),),
    "document_claims": (("document_links", "document_id", "claim_id"),),
    "milestone_prediction": (("milestones", "id", "prediction_id"),),
    "validation_prediction": (("validations", "id", "prediction_id"),),
    "evidence_claim": (("evidence", "id", "claim_id"),),
    "evidence_predictor": (("evidence", "id", "predictor_id"),),
    "evidence_document": (("evidence", "id", "document_id"),),
    "evidence_milestone": (("evidence", "id", "milestone_id"),),
    "forecasts": (("forecasts", "claim_id", "predictor_id"),),
    "predictor_forecasts": (("forecasts", "predictor_id", "claim_id"),),
}
by_relation = pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.name)


def changed_graph() -> Bundle:
    """Rows of the small graph that now hang elsewhere, and rank elsewhere too."""
    rows: dict[str, Any] = {
        "format": BUNDLE_FORMAT,
        "predictions": [
            {
                "id": "P_00",
                "title": "Moved",
                "predictor_id": "ada",
                "domain_id": "space",
                "stated_probability": 0.05,  # as before: ledger rows stand on it
                "from_year": 2040,
                "imported_on": "2026-01-01",
            }
        ],
        "killers": [{"id": "TK_HUB", "title": "The lights go out", "stated_probability": 0.8, "domain_id": "chips"}],
        "milestones": [
            {
                "id": "P_00:m3",
                "prediction_id": "P_02",
                "kind": "RESEARCHED",
                "label": "Moved",
                "expected_date": "2026-07-01",
            }
        ],
        "validations": [{"id": "v2", "prediction_id": "P_03", "observed_at": "2026-03-02", "status": "partial"}],
        "documents": [{"id": "doc_1", "title": "Paper 1", "published_at": "2027-01-01T00:00:00Z"}],
        "exposures": [{"sign": "BENEFITS", "prediction_id": "P_00", "symbol": "TSM", "relevance": 1.0}],
    }
    return Bundle.model_validate(rows)


def told(bundle: Bundle, relation: Relation) -> dict[str, list[str]]:
    """Where the rows say that the relation leads to, by source."""
    found: dict[str, list[str]] = {}
    for name, source, target in TOLD_BY[relation.name]:
        for row in bundle.rows()[name]:
            if getattr(row, source) is not None and getattr(row, target) is not None:
                found.setdefault(getattr(row, source), []).append(getattr(row, target))
    return {source: sorted(targets) for source, targets in found.items()}


def merged(before: Bundle, after: Bundle) -> Bundle:
    """What a graph holds once the second bundle has come in upon the first."""
    rows = {
        name: tuple(({row_id(row): row for row in old} | {row_id(row): row for row in after.rows()[name]}).values())
        for name, old in before.rows().items()
    }
    return Bundle(format=BUNDLE_FORMAT, **rows)


def ids_of(bundle: Bundle) -> set[str]:
    return {
        row_id(row) for rows in bundle.rows().values() for row in rows if hasattr(row, "id") or hasattr(row, "symbol")
    }


@pytest.fixture(scope="module", params=["as imported", "as changed"])
async def graph(request: pytest.FixtureRequest, migrated_database: Database) -> AsyncIterator[tuple[Database, Bundle]]:
    """A database, and the bundle that tells what is in it."""
    await empty(migrated_database)
    await import_once(migrated_database, small_graph())
    bundle = small_graph()
    if request.param == "as changed":
        await import_bundle(migrated_database, changed_graph())
        bundle = merged(bundle, changed_graph())
    yield migrated_database, bundle
    await empty(migrated_database)


async def ask(database: Database, *requests: Request) -> list[list[tuple[str, str]]]:
    """The page key and the id of every row found."""
    found = await database.read(lambda unit: follow(unit, requests))
    return [[(row.key, row.properties.get("id") or row.properties["symbol"]) for row in rows] for rows in found]


def whole(relation: Relation, source: str, **more: Any) -> Request:
    asked: dict[str, Any] = {"limit": EVERYTHING, "properties": ("id", "symbol"), "arguments": ARGUMENTS} | more
    return Request(relation, source, **asked)


@by_relation
async def test_following_finds_what_the_rows_tell(graph: tuple[Database, Bundle], relation: Relation) -> None:
    """Whether a relation is walked along its keys or its relationships; the check-ins are the only rows we make."""
    database, bundle = graph
    expected = told(bundle, relation)
    sources = sorted(ids_of(bundle))
    found = await ask(database, *(whole(relation, source) for source in sources))

    assert len(RELATIONS) == len(TOLD_BY)
    assert expected
    assert {
        source: ids
        for source, rows in zip(sources, found, strict=True)
        if (ids := sorted(node for _, node in rows if "check-in" not in node))
    } == expected


@pytest.mark.parametrize("relation", [r for r in RELATIONS if r.is_many], ids=lambda relation: relation.name)
async def test_counts_are_of_what_is_followed(graph: tuple[Database, Bundle], relation: Relation) -> None:
    """Pages walk keys and totals count relationships, so a link that is missing or left over would show."""
    database, bundle = graph
    requests = [whole(relation, source) for source in sorted(ids_of(bundle))]
    totals = await database.read(lambda unit: count(unit, requests))

    assert totals == [len(rows) for rows in await ask(database, *requests)]
    assert sum(totals) > 0


@pytest.mark.parametrize("relation", [r for r in RELATIONS if r.is_many], ids=lambda relation: relation.name)
@pytest.mark.parametrize("size", [1, 2])
async def test_pages_join_to_the_whole(graph: tuple[Database, Bundle], relation: Relation, size: int) -> None:
    """In the order of the keys, forwards or backwards as the relation says, none lost and none twice."""
    database, bundle = graph
    source, targets = max(told(bundle, relation).items(), key=lambda entry: len(entry[1]))
    (rows,) = await ask(database, whole(relation, source))
    keys = [key for key, _ in rows]
    assert keys == sorted(keys, reverse=relation.is_descending)
    assert len(set(keys)) == len(rows) >= len(targets)

    joined: list[tuple[str, str]] = []
    while True:
        after = joined[-1][0] if joined else None
        (page,) = await ask(database, whole(relation, source, limit=size, after=after))
        if not page:
            break
        joined += page
    assert joined == rows


async def test_every_request_of_a_batch_gets_its_own_rows(
    graph: tuple[Database, Bundle], statements: StatementCounter
) -> None:
    """All relations from all sources at once take two statements, and answer as each alone does."""
    database, bundle = graph
    requests = [whole(relation, source) for relation in RELATIONS for source in list(told(bundle, relation))[:2]]
    statements.reset()
    together = await ask(database, *requests)

    assert statements.names == ["reading/expand_claims", "reading/expand_nodes"]
    assert together == [(await ask(database, request))[0] for request in requests]


async def test_a_limit_holds_for_each_request_of_a_batch(graph: tuple[Database, Bundle]) -> None:
    """The statement takes the largest one; the others still get no more than they asked for."""
    database, _ = graph
    one, all_ = await ask(
        database,
        whole(_named("outgoing"), "TK_HUB", limit=1),
        whole(_named("outgoing"), "TK_HUB"),
    )

    assert one == all_[:1]
    assert len(all_) > 1


@pytest.mark.parametrize("kinds", [[], ["KILLS"], ["PREREQUISITE_OF", "CORRELATES_WITH"]])
async def test_only_the_asked_kinds_are_followed_and_counted(graph: tuple[Database, Bundle], kinds: list[str]) -> None:
    """None asked is none found."""
    database, bundle = graph
    request = whole(_named("incoming"), "P_00", arguments=ARGUMENTS | {"kinds": kinds})
    expected = [row.parent_id for row in bundle.influences if row.child_id == "P_00" and row.kind in kinds]

    assert sorted(node for _, node in (await ask(database, request))[0]) == sorted(expected)
    assert await database.read(lambda unit: count(unit, [request])) == [len(expected)]


async def test_an_event_can_be_hidden(graph: tuple[Database, Bundle]) -> None:
    """It is left out of the page and of the total alike."""
    database, _ = graph
    shown = whole(_named("milestones"), "P_00")
    hidden = whole(_named("milestones"), "P_00", arguments=ARGUMENTS | {"hides_event": True})
    with_event, without = await ask(database, shown, hidden)

    assert [row for row in with_event if row[1] != "P_00:m2"] == without
    assert await database.read(lambda unit: count(unit, [shown, hidden])) == [len(without) + 1, len(without)]


@pytest.mark.parametrize(
    ("name", "link"), [("incoming", INFLUENCE_PROPERTIES), ("ticker_exposures", EXPOSURE_PROPERTIES)]
)
async def test_a_relationships_properties_are_those_of_its_row(
    graph: tuple[Database, Bundle], name: str, link: tuple[str, ...]
) -> None:
    """Absent ones are None."""
    database, bundle = graph
    list_, source, _ = TOLD_BY[name][0]
    rows: list[Row] = [
        row for row in bundle.rows()[list_] if getattr(row, source) == ("P_00" if name == "incoming" else "NVDA")
    ]
    request = whole(_named(name), getattr(rows[0], source), link=link)
    (found,) = await database.read(lambda unit: follow(unit, [request]))

    expected = [{field: getattr(row, field) for field in link} for row in rows]
    assert sorted((dict(row.link) for row in found), key=str) == sorted(expected, key=str)
    assert len({field for row in rows for field in type(row).model_fields if field not in link}) == 0


@by_relation
async def test_nobody_has_nothing(graph: tuple[Database, Bundle], relation: Relation) -> None:
    """An id that is not there is no error."""
    database, _ = graph

    assert await ask(database, whole(relation, "NOBODY")) == [[]]


async def test_a_cursor_from_another_node_is_refused(graph: tuple[Database, Bundle]) -> None:
    """It would begin in the middle of somebody else's rows, or before all of one's own."""
    database, _ = graph
    (rows,) = await ask(database, whole(_named("outgoing"), "TK_HUB"))

    with pytest.raises(
        InvalidError, match="expected a cursor from this very connection, got one from that of 'TK_HUB'"
    ):
        await ask(database, whole(_named("outgoing"), "P_00", after=rows[0][0]))


async def test_ties_go_by_id(database: Database) -> None:
    """Of two ids the one that begins the other comes first."""
    children = ["P_1", "P_10", "P_2", "P.1", "P"]
    await import_bundle(
        database,
        Bundle.model_validate(
            {
                "format": BUNDLE_FORMAT,
                "killers": [{"id": "TK", "title": "t", "stated_probability": 0.5}],
                "predictions": [{"id": child, "title": "t", "stated_probability": 0.5} for child in children],
                "influences": [
                    {"kind": "KILLS", "parent_id": "TK", "child_id": child, "p_if_true": 0.1, "p_if_false": 0.2}
                    for child in children
                ],
            }
        ),
    )
    (rows,) = await ask(database, whole(_named("outgoing"), "TK"))

    assert [node for _, node in rows] == sorted(children)


async def test_nodes_are_got_by_subject_and_id(graph: tuple[Database, Bundle]) -> None:
    """Claims by their kind or as claims; a node of another subject is as good as none."""
    database, bundle = graph
    lists = {"Prediction": bundle.predictions, "Scenario": bundle.scenarios, "Killer": bundle.killers}
    others = {
        "Predictor": bundle.predictors,
        "ReferenceClass": bundle.reference_classes,
        "Milestone": bundle.milestones,
        "Evidence": bundle.evidence,
        "Validation": bundle.validations,
        "Ticker": bundle.tickers,
        "Document": bundle.documents,
        "Episode": bundle.episodes,
        "Domain": bundle.domains,
    }
    assert set(lists) | set(others) == set(SUBJECTS)
    ids = {subject: row_id(rows[0]) for subject, rows in (lists | others).items()}

    async def got(*asked: tuple[str, str]) -> list[str | None]:
        nodes = await database.read(
            lambda unit: get(unit, [(subject, node_id, ("id", "symbol")) for subject, node_id in asked])
        )
        return [node[1]["id"] or node[1]["symbol"] if node else None for node in nodes]

    assert await got(*ids.items()) == list(ids.values())
    as_claims = await got(*(("Claim", node_id) for node_id in ids.values()))
    assert as_claims == [node_id if subject in CLAIM_SUBJECTS else None for subject, node_id in ids.items()]
    as_killers = await got(*(("Killer", node_id) for node_id in ids.values()))
    assert as_killers == [node_id if subject == "Killer" else None for subject, node_id in ids.items()]


def _named(parameter: str) -> Relation:
    return next(relation for relation in RELATIONS if relation.name == parameter)


def test_the_rows_of_an_influence_name_both_ends() -> None:
    """What a client reads of an edge is what the bundle has of it."""
    assert set(INFLUENCE_PROPERTIES) == set(Influence.model_fields)


class ManyRows:
    """A unit whose every statement returns as many rows of one request."""

    async def run(self, _name: str, /, **_parameters: object) -> list[dict[str, Any]]:
        """Return the rows at once."""
        row = {"request": 0, "labels": ["Evidence"], "properties": [1], "link": []}
        return [{**row, "key": f"{number:06d}"} for number in range(10 * ROWS_AT_ONCE)]


async def test_others_take_turns_while_a_long_ledger_becomes_rows() -> None:
    """Fifty thousand rows at once would hold up every request."""
    num_turns = 0

    async def take_turns() -> None:
        nonlocal num_turns
        while True:
            await asyncio.sleep(0)
            num_turns += 1

    (relation,) = [relation for relation in RELATIONS if relation.name == "evidence"]
    other = asyncio.create_task(take_turns())
    (rows,) = await follow(ManyRows(), [Request(relation, "P", limit=10**6, properties=("total_llr",))])
    other.cancel()

    assert len(rows) == 10 * ROWS_AT_ONCE
    assert num_turns >= 9
