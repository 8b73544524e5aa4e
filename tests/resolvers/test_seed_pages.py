"""
Everything that stands on three pages of the system that Foregraph replaces comes out of one request for each.

`seed_pages.json` has the pages' lines as they stand there; the tests write the API's answer in the pages' notation.
Values that the pages do not show (tickers, documents and the hidden events) are told here by what the pages do show.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from graph.database.sessions import Database
from graph.sample.loading import load_sample
from resolvers.base.context import Context
from resolvers.schema import build_schema
from tests.helpers.asking import service_of
from tests.helpers.copies import import_once
from tests.helpers.database import empty
from tests.helpers.pages import PAGE

HERE = Path(__file__).parent
PAGES: dict[str, dict[str, Any]] = json.loads((HERE / "seed_pages.json").read_text(encoding="utf-8"))

FEW_MILLION = "P_FEW_MILLION_PARAMETERS"
SMALL_MODELS = "P_SMALL_LANGUAGE_MODELS"
HUMANOID = "CMQ_056"

MOST_STATEMENTS = 6

NAMES_OF_INFLUENCES = {"PREREQUISITE_OF": "prereq", "KILLS": "killer", "CORRELATES_WITH": "correlate"}
WORDS_OF_FIGURES = {
    "bayesFactorText": "bayes_factor",
    "blendedProbability": "blended_posterior",
    "insidePriorProbability": "inside_prior",
    "insideProbability": "inside_posterior",
    "isBlended": "blend_applied",
    "kind": "evidence_kind",
    "milestoneCount": "n_milestones",
    "posteriorLogOdds": "posterior_logit",
    "posteriorProbability": "posterior_prob",
    "predictorResolvedCount": "predictor_n_resolved",
    "priorLogOdds": "prior_logit",
    "referenceClassKey": "reference_class_id",
    "timeRemainingFraction": "trf",
    "totalAdjustedLogLikelihoodRatio": "total_adjusted_llr",
    "totalLogLikelihoodRatio": "total_llr",
    "usedBaseRate": "base_rate",
}
WORDS_OF_CONTRIBUTIONS = {
    "adjustedLogLikelihoodRatio": "adjusted_llr",
    "criterion": "measurement_criterion",
    "expectedOn": "expected_date",
    "logLikelihoodRatio": "llr",
    "url": "source_url",
}
NAMES_OF_MILESTONES = {"RESEARCHED": "llm_pre_event", "CHECK_IN": "quartile_checkpoint", "EVENT": "event"}

MADE_AT = datetime(2026, 5, 31, tzinfo=UTC)

every_page = pytest.mark.parametrize("prediction_id", PAGES)


@dataclass(frozen=True)
class Answer:
    """What one request for a page brought."""

    prediction: dict[str, Any]
    num_statements: int


@pytest.fixture(scope="module")
async def answers(migrated_database: Database) -> AsyncIterator[Mapping[str, Answer]]:
    """The three pages, each by a request of its own, from a graph with nothing but the sample."""
    await empty(migrated_database)
    await import_once(migrated_database, load_sample())
    yield {prediction_id: await ask_for_page(migrated_database, prediction_id) for prediction_id in PAGES}
    await empty(migrated_database)


async def ask_for_page(database: Database, prediction_id: str) -> Answer:
    """A page as of the day when the pages were made: what was pending then may be overdue by now."""
    context = Context(service_of(database))
    context.moment = MADE_AT
    try:
        result = await build_schema().execute(PAGE, variable_values={"id": prediction_id}, context_value=context)
    finally:
        await context.close()
    assert result.errors is None
    assert result.data is not None
    # Through JSON text, as a client gets it.
    return Answer(json.loads(json.dumps(result.data))["prediction"], context.num_statements)


@every_page
def test_a_page_takes_few_statements(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """A page is one read transaction with a fixed number of statements."""
    assert 0 < answers[prediction_id].num_statements <= MOST_STATEMENTS


@every_page
async def test_a_page_is_found_by_its_global_id_too(
    migrated_database: Database, answers: Mapping[str, Answer], prediction_id: str
) -> None:
    """The key is what the pages know it by; the global id is what other answers of the API name it by."""
    page = answers[prediction_id].prediction

    again = await ask_for_page(migrated_database, page["id"])

    assert page["key"] == prediction_id != page["id"]
    assert again.prediction == page


@pytest.mark.parametrize(
    ("prediction_id", "deadline", "imported_on"),
    [
        (FEW_MILLION, None, "2026-04-29"),
        (SMALL_MODELS, None, "2026-04-29"),
        (HUMANOID, "2026-12-31T00:00:00+00:00", None),
    ],
)
def test_a_window_is_made_of_a_year_alone(
    answers: Mapping[str, Answer], prediction_id: str, deadline: str | None, imported_on: str | None
) -> None:
    """The deadline with which the evidence's time fractions come out; without a year, check-ins count from import."""
    page = answers[prediction_id].prediction

    assert instant(page["deadline"]) == deadline
    assert imported_on in {None, page["importedOn"]}
    assert page["status"] == "OPEN"
    assert page["resolvedAt"] is None


@every_page
def test_head_and_texts_are_those_of_the_page(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """Title, byline with episode, text, quote, catalyst, watch events and resolution evidence, to the letter."""
    page, shown = answers[prediction_id].prediction, PAGES[prediction_id]

    assert page["title"] == shown["title"]
    assert byline(page) == shown["byline"]
    assert page["text"] == shown["text"]
    assert page["verbatimQuote"] == shown["verbatim_quote"]
    assert led_by("Key catalyst: ", page["keyCatalyst"]) == shown["key_catalyst"]
    assert led_by("Watch events: ", page["watchEvents"]) == shown["watch_events"]
    assert page["resolutionEvidence"] == shown["resolution_evidence"]


@pytest.mark.parametrize(
    ("prediction_id", "expected"),
    [
        (FEW_MILLION, ("EP_242", 242, "https://www.youtube.com/watch?v=wMLcIWLlcWg")),
        (SMALL_MODELS, ("EP_234", 234, "https://www.youtube.com/watch?v=dmtvGKuRE64")),
        (HUMANOID, None),
    ],
)
def test_source_leads_to_the_episode(
    answers: Mapping[str, Answer], prediction_id: str, expected: tuple[str, int, str] | None
) -> None:
    """The word "source" beside an episode is a link; its address stands in the raw metadata."""
    page = answers[prediction_id].prediction
    episode = page["episode"]

    assert (episode and (episode["key"], episode["number"], episode["url"])) == expected
    assert page["url"] == (expected and expected[-1])


@pytest.mark.parametrize(
    ("prediction_id", "record"),
    [
        (FEW_MILLION, ("alex_wissner_gross", "Alex Wissner-Gross", None, None, None, None)),
        (SMALL_MODELS, ("alex_wissner_gross", "Alex Wissner-Gross", None, None, None, None)),
        (HUMANOID, ("dario_amodei", "Dario Amodei", 3, 0.0363, 0.6875, "predictor_table")),
    ],
)
def test_the_predictors_record_is_that_of_the_newest_evidence(
    answers: Mapping[str, Answer], prediction_id: str, record: tuple[object, ...]
) -> None:
    """A record kept elsewhere shows on the page in what its newest evidence was weighed with."""
    predictor = answers[prediction_id].prediction["predictor"]

    fields = ("key", "name", "recordResolvedCount", "recordBrier", "recordKappa", "recordSource")
    assert tuple(predictor[field] for field in fields) == record


@every_page
def test_reference_class_is_that_of_the_page(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """Only one of the three has a reference class; its base rate shows in the evidence chain."""
    reference_class, shown = answers[prediction_id].prediction["referenceClass"], PAGES[prediction_id]

    if reference_class is None:
        assert shown["reference_class"][0] == "Reference class"
        assert shown["reference_class"][1].startswith("This node isn't linked to a reference class.")
    else:
        assert [f"Reference class: {reference_class['key']}", reference_class["description"]] == shown[
            "reference_class"
        ]
        assert reference_class["baseRate"] == 0.1


@pytest.mark.parametrize(
    ("prediction_id", "probability", "basis"),
    [(FEW_MILLION, 0.347, "Δ implied"), (SMALL_MODELS, 0.412, "Δ implied"), (HUMANOID, 0.82, "inside prior")],
)
def test_the_stated_probability_says_where_it_is_from(
    answers: Mapping[str, Answer], prediction_id: str, probability: float, basis: str
) -> None:
    """None of the pages shows it; two follow from the deltas, one is the first inside prior."""
    page = answers[prediction_id].prediction

    assert page["statedProbability"] == probability
    assert basis in page["probabilityBasis"]


@every_page
def test_milestone_chain_is_that_of_the_page(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """Every label, date, range, status, criterion, source, confidence and note, in the order of the page."""
    chain, shown = answers[prediction_id].prediction["milestones"], PAGES[prediction_id]

    assert [milestone_line(milestone) for milestone in chain["nodes"]] == shown["milestone_chain"]
    assert chain["totalCount"] == len(shown["milestone_chain"])


@every_page
def test_milestones_agree_with_the_raw_metadata(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """The raw metadata shows what the chain does not: kinds, weights, ordinals, midpoints, addresses and origins."""
    by_label = {node["label"]: node for node in answers[prediction_id].prediction["withEvent"]["nodes"]}
    raw_milestones = parse_cut_off(PAGES[prediction_id]["raw_metadata"])["milestones"]

    for raw in raw_milestones:
        milestone = as_raw_milestone(prediction_id, by_label[raw["label"]])
        assert raw == {name: milestone[name] for name in raw}
    assert len(raw_milestones) == {FEW_MILLION: 6, SMALL_MODELS: 6, HUMANOID: 7}[prediction_id]


@every_page
def test_check_ins_can_be_told_by_their_keys(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """A later sweep finds a check-in by its key, so the imported ones are called like those made here."""
    chain = answers[prediction_id].prediction["milestones"]["nodes"]

    keys = [node["key"] for node in chain if node["milestoneKind"] == "CHECK_IN"]

    assert keys == [f"{prediction_id}:check-in-{k}" for k in (1, 2, 3)]


@pytest.mark.parametrize(
    ("prediction_id", "ordinals", "event_date"),
    [
        (FEW_MILLION, range(-8, 2), "2028-05-14"),
        (SMALL_MODELS, range(-8, 1), "2036-06-18"),
        (HUMANOID, range(-5, 4), "2026-10-05"),
    ],
)
def test_the_event_is_shown_in_its_place_when_asked_for(
    answers: Mapping[str, Answer], prediction_id: str, ordinals: range, event_date: str
) -> None:
    """The pages hide the event, but their ordinals count from it; the first ones are those of the raw metadata."""
    page = answers[prediction_id].prediction
    with_event = page["withEvent"]["nodes"]

    [event] = [node for node in with_event if node["milestoneKind"] == "EVENT"]

    assert [node["ordinal"] for node in with_event] == list(ordinals)
    assert (event["ordinal"], event["expectedOn"], event["milestoneStatus"]) == (0, event_date, "PENDING")
    assert event["key"] == f"{prediction_id}:event"
    assert [node for node in with_event if node is not event] == page["milestones"]["nodes"]
    assert (event["basis"] is None) == (prediction_id == HUMANOID)


@every_page
def test_nothing_follows_downstream(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """None of the three has a dependent; the page of one says so in the milestone chain too."""
    page, shown = answers[prediction_id].prediction, PAGES[prediction_id]

    assert page["cascades"] == {"isLeaf": True, "reached": []}
    assert shown["no_cascades"] in {
        None,
        "No downstream cascades — this prediction is a leaf in the dependency graph.",
    }


@every_page
def test_evidence_chain_is_that_of_the_page(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """Newest first, as on the page; each row's raw metadata comes back as the text it was."""
    chain, shown = answers[prediction_id].prediction["evidence"], PAGES[prediction_id]

    assert [page_text(node["rawMetadata"]) for node in chain["nodes"]] == [
        "\n".join(lines) for lines in shown["evidence_chain"]
    ]
    assert chain["totalCount"] == len(shown["evidence_chain"])


@every_page
def test_every_figure_of_the_evidence_has_a_field(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """The figures are kept verbatim; only the flag of an algorithm's version stays in the raw metadata alone."""
    chain, shown = answers[prediction_id].prediction["evidence"]["nodes"], PAGES[prediction_id]

    for node, lines in zip(chain, shown["evidence_chain"], strict=True):
        raw = json.loads("\n".join(lines))
        assert as_raw_evidence(node) == {name: value for name, value in raw.items() if name != "bayesian_v2"}


def test_evidence_tells_where_it_came_from(answers: Mapping[str, Answer]) -> None:
    """Each row is the miss of a check-in, written at the moment that the raw metadata has with the milestone."""
    rows = answers[HUMANOID].prediction["evidence"]["nodes"]

    fields = ("key", "policy", "observedAt", "recordedAt", "by", "idempotencyKey")
    assert [tuple(instant(row[field]) for field in fields) for row in rows] == [
        (
            "CMQ_056:ledger-2",
            "imported",
            "2026-05-30T22:15:00.756418+00:00",
            "2026-05-30T22:15:00.756418+00:00",
            "metadata_milestone_sweep",
            "miss:CMQ_056:check-in-2",
        ),
        (
            "CMQ_056:ledger-1",
            "imported",
            "2026-05-02T22:07:21.384228+00:00",
            "2026-05-02T22:07:21.384228+00:00",
            "metadata_milestone_sweep",
            "miss:CMQ_056:check-in-1",
        ),
    ]
    assert [row["milestone"] for row in rows] == [
        {"key": "CMQ_056:check-in-2", "label": "Q2 window check-in (50%)"},
        {"key": "CMQ_056:check-in-1", "label": "Q1 window check-in (25%)"},
    ]
    assert [row["predictor"] for row in rows] == [{"key": "dario_amodei", "name": "Dario Amodei"}] * 2


@every_page
def test_incoming_influences_are_those_of_the_page(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """Row by row and in the order of the page; a row without figures is not on any page."""
    rows, shown = answers[prediction_id].prediction["incoming"]["nodes"], PAGES[prediction_id]

    assert [influence_line(row) for row in rows if row["deltaImplied"] is not None] == shown["incoming"]


def test_an_influence_without_figures_is_shown_as_such(answers: Mapping[str, Answer]) -> None:
    """The third page has no table, so its only parent has neither a probability nor an implied one."""
    [row] = answers[HUMANOID].prediction["incoming"]["nodes"]

    assert row == {
        "kind": "CORRELATES_WITH",
        "probabilityIfTrue": None,
        "probabilityIfFalse": None,
        "impliedProbability": None,
        "deltaImplied": None,
        "claim": {
            "key": "S_HUMANOID_CONSUMER_2030",
            "title": "Humanoid R3: 1M+ consumer by Nov 2030",
            "statedProbability": None,
        },
    }


@every_page
def test_there_are_no_outgoing_influences(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """Two pages say so; on the third the table had not been made, but it has no dependents either."""
    page, shown = answers[prediction_id].prediction, PAGES[prediction_id]

    assert page["outgoing"] == {"totalCount": 0, "nodes": []}
    assert shown["outgoing"] in {None, "No outgoing edges."}


@every_page
def test_prerequisites_are_those_of_the_page(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """
    Type, key, title, domain and lag of each.

    The page lists killers among the prerequisites, so it takes all incoming influences; it has the most probable
    first, the API the largest delta.
    """
    prerequisites, shown = answers[prediction_id].prediction["prerequisites"], PAGES[prediction_id]
    rows = sorted(
        prerequisites["nodes"], key=lambda row: (-(row["claim"]["statedProbability"] or 0), row["claim"]["key"])
    )

    lines = [f"Prerequisites ({prerequisites['totalCount']})", *(dependency_line(row) for row in rows)]

    assert lines == shown["prerequisites"]


@pytest.mark.parametrize(
    ("prediction_id", "parent"), [(FEW_MILLION, "TK05"), (SMALL_MODELS, "TK01"), (HUMANOID, "S_HUMANOID_CONSUMER_2030")]
)
def test_prerequisites_without_a_table_say_so(answers: Mapping[str, Answer], prediction_id: str, parent: str) -> None:
    """The tables on the pages stop at five rows or are missing."""
    rows = answers[prediction_id].prediction["prerequisites"]["nodes"]

    bases = {row["claim"]["key"]: row["basis"] for row in rows}

    assert [key for key, basis in bases.items() if basis] == [parent]
    assert bases[parent].startswith("Listed among the prerequisites")


@every_page
def test_there_are_no_dependents(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """All three pages count none."""
    dependents, shown = answers[prediction_id].prediction["dependents"], PAGES[prediction_id]

    rows = [dependency_line(row) for row in dependents["nodes"]] or ["| No dependents | ||||"]

    assert [f"Dependents ({dependents['totalCount']})", *rows] == shown["dependents"]


@every_page
def test_validations_are_those_of_the_page(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """Two pages have no such section at all."""
    validations, shown = answers[prediction_id].prediction["validations"], PAGES[prediction_id]

    rows = ["| {observedOn} | {finding} | {by} | {note} |".format(**row) for row in validations["nodes"]]

    assert ([f"Validations ({validations['totalCount']})", *rows] if rows else []) == shown["validations"]


@pytest.mark.parametrize(
    ("prediction_id", "symbols"), [(FEW_MILLION, []), (SMALL_MODELS, []), (HUMANOID, ["NVDA", "QCOM"])]
)
def test_tickers_are_those_that_a_text_names(
    answers: Mapping[str, Answer], prediction_id: str, symbols: list[str]
) -> None:
    """The pages count more tickers than they name; of the named ones, none is harmed."""
    page = answers[prediction_id].prediction

    beneficiaries = page["beneficiaries"]

    assert sorted(row["ticker"]["symbol"] for row in beneficiaries["nodes"]) == symbols
    assert beneficiaries["totalCount"] == len(symbols) < counted(PAGES[prediction_id]["beneficiaries"])
    assert page["adverse"] == {"totalCount": 0, "nodes": []}
    assert counted(PAGES[prediction_id]["adverse"]) > 0
    for row in beneficiaries["nodes"]:
        assert row["basis"].split('"')[1] in PAGES[prediction_id]["watch_events"]
        assert row["ticker"]["name"] in PAGES[prediction_id]["watch_events"]
        assert (row["sign"], row["source"], row["impact"]) == ("BENEFITS", "watch_events", None)


@every_page
def test_documents_are_the_sources_of_the_milestones(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """The pages only count documents; the sources whose address they show are the ones known."""
    page = answers[prediction_id].prediction
    lines = PAGES[prediction_id]["raw_metadata"] + PAGES[prediction_id]["milestone_chain"]

    addresses = {
        url
        for line in lines
        for url in re.findall(r"(?:\"source(?:_url)?\": \"|Source: )(https?://.+?)(?:\"|conf)", line)
    }

    assert {row["url"] for row in page["documents"]["nodes"]} == addresses
    assert page["documents"]["totalCount"] == len(addresses) < counted(PAGES[prediction_id]["linked_documents"])
    assert {row["url"]: row["title"] for row in page["documents"]["nodes"]} == {
        node["url"]: node["source"] for node in page["milestones"]["nodes"] if node["url"]
    }


@every_page
def test_raw_metadata_comes_back_as_it_was(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """Keys in their order and numbers as written, up to the last whole value before the page breaks off."""
    page = answers[prediction_id].prediction

    text = page_text(page["rawMetadata"])

    assert text.removesuffix("\n}\n]\n}") == "\n".join(whole_lines(PAGES[prediction_id]["raw_metadata"]))
    assert page["isRawMetadataComplete"] is False


@every_page
def test_every_key_of_the_raw_metadata_has_a_field(answers: Mapping[str, Answer], prediction_id: str) -> None:
    """What the raw metadata says about the prediction itself can be asked for by name."""
    page = answers[prediction_id].prediction
    raw = parse_cut_off(PAGES[prediction_id]["raw_metadata"])

    fields = {
        "nia": False,  # whatever it meant, it stays in the raw metadata alone
        "qty": page["quantity"],
        "url": page["url"],
        "mode": page["mode"],
        "role": page["role"],
        "context": page["context"],
        "to_year": page["toYear"],
        "cited_by": page["citedBy"],
        "verbatim": page["verbatimQuote"],
        "conv_cues": page["convictionCues"],
        "direction": page["predictedDirection"],
        "from_year": page["fromYear"],
        "timeframe": page["timeframe"],
        "conv_level": page["convictionLevel"],
        "milestones": raw["milestones"],
    }

    assert {name: value for name, value in fields.items() if value is not None} == raw


def byline(page: Mapping[str, Any]) -> str:
    parts = [f"Predictor: {page['predictor']['name']}"]
    if episode := page["episode"]:
        parts += [f'ep#{episode["number"]} "{episode["title"]}"', "source"]
    return " · ".join(parts)


def counted(heading: str) -> int:
    """The number in a heading such as "Linked documents (10)"."""
    return int(heading.split("(")[1].rstrip(")"))


def led_by(words: str, text: str | None) -> str | None:
    return None if text is None else words + text


def milestone_line(node: Mapping[str, Any]) -> str:
    when = f"{node['rangeStartsOn']} → {node['rangeEndsOn']}" if node["rangeStartsOn"] else node["expectedOn"]
    line = f"- {when}{node['milestoneStatus'].lower()}{node['label']}"
    if node["criterion"]:
        line += f"How: {node['criterion']}Source: {node['source']}conf {decimals(node['confidence'] * 100, 0)}%"
    return line + (f"Notes: {node['note']}" if node["note"] else "")


def influence_line(row: Mapping[str, Any]) -> str:
    claim = row["claim"]
    cells = (
        NAMES_OF_INFLUENCES[row["kind"]],
        f"{claim['key']} {claim['title']}",
        f"{decimals(claim['statedProbability'] * 100, 1)}%",
        f"{decimals(row['probabilityIfTrue'], 3)}",
        f"{decimals(row['probabilityIfFalse'], 3)}",
        f"{decimals(row['deltaImplied'], 3):+}",
    )
    return f"| {' | '.join(cells)} |"


def dependency_line(row: Mapping[str, Any]) -> str:
    claim = row["claim"]
    cells = (
        NAMES_OF_INFLUENCES[row["kind"]],
        claim["key"],
        claim["title"],
        claim["domain"]["key"] if claim["domain"] else "—",
        "—" if row["lagDays"] is None else str(row["lagDays"]),
    )
    return f"| {' | '.join(cells)} |"


def decimals(number: float, places: int) -> Decimal:
    """Rounded as by hand: one of the deltas is -0.0695 exactly, which its binary fraction would make -0.069."""
    exact = Decimal(repr(round(number, 12)))
    return exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def page_text(value: object) -> str:
    """JSON as the pages print it: a line for each token, without indentation."""
    return json.dumps(value, indent=0, ensure_ascii=False)


def whole_lines(lines: list[str]) -> list[str]:
    """The lines up to the last whole value, without the comma or the brackets behind it."""
    lines = lines if lines[-1].endswith(",") else lines[:-1]
    while lines[-1] == "{":
        lines = lines[:-1]
    # The break is in the middle of a milestone, or right behind one.
    text = "\n".join(lines).removesuffix(",").removesuffix("\n}")
    return text.split("\n")


def parse_cut_off(lines: list[str]) -> dict[str, Any]:
    """The raw metadata as far as it goes: an object whose last key is a list of objects."""
    parsed: dict[str, Any] = json.loads("\n".join([*whole_lines(lines), "}]}"]))
    return parsed


def as_raw_milestone(prediction_id: str, node: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": NAMES_OF_MILESTONES[node["milestoneKind"]],
        "label": node["label"],
        "notes": node["note"],
        "source": node["source"],
        "status": node["milestoneStatus"].lower(),
        "weight": node["weight"],
        "ordinal": node["ordinal"],
        "source_id": prediction_id if node["milestoneKind"] == "EVENT" else None,
        "confidence": node["confidence"],
        "source_url": node["url"],
        "expected_date": node["expectedOn"],
        "observed_date": node["reachedOn"],
        "research_origin": node["researchOrigin"],
        "miss_emitted_at": instant(node["missEmittedAt"]),
        "miss_emitted_by": node["missEmittedBy"],
        "expected_date_range": {"to": node["rangeEndsOn"], "from": node["rangeStartsOn"]},
        "measurement_criterion": node["criterion"],
    }


def as_raw_evidence(node: Mapping[str, Any]) -> dict[str, Any]:
    about_itself = (
        "key",
        "policy",
        "observedAt",
        "recordedAt",
        "by",
        "idempotencyKey",
        "rawMetadata",
        "milestone",
    )
    figures = {
        WORDS_OF_FIGURES.get(name, snake_case(name)): value for name, value in node.items() if name not in about_itself
    }
    contributions = [
        {WORDS_OF_CONTRIBUTIONS.get(name, snake_case(name)): value for name, value in row.items()}
        for row in node["contributions"]
    ]
    return figures | {"predictor": node["predictor"]["name"], "contributions": contributions}


def snake_case(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"_{letter.group().lower()}", name)


def instant(value: str | None) -> str | None:
    """A moment in the pages' way of writing UTC; anything else as it is."""
    return value.replace("Z", "+00:00") if value and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value) else value
