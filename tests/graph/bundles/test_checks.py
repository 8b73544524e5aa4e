"""Problems of rows taken together, and with a graph in memory."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from graph.bundles.batches import RowAtPath
from graph.bundles.checks import (
    as_claim,
    as_evidence,
    cycle_problems,
    find_cycle,
    ledger_problems,
    reference_problems,
    stated_problems,
)
from graph.bundles.drafts import read_draft
from graph.bundles.known import Known, list_known
from graph.errors import Problem
from graph.model.bundle import Bundle
from graph.model.rows import Domain, Killer
from tests.helpers.bundles import bundle, claim, evidence, killing, prediction, requiring
from tests.helpers.fake_store import FakeStore

EMPTY = bundle()


def at_paths(given: Bundle) -> Mapping[str, Sequence[RowAtPath]]:
    """A bundle's rows with their paths."""
    return {name: [(f"{name}[{index}]", row) for index, row in enumerate(rows)] for name, rows in given.rows().items()}


async def known_of(stored: Bundle, given: Bundle) -> Known:
    """What a graph has of the ids that a bundle names."""
    return await list_known(FakeStore(stored), read_draft(given.to_json()))


async def references(stored: Bundle, given: Bundle) -> dict[str, str]:
    """The problems with a bundle's references, by path."""
    named = read_draft(given.to_json()).named
    found = reference_problems(at_paths(given), named, await known_of(stored, given))
    return {problem.path: problem.message for problem in found}


async def ledger(stored: Bundle, given: Bundle) -> list[Problem]:
    """The problems with a bundle's ledger rows."""
    return await ledger_problems(FakeStore(stored), at_paths(given)["evidence"])


# References


async def test_a_reference_is_found_in_the_bundle_or_in_the_graph() -> None:
    """An absent one refers to nothing."""
    given = bundle(
        domains=[{"id": "chips"}],
        predictions=[prediction(domain_id="chips", predictor_id="ada"), prediction("P_2")],
        influences=[killing("TK_1", "P_1")],
    )
    stored = bundle(predictors=[{"id": "ada", "name": "Ada"}], killers=[claim("TK_1")])

    assert await references(stored, given) == {}
    assert set(await references(EMPTY, given)) == {"predictions[0].predictor_id", "influences[0].parent_id"}


async def test_what_is_named_is_called_by_its_noun() -> None:
    """A property that takes any claim says so."""
    given = bundle(
        predictions=[prediction(reference_class_id="none")], document_links=[{"document_id": "doc", "claim_id": "P_9"}]
    )

    assert await references(EMPTY, given) == {
        "predictions[0].reference_class_id": "no reference class in the bundle or the graph has the id 'none'; "
        "add it first",
        "document_links[0].document_id": "no document in the bundle or the graph has the id 'doc'; add it first",
        "document_links[0].claim_id": "no claim in the bundle or the graph has the id 'P_9'; add it first",
    }


@pytest.mark.parametrize("is_stored", [True, False])
async def test_a_scenario_is_no_prediction(is_stored: bool) -> None:
    """Nor where the graph has it; it is a claim, and any claim may have evidence."""
    scenarios = [claim("S_1")]
    given = {
        "tickers": [{"symbol": "NVDA"}],
        "exposures": [{"sign": "HARMS", "prediction_id": "S_1", "symbol": "NVDA"}],
        "evidence": [evidence(owner="S_1")],
    }
    stored = bundle(scenarios=scenarios) if is_stored else EMPTY

    found = await references(stored, bundle(**given, **({} if is_stored else {"scenarios": scenarios})))

    assert set(found) == {"exposures[0].prediction_id"}


async def test_a_claim_keeps_its_kind() -> None:
    """Claims share their ids, so another kind needs another id."""
    stored = bundle(killers=[claim("TK_1"), claim("TK_2")])

    assert await references(stored, bundle(killers=[claim("TK_1")], scenarios=[claim("TK_2")])) == {
        "scenarios[0].id": "'TK_2' is a Killer; choose another id"
    }


def test_a_row_of_another_list_is_a_mistake_of_ours() -> None:
    """Not a problem of the bundle."""
    assert as_claim(Killer(id="TK_1", title="x")).id == "TK_1"
    with pytest.raises(TypeError, match="expected a claim, got Domain"):
        as_claim(Domain(id="d"))
    with pytest.raises(TypeError, match="expected a ledger row, got Domain"):
        as_evidence(Domain(id="d"))


# Stated probabilities


@pytest.mark.parametrize(("probability", "num_rows", "is_fine"), [(0.5, 1, True), (0.6, 1, False), (0.6, 0, True)])
async def test_a_stated_probability_stays_once_a_ledger_starts_from_it(
    probability: float, num_rows: int, is_fine: bool
) -> None:
    """Without a ledger it may change."""
    stored = bundle(predictions=[prediction()], evidence=[evidence()][:num_rows])
    given = bundle(predictions=[prediction(stated_probability=probability)])

    found = list(stated_problems(at_paths(given), await known_of(stored, given)))

    assert [problem.path for problem in found] == [] if is_fine else ["predictions[0].stated_probability"]


async def test_a_first_probability_may_be_stated_at_any_time() -> None:
    """Nothing started from it before."""
    stored = bundle(killers=[claim("TK_1", None)], evidence=[evidence(owner="TK_1")])
    given = bundle(killers=[claim("TK_1", 0.3)])

    assert list(stated_problems(at_paths(given), await known_of(stored, given))) == []


# Ledgers

OLD = evidence()
NEXT = evidence("E_2", recorded_at="2026-05-02T22:07:21.384229Z")


async def test_a_ledger_takes_its_own_rows_again_and_later_ones() -> None:
    """A row as it was recorded is the same row, wherever it comes in the bundle."""
    assert await ledger(bundle(evidence=[OLD]), bundle(evidence=[NEXT, OLD])) == []


async def test_a_recorded_row_does_not_change() -> None:
    """Not even by the last bit of a float."""
    (problem,) = await ledger(bundle(evidence=[OLD]), bundle(evidence=[OLD | {"total_llr": -0.40546510810816444}]))

    assert problem.path == "evidence[0]"
    assert problem.message.startswith("ledger row 'E_1' is recorded with other values")


async def test_a_new_row_is_later_than_the_last() -> None:
    """By a microsecond is enough; at the same moment the ids decide."""
    (problem,) = await ledger(bundle(evidence=[NEXT]), bundle(evidence=[OLD]))
    twin = evidence("E_3", recorded_at=NEXT["recorded_at"])

    assert problem.path == "evidence[0].recorded_at"
    assert "is not after 2026-05-02T22:07:21.384229Z" in problem.message
    assert await ledger(bundle(evidence=[NEXT]), bundle(evidence=[twin])) == []
    assert await ledger(bundle(evidence=[NEXT]), bundle(evidence=[OLD | {"claim_id": "P_2"}])) == []


async def test_an_idempotency_key_has_one_row() -> None:
    """In the bundle and in the graph; the row that has it may come again."""
    stored = bundle(evidence=[OLD | {"idempotency_key": "k"}])
    rows = [NEXT | {"idempotency_key": "k"}, NEXT | {"id": "E_3", "idempotency_key": "m"}]

    assert await ledger(stored, stored) == []
    assert [problem.path for problem in await ledger(stored, bundle(evidence=rows))] == ["evidence[0].idempotency_key"]
    assert [problem.path for problem in await ledger(EMPTY, bundle(evidence=[*rows, rows[1] | {"id": "E_4"}]))] == [
        "evidence[2].idempotency_key"
    ]


# Cycles


async def test_the_graphs_influences_are_read_only_where_a_cycle_may_pass_through_it() -> None:
    """A new claim has none there, so from it no way leads back."""
    stored = bundle(scenarios=[claim("S_1"), claim("S_2")], influences=[requiring("S_1", "S_2")])
    leading_out = bundle(scenarios=[claim("S_3")], influences=[requiring("S_2", "S_3")])
    leading_in = bundle(scenarios=[claim("S_3")], influences=[requiring("S_3", "S_1")])

    for given, names in ((leading_out, []), (leading_in, ["bundles/list_influence_ends"])):
        unit = FakeStore(stored)
        assert await cycle_problems(unit, at_paths(given)["influences"], await known_of(stored, given)) == []
        assert unit.names == names


async def test_a_cycle_is_a_problem_of_one_of_the_bundles_influences() -> None:
    """Whichever part of it is stored; the message shows all of it."""
    stored = bundle(scenarios=[claim("S_1"), claim("S_2")], influences=[requiring("S_1", "S_2")])
    given = bundle(scenarios=[claim("S_9")], influences=[requiring("S_2", "S_9"), requiring("S_9", "S_1")])

    (problem,) = await cycle_problems(FakeStore(stored), at_paths(given)["influences"], await known_of(stored, given))

    assert problem.path in {"influences[0]", "influences[1]"}
    cycle = problem.message.removeprefix("the influences would close a cycle: ").split(";")[0].split(" → ")
    assert set(pairwise(cycle)) == {("S_1", "S_2"), ("S_2", "S_9"), ("S_9", "S_1")}
    assert cycle[0] == cycle[-1]


def test_a_cycle_is_found_in_a_maze_and_none_in_a_tree() -> None:
    """Every step of the ring is an edge; a diamond is no ring."""
    maze = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["e"], "e": ["c"]}
    cycle = find_cycle(maze)

    assert cycle is not None
    assert cycle[0] == cycle[-1]
    assert all(child in maze[parent] for parent, child in pairwise(cycle))
    assert find_cycle({"a": ["b", "c"], "b": ["d"], "c": ["d"]}) is None


@drawn(st.dictionaries(st.integers(0, 6), st.sets(st.integers(0, 6))))
def test_a_cycle_is_found_wherever_one_can_be_walked(edges: dict[int, set[int]]) -> None:
    """Against the closure of the relation: a claim that reaches itself is on a cycle."""
    reached = {(parent, child) for parent, children in edges.items() for child in children}
    for middle in range(7):
        reached |= {(a, d) for a, b in reached for c, d in reached if b == c == middle}
    cycle = find_cycle({str(parent): list(map(str, children)) for parent, children in edges.items()})

    assert (cycle is not None) == any(a == b for a, b in reached)
    if cycle is not None:
        assert cycle[0] == cycle[-1]
        assert all(int(child) in edges[int(parent)] for parent, child in pairwise(cycle))
