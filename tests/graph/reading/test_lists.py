"""Statements of lists: what shapes their texts, how their plans begin, and what a page costs beside a hub."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from cypher import list_migrations
from graph.bundles.importing import import_bundle
from graph.database.sessions import Database
from graph.errors import InvalidError
from graph.model import values
from graph.model.lists import BY_NAME, LISTS, Condition, Listed
from graph.reading.lists import MOST_COLLECTED, ListFilter, ListPage, choose_index, count_facets
from graph.reading.tree import NodePlan
from tests.graph.reading.test_composing import UNINDEXED, operators_of
from tests.helpers.database import empty
from tests.helpers.profiling import NUM_CHILDREN, hub_bundle
from tests.helpers.shapes import first_of_each, without_labels, without_names

pytestmark = pytest.mark.statements

PLAN = NodePlan(properties=("id", "title"))
MOMENT = datetime(2026, 5, 30, tzinfo=UTC)
VALUES: dict[Any, Any] = {
    bool: True,
    int: 1,
    values.Moment: MOMENT,
    values.Day: date(2026, 5, 30),
    values.Probability: 0.5,
}
MOST_HITS = 20 * 21
FEW_HITS = 120
"""A row of a page takes some ten accesses: its index entry, its node, its labels and properties."""


def value_of(condition: Condition) -> Any:
    """A value that a condition may have."""
    value = VALUES.get(condition.type, "a")
    return [value] if condition.is_many else value


def pages_of(listed: Listed) -> Iterator[ListPage]:
    """Pages of a list in each order, and under each condition by which reading may begin elsewhere."""
    for number, sort in enumerate(listed.sorts):
        yield ListPage(listed, ListFilter({}), sort, 20, is_descending=bool(number % 2))
    for number, condition in enumerate(listed.conditions):
        sort = listed.sorts[number % len(listed.sorts)]
        yield ListPage(listed, ListFilter({condition.name: value_of(condition)}), sort, 20)
    if listed.is_searched:
        yield ListPage(listed, ListFilter({}, "word"), listed.sorts[0], 20)


LIKE_PREDICTIONS = ("claims", "scenarios", "killers")
"""Lists with the conditions and orders of predictions, whose plans are looked at on one release."""


def list_planned() -> Iterator[Any]:
    """
    Pages whose texts differ in more than labels, one of each.

    On each release: those of them that differ in more than the names of properties and indexes. That the indexes are
    there is tested beside it.
    """
    pages = {f"{listed.name}-{number}": page for listed in LISTS for number, page in enumerate(pages_of(listed))}
    texts = {name: page.compose(PLAN, wants_total=False).text for name, page in pages.items()}
    shapes = {name: without_names(text) for name, text in texts.items() if not name.startswith(LIKE_PREDICTIONS)}
    on_each = first_of_each(shapes)
    for name in sorted(on_each | first_of_each({name: without_labels(text) for name, text in texts.items()})):
        yield pytest.param(pages[name], id=name, marks=[] if name in on_each else [pytest.mark.one_release])


@pytest.mark.parametrize("page", [*list_planned()])
async def test_each_page_is_read_through_an_index(database: Database, page: ListPage) -> None:
    """Nothing is scanned or sorted whole; rows of several walks are merged, and few that were collected are sorted."""
    found = [operator for operator, _ in await operators_of(database, page.compose(PLAN, wants_total=False), page)]

    assert UNINDEXED & set(found) == set()
    index = choose_index(page.sort, page.filter)
    begins_elsewhere = any(condition.may_begin for condition in _set(page))
    if page.filter.text is None and not begins_elsewhere:
        assert found.count("Top") == (bool(index.columns))


def _set(page: ListPage) -> list[Condition]:
    return [page.listed.condition(name) for name in page.filter.values]


def test_every_index_is_declared_in_the_schema() -> None:
    """What a walk names exists."""
    text = " ".join(statement for migration in list_migrations() for statement in migration.statements)
    for listed in LISTS:
        for sort in listed.sorts:
            for index in sort.indexes:
                names = [*(column.name for column in index.columns), sort.property]
                if names not in (["id"], ["symbol"]):
                    columns = ", ".join(f"n.{name}" for name in names)
                    assert f"FOR (n:{index.label}) ON ({columns})" in text
        label = listed.sorts[0].indexes[-1].label
        for condition in listed.conditions:
            if condition.begins_at not in {None, "id", "symbol"}:
                assert f"FOR (n:{label}) ON (n.{condition.begins_at})" in text


def test_texts_do_not_depend_on_values() -> None:
    """A new text takes the database long to plan."""
    listed = BY_NAME["predictions"]
    pages = [
        ListPage(listed, ListFilter({"predictor": names, "probability_from": least}), listed.sort("deadline"), size)
        for names in (["ada"], ["ada", "bob"])
        for least in (0.1, 0.5)
        for size in (2, 20)
    ]

    assert len({page.compose(PLAN, wants_total=True).text for page in pages}) == 1
    assert len({page.shape for page in pages}) == 1


def test_two_shapes_have_two_texts() -> None:
    """Programs are kept by shape."""
    texts: dict[tuple[Any, ...], str] = {}
    for listed in LISTS:
        for page in pages_of(listed):
            for found in (page, replace(page, is_descending=not page.is_descending)):
                text = texts.setdefault(found.shape, found.compose(PLAN, wants_total=False).text)
                assert text == found.compose(PLAN, wants_total=False).text


def sign(owner: str, day: str) -> dict[str, str]:
    """A researched milestone."""
    names = {"id": f"{owner}:sign", "prediction_id": owner, "label": "A sign"}
    return {**names, "kind": "RESEARCHED", "expected_date": day}


@pytest.fixture(scope="module")
async def hub(migrated_database: Database) -> AsyncIterator[Database]:
    """A predictor and a killer of 1,500 predictions, and those of a few."""
    await empty(migrated_database)
    few = [
        {
            "id": f"P_FEW{number}",
            "title": "t",
            "predictor_id": "bob",
            "stated_probability": 0.3,
            "mode": "SPECULATION",
        }
        for number in range(30)
    ]
    kills = [
        {"kind": "KILLS", "parent_id": "TK_FEW", "child_id": row["id"], "p_if_true": 0.05, "p_if_false": 0.45}
        for row in few
    ]
    await import_bundle(
        migrated_database,
        hub_bundle(
            predictions=few,
            predictors=[{"id": "bob", "name": "Bob"}],
            killers=[{"id": "TK_FEW", "title": "A shortage", "stated_probability": 0.1}],
            influences=kills,
            milestones=[
                *(sign(f"P_{number:05d}", "2001-05-01") for number in range(NUM_CHILDREN)),
                *(sign(f"P_FEW{number}", "2999-05-01") for number in range(len(few))),
            ],
        ),
    )
    async with migrated_database.open_session() as session:  # plans go by what the database knows of its indexes
        await (await session.run("CALL db.prepareForReplanning(60)")).consume()
    yield migrated_database
    await empty(migrated_database)


async def hits_of(database: Database, page: ListPage, *, wants_total: bool = False) -> int:
    """The store accesses of a page."""
    found = await operators_of(database, page.compose(PLAN, wants_total=wants_total), page, profile=True)
    return sum(num for _, num in found)


def page_by(sort: str, **conditions: Any) -> ListPage:
    """A page of predictions in an order."""
    listed = BY_NAME["predictions"]
    return ListPage(listed, ListFilter(conditions), listed.sort(sort), 20, is_descending=True)


@pytest.mark.parametrize("sort", [sort.name for sort in BY_NAME["predictions"].sorts])
async def test_a_page_costs_by_its_rows(hub: Database, sort: str) -> None:
    """Of all predictions, of those of a status, and in the orders that have an index for it, of those of a hub."""
    hits = [await hits_of(hub, page_by(sort)), await hits_of(hub, page_by(sort, status=["OPEN"]))]
    if sort in {"deadline", "posterior"}:
        hits += [
            await hits_of(hub, page_by(sort, predictor=["ada"])),
            await hits_of(hub, page_by(sort, predictor=["bob"])),
        ]

    assert max(hits) < MOST_HITS
    assert min(hits) > 20


@pytest.mark.parametrize("conditions", [{}, {"kind": ["RESEARCHED"]}, {"due_from": date(2000, 1, 1)}])
@pytest.mark.parametrize(("status", "is_descending"), [("PENDING", False), ("OVERDUE", True)])
async def test_the_calendar_passes_over_no_milestones_of_another_status(
    hub: Database, status: str, conditions: dict[str, Any], *, is_descending: bool
) -> None:
    """What is still to come, soonest first, behind all that is overdue; and the other way round."""
    listed = BY_NAME["milestones"]
    given = ListFilter(listed.settled({"status": [status], **conditions}))
    page = ListPage(listed, given, listed.sort("due"), 20, is_descending=is_descending)

    assert 20 < await hits_of(hub, page) < MOST_HITS


@pytest.mark.parametrize("sort", ["change_7_days", "deadline"])
@pytest.mark.parametrize("condition", ["predictor", "killer"])
async def test_a_hub_is_walked_and_few_are_collected(hub: Database, condition: str, sort: str) -> None:
    """A hub's page is soon full in the list's order; the few of another are read at once."""
    many, few = ("ada", "bob") if condition == "predictor" else ("TK_HUB", "TK_FEW")

    assert NUM_CHILDREN > MOST_COLLECTED
    assert await hits_of(hub, page_by(sort, **{condition: [many]})) < 2 * MOST_HITS
    assert await hits_of(hub, page_by(sort, **{condition: [few]})) < 2 * MOST_HITS


@pytest.mark.parametrize("sort", ["change_7_days", "deadline", "key"])
async def test_few_of_a_property_are_collected(hub: Database, sort: str) -> None:
    """By the property's index, wherever they stand in the order."""
    assert await hits_of(hub, page_by(sort, mode=["SPECULATION"])) < 2 * MOST_HITS


@pytest.mark.parametrize("sort", ["change_7_days", "deadline", "key"])
async def test_few_with_evidence_are_collected(hub: Database, sort: str) -> None:
    """None, beside 1,500 predictions."""
    listed = BY_NAME["claims"]
    few = ListPage(listed, ListFilter({"has_evidence": True}), listed.sort(sort), 20, is_descending=True)

    assert await hits_of(hub, few) < MOST_HITS
    assert await read_keys(hub, few) == []


@pytest.mark.parametrize("sort", [sort.name for sort in BY_NAME["claims"].sorts])
@pytest.mark.parametrize(
    ("name", "kinds"), [("claims", ["Killer"]), ("claims", ["Killer", "Scenario"]), ("killers", []), ("scenarios", [])]
)
async def test_few_of_a_kind_are_not_looked_for_among_many(
    hub: Database, name: str, kinds: list[str], sort: str
) -> None:
    """Two killers and no scenario, beside 1,500 predictions."""
    listed = BY_NAME[name]
    page = ListPage(listed, ListFilter({"kind": kinds} if kinds else {}), listed.sort(sort), 20, is_descending=True)

    assert await hits_of(hub, page) < FEW_HITS
    assert sorted(await read_keys(hub, page)) == ([] if name == "scenarios" else ["TK_FEW", "TK_HUB"])


@pytest.mark.parametrize("sort", ["deadline", "key"])
async def test_a_page_of_a_kind_of_many_is_soon_full(hub: Database, sort: str) -> None:
    """1,500 predictions."""
    listed = BY_NAME["claims"]

    assert await hits_of(hub, ListPage(listed, ListFilter({"kind": ["Prediction"]}), listed.sort(sort), 20)) < MOST_HITS


async def test_a_walk_by_text_is_bounded(hub: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of many matches, among which a condition leaves few."""
    listed = BY_NAME["predictions"]
    page = ListPage(listed, ListFilter({"probability_from": 0.99}, "P_"), listed.sort("stated"), 20)
    monkeypatch.setattr("graph.reading.lists.MOST_WALKED", 100)

    with pytest.raises(InvalidError, match="found for among 100"):
        await read_keys(hub, page)
    monkeypatch.setattr("graph.reading.lists.MOST_WALKED", 10_000)
    assert await read_keys(hub, page) == []


async def test_a_total_among_too_many_rows_is_not_counted(hub: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is null; one of few nodes of another is still counted."""
    for given, total in (({"probability_from": 0.5}, 750), ({"status": ["OPEN"]}, 1_530), ({"killer": ["TK_FEW"]}, 30)):
        page = page_by("stated", **given)
        monkeypatch.setattr("graph.reading.lists.MOST_WALKED", 10_000)
        assert await total_of(hub, page) == total
        monkeypatch.setattr("graph.reading.lists.MOST_WALKED", 100)
        assert await total_of(hub, page) == (30 if "killer" in given else None)


async def total_of(database: Database, page: ListPage) -> int | None:
    """The number of all nodes."""
    async with database.reading() as unit:
        found = await page.read(unit, PLAN, wants_total=True)
    assert found is not None
    total: int | None = found["total_count"]
    return total


async def read_keys(database: Database, page: ListPage) -> list[str]:
    """The keys on a page."""
    async with database.reading() as unit:
        found = await page.read(unit, PLAN, wants_total=False)
    assert found is not None
    return [edge["node"]["id"] for edge in found["edges"]]


async def test_a_page_among_too_many_rows_is_refused(hub: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks at so many and says so, in both ways of reading; one that is full, or at the end, is shown."""
    none, few = page_by("stated", probability_from=0.99), page_by("stated", killer=["TK_FEW"], probability_to=0.99)
    whole = await hits_of(hub, none)
    monkeypatch.setattr("graph.reading.lists.MOST_WALKED", 100)

    with pytest.raises(InvalidError, match="found for among 100"):
        await read_keys(hub, none)
    with pytest.raises(InvalidError, match="found for among 100"):
        none.page_of([["key"], None])
    assert await hits_of(hub, none) < whole / 2
    assert len(await read_keys(hub, page_by("stated", probability_to=0.99))) == 20
    assert len(await read_keys(hub, replace(few, size=50))) == 30
    monkeypatch.setattr("graph.reading.lists.MOST_WALKED", 10_000)
    assert await read_keys(hub, none) == []


async def test_a_total_of_all_is_in_the_counts_of_the_store(hub: Database) -> None:
    """It costs nothing of the graph's size."""
    bare, counted = [await hits_of(hub, page_by("deadline"), wants_total=total) for total in (False, True)]

    assert counted - bare < 5


async def test_more_than_facets_count_are_refused(hub: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The filter has to be narrower."""
    monkeypatch.setattr("graph.reading.lists.MOST_FACETED", 100)
    listed = BY_NAME["predictions"]

    with pytest.raises(InvalidError, match="at most 100 predictions"):
        await hub.read(lambda unit: count_facets(unit, listed, ListFilter({})))
    facets = await hub.read(lambda unit: count_facets(unit, listed, ListFilter({"predictor": ["bob"]})))
    assert (facets.total, facets.by["predictor_id"]) == (30, [("bob", 30)])
