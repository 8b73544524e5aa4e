"""Each tool over HTTP, its answers compared with the graph read by Cypher, or with a formula."""

import asyncio
import json
import math
from datetime import date
from typing import Any

import jsonschema
import pytest

from api.mcp.fitting import count_tokens
from api.mcp.models import MAX_TOKENS
from api.mcp.tools import TOOLS
from graph.adhoc.running import Adhoc
from graph.adhoc.values import plain
from graph.database.sessions import Database
from graph.model.catalogue import list_node_types, list_relationship_types
from graph.model.kinds import ParameterType
from graph.sample.loading import load_sample
from graph.saved.library import list_library
from graph.saved.queries import Draft, Parameter
from graph.saved.store import delete_query, save_query
from tests.api.mcp.conftest import Agent, call, refusal, text_of
from tests.helpers.asking import ask

SEED_PAGES = [prediction["id"] for prediction in json.loads(load_sample().to_json())["predictions"]]
READING: dict[str, dict[str, Any]] = {
    "search": {"text": "robots"},
    "get_claim": {"claim": "CMQ_056"},
    "get_neighborhood": {"id": "IL_DC_POWER"},
    "what_if": {"observations": [{"claim": "IL_K_AI_WINTER", "outcome": "TRUE"}]},
    "get_exposures": {"symbols": ["NVDA"]},
    "list_milestones": {},
    "describe_graph": {},
    "run_cypher": {"statement": "MATCH (c:Claim) RETURN c.id AS id ORDER BY id"},
}
"""A call of each tool that reads."""
MOST_CALLS = 60


async def read(database: Database, statement: str, **parameters: Any) -> list[list[Any]]:
    """A statement's rows by the bare driver."""
    async with database.open_session() as session:
        return [record.values() async for record in await session.run(statement, parameters)]


async def state_of(database: Database) -> list[list[Any]]:
    """Every node and relationship with its properties."""
    nodes = await read(database, "MATCH (n) RETURN elementId(n) AS id, properties(n) ORDER BY id")
    return nodes + await read(database, "MATCH ()-[r]->() RETURN elementId(r) AS id, properties(r) ORDER BY id")


async def test_tools_are_listed_with_schemas_and_true_hints(agent: Agent) -> None:
    tools = {tool.name: tool for tool in await agent.list_tools()}

    assert TOOLS.keys() == READING.keys() | {"submit_evidence"}
    assert tools.keys() == TOOLS.keys() | {f"query_{name}" for name in list_library()}
    for name, tool in tools.items():
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (name != "submit_evidence")
        assert tool.annotations.idempotent_hint
        assert tool.annotations.destructive_hint is False
        assert tool.description
        for schema in (tool.input_schema, tool.output_schema):
            assert schema is not None
            jsonschema.Draft202012Validator.check_schema(schema)


async def call_until_free(agent: Agent, name: str, arguments: dict[str, Any]) -> Any:
    """Call a tool; again where the answer says to, as while the first samples are drawn on a slow machine."""
    for _ in range(MOST_CALLS):
        result = await agent.call_tool(name, arguments)
        if not (result.is_error and text_of(result).startswith("BUSY")):
            break
        await asyncio.sleep(1.0)
    return result


async def test_an_answer_follows_its_schema_is_short_and_changes_nothing(agent: Agent, sample: Database) -> None:
    tools = {tool.name: tool for tool in await agent.list_tools()}
    before = await state_of(sample)
    for name, arguments in READING.items():
        result = await call_until_free(agent, name, arguments)

        assert not result.is_error, text_of(result)
        jsonschema.Draft202012Validator(tools[name].output_schema or False).validate(result.structured_content)
        assert json.loads(text_of(result)) == result.structured_content
        assert count_tokens(text_of(result)) <= (4_000 if name == "describe_graph" else MAX_TOKENS)
    await call(agent, "submit_evidence", claim="IL_DC_POWER", direction="FOR", strength="WEAK")

    assert await state_of(sample) == before


async def test_search_finds_a_node_by_its_title_and_goes_on(agent: Agent, sample: Database) -> None:
    ((title,),) = await read(sample, "MATCH (c:Claim {id: 'IL_DC_POWER'}) RETURN c.title")

    found = await call(agent, "search", text=title)
    first = await call(agent, "search", text="robots", first=2)
    second = await call(agent, "search", text="robots", first=2, after=first["next"])
    both = await call(agent, "search", text="robots", first=4)

    assert found["matches"][0]["key"] == "IL_DC_POWER"
    assert found["matches"][0]["score"] >= 4
    assert first["matches"] + second["matches"] == both["matches"]
    assert both["totalCount"] >= 4


async def test_a_cut_search_goes_on_where_it_was_cut(agent: Agent) -> None:
    """The next page begins with what did not fit."""
    whole = await call(agent, "search", text="illustrative", first=20, maxTokens=20_000)
    part = await call(agent, "search", text="illustrative", first=20, maxTokens=400)
    rest = await call(agent, "search", text="illustrative", first=20, maxTokens=20_000, after=part["next"])

    assert part["isCut"]
    keys = [match["key"] for match in part["matches"] + rest["matches"]]
    assert keys[:20] == [match["key"] for match in whole["matches"]]


@pytest.mark.parametrize("key", SEED_PAGES)
async def test_a_seed_page_fits_and_has_the_graphs_numbers(agent: Agent, sample: Database, key: str) -> None:
    page = await call(agent, "get_claim", claim=key)
    whole = await call(agent, "get_claim", claim=key, maxTokens=50_000)

    statement = """
        MATCH (c:Prediction {id: $key})<-[:MADE]-(p:Predictor)
        RETURN c.title, c.verbatim_quote, c.stated_probability, c.inside_log_odds, p.id,
          COUNT { (:Evidence)-[:UPDATES]->(c) }, COUNT { (:Claim)-[:KILLS|PREREQUISITE_OF|CORRELATES_WITH]->(c) },
          COUNT { (c)-[:BENEFITS|HARMS]->(:Ticker) }, COUNT { (c)-[:HAS_MILESTONE]->(m WHERE m.kind <> 'EVENT') }
    """
    ((title, quote, stated, log_odds, predictor, *counts),) = await read(sample, statement, key=key)
    assert count_tokens(json.dumps(page, ensure_ascii=False, separators=(",", ":"))) <= MAX_TOKENS
    assert not whole["isCut"]
    assert (whole["title"], whole.get("verbatimQuote"), whole["statedProbability"]) == (title, quote, stated)
    assert whole["predictor"]["key"] == predictor
    assert whole["belief"]["insideProbability"] == pytest.approx(1 / (1 + math.exp(-log_odds)), rel=1e-9)
    names = ("evidence", "incoming", "exposure", "milestone")
    assert [whole[f"{name}Count"] for name in names] == counts
    assert [len(whole[name]) for name in ("evidence", "incoming", "exposures", "milestones")] == counts
    assert [page[f"{name}Count"] for name in names] == counts


async def test_a_page_that_is_cut_says_so(agent: Agent) -> None:
    page = await call(agent, "get_claim", claim="IL_DC_POWER", maxTokens=600)

    assert page["isCut"]
    assert len(page["evidence"]) < page["evidenceCount"]
    assert any(str(text).endswith("…") for text in page.values())


async def test_the_page_of_a_killer_has_what_it_kills(agent: Agent, sample: Database) -> None:
    page = await call(agent, "get_claim", claim="IL_K_AI_WINTER")

    rows = await read(
        sample, "MATCH (:Killer {id: 'IL_K_AI_WINTER'})-[r:KILLS]->(c) RETURN c.id, r.p_if_true, r.p_if_false"
    )
    found = [[line["key"], line["probabilityIfTrue"], line["probabilityIfFalse"]] for line in page["outgoing"]]
    assert sorted(found) == sorted(rows)
    assert "milestones" not in page


async def test_a_neighborhood_has_the_graphs_nodes_and_edges(agent: Agent, sample: Database) -> None:
    kinds = ["PREREQUISITE_OF", "KILLS"]
    found = await call(agent, "get_neighborhood", id="IL_DC_POWER", kinds=kinds, orientation="IN")
    cut = await call(agent, "get_neighborhood", id="IL_DC_POWER", maxTokens=300)

    rows = await read(
        sample,
        "MATCH (c)-[r:PREREQUISITE_OF|KILLS]->(:Claim {id: 'IL_DC_POWER'}) RETURN type(r), c.id, r.p_if_true",
    )
    edges = [[edge["kind"], edge["start"], edge["probabilityIfTrue"]] for edge in found["edges"]]
    assert sorted(edges) == sorted(rows)
    assert {edge["end"] for edge in found["edges"]} == {"IL_DC_POWER"}
    assert {node["key"] for node in found["nodes"]} == {"IL_DC_POWER", *(row[1] for row in rows)}
    assert cut["isCut"]
    assert cut["isTruncated"]
    assert {edge["start"] for edge in cut["edges"]} <= {node["key"] for node in cut["nodes"]}


async def test_a_what_if_has_the_shifts_of_the_graphs_api(agent: Agent, sample: Database) -> None:
    found = await call(agent, "what_if", observations=[{"claim": "IL_K_AI_WINTER", "outcome": "TRUE"}], first=5)

    asked = await ask(
        sample,
        """{ whatIf(observations: [{claim: "IL_K_AI_WINTER", outcome: TRUE}]) { ... on WhatIfResult {
          shifts(first: 5) { totalCount nodes { claim { key } probabilityAfter } } } } }""",
    )
    shifts = asked.data["whatIf"]["shifts"]
    assert found["shiftCount"] == shifts["totalCount"]
    assert [shift["key"] for shift in found["shifts"]] == [shift["claim"]["key"] for shift in shifts["nodes"]]
    after = [shift["probabilityAfter"] for shift in found["shifts"]]
    assert after == pytest.approx([shift["probabilityAfter"] for shift in shifts["nodes"]], abs=1e-3)  # time passes
    for shift in found["shifts"]:
        delta = shift["probabilityAfter"] - shift["probabilityBefore"]
        assert shift["delta"] == pytest.approx(delta, abs=1e-9)
    assert found["supposed"][0]["probabilityAfter"] == 1
    assert found["diagnostics"]["isConverged"]


async def test_exposures_are_the_graphs_most_relevant_first(agent: Agent, sample: Database) -> None:
    found = await call(agent, "get_exposures", symbols=["VOLTA.EX", "NOPE", "NVDA"])

    statement = """
        MATCH (t:Ticker {symbol: $symbol})<-[r:BENEFITS|HARMS]-(p) RETURN p.id, type(r), r.relevance, r.impact
        ORDER BY r.relevance DESC, p.id
    """
    assert found["unknownSymbols"] == ["NOPE"]
    assert [ticker["symbol"] for ticker in found["tickers"]] == ["VOLTA.EX", "NVDA"]
    for ticker in found["tickers"]:
        rows = await read(sample, statement, symbol=ticker["symbol"])
        lines = [
            [line["prediction"], line["sign"], line.get("relevance"), line.get("impact")]
            for line in ticker["exposures"]
        ]
        assert ticker["exposureCount"] == len(rows)
        assert sorted(map(str, lines)) == sorted(map(str, rows))
        assert [line[2] for line in lines] == [row[2] for row in rows]


async def test_the_calendar_is_what_is_due_in_order(agent: Agent, sample: Database) -> None:
    bounds = {"dueFrom": "2026-10-01", "dueTo": "2027-12-31"}
    found = await call(agent, "list_milestones", **bounds, first=100, maxTokens=50_000)
    part = await call(agent, "list_milestones", **bounds, first=100, maxTokens=1_000)
    rest = await call(agent, "list_milestones", **bounds, first=100, maxTokens=50_000, after=part["next"])

    statement = """
        MATCH (p:Prediction)-[:HAS_MILESTONE]->(m:Milestone) WHERE m.status IN ['PENDING', 'OVERDUE']
        WITH p, m, coalesce(m.range_to, m.expected_date) AS due
        WHERE date($from) <= due <= date($to) RETURN m.id, p.id, due ORDER BY due
    """
    rows = await read(sample, statement, **{"from": bounds["dueFrom"], "to": bounds["dueTo"]})
    lines = found["milestones"]
    assert sorted([line["key"], line["prediction"]] for line in lines) == sorted(row[:2] for row in rows)
    due = [date.fromisoformat(line.get("rangeEndsOn", line["expectedOn"])) for line in lines]
    assert due == [row[2].to_native() for row in rows]
    assert found["totalCount"] == len(rows)
    assert part["isCut"]
    keys = [line["key"] for line in part["milestones"] + rest["milestones"]]
    assert keys == [line["key"] for line in lines]


async def test_evidence_is_tried_and_then_recorded_once(agent: Agent, sample: Database) -> None:
    item = {"claim": "IL_HUMANOID_FACTORIES", "direction": "AGAINST", "strength": "MODERATE", "predictor": "il_oduya"}
    count = "MATCH (e:Evidence)-[:UPDATES]->(:Claim {id: 'IL_HUMANOID_FACTORIES'}) RETURN count(e)"
    ((before,),) = await read(sample, count)

    tried = await call(agent, "submit_evidence", **item)
    ((after_trial,),) = await read(sample, count)
    recorded = await call(agent, "submit_evidence", **item, dryRun=False, idempotencyKey="agents-1")
    again = await call(agent, "submit_evidence", **item, dryRun=False, idempotencyKey="agents-1")
    ((after_both,),) = await read(sample, count)

    assert after_trial == before
    assert tried["isDryRun"]
    assert "evidence" not in tried
    assert "idempotencyKey" in tried["next"]
    assert after_both == before + 1
    assert (recorded["isReplayed"], again["isReplayed"]) == (False, True)
    assert again["evidence"] == recorded["evidence"]
    ((kappa,),) = await read(sample, "MATCH (p:Predictor {id: 'il_oduya'}) RETURN p.kappa")
    assert tried["kappa"] == kappa
    assert tried["adjustedLogLikelihoodRatio"] == pytest.approx(-kappa * math.log(4), rel=1e-9)
    assert tried["probabilityAfter"] < tried["probabilityBefore"]
    assert recorded["probabilityAfter"] == pytest.approx(tried["probabilityAfter"], abs=1e-4)


async def test_the_graph_is_described_as_it_is_declared(agent: Agent, sample: Database) -> None:
    overview = await call(agent, "describe_graph")
    detail = await call(agent, "describe_graph", names=["Evidence", "KILLS"], maxTokens=20_000)

    labels = {kind.label: kind for kind in list_node_types()}
    types = {kind.type: kind for kind in list_relationship_types()}
    assert {line["label"] for line in overview["labels"]} == labels.keys()
    assert {line["type"] for line in overview["relationships"]} == types.keys()
    for line in overview["labels"]:
        assert [[line["nodeCount"]]] == await read(sample, f"MATCH (n:{line['label']}) RETURN count(n)")
    (evidence,), (kills,) = detail["labels"], detail["relationships"]
    assert [found["name"] for found in evidence["properties"]] == [
        found.name for found in labels["Evidence"].properties
    ]
    assert kills["joins"] == "Claim->Claim"
    assert not detail["isCut"]


async def test_cypher_reads_what_the_driver_reads(agent: Agent, sample: Database) -> None:
    statement = "MATCH (c:Claim) WHERE c.stated_probability > $least RETURN c.id, c.stated_probability ORDER BY c.id"
    found = await call(agent, "run_cypher", statement=statement, parameters={"least": 0.5})
    part = await call(agent, "run_cypher", statement=statement, parameters={"least": 0.0}, maxTokens=300)

    assert found["rows"] == await read(sample, statement, least=0.5)
    assert not found["isTruncated"]
    rows = await read(sample, statement, least=0.0)
    assert part["isTruncated"]
    assert part["rows"] == rows[: len(part["rows"])]
    assert 0 < len(part["rows"]) < len(rows)


async def test_each_query_of_the_project_is_a_tool(agent: Agent, sample: Database) -> None:
    """Without arguments, and its rows are those of its statement with the defaults."""
    for name, query in list_library().items():
        found = await call(agent, f"query_{name}", maxTokens=50_000)

        defaults = {parameter.name: parameter.default for parameter in query.parameters}
        async with sample.open_session() as session:
            result = await session.run(query.statement, defaults)
            rows = [[plain(value) for value in record.values()] async for record in result]
        assert len(found["rows"]) == min(len(rows), 100)
        assert [len(row) for row in found["rows"]] == [len(found["columns"])] * len(found["rows"])


async def test_a_query_that_is_saved_becomes_a_tool_with_typed_arguments(
    agent: Agent, sample: Database, adhoc: Adhoc
) -> None:
    parameters = (
        Parameter("least", ParameterType.FLOAT, "Least stated probability."),
        Parameter("until", ParameterType.DATE, default="2030-01-01", is_required=False),
        Parameter("maxTokens", ParameterType.STRING_LIST, default=[], is_required=False),
    )
    statement = (
        "MATCH (c:Claim) WHERE c.stated_probability >= $least AND date(c.deadline) <= $until "
        "RETURN c.id AS id, $maxTokens AS given ORDER BY id"
    )
    async with sample.open_session() as session:
        expected = await session.run(statement, least=0.6, until=date(2027, 12, 31), maxTokens=["a"])
        rows = [record.values() async for record in expected]
    draft = Draft("likely-claims", statement, "Likely claims.", parameters)
    await save_query(sample, adhoc, draft, caller="test")

    (tool,) = [tool for tool in await agent.list_tools() if tool.name == "query_likely-claims"]
    found = await call(agent, "query_likely-claims", least=0.6, until="2027-12-31", maxTokens=["a"])
    missing = await refusal(agent, "query_likely-claims", until="2027-12-31")
    wrong = await refusal(agent, "query_likely-claims", least="much", maxRows=5)
    await delete_query(sample, "likely-claims")

    assert found["rows"] == rows
    assert tool.description == "Likely claims."
    assert tool.input_schema["required"] == ["least"]
    assert tool.input_schema["properties"]["least"] == {"type": "number", "description": "Least stated probability."}
    assert tool.input_schema["properties"]["until"] == {"type": "string", "format": "date", "default": "2030-01-01"}
    assert missing.startswith("INVALID: the parameter 'least' (FLOAT) is required")
    assert wrong.startswith("INVALID: the parameter 'least' (FLOAT)")
    assert "there is no tool 'query_likely-claims'" in await refusal(agent, "query_likely-claims", least=0.6)


async def test_queries_with_long_names_are_tools_with_names_that_clients_take(
    agent: Agent, sample: Database, adhoc: Adhoc
) -> None:
    """At most 64 characters, two of which begin alike here; one that is just short enough keeps its name."""
    names = ["a" * 58, "a" * 59, "a" * 63 + "b", "a" * 63 + "c"]
    for name in names:
        await save_query(sample, adhoc, Draft(name, f"RETURN '{name}' AS name"), caller="test")

    tools = [tool.name for tool in await agent.list_tools() if tool.name.startswith("query_aaa")]
    found = [(await call(agent, tool))["rows"] for tool in tools]
    unknown = await refusal(agent, f"query_{'a' * 49}_00000000")
    for name in names:
        await delete_query(sample, name)

    assert sorted(row[0][0] for row in found) == sorted(names)
    assert max(map(len, tools)) == 64
    assert f"query_{'a' * 58}" in tools
    assert "there is no tool" in unknown


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("search", {}, "INVALID at text: this argument is required"),
        ("search", {"text": "x", "subjects": ["ROBOT"]}, "INVALID at subjects.0: input should be 'PREDICTION'"),
        ("search", {"text": "x", "max_tokens": 500}, "INVALID at max_tokens: there is no such argument; expected"),
        ("search", {"text": "x", "after": "nonsense"}, "INVALID at after: "),
        ("get_claim", {"claim": "NOPE"}, "NOT_FOUND at claim: no prediction, scenario or killer has the key 'NOPE'"),
        ("get_claim", {"claim": "IL_DC_POWER", "maxTokens": 200}, "TOO_LARGE at maxTokens: the shortest answer has"),
        ("get_neighborhood", {"id": "IL_DC_POWER", "depth": 9}, "INVALID at depth: input should be less than or equal"),
        ("get_neighborhood", {"id": "NOPE"}, "NOT_FOUND at id: "),
        ("what_if", {"observations": []}, "INVALID at observations: "),
        ("what_if", {"observations": [{"claim": "NOPE", "outcome": "TRUE"}]}, "NOT_FOUND at observations.0.claim: "),
        ("what_if", {"observations": [{"claim": "NOPE", "outcome": "YES"}]}, "INVALID at observations.0.outcome: "),
        ("get_exposures", {"symbols": ["NOPE"]}, "NOT_FOUND at symbols: no ticker has the symbol 'NOPE'"),
        ("list_milestones", {"domain": "nope"}, "NOT_FOUND at domain: no domain has the id 'nope'"),
        ("list_milestones", {"dueFrom": "tomorrow"}, "INVALID at dueFrom: "),
        ("submit_evidence", {"claim": "NOPE", "direction": "FOR", "strength": "WEAK"}, "NOT_FOUND at claim: "),
        ("submit_evidence", {"claim": "IL_DC_POWER", "direction": "UP", "strength": "WEAK"}, "INVALID at direction: "),
        (
            "submit_evidence",
            {"claim": "IL_DC_POWER", "direction": "FOR", "strength": "WEAK", "likelihoodRatio": 3, "confidence": 2},
            "INVALID at strength: expected either strength or likelihoodRatio, got both\nINVALID at confidence: ",
        ),
        (
            "submit_evidence",
            {"claim": "IL_DC_POWER", "direction": "FOR", "strength": "WEAK", "dryRun": False},
            "INVALID: give an idempotencyKey",
        ),
        ("describe_graph", {"names": ["Robot"]}, "NOT_FOUND at names: there is no label or relationship type 'Robot'"),
        ("run_cypher", {"statement": "MATCH (n RETURN n"}, "CYPHER_SYNTAX at statement: line 1, column"),
        ("run_cypher", {"statement": "MATCH (c:Claim) SET c.x = 1"}, "CYPHER_REFUSED at statement: the operator Set"),
        ("run_cypher", {"statement": "CALL dbms.listConfig()"}, "CYPHER_REFUSED at statement: "),
        ("run_cypher", {"statement": "RETURN range(1, 300)", "maxTokens": 200}, "TOO_LARGE at maxTokens: one row is"),
        ("hack", {}, "NOT_FOUND: there is no tool 'hack'; there are search, "),
        ("query_no-such", {}, "NOT_FOUND: there is no tool 'query_no-such'"),
        ("query_overdue-check-ins", {"nonsense": 1}, "INVALID: the query 'overdue-check-ins' has no parameter"),
        ("query_overdue-check-ins", {"maxRows": 0}, "INVALID at maxRows: "),
    ],
)
async def test_a_wrong_call_is_told_what_to_change(
    agent: Agent, name: str, arguments: dict[str, Any], told: str
) -> None:
    assert told in await refusal(agent, name, **arguments)


@pytest.mark.parametrize(
    "bomb",
    [
        "RETURN reduce(s = 'a', i IN range(1, 60) | s + s)",
        "UNWIND range(1, 1000000000) AS i WITH collect(i) AS items RETURN size(items)",
        "MATCH (a:Claim), (b:Claim), (c:Claim), (d:Claim), (e:Claim), (f:Claim) RETURN max(a.id + b.id + c.id + f.id)",
    ],
)
async def test_a_bomb_is_refused_or_stopped(agent: Agent, bomb: str) -> None:
    text = await refusal(agent, "run_cypher", statement=bomb)

    assert text.startswith(("CYPHER_REFUSED", "CYPHER_STOPPED"))
