"""Figures at /metrics are what was asked, counted again by who asked; the monitoring files name figures that exist."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from api.access.allowances import Allowance
from api.access.rates import CONCURRENT, MUTATIONS, POINTS, RateLimitedError, Rates
from api.admission import Admissions, QueueError
from api.app import create_app
from api.logging import RequestRecord
from api.metrics import instruments
from api.metrics.instruments import MOST_OPERATIONS, OTHER, StatementObserver, note_request
from api.settings import Settings
from graph.database.address import DatabaseAddress
from graph.database.revisions import PLACES, EventKind
from graph.database.sessions import Database
from graph.feed.following import Feed, Interest
from graph.inference.network.diagnostics import Method
from graph.network.engine import Engine
from graph.network.propagation import propagate_all
from graph.sample.loading import load_sample
from resolvers.base.roles import Caller
from tests.helpers.copies import import_once
from tests.helpers.service_fakes import open_client

MONITORING = Path(__file__).parents[3] / ".github/monitoring"
OPERATIONS = MONITORING.parent / "OPERATIONS.md"
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]

NAMED = "query Named($id: ID!) { prediction(id: $id) { title } }"


@pytest.fixture(autouse=True)
def few_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """No operation has been seen so far."""
    monkeypatch.setattr(instruments, "_operations", {})


def parse(text: str) -> Figures:
    """All samples by name and labels, as another program reads them."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


async def read(client: httpx.AsyncClient) -> Figures:
    """The figures as they are now."""
    response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    return parse(response.text)


def grown(before: Figures, after: Figures, name: str) -> Counter[tuple[str, ...]]:
    """How much each sample of a name has grown, by the values of its labels in the labels' order."""
    return Counter(
        {
            tuple(value for _, value in sorted(labels)): int(figure - before.get((found, labels), 0))
            for (found, labels), figure in after.items()
            if found == name and figure != before.get((found, labels), 0)
        }
    )


async def test_each_operation_counts_once_whichever_way_it_is_answered(database: Database) -> None:
    """A document takes the long way first and the short one later; errors count by their codes."""
    app = create_app(Settings(response_cache_bytes=0), database)
    deep = "{ a " * 70 + "}" * 70
    async with open_client(app) as client:
        before = await read(client)
        for _ in range(5):
            await client.post("/graphql", json={"query": NAMED, "variables": {"id": "P_ABSENT"}})
        await client.post("/graphql", json={"query": '{ node(id: "wrong") { id } }'})
        await client.post("/graphql", json={"query": deep})
        await client.get("/nowhere")
        after = await read(client)

    operations = grown(before, after, "foregraph_operations_total")
    by_outcome: Counter[tuple[str, str, str]] = Counter()
    for (_, name, outcome, kind), number in operations.items():
        by_outcome[kind, name, outcome] += number
    assert by_outcome["query", "Named", "data"] == 5
    assert sum(by_outcome.values()) == 7
    assert grown(before, after, "foregraph_request_seconds_count") == Counter(
        {("/graphql", "200"): 7, (OTHER, "404"): 1, ("/metrics", "200"): 1}
    )
    errors = grown(before, after, "foregraph_errors_total")
    assert errors["TOO_DEEP",] == 1
    assert errors["NOT_FOUND",] == 1
    assert errors.total() == 3


async def test_gauges_tell_the_graphs_revision_and_how_far_marginals_are_behind(database: Database) -> None:
    await import_once(database, load_sample())
    app = create_app(Settings(), database)
    async with open_client(app) as client:
        fresh = await read(client)
        engine = Engine()
        await propagate_all(database, engine, Method.AUTO)
        engine.close()
        later = await read(client)
    async with database.open_session() as session:
        record = await (await session.run("MATCH (g:Graph {id: 'graph'}) RETURN g.revision AS r")).single(strict=True)

    assert fresh["foregraph_revision", frozenset()] == record["r"] > 0
    assert later["foregraph_marginal_lag_revisions", frozenset()] == 0
    assert 0 <= later["foregraph_marginal_age_seconds", frozenset()] < 2 * 3600
    assert later["foregraph_database_is_up", frozenset()] == 1
    places = {labels: value for (name, labels), value in later.items() if name == "foregraph_places"}
    assert places[frozenset({("kind", "queries"), ("state", "places")})] == Settings().max_concurrent_documents
    assert all(value == 0 for labels, value in places.items() if ("state", "taken") in labels)


async def test_statements_count_by_name_and_slow_ones_are_logged(
    database_address: DatabaseAddress, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with its rows; the log shows no value."""
    before = parse(instruments.show()[0].decode())
    async with Database.open(database_address, observer=StatementObserver(0.0)) as observed:
        for _ in range(3):
            await observed.read(lambda unit: unit.run("network/get_held"))
    after = parse(instruments.show()[0].decode())

    assert grown(before, after, "foregraph_statements_total") == Counter({("network/get_held",): 3})
    logged = capsys.readouterr()
    assert (logged.out + logged.err).count("a slow statement") == 3


def test_names_of_operations_cannot_make_the_figures_grow() -> None:
    """The first ones have a series each, all others one together."""
    before = parse(instruments.show()[0].decode())
    record = RequestRecord("r", operation_type="query", outcome="data")
    for number in range(MOST_OPERATIONS + 50):
        record.operation_name = f"Op{number}"
        note_request("/graphql", 200, 0.001, record)
    after = parse(instruments.show()[0].decode())

    found = grown(before, after, "foregraph_operations_total")
    assert len(found) == MOST_OPERATIONS + 1
    assert found.total() == MOST_OPERATIONS + 50
    assert found[OTHER, OTHER, "data", "query"] == 50


def _names_in(expression: str) -> set[str]:
    return set(re.findall(r"\bforegraph_\w+", expression))


_LABELS = re.compile(r"\{[^}]*\}|\b(?:by|ignoring) \([^)]*\)")


def test_expressions_choose_by_labels_that_their_figures_have() -> None:
    """A label that a figure lacks chooses nothing, and an alert would be silent for ever; so would a wrong value."""
    labels = {
        figure._name: set(figure._labelnames)
        for figure in (*vars(instruments).values(), *instruments.DATABASE_LOAD.values())
        if isinstance(figure, MetricWrapperBase)
    }
    chosen = [
        (name, label, values)
        for expression in _expressions()
        for name, matchers in re.findall(r"\b(foregraph_\w+)\{([^}]*)\}", expression)
        for label, values in re.findall(r"(\w+)[!=~]+\"([^\"]*)\"", matchers)
    ]
    grouped = [
        (_names_in(_LABELS.sub("", expression)), {label.strip() for label in named.split(",")} - {"le"})
        for expression in _expressions()
        for named in re.findall(r"\bby \(([^)]*)\)", expression)
    ]

    assert {label for _, label, _ in chosen} > {"stage", "limit"}
    assert [(name, label) for name, label, _ in chosen if label not in labels[_family_of(name)]] == []
    assert [names for names, named in grouped for name in names if not named <= labels[_family_of(name)]] == []
    limits = {value for _, label, values in chosen if label == "limit" for value in values.split("|")}
    assert limits == {limit.replace(" ", "_") for limit in (POINTS, MUTATIONS, CONCURRENT)}


def _family_of(name: str) -> str:
    return re.sub(r"_(total|bucket|count|sum)$", "", name)


def test_every_figure_is_described() -> None:
    """By its whole name, or by its end after the dots that stand for what the one before it begins with."""
    text = OPERATIONS.read_text()
    named, ends = set(re.findall(r"`(foregraph_\w+)`", text)), set(re.findall(r"`…(_\w+)`", text))
    exposed = {f"{family.name}{'_total' * (family.type == 'counter')}" for family in instruments.list_families()}

    assert {name for name in exposed - named if not any(name.endswith(end) for end in ends)} == set()
    assert named <= exposed


def _expressions() -> Iterator[str]:
    dashboard: Any = json.loads((MONITORING / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    rules: Any = yaml.safe_load((MONITORING / "alerts.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
            assert f"| {rule['alert']} |" in OPERATIONS.read_text()
            assert set(rule["annotations"]) == {"summary", "description"}
            yield rule["expr"]


def test_the_dashboard_and_the_alerts_name_figures_that_exist() -> None:
    """As they are exposed: counters with their ending, histograms with theirs."""
    exposed = {
        f"{family.name}{ending}"
        for family in instruments.list_families()
        for ending in {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
    }
    used = [_names_in(_LABELS.sub("", expression)) for expression in _expressions()]

    assert all(used)
    assert set().union(*used) <= exposed
    assert exposed >= {"foregraph_request_seconds_bucket", "foregraph_errors_total", "foregraph_revision"}


async def test_operations_count_what_they_were_priced_at_and_what_they_read(database: Database) -> None:
    """As the response tells whoever asks for it; a kept response reads nothing, a refused document costs nothing."""
    await import_once(database, load_sample())
    app = create_app(Settings(), database)
    asked = {"query": "query Listed { predictions(first: 5) { edges { node { title probabilityHistory { at } } } } }"}
    async with open_client(app) as client:
        before = await read(client)
        told = await client.post("/graphql", json={**asked, "extensions": {"cost": True}})
        once = await read(client)
        for _ in range(3):
            assert "errors" not in (await client.post("/graphql", json=asked)).json()
        await client.post("/graphql", json={"query": "query Listed { absent }"})
        after = await read(client)

    cost = told.json()["extensions"]["cost"]
    assert cost["actual"] > 0
    first, all_of_them = (grown_cost(before, later) for later in (once, after))
    assert (first["priced"], first["actual"]) == (cost["requested"], cost["actual"])
    assert all_of_them["priced"] == 4 * cost["requested"]
    assert first["actual"] < all_of_them["actual"] < 4 * cost["requested"]
    assert grown(before, after, "foregraph_document_cost_sum") == Counter(
        {(stage,): figure for stage, figure in all_of_them.items()}
    )
    assert grown(before, after, "foregraph_document_cost_count") == Counter({("priced",): 4, ("actual",): 4})


def grown_cost(before: Figures, after: Figures) -> Counter[str]:
    """How many cost points have been counted, by stage."""
    found: Counter[str] = Counter()
    for labels, figure in grown(before, after, "foregraph_operation_cost_total").items():
        found[labels[2]] += figure
    return found


async def test_refusals_count_by_limit() -> None:
    """A caller's own limits, and places for all."""
    before = parse(instruments.show()[0].decode())
    rates, caller = Rates(Allowance(points=10, mutations=0, concurrent=1)), Caller("ada", frozenset())
    for points, is_mutation in ((5, False), (6, False), (7, False), (1, True)):
        with suppress(RateLimitedError):
            await rates.spend(caller, points, is_mutation=is_mutation)
    with rates.hold(caller), suppress(RateLimitedError), rates.hold(caller):
        pass
    admissions = Admissions(1, 1, max_waiting=0)
    async with admissions.admit(is_mutation=True):
        with pytest.raises(QueueError):
            await admissions.admit(is_mutation=True).__aenter__()
    after = parse(instruments.show()[0].decode())

    assert grown(before, after, "foregraph_refusals_total") == Counter(
        {
            ("points_per_minute",): 2,
            ("mutations_per_minute",): 1,
            ("requests_at_a_time",): 1,
            ("mutations_at_a_time",): 1,
        }
    )


async def test_gauges_tell_what_the_feed_and_the_database_do(database: Database) -> None:
    """The newest event, subscribers, connections, and what the server tells of itself."""
    await import_once(database, load_sample())
    app = create_app(Settings(), database)
    feed: Feed = app.state.service.feed
    async with open_client(app) as client:
        idle = await read(client)
        async with feed.follow(Interest(EventKind.WRITE)), database.reading() as unit:
            await unit.run("network/get_held")
            busy = await read(client)
    async with database.open_session() as session:
        query = "MATCH (e:FeedEvent) WITH max(e.position) AS newest MATCH (n) RETURN newest, count(n) AS num"
        record = await (await session.run(query)).single(strict=True)

    gauges = [
        {(name, *labels): value for (name, labels), value in figures.items() if len(labels) <= 1}
        for figures in (idle, busy)
    ]
    assert [found["foregraph_subscribers",] for found in gauges] == [0, 1]
    assert [found["foregraph_feed_wait_seconds",] for found in gauges] == [0, 0]
    found = gauges[1]
    assert found["foregraph_feed_position",] == record["newest"] == feed_position_of(found["foregraph_revision",])
    assert 0 <= found["foregraph_feed_event_age_seconds",] < 600
    used, opened, places = (
        found["foregraph_database_connections", ("state", state)] for state in ("used", "open", "places")
    )
    assert 1 <= used <= opened <= places
    assert found["foregraph_database_nodes",] == record["num"] > 0
    assert 0 < found["foregraph_database_heap_used_bytes",] < found["foregraph_database_heap_max_bytes",]
    assert found["foregraph_database_transactions",] >= 1
    assert found["foregraph_database_processor_seconds",] > 0


def feed_position_of(revision: float) -> float:
    """The position of a write's first event."""
    return revision * PLACES
