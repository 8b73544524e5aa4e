"""Families of outcomes in the network: as it is read, patched, asked and stored."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.exposure.past import recall_joint
from graph.families.store import FamilyDraft, delete_family, list_stored_marginals, save_family
from graph.inference.network.diagnostics import Method
from graph.inference.network.limits import MAX_GROUP_CLAIMS
from graph.inference.network.structure import NO_GROUP
from graph.model.kinds import FamilyKind, FamilyRole
from graph.model.rows import MOST_MEMBERS, ClaimFamily, FamilyMember, dated_key
from graph.network.engine import Engine
from graph.network.fetching import fetch_snapshot, update_snapshot
from graph.network.questions import Observation
from graph.network.storing import end_of_family, with_families
from graph.network.view import View, make_view
from tests.graph.network.test_fetching import assert_same
from tests.helpers.asking import ask, service_of
from tests.helpers.bundles import bundle, evidence, killing, prediction, requiring
from tests.helpers.mutating import mutate
from tests.helpers.snapshots import snapshot

pytestmark = pytest.mark.one_release

MOMENT = datetime(2026, 7, 1, tzinfo=UTC)
KEYS = ("WIN", "DRAW", "LOSS")


def family(*claim_ids: str, name: str = "match", is_exhaustive: bool = True) -> ClaimFamily:
    """A row of a family of outcomes."""
    return ClaimFamily(
        id=dated_key(name, MOMENT),
        name=name,
        kind=FamilyKind.EXCLUSIVE,
        is_exhaustive=is_exhaustive,
        recorded_at=MOMENT,
        members=tuple(FamilyMember(claim_id=claim_id) for claim_id in claim_ids),
    )


async def save(database: Database, *keys: str, is_exhaustive: bool = True) -> None:
    """Save the family `match`."""
    members = [(key, FamilyRole.BY) for key in keys]
    await save_family(database, FamilyDraft("match", FamilyKind.EXCLUSIVE, members, is_exhaustive=is_exhaustive))


async def load(database: Database, beliefs: Sequence[float] = (0.4, 0.3, 0.2)) -> None:
    """Three outcomes, of which the last one has a killer and the first one a prerequisite, and a claim below one."""
    outcomes = [
        prediction(key, stated_probability=value, from_year=None) for key, value in zip(KEYS, beliefs, strict=True)
    ]
    rows = [prediction(key, stated_probability=0.4, from_year=None) for key in ("FORM", "REPLAY")]
    lists: dict[str, Any] = {
        "policy": "foregraph-1",
        "predictions": [*outcomes, *rows],
        "killers": [{"id": "TK_1", "title": "It breaks", "stated_probability": 0.3}],
        "influences": [killing("TK_1", "LOSS"), requiring("FORM", "WIN"), requiring("DRAW", "REPLAY")],
        "evidence": [evidence("E_1", "WIN", total_llr=1.0), evidence("E_2", "REPLAY", total_llr=-1.0)],
    }
    await import_bundle(database, bundle(**lists))


def test_only_what_fits_is_a_group() -> None:
    """Claims that the network leaves out do not count; contradictions leave a family out, its size never does."""
    plain = snapshot()

    def groups(*families: ClaimFamily) -> list[list[str]]:
        view = make_view(replace(plain, families=families), MOMENT)
        return [[view.ids[claim] for claim in group.claims.tolist()] for group in view.groups]

    assert groups() == []
    assert groups(family("B", "A", "C", "D")) == [["B", "A"]]
    assert groups(family("C", "D")) == []
    assert groups(family("A", "B"), family("B", "E", name="other")) == [["A", "B"]]
    by_when = family("A", "B").model_copy(update={"kind": FamilyKind.BY_WHEN})
    assert groups(by_when) == []
    closed = replace(plain, statuses=np.where(plain.statuses == plain.statuses[4], plain.statuses[4], plain.statuses))
    closed.statuses[0] = plain.statuses[4]
    assert len(make_view(replace(closed, families=(family("A", "B"),)), MOMENT).groups) == 1
    assert make_view(replace(closed, families=(family("A", "E"),)), MOMENT).groups == []
    assert MOST_MEMBERS <= MAX_GROUP_CLAIMS


def test_a_view_follows_families_and_takes_over_what_is_the_same() -> None:
    """The structure's key differs by the family and by whether it is exhaustive; a known view changes nothing."""
    plain = snapshot()
    one = replace(plain, families=(family("A", "B"),))
    other = replace(plain, families=(family("A", "B", is_exhaustive=False),))
    before = make_view(plain, MOMENT)
    views = [before, make_view(one, MOMENT), make_view(other, MOMENT)]

    assert len({view.structure_key for view in views}) == 3
    assert before.network is before.without_families
    for snapshot_then, view in zip((plain, one, other), views, strict=True):
        for known in views:
            again = make_view(snapshot_then, MOMENT, known)
            assert again.structure_key == view.structure_key
            assert_array_equal(again.network.weights, view.network.weights)
            assert (again.network is known.network) == (known is view)
            assert [again.influence_key(index) for index in range(again.num_influences)] == [
                before.influence_key(index) for index in range(before.num_influences)
            ]
    later = make_view(one, MOMENT + timedelta(hours=1), views[1])
    assert later.structure_key == make_view(one, MOMENT + timedelta(hours=1)).structure_key


async def test_a_family_that_is_written_patches_a_snapshot(database: Database) -> None:
    """Saved, changed, and deleted: each time bit for bit as a snapshot that is read anew; other writes keep it."""
    await load(database)
    keys = []
    async with database.reading() as reading:
        known = await fetch_snapshot(reading)
    for write in (
        lambda: save(database, *KEYS),
        lambda: mutate(database, "submitEvidence", {"claim": "DRAW", "direction": "FOR", "likelihoodRatio": 2}),
        lambda: save(database, "WIN", "LOSS", is_exhaustive=False),
        lambda: delete_family(database, "match"),
    ):
        await write()
        async with database.reading() as reading:
            patched, anew = await update_snapshot(reading, known), await fetch_snapshot(reading)
        assert patched is not None
        assert_same(patched, anew)
        keys.append(make_view(patched, MOMENT).structure_key)
        assert keys[-1] == make_view(anew, MOMENT).structure_key
        known = patched
    assert known.families == []
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def total(view: View, marginals: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Sum of the outcomes' marginals."""
    return float(sum(marginals[view.indices[key]] for key in KEYS))


async def test_marginals_add_up_in_every_answer(database: Database) -> None:
    """By each method, observed or brought about, stored, and in joint samples; with what bears on them and below."""
    await load(database)
    await save(database, *KEYS)
    engine: Engine = service_of(database).engine
    for method in Method:
        async with database.reading() as reading:
            view, beliefs = await engine.beliefs(reading, method)
            assert total(view, beliefs.marginals) == pytest.approx(1.0, abs=1e-9)
            for is_intervention in (False, True):
                for key, outcome in (("TK_1", True), ("FORM", False), *((key, False) for key in KEYS), ("DRAW", True)):
                    found = await engine.what_if(
                        reading, [Observation(key, outcome)], is_intervention=is_intervention, method=method
                    )
                    for marginals in (found.question.shifts.before, found.question.shifts.after):
                        told = (method, key, is_intervention)
                        assert total(view, marginals) == pytest.approx(1.0, abs=1e-9), told
    async with database.reading() as reading:
        joint = await engine.joint(reading)
    bits = np.unpackbits(joint.bank.bits.view(np.uint8), bitorder="little").reshape(len(view.ids), -1)
    assert set(bits[[view.indices[key] for key in KEYS]].sum(axis=0).tolist()) == {1}
    for name in ("AUTO", "LBP", "SAMPLE"):
        for ratio in (4, 1.0005, 0.5):
            write = {"claim": "FORM", "direction": "FOR", "likelihoodRatio": ratio}
            await mutate(database, "submitEvidence", write)
            await mutate(database, "propagateBeliefs", {"method": name})
            await assert_stored_add_up(database)


async def assert_stored_add_up(database: Database) -> None:
    """The stored marginals, and the pages' and the family's the same."""
    document = """{ claimFamily(name: "match") { outcomes { nodes {
        claim { marginal { probability } } coherentMarginalProbability
    } } } }"""
    async with database.reading() as reading:
        stored = await list_stored_marginals(reading, KEYS)
    assert sum(value or 0.0 for value in stored) == pytest.approx(1.0, abs=1e-9)
    nodes = (await ask(database, document)).data["claimFamily"]["outcomes"]["nodes"]
    for node, value in zip(nodes, stored, strict=True):
        assert node["claim"]["marginal"]["probability"] == pytest.approx(value, abs=1e-11)
        assert node["coherentMarginalProbability"] == pytest.approx(value, abs=1e-11)


def test_what_is_stored_of_a_group_is_stored_at_once() -> None:
    """If one of its claims has moved, and not cut in two by the limit of a transaction."""
    groups = np.array([1, NO_GROUP, 0, 1, NO_GROUP, 0, 1, 2])
    moved = np.array([False, True, False, True, False, False, False, False])

    assert with_families(moved, groups).tolist() == [1, 0, 3, 6]
    assert with_families(np.zeros(8, np.bool_), groups).tolist() == []
    sorted_groups = np.array([NO_GROUP, NO_GROUP, 0, 0, 0, 3, 3])
    ends = [end_of_family(sorted_groups, limit) for limit in range(1, 9)]
    assert ends == [1, 2, 5, 5, 5, 7, 7, 8]


async def test_marginals_of_a_family_of_its_own_are_its_coherent_probabilities(database: Database) -> None:
    """Those of `outcomes`, with evidence on several, and once one is resolved."""
    outcomes = [
        prediction(key, stated_probability=value, from_year=None)
        for key, value in zip(KEYS, (0.6, 0.3, 0.4), strict=True)
    ]
    rows = [evidence("E_1", "WIN", total_llr=1.0), evidence("E_2", "LOSS", total_llr=-2.0)]
    lists: dict[str, Any] = {"policy": "foregraph-1", "predictions": outcomes, "evidence": rows}
    await import_bundle(database, bundle(**lists))
    await save(database, *KEYS)
    document = '{ claimFamily(name: "match") { outcomes { nodes { claimKey coherentProbability } } } }'

    for write in (None, {"claim": "DRAW", "outcome": "FALSE"}):
        if write is not None:
            await mutate(database, "resolveClaim", write)
        async with database.reading() as reading:
            view, beliefs = await service_of(database).engine.beliefs(reading, Method.AUTO)
        nodes = (await ask(database, document)).data["claimFamily"]["outcomes"]["nodes"]
        expected = {node["claimKey"]: node["coherentProbability"] for node in nodes}
        assert {key: beliefs.marginals[view.indices[key]] for key in KEYS} == pytest.approx(expected, abs=1e-6)


async def test_the_past_has_the_families_of_its_moment(database: Database) -> None:
    """Before it was saved, while it was there, and after it was deleted."""
    await load(database)
    moments = [datetime.now(UTC)]
    await save(database, *KEYS)
    moments.append(datetime.now(UTC))
    await delete_family(database, "match")
    moments.append(datetime.now(UTC))
    totals = []
    async with database.reading() as reading:
        for moment in moments:
            joint = await recall_joint(reading, service_of(database).engine, moment)
            totals.append(total(joint.view, joint.beliefs.marginals))

    assert totals[1] == pytest.approx(1.0, abs=1e-9)
    assert totals[0] == pytest.approx(totals[2], abs=1e-9)
    assert abs(totals[0] - 1.0) > 0.01


DATED = ("BY_2030", "BY_2032", "NOT_2034")
ROLES = (FamilyRole.BY, FamilyRole.BY, FamilyRole.NOT_BEFORE)


async def save_dates(database: Database) -> None:
    """Save the family `when` of an event by three dates."""
    members = list(zip(DATED, ROLES, strict=True))
    await save_family(database, FamilyDraft("when", FamilyKind.BY_WHEN, members))


def dated_predictions(beliefs: Sequence[float]) -> list[dict[str, Any]]:
    """The claims of the event, whose windows have opened."""
    windows = [
        {"window_start": "2020-01-01T00:00:00Z", "window_end": f"{key[-4:]}-12-31T00:00:00Z", "from_year": None}
        for key in DATED
    ]
    return [
        prediction(key, stated_probability=value, **window)
        for key, value, window in zip(DATED, beliefs, windows, strict=True)
    ]


async def load_dates(database: Database, beliefs: Sequence[float] = (0.3, 0.5, 0.2), *edges: Any) -> None:
    """An event by three dates, of which the second has a killer, and a claim below the first."""
    dated = dated_predictions(beliefs)
    lists: dict[str, Any] = {
        "policy": "foregraph-1",
        "predictions": [*dated, prediction("AFTER", stated_probability=0.4, from_year=None)],
        "killers": [{"id": "TK_1", "title": "It breaks", "stated_probability": 0.3}],
        "influences": [killing("TK_1", "BY_2032"), requiring("BY_2030", "AFTER"), *edges],
        "evidence": [evidence("E_1", "BY_2032", total_llr=1.0), evidence("E_2", "AFTER", total_llr=-1.0)],
    }
    await import_bundle(database, bundle(**lists))


def curve_of(view: View, marginals: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    """The probabilities that the event happens by the dates."""
    values = [float(marginals[view.indices[key]]) for key in DATED]
    return [value if role is FamilyRole.BY else 1.0 - value for value, role in zip(values, ROLES, strict=True)]


async def is_in_network(database: Database) -> bool | None:
    """What the timeline says of it."""
    document = '{ claimFamily(name: "when") { timeline { isInNetwork } } }'
    found: bool | None = (await ask(database, document)).data["claimFamily"]["timeline"]["isInNetwork"]
    return found


async def test_an_event_by_several_dates_rises_in_every_answer(database: Database) -> None:
    """By each method, observed or brought about with what follows, stored, and in joint samples."""
    await load_dates(database)
    await save_dates(database)
    engine: Engine = service_of(database).engine
    assert await is_in_network(database)
    for method in Method:
        async with database.reading() as reading:
            view, beliefs = await engine.beliefs(reading, method)
            curve = curve_of(view, beliefs.marginals)
            assert curve == sorted(curve)
            for is_intervention in (False, True):
                for key, outcome in (("TK_1", True), ("BY_2030", True), ("BY_2032", False), ("NOT_2034", True)):
                    found = await engine.what_if(
                        reading, [Observation(key, outcome)], is_intervention=is_intervention, method=method
                    )
                    curve = curve_of(view, found.question.shifts.after)
                    assert np.diff(curve).min() >= -1e-9, (method, key, is_intervention)
                    if key == "BY_2030":
                        assert curve == [1.0, 1.0, 1.0]
                        assert {shift.claim_id: shift.after for shift in found.implied} == {"BY_2032": 1, "NOT_2034": 0}
    async with database.reading() as reading:
        bank = (await engine.joint(reading)).bank
    bits = np.unpackbits(bank.bits.view(np.uint8), bitorder="little").reshape(len(view.ids), -1)
    happened = [bits[view.indices[key]] ^ (role is not FamilyRole.BY) for key, role in zip(DATED, ROLES, strict=True)]
    assert (np.diff(np.array(happened, np.int64), axis=0) >= 0).all()
    await mutate(database, "propagateBeliefs", {"method": "SAMPLE"})
    async with database.reading() as reading:
        stored = np.array([value or 0.0 for value in await list_stored_marginals(reading, DATED)])
    assert np.diff([stored[0], stored[1], 1.0 - stored[2]]).min() >= -1e-9


async def test_marginals_of_an_event_of_its_own_are_those_of_its_timeline(database: Database) -> None:
    """Without evidence; and once an outcome is known, which counts from its moment on."""
    lists: dict[str, Any] = {"policy": "foregraph-1", "predictions": dated_predictions((0.4, 0.3, 0.2))}
    await import_bundle(database, bundle(**lists))
    await save_dates(database)
    document = '{ claimFamily(name: "when") { timeline { nodes { claimKey coherentProbability } } } }'

    for write in (None, {"claim": "BY_2030", "outcome": "FALSE"}, {"claim": "BY_2032", "outcome": "TRUE"}):
        if write is not None:
            await mutate(database, "resolveClaim", write)
        async with database.reading() as reading:
            view, beliefs = await service_of(database).engine.beliefs(reading, Method.AUTO)
        nodes = (await ask(database, document)).data["claimFamily"]["timeline"]["nodes"]
        expected = {node["claimKey"]: node["coherentProbability"] for node in nodes}
        if write is not None and write["outcome"] == "TRUE":
            # It happened before the first date, by which it is known not to have: a contradiction, on both sides.
            assert not await is_in_network(database)
        else:
            found = {key: beliefs.marginals[view.indices[key]] for key in DATED}
            assert found == pytest.approx(expected, abs=2e-6)
            assert await is_in_network(database)


async def test_what_happened_by_a_later_date_has_by_earlier_ones_after_its_moment(database: Database) -> None:
    """A claim by 2032 that comes true today is one by 2030 that does."""
    await load_dates(database)
    await save_dates(database)
    await mutate(database, "resolveClaim", {"claim": "BY_2032", "outcome": "TRUE"})

    async with database.reading() as reading:
        view, beliefs = await service_of(database).engine.beliefs(reading, Method.AUTO)

    assert curve_of(view, beliefs.marginals) == pytest.approx([1.0, 1.0, 1.0], abs=1e-9)


async def test_an_event_that_is_no_chain_is_not_in_the_network(database: Database) -> None:
    """Of which a later claim bears on an earlier one; or of which one is an outcome that excludes others."""
    await load_dates(database, (0.3, 0.5, 0.2), requiring("BY_2032", "BY_2030"))
    await save_dates(database)
    assert await is_in_network(database) is False
    await mutate(database, "removeInfluence", {"kind": "PREREQUISITE_OF", "parent": "BY_2032", "child": "BY_2030"})
    assert await is_in_network(database) is True
    members = [(key, FamilyRole.BY) for key in ("BY_2030", "AFTER")]
    await save_family(database, FamilyDraft("match", FamilyKind.EXCLUSIVE, members, is_exhaustive=False))
    assert await is_in_network(database) is False
    await delete_family(database, "match")
    moment = datetime.now(UTC).isoformat()
    document = f'{{ claimFamily(name: "when") {{ timeline(asOf: "{moment}") {{ isInNetwork }} }} }}'
    assert (await ask(database, document)).data["claimFamily"]["timeline"]["isInNetwork"] is None


async def test_events_patch_a_snapshot_and_are_those_of_their_moment(database: Database) -> None:
    """As it is read anew, with the same key of the structure; and a joint of before it was saved does not have it."""
    await load_dates(database)
    before = datetime.now(UTC)
    async with database.reading() as reading:
        known = await fetch_snapshot(reading)
    view = make_view(known, MOMENT)
    await save_dates(database)
    async with database.reading() as reading:
        patched, anew = await update_snapshot(reading, known), await fetch_snapshot(reading)
    assert patched is not None
    views = [make_view(patched, MOMENT, view), make_view(anew, MOMENT)]
    assert views[0].structure_key == views[1].structure_key != view.structure_key
    assert list(views[0].events) == ["when"]
    assert make_view(anew, MOMENT, views[1]).network is views[1].network
    after = datetime.now(UTC)
    engine = service_of(database).engine
    async with database.reading() as reading:
        joints = [await recall_joint(reading, engine, moment) for moment in (before, after)]
    assert [list(joint.view.events) for joint in joints] == [[], ["when"]]
    curve = curve_of(joints[1].view, joints[1].beliefs.marginals)
    assert np.diff(curve).min() >= -1e-9
