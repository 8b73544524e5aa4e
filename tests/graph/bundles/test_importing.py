"""Bundles go into a real graph and come out the same; what cannot go in leaves it as it was."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from graph.bundles import importing
from graph.bundles.batches import MAX_ROWS, Batch
from graph.bundles.checked import Checked
from graph.bundles.drafts import parse_bundle
from graph.bundles.exporting import export_bundle
from graph.bundles.importing import ImportReport, import_bundle, import_text, is_empty
from graph.bundles.writing import write_batches
from graph.database.sessions import Database, MemoryLimitError, Unit
from graph.errors import BundleError, InvalidError
from graph.ledger.derived import refresh_posteriors, verify
from graph.model.bundle import LISTS, Bundle, bundle_json_schema
from graph.model.kinds import MilestoneStatus
from graph.model.page_keys import join
from graph.model.rows import Milestone, Row
from graph.model.subjects import row_id
from graph.model.versions import VERSIONS
from graph.sample.loading import load_sample
from tests.helpers.bundles import bundle, bundles, claim, event, evidence, killing, prediction, requiring
from tests.helpers.database import StatementCounter, empty
from tests.helpers.graph_dump import STAMPS, ask, everything
from tests.helpers.live import live

pytestmark = [pytest.mark.statements, pytest.mark.one_release]

MOMENT = datetime(2026, 5, 30, 22, 15, tzinfo=UTC)
TODAY = date(2026, 5, 30)
TOO_EARLY = "1000-01-01T00:00:00+01:00"  # in UTC it is the year 999
LIVE = live(8)
DERIVED = {"imported_on", "is_early", "deadline", "expected_date", "ordinal"}


async def revision(database: Database) -> int:
    """The graph's revision; 0 before the first write."""
    found = await ask(database, "MATCH (g:Graph {id: 'graph'}) RETURN coalesce(g.revision, 0)")
    return int(found[0][0]) if found else 0


async def targets(database: Database, relationship: str) -> set[tuple[str, str]]:
    """The ids at both ends of all relationships of one type."""
    text = "MATCH (a)-[r]->(b) WHERE type(r) = $type RETURN coalesce(a.id, a.symbol), coalesce(b.id, b.symbol)"
    return {(start, end) for start, end in await ask(database, text, type=relationship)}


async def problems(database: Database, text: str) -> dict[str, str]:
    """The messages of a refused bundle by their paths."""
    with pytest.raises(BundleError) as caught:
        await import_text(database, text, today=TODAY)
    return {problem.path: problem.message for problem in caught.value.problems}


def stated(row: Row) -> dict[str, Any]:
    """A row without what an import derives: a milestone put off, whose miss is in no ledger, is overdue no longer."""
    values = {name: value for name, value in row.model_dump().items() if name not in DERIVED}
    if isinstance(row, Milestone) and row.status is MilestoneStatus.OVERDUE and row.miss_emitted_at is None:
        last = row.range_to or row.expected_date
        is_put_off = last is not None and last > date(2026, 5, 23)  # a week before
        return values | ({"status": MilestoneStatus.PENDING} if is_put_off else {})
    return values


# The graph as a file


@pytest.mark.every_release
@LIVE
@given(bundles())
async def test_an_export_imports_to_the_same_graph(migrated_database: Database, given_bundle: Bundle) -> None:
    """Import(export(graph)) is the identity, whatever the graph: node by node and edge by edge."""
    await empty(migrated_database)
    await import_bundle(migrated_database, given_bundle, today=TODAY)
    exported = await export_bundle(migrated_database)
    await refresh_posteriors(migrated_database, MOMENT)  # they are as of the import
    graph = await everything(migrated_database, without=STAMPS)

    await empty(migrated_database)
    await import_text(migrated_database, exported.to_json(), today=date(2031, 1, 1))

    assert await export_bundle(migrated_database) == exported
    assert [str(found) async for found in verify(migrated_database)] == []
    await refresh_posteriors(migrated_database, MOMENT)
    assert await everything(migrated_database, without=STAMPS) == graph


@LIVE
@given(bundles())
async def test_an_import_loses_and_invents_nothing(migrated_database: Database, given_bundle: Bundle) -> None:
    """What comes out is what went in, but for derived data: check-ins, dates, ranks, windows and versions."""
    await empty(migrated_database)
    report = await import_bundle(migrated_database, given_bundle, today=TODAY)
    exported = await export_bundle(migrated_database)

    for name in set(LISTS) - {VERSIONS}:
        before = {row_id(row): stated(row) for row in getattr(given_bundle, name)}
        after = {row_id(row): stated(row) for row in getattr(exported, name)}
        made = set(after) - set(before)
        assert {key: after[key] for key in before} == before
        assert all(name == "milestones" and ":check-in-" in key for key in made)
        assert report.created[name] == len(after)
        assert report.updated[name] == report.unchanged[name] == 0


@LIVE
@given(bundles())
async def test_importing_twice_changes_nothing(migrated_database: Database, given_bundle: Bundle) -> None:
    """A second import finds every row there, touches no property and leaves the revision alone, on any later day."""
    await empty(migrated_database)
    first = await import_bundle(migrated_database, given_bundle, today=TODAY)
    graph, raised = await everything(migrated_database), await revision(migrated_database)

    again = await import_bundle(migrated_database, given_bundle, today=date(2031, 1, 1))

    assert again.num_changed() == 0
    assert again.unchanged == first.created
    assert await everything(migrated_database) == graph
    assert await revision(migrated_database) == raised == (1 if first.num_changed() else 0)


@LIVE
@given(bundles())
async def test_ids_in_rows_and_relationships_agree(migrated_database: Database, given_bundle: Bundle) -> None:
    """Analysts follow relationships, exports read properties: both say the same."""
    await empty(migrated_database)
    await import_bundle(migrated_database, given_bundle, today=TODAY)
    exported = await export_bundle(migrated_database)

    for relationship, expected in expected_relationships(exported).items():
        assert await targets(migrated_database, relationship) == expected, relationship


def expected_relationships(exported: Bundle) -> Mapping[str, set[tuple[str, str]]]:
    """The ends of the relationships that rows stand for, by type."""
    predictions, ledger = exported.predictions, exported.evidence
    claims = [*predictions, *exported.scenarios, *exported.killers]
    named: dict[str, set[tuple[str | None, str | None]]] = {
        "MADE": {(row.predictor_id, row.id) for row in predictions},
        "STATED_IN": {(row.id, row.episode_id) for row in predictions},
        "IN_CLASS": {(row.id, row.reference_class_id) for row in predictions},
        "IN_DOMAIN": {(row.id, row.domain_id) for row in claims},
        "HAS_MILESTONE": {(row.prediction_id, row.id) for row in exported.milestones},
        "CHECKS": {(row.id, row.prediction_id) for row in exported.validations},
        "UPDATES": {(row.id, row.claim_id) for row in ledger},
        "FROM": {(row.id, end) for row in ledger for end in (row.predictor_id, row.document_id, row.milestone_id)},
        "ABOUT": {(row.document_id, row.claim_id) for row in exported.document_links},
    }
    for influence in exported.influences:
        named.setdefault(influence.kind.value, set()).add((influence.parent_id, influence.child_id))
    for exposure in exported.exposures:
        named.setdefault(exposure.sign.value, set()).add((exposure.prediction_id, exposure.symbol))
    return {kind: {(start, end) for start, end in ends if start and end} for kind, ends in named.items()}


async def test_the_sample_comes_out_as_it_is_shipped(database: Database) -> None:
    """Row by row, but for what the import derives, of which the sample states some, and the versions it records."""
    sample = load_sample()

    await import_bundle(database, sample, today=TODAY)
    exported = await export_bundle(database)

    for name in set(LISTS) - {VERSIONS}:
        expected = sorted(getattr(sample, name), key=row_id)
        assert list(map(stated, getattr(exported, name))) == list(map(stated, expected)), name


async def test_an_export_fits_the_json_schema(database: Database) -> None:
    """Whoever writes bundles by the printed schema writes what we write."""
    await import_bundle(database, load_sample(), today=TODAY)
    exported = await export_bundle(database)

    jsonschema.Draft202012Validator(bundle_json_schema()).validate(json.loads(exported.to_json()))


async def test_an_export_of_many_pages_is_whole(database: Database) -> None:
    """Lists longer than one page of the export come out complete, each kind of edge among them."""
    killers = [claim(f"TK{n}") for n in range(2_101)]
    edges = [killing(f"TK{n}", "P_1") if n % 2 else requiring(f"TK{n}", "P_1") for n in range(2_101)]
    given_bundle = bundle(predictions=[prediction()], killers=killers, influences=edges)

    await import_bundle(database, given_bundle, today=TODAY)
    exported = await export_bundle(database)

    assert set(exported.killers) == set(given_bundle.killers)
    assert set(exported.influences) == set(given_bundle.influences)


async def test_an_empty_graph_is_an_empty_bundle(database: Database) -> None:
    """Nothing in, nothing out; and only then may a first run fill the graph."""
    assert await is_empty(database)
    assert (await export_bundle(database)).num_rows() == 0

    await import_bundle(database, bundle(killers=[claim("TK01")]))

    assert not await is_empty(database)


# What is refused


async def test_all_problems_are_listed_with_their_paths(database: Database) -> None:
    """Whoever mends a file wants the whole list: shape, doubles, dangling ids, derived data, ledger, kinds, cycles."""
    stored = bundle(predictions=[prediction("P_OLD")], killers=[claim("TK_OLD")], evidence=[evidence(owner="P_OLD")])
    await import_bundle(database, stored, today=TODAY)
    graph = await everything(database)
    text = json.dumps(
        {
            "format": "foregraph-bundle/1",
            "predictions": [
                prediction("P_1", stated_probability=1.0, mode="GUESS"),
                prediction("P_2", predictor_id="nobody", deadline="2026-06-30T00:00:00Z"),
                prediction("P_2"),
                prediction("TK_OLD"),
            ],
            "killers": [{"id": "TK_1"}, claim("TK_2", surprise=True)],
            "milestones": [
                event("P_2", ordinal=4),
                {
                    **event("P_2"),
                    "id": "M_2",
                    "kind": "RESEARCHED",
                    "range_from": "2026-01-01",
                    "range_to": "2026-01-31",
                },
            ],
            "evidence": [evidence(owner="P_OLD", total_llr=0.5)],
            "influences": [requiring("P_2", "P_OLD"), requiring("P_OLD", "P_2"), killing("TK_1", "P_3")],
        }
    )

    found = await problems(database, text)

    assert {path: message.split(", got")[0] for path, message in found.items()} == {
        "predictions[0].stated_probability": "input should be less than 1",
        "predictions[0].mode": "input should be 'PREDICTION', 'SPECULATION' or 'FORECAST'",
        "predictions[1].predictor_id": "no predictor in the bundle or the graph has the id 'nobody'; add it first",
        "predictions[1].deadline": "expected 2026-12-31T00:00:00+00:00, the end of its window",
        "predictions[2]": "predictions[1] already has the id 'P_2'; choose another id, or remove one of them",
        "predictions[3].id": "'TK_OLD' is a Killer; choose another id",
        "killers[0].title": "field required",
        "killers[1].surprise": "extra inputs are not permitted",
        "milestones[0].ordinal": "expected 0, its rank by expected date",
        "milestones[1].expected_date": "expected 2026-01-16, the midpoint of its range",
        "evidence[0]": "ledger row 'E_1' is recorded with other values; add a row with an id of its own instead",
        "influences[0]": "the influences would close a cycle: P_2 → P_OLD → P_2; remove one of them, or reverse it",
        "influences[2].child_id": "no claim in the bundle or the graph has the id 'P_3'; add it first",
    }
    assert await everything(database) == graph


async def test_a_reference_to_a_wrong_row_is_not_reported_twice(database: Database) -> None:
    """The row is there, only wrong; that its id dangles would be news of nothing."""
    text = json.dumps(
        {"format": "foregraph-bundle/1", "killers": [{"id": "TK01"}], "predictions": [prediction()]}
        | {"influences": [killing("TK01", "P_1")]}
    )

    assert list(await problems(database, text)) == ["killers[0].title"]


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("", "bundle", "expected JSON"),
        (b"\xff\xfe{}", "bundle", "expected JSON"),
        ("[" * 100_000, "bundle", "expected JSON"),
        ("[1, 2]", "bundle", "expected a JSON object, got list"),
        ("{}", "format", "field required"),
        ('{"format": "foregraph-bundle/2"}', "format", "input should be 'foregraph-bundle/1'"),
        ('{"format": "foregraph-bundle/1", "claims": []}', "claims", "extra inputs are not permitted"),
        ('{"format": "foregraph-bundle/1", "killers": {}}', "killers", "input should be a valid array"),
        ('{"format": "foregraph-bundle/1", "killers": [3]}', "killers[0]", "input should be an object"),
        (
            '{"format": "foregraph-bundle/1", "documents": [{"id": "D", "title": "a\\u0000"}]}',
            "documents[0].title",
            "expected text without control characters",
        ),
        (
            '{"format": "foregraph-bundle/1", "predictions": [{"id": "P", "title": "P", "raw_metadata": [1e999]}]}',
            "predictions[0].raw_metadata[0]",
            "1e999 is beyond the range of a float",
        ),
        (
            f'{{"format": "foregraph-bundle/1", "killers": [{{"id": "K", "title": "K", "deadline": "{TOO_EARLY}"}}]}}',
            "killers[0].deadline",
            "expected a year from 1000 to 9000, got 999",
        ),
    ],
)
async def test_a_broken_file_says_where(database: Database, text: str | bytes, path: str, message: str) -> None:
    """Each says what was expected where, and the graph stays empty."""
    with pytest.raises(BundleError) as caught:
        await import_text(database, text)

    assert [problem.path for problem in caught.value.problems] == [path]
    assert message in caught.value.problems[0].message
    assert await is_empty(database)


async def test_a_cycle_within_a_bundle_is_refused_with_its_ids(database: Database) -> None:
    """Influences form an acyclic graph; the error shows the way round."""
    rows = [requiring("P_1", "P_2"), requiring("P_2", "P_3"), requiring("P_3", "P_1"), requiring("P_3", "P_4")]
    text = bundle(predictions=[prediction(f"P_{n}") for n in range(1, 5)], influences=rows).to_json()

    (message,) = (await problems(database, text)).values()

    steps = message.split("cycle: ")[1].split(";")[0].split(" → ")
    assert set(pairwise(steps)) == {("P_1", "P_2"), ("P_2", "P_3"), ("P_3", "P_1")}
    assert await is_empty(database)


async def test_a_cycle_through_the_graph_is_refused_with_its_ids(database: Database) -> None:
    """The bundle's own influences are harmless alone; those of the graph close the ring."""
    stored = bundle(predictions=[prediction(f"P_{n}") for n in range(1, 4)], influences=[requiring("P_1", "P_2")])
    await import_bundle(database, stored)
    text = bundle(predictions=[prediction("P_9")], influences=[requiring("P_2", "P_9"), requiring("P_9", "P_1")])

    (message,) = (await problems(database, text.to_json())).values()

    steps = message.split("cycle: ")[1].split(";")[0].split(" → ")
    assert set(pairwise(steps)) == {("P_1", "P_2"), ("P_2", "P_9"), ("P_9", "P_1")}
    assert await targets(database, "PREREQUISITE_OF") == {("P_1", "P_2")}


async def test_a_failure_in_the_middle_leaves_nothing_behind(database: Database) -> None:
    """All or nothing, also where it is not the bundle's fault."""
    given_bundle = bundle(predictions=[prediction()], killers=[claim("TK01")], influences=[killing("TK01", "P_1")])

    def stop(done: int, total: int) -> None:
        if done == total:
            message = "pulled the plug"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="plug"):
        await import_bundle(database, given_bundle, on_progress=stop)

    assert await everything(database) == []
    assert (await import_bundle(database, given_bundle)).num_changed() == 3


async def test_an_idempotency_key_is_used_once(database: Database) -> None:
    """A key that is taken, in the bundle or the graph, is a problem of its row, not an error of the database."""
    await import_bundle(database, bundle(predictions=[prediction()], evidence=[evidence("E_1", idempotency_key="k")]))
    rows = [
        evidence("E_2", idempotency_key="k"),
        evidence("E_3", idempotency_key="m"),
        evidence("E_4", idempotency_key="m"),
    ]

    found = await problems(database, bundle(evidence=rows).to_json())

    assert found == {
        "evidence[0].idempotency_key": "ledger row 'E_1' already has the idempotency key 'k'; use another key",
        "evidence[2].idempotency_key": "ledger row 'E_3' already has the idempotency key 'm'; use another key",
    }


async def test_more_rows_than_one_transaction_holds_are_refused(database: Database) -> None:
    """Better said before than by a database that ran out of memory."""
    rows = ",".join(f'{{"id": "d{number}"}}' for number in range(MAX_ROWS + 1))
    text = f'{{"format": "foregraph-bundle/1", "domains": [{rows}]}}'

    with pytest.raises(InvalidError, match=f"expected at most {MAX_ROWS} rows in one bundle, got {MAX_ROWS + 1}"):
        await import_text(database, text)

    assert await everything(database) == []


async def test_long_rows_go_in_by_fewer_at_a_time(database: Database, statements: StatementCounter) -> None:
    """The database's memory for one transaction is filled by texts sooner than by rows; all arrive all the same."""
    rows = [prediction(f"P_{number}", raw_metadata={"page": f"{number:07d}" * 70_000}) for number in range(50)]
    given_bundle = bundle(predictions=rows)

    report = await import_bundle(database, given_bundle)

    assert report.created["predictions"] == 50
    assert statements.names.count("database/raise_revision") > 1
    exported = await export_bundle(database)
    assert {row.id: row.raw_metadata for row in exported.predictions} == {
        row["id"]: row["raw_metadata"] for row in rows
    }


# What an import makes and mends


async def test_a_dry_run_tells_and_writes_nothing(database: Database) -> None:
    """The report is that of the real run, which comes after it."""
    sample = load_sample()
    seen: list[tuple[int, int]] = []

    told = await import_bundle(database, sample, today=TODAY, dry_run=True, on_progress=lambda *done: seen.append(done))

    assert told.is_dry_run
    assert await everything(database) == []
    done = await import_bundle(database, sample, today=TODAY)
    assert (told.created, told.updated, told.unchanged) == (done.created, done.updated, done.unchanged)
    assert "would be created" in told.summary()
    assert seen[-1] == (sample.num_rows(), sample.num_rows())
    assert seen == sorted(seen)


def _without_moments(exported: Bundle) -> dict[str, list[Any]]:
    """Rows by list, without when and in which transaction they were written."""
    return {
        name: [
            {key: value for key, value in row.items() if key not in {*STAMPS, "recorded_at", "exported_at"}}
            for row in rows
        ]
        for name, rows in json.loads(exported.to_json()).items()
        if isinstance(rows, list) and name != "versions"
    }


@pytest.mark.parametrize("is_dry_run", [False, True])
async def test_transactions_that_need_too_much_memory_are_halved(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, is_dry_run: bool
) -> None:
    """Whatever sizes had been estimated: nothing is lost, and the report is that of one transaction."""
    sample, sizes = load_sample(), list[int]()

    async def write_few(unit: Unit, checked: Checked, batches: Sequence[Batch], *rest: Any) -> None:
        sizes.append(sum(len(batch.rows) for batch in batches))
        if sizes[-1] > 40:
            raise MemoryLimitError("too much")
        await write_batches(unit, checked, batches, *rest)

    whole = await import_bundle(database, sample, today=TODAY, dry_run=is_dry_run)
    expected = await export_bundle(database)
    await empty(database)
    monkeypatch.setattr(importing, "write_batches", write_few)

    report = await import_bundle(database, sample, today=TODAY, dry_run=is_dry_run)

    assert report == whole
    assert [str(found) async for found in verify(database)] == []
    assert _without_moments(await export_bundle(database)) == _without_moments(expected)
    assert max(sizes) == sample.num_rows()
    assert sum(size for size in sizes if size <= 40) >= (1 - is_dry_run) * sample.num_rows()


async def test_a_row_that_needs_too_much_memory_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half of one row is none."""

    async def write_none(*_: Any) -> None:
        raise MemoryLimitError("too much")

    monkeypatch.setattr(importing, "write_batches", write_none)

    with pytest.raises(MemoryLimitError):
        await import_bundle(database, bundle(domains=[{"id": "d"}]))


async def test_a_dry_run_finds_the_same_problems(database: Database) -> None:
    """What would be refused is refused."""
    with pytest.raises(BundleError, match="nobody"):
        await import_bundle(database, bundle(predictions=[prediction(predictor_id="nobody")]), dry_run=True)


async def test_derived_data_are_made(database: Database) -> None:
    """The seeds' humanoid prediction: its year's window, its check-ins, its ranks, a range's midpoint."""
    researched = {"id": "R", "prediction_id": "P_1", "kind": "RESEARCHED", "label": "sign"}
    rows = [event(day="2026-10-05"), {**researched, "range_from": "2026-01-01", "range_to": "2026-06-30"}]

    await import_bundle(database, bundle(predictions=[prediction()], milestones=rows), today=TODAY)
    exported = await export_bundle(database)

    (made,) = exported.predictions
    assert made.deadline == datetime(2026, 12, 31, tzinfo=UTC)
    assert made.imported_on == TODAY
    assert [
        (row.id, row.ordinal, row.expected_date) for row in sorted(exported.milestones, key=lambda m: m.ordinal or 0)
    ] == [
        ("P_1:check-in-1", -4, date(2026, 3, 11)),
        ("R", -3, date(2026, 4, 1)),
        ("P_1:check-in-2", -2, date(2026, 5, 19)),
        ("P_1:check-in-3", -1, date(2026, 7, 27)),
        ("P_1:event", 0, date(2026, 10, 5)),
    ]


async def test_a_window_without_a_year_counts_from_the_day_after_import(database: Database) -> None:
    """And a later import of the same row keeps that day, so that no check-in moves."""
    given_bundle = bundle(predictions=[prediction(from_year=None)], milestones=[event(day="2026-06-12")])

    await import_bundle(database, given_bundle, today=date(2026, 5, 31))
    again = await import_bundle(database, given_bundle, today=date(2026, 6, 5))

    exported = await export_bundle(database)
    dates = sorted(row.expected_date for row in exported.milestones if row.expected_date)
    assert dates == [date(2026, 6, day) for day in (3, 6, 9, 12)]  # 1 June + 11k/4 days, rounded down
    assert exported.predictions[0].imported_on == date(2026, 5, 31)
    assert again.num_changed() == 0


async def test_a_check_in_of_the_longest_id_can_be_made(database: Database) -> None:
    """Ids that we make from an id are longer than the longest that one may give."""
    longest = "P" * 200

    await import_bundle(
        database,
        bundle(predictions=[prediction(longest)], milestones=[event("P", "2026-10-05", prediction_id=longest)]),
    )

    assert len((await export_bundle(database)).milestones) == 4


async def test_a_new_milestone_shifts_the_ranks_of_those_there(database: Database) -> None:
    """A chain is ranked whole, also where only one of its milestones comes."""
    await import_bundle(database, bundle(predictions=[prediction()], milestones=[event()]))
    late = {"id": "R", "prediction_id": "P_1", "kind": "RESEARCHED", "label": "sign", "expected_date": "2026-08-01"}

    report = await import_bundle(database, bundle(milestones=[late]))

    assert (report.created["milestones"], report.updated["milestones"]) == (1, 3)
    rows = await ask(database, "MATCH (m:Milestone) RETURN m.id, m.ordinal, m.chain_key ORDER BY m.chain_key")
    assert [(row[0], row[1]) for row in rows] == [
        ("P_1:check-in-1", -4),
        ("P_1:check-in-2", -3),
        ("P_1:check-in-3", -2),
        ("R", -1),
        ("P_1:event", 0),
    ]


async def test_check_ins_move_with_their_event(database: Database) -> None:
    """A stored check-in was derived, so that a new date of the event is no contradiction but a new derivation."""
    await import_bundle(database, bundle(predictions=[prediction()], milestones=[event(day="2026-10-05")]))

    await import_bundle(database, bundle(milestones=[event(day="2026-12-31")]))

    dates = await ask(
        database,
        "MATCH (m:Milestone {kind: 'CHECK_IN'}) RETURN m.expected_date.month, m.expected_date.day ORDER BY m.id",
    )
    assert dates == [[4, 2], [7, 2], [10, 1]]  # 1 January + 91, 182 and 273 days of 364


async def test_a_milestone_that_moves_leaves_its_old_chain(database: Database) -> None:
    """One milestone belongs to one prediction, and both chains are ranked anew."""
    sign = {"id": "R", "prediction_id": "P_1", "kind": "RESEARCHED", "label": "sign", "expected_date": "2026-01-02"}
    rows = [event(), event("P_2"), sign]
    await import_bundle(database, bundle(predictions=[prediction(), prediction("P_2")], milestones=rows))

    await import_bundle(database, bundle(milestones=[{**sign, "prediction_id": "P_2"}]))
    exported = await export_bundle(database)

    assert ("P_2", "R") in await targets(database, "HAS_MILESTONE")
    assert ("P_1", "R") not in await targets(database, "HAS_MILESTONE")
    ranks = {row.id: row.ordinal for row in exported.milestones}
    assert (ranks["P_1:check-in-1"], ranks["R"], ranks["P_2:check-in-1"]) == (-3, -4, -3)


async def test_a_check_in_that_has_moved_comes_back_to_its_event(database: Database) -> None:
    """Its prediction is new, but the graph has a milestone with its id, which is updated and not made twice."""
    moved = {"id": "P_1:check-in-1", "prediction_id": "P_2", "kind": "RESEARCHED", "label": "sign"}
    moved["expected_date"] = "2026-01-02"
    await import_bundle(database, bundle(predictions=[prediction("P_2")], milestones=[moved]))

    report = await import_bundle(database, bundle(predictions=[prediction()], milestones=[event()]))

    assert (report.created["milestones"], report.updated["milestones"]) == (3, 1)
    assert ("P_1", "P_1:check-in-1") in await targets(database, "HAS_MILESTONE")
    assert ("P_2", "P_1:check-in-1") not in await targets(database, "HAS_MILESTONE")


async def test_a_validation_that_moves_leaves_its_old_prediction(database: Database) -> None:
    """One validation checks one prediction."""
    look = {"id": "V", "prediction_id": "P_1", "observed_at": "2026-05-01", "status": "ON_TRACK"}
    await import_bundle(database, bundle(predictions=[prediction(), prediction("P_2")], validations=[look]))

    await import_bundle(database, bundle(validations=[{**look, "prediction_id": "P_2"}]))

    assert await targets(database, "CHECKS") == {("V", "P_2")}


async def test_a_changed_row_changes_its_relationships(database: Database) -> None:
    """An id that a row no longer names is let go of: another predictor made it, no class holds it."""
    shared: dict[str, list[dict[str, Any]]] = {
        "predictors": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}],
        "domains": [{"id": "d"}, {"id": "e"}],
        "episodes": [{"id": "x", "title": "X"}],
        "reference_classes": [{"id": "c", "description": "C", "base_rate": 0.1}],
    }
    row = prediction(predictor_id="a", domain_id="d", episode_id="x", reference_class_id="c")
    await import_bundle(database, bundle(**shared, predictions=[row]))

    report = await import_bundle(database, bundle(predictions=[prediction(predictor_id="b", domain_id="e")]))

    assert (report.num_changed(), report.updated["predictions"]) == (1, 1)
    assert await targets(database, "MADE") == {("b", "P_1")}
    assert await targets(database, "IN_DOMAIN") == {("P_1", "e")}
    assert await targets(database, "STATED_IN") == await targets(database, "IN_CLASS") == set()


async def test_a_value_that_is_left_out_is_removed(database: Database) -> None:
    """A row is the whole row: what it no longer says is not kept, here or in the page keys."""
    await import_bundle(database, bundle(predictions=[prediction(context="then", direction="up")]))

    await import_bundle(database, bundle(predictions=[prediction(stated_probability=None, from_year=None)]))

    ((properties,),) = await ask(database, "MATCH (p:Prediction) RETURN properties(p)")
    assert set(properties) & {"context", "direction", "stated_probability", "from_year", "deadline"} == set()
    assert (properties["deadline_key"], properties["probability_key"]) == (join("~", "P_1"), join("-", "P_1"))


async def test_influences_rank_by_the_newest_probabilities(database: Database) -> None:
    """Another probability of one end changes delta at both, also where the influence itself is not in the bundle."""
    killers = [claim("TK01", 0.2), claim("TK02", 0.9)]
    edges = [killing("TK01", "P_1"), killing("TK02", "P_1")]
    await import_bundle(
        database, bundle(predictions=[prediction(stated_probability=0.2)], killers=killers, influences=edges)
    )
    ranked = "MATCH (k)-[r:KILLS]->() RETURN k.id ORDER BY r.incoming_key"
    assert await ask(database, ranked) == [["TK01"], ["TK02"]]  # implied 0.50 and 0.15 against 0.2

    await import_bundle(database, bundle(predictions=[prediction(stated_probability=0.6)]))

    assert await ask(database, ranked) == [["TK02"], ["TK01"]]  # 0.15 is now farther away than 0.50
    await import_bundle(database, bundle(killers=[claim("TK02", None)]))
    assert await ask(database, ranked) == [["TK01"], ["TK02"]]  # without a probability it comes last


async def test_documents_stand_by_their_newest_moment(database: Database) -> None:
    """Another moment of publication moves a document among its claims' documents, though no link is in the bundle."""
    papers = [
        {"id": name, "title": name, "published_at": f"{year}-01-01T00:00:00Z"}
        for name, year in (("A", 2024), ("B", 2025))
    ]
    links = [{"document_id": name, "claim_id": "P_1"} for name in ("A", "B")]
    await import_bundle(database, bundle(predictions=[prediction()], documents=papers, document_links=links))

    await import_bundle(database, bundle(documents=[{**papers[0], "published_at": "2026-01-01T00:00:00Z"}]))

    ordered = "MATCH (d:Document)-[r:ABOUT]->() RETURN d.id ORDER BY r.claim_key"
    assert await ask(database, ordered) == [["B"], ["A"]]


async def test_every_write_that_changes_something_raises_the_revision_once(database: Database) -> None:
    """What is computed over the whole graph is kept by its revision."""
    await import_bundle(database, bundle(killers=[claim("TK01", 0.2)]))
    await import_bundle(database, bundle(killers=[claim("TK01", 0.2)]))
    await import_bundle(database, bundle(killers=[claim("TK01", 0.3), claim("TK02")]))

    assert await revision(database) == 2


@pytest.mark.every_release
async def test_two_imports_at_once_take_turns(database: Database) -> None:
    """Neither sees the other half done, and the ring that they close together is refused to the later one."""
    await import_bundle(database, bundle(predictions=[prediction("P_1"), prediction("P_2")]))
    first, second = (bundle(influences=[requiring(*ends)]) for ends in (("P_1", "P_2"), ("P_2", "P_1")))

    outcomes = await asyncio.gather(
        import_bundle(database, first), import_bundle(database, second), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["BundleError", "ImportReport"]
    assert len(await targets(database, "PREREQUISITE_OF")) == 1


async def test_an_import_takes_a_number_of_statements_that_follows_batches(
    database: Database, statements: StatementCounter
) -> None:
    """Rows go in by the thousand: ten times the rows of one batch are no more statements."""
    await import_bundle(database, bundle(killers=[claim("TK0")]))
    one = list(statements.names)
    statements.reset()

    await import_bundle(database, bundle(killers=[claim(f"TK{n}") for n in range(1, 1_001)]))

    assert statements.names == one


def test_an_export_reads_as_it_was_written() -> None:
    """The text of a bundle is the bundle."""
    sample = load_sample()

    assert parse_bundle(sample.to_json()) == sample


def test_a_report_counts_what_was_written() -> None:
    """Created and updated rows are writes, unchanged ones are none."""
    report = ImportReport(created={"killers": 2}, updated={"killers": 1}, unchanged={"killers": 5})

    assert report.num_changed() == 3
    assert report.summary() == "2 created, 1 updated, 5 unchanged"
