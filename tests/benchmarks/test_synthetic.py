"""Synthetic graphs are valid, repeatable and as lopsided as they say."""

from collections import Counter, defaultdict
from itertools import chain

import pytest

from graph.bundles.batches import MAX_ROWS
from graph.bundles.checks import find_cycle
from graph.bundles.drafts import parse_bundle
from graph.bundles.exporting import export_bundle
from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.model.bundle import LISTS, Bundle
from graph.model.subjects import CLAIM_LISTS, ROW_LISTS, references_of, row_id, target_list
from tests.benchmarks.synthetic import (
    HUB_KILLER_ID,
    HUB_PREDICTOR_ID,
    MAX_HUB_CHILDREN,
    MAX_PARENTS,
    MOST_PARENTS_ID,
    Degrees,
    count_relationships,
    import_benchmark_bundle,
    synthetic_bundles,
)

SEED = 7
NUM_PREDICTIONS = 100
PART_ROWS = 600


@pytest.fixture(scope="module")
def parts() -> list[Bundle]:
    """A graph in a few parts."""
    return list(synthetic_bundles(NUM_PREDICTIONS, SEED, PART_ROWS))


@pytest.fixture(scope="module")
def benchmark() -> Bundle:
    """What the speed of an import is measured with."""
    return import_benchmark_bundle()


def test_a_seed_gives_the_same_graph(parts: list[Bundle]) -> None:
    """Figures of two runs are of one graph; another seed gives another."""
    again = list(synthetic_bundles(NUM_PREDICTIONS, SEED, PART_ROWS))
    other = list(synthetic_bundles(NUM_PREDICTIONS, SEED + 1, PART_ROWS))

    assert again == parts
    assert other != parts


def test_parts_are_as_small_as_asked(parts: list[Bundle]) -> None:
    """And together they have as many predictions as asked."""
    assert len(parts) > 2
    assert all(part.num_rows() <= PART_ROWS for part in parts)
    assert sum(len(part.predictions) for part in parts) == NUM_PREDICTIONS


def test_the_size_of_parts_does_not_change_the_graph(parts: list[Bundle]) -> None:
    """One part holds what several do."""
    (whole,) = synthetic_bundles(NUM_PREDICTIONS, SEED, MAX_ROWS)

    for name in LISTS:
        assert list(getattr(whole, name)) == list(chain.from_iterable(getattr(part, name) for part in parts))


def test_a_part_refers_only_to_itself_and_those_before(parts: list[Bundle]) -> None:
    """So that they import in order."""
    known: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        for name in LISTS:
            rows = getattr(part, name)
            known["claims" if name in CLAIM_LISTS else name].update(map(row_id, rows))
            known["predictions"] |= {row_id(row) for row in rows} if name == "predictions" else set()
        for name, listed in ROW_LISTS.items():
            for row in getattr(part, name):
                for reference in references_of(listed):
                    assert getattr(row, reference.property) in known[target_list(reference)] | {None}


def test_every_row_is_valid_as_text(parts: list[Bundle]) -> None:
    """A part is read back as strictly as anybody's file."""
    assert [parse_bundle(part.to_json()) for part in parts] == parts


def test_ids_are_unique_and_influences_acyclic(parts: list[Bundle]) -> None:
    """What an import refuses is not in it."""
    for name in LISTS:
        ids = [row_id(row) for part in parts for row in getattr(part, name)]
        assert len(set(ids)) == len(ids)
    children: dict[str, set[str]] = defaultdict(set)
    for influence in chain.from_iterable(part.influences for part in parts):
        children[influence.parent_id].add(influence.child_id)
    assert find_cycle(children) is None


@pytest.mark.parametrize("num_predictions", [1, 2, 7])
def test_a_graph_may_be_tiny(num_predictions: int) -> None:
    """The small end of a comparison is a graph too."""
    parts = list(synthetic_bundles(num_predictions, SEED))

    assert sum(len(part.predictions) for part in parts) == num_predictions
    assert sum(part.num_rows() for part in parts) > num_predictions


def test_the_means_are_those_asked_for() -> None:
    """Within a tenth, on a thousand predictions."""
    degrees = Degrees()
    (whole,) = synthetic_bundles(1_000, SEED, MAX_ROWS, degrees=degrees)

    counts = count_relationships([whole])

    assert counts["HAS_MILESTONE"] / 1_000 == pytest.approx(degrees.milestones_per_prediction, rel=0.1)
    assert len(whole.influences) / 1_000 == pytest.approx(degrees.influences_per_prediction, rel=0.1)
    assert len(whole.evidence) / 1_000 == pytest.approx(degrees.evidence_per_prediction, rel=0.2)
    assert len(whole.validations) / 1_000 == pytest.approx(degrees.validations_per_prediction, rel=0.2)
    assert counts["BENEFITS"] + counts["HARMS"] <= 1_000 * 2 * degrees.exposures_per_prediction


def test_the_benchmark_has_ten_thousand_predictions_and_a_hundred_thousand_relationships(benchmark: Bundle) -> None:
    """In one bundle, of every type; a few thousand relationships more are no harm."""
    counts = count_relationships([benchmark])

    assert len(benchmark.predictions) == 10_000
    assert 100_000 <= sum(counts.values()) < 110_000
    assert min(counts.values()) > 500
    assert benchmark.num_rows() <= MAX_ROWS


def test_hubs_are_hubs(benchmark: Bundle) -> None:
    """One killer bears on ten thousand; some tickers, predictors and documents have hundreds, most have few."""
    parents = Counter(influence.parent_id for influence in benchmark.influences)
    in_degrees = Counter(influence.child_id for influence in benchmark.influences)
    tickers = sorted(Counter(exposure.symbol for exposure in benchmark.exposures).values())
    made = Counter(prediction.predictor_id for prediction in benchmark.predictions)

    assert parents[HUB_KILLER_ID] == MAX_HUB_CHILDREN
    assert max(in_degrees.values()) == in_degrees[MOST_PARENTS_ID] == MAX_PARENTS
    assert made.most_common(1)[0][0] == HUB_PREDICTOR_ID
    assert tickers[-1] > 50 * tickers[len(tickers) // 2]
    assert sorted(in_degrees.values())[len(in_degrees) // 2] <= 3


@pytest.mark.statements
async def test_the_graph_has_the_relationships_that_were_counted(database: Database) -> None:
    """The database counts them by itself, and the export holds every row, with the check-ins and versions made."""
    parts = list(synthetic_bundles(40, SEED, 400))
    for part in parts:
        await import_bundle(database, part)

    async with database.open_session() as session:
        result = await session.run("MATCH ()-[r]->() RETURN type(r) AS type, count(r) AS count")
        counted = {record["type"]: record["count"] async for record in result}
    exported = await export_bundle(database)

    assert len(parts) > 2
    assert counted == dict(count_relationships(parts))
    for name in set(LISTS) - {"milestones", "versions"}:
        assert len(getattr(exported, name)) == sum(len(getattr(part, name)) for part in parts)
    assert len(exported.milestones) == counted["HAS_MILESTONE"]
