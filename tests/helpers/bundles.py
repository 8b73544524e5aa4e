"""Rows and bundles for tests: small ones by hand, any ones by hypothesis."""

import string
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from graph.model.bundle import BUNDLE_FORMAT, Bundle
from graph.model.kinds import ClaimStatus, ExposureSign, InfluenceKind, MilestoneKind, MilestoneStatus, PredictionMode
from graph.model.moments import FIRST_YEAR, LAST_YEAR
from graph.model.rows import dated_key

Json = dict[str, Any]
T = TypeVar("T")

FIRST_DAY, LAST_DAY = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)
MAX_ID_CHARACTERS = 200


def bundle(**lists: Sequence[Mapping[str, Any]]) -> Bundle:
    """A bundle of rows given as JSON would give them."""
    return Bundle.model_validate({"format": BUNDLE_FORMAT, **lists})


def prediction(row_id: str = "P_1", **values: object) -> Json:
    """A prediction for 2026 at even odds."""
    return {"id": row_id, "title": row_id, "from_year": 2026, "stated_probability": 0.5, **values}


def claim(row_id: str, probability: float | None = 0.25, **values: object) -> Json:
    """A scenario or a killer."""
    return {"id": row_id, "title": row_id, "stated_probability": probability, **values}


def killing(parent: str, child: str, **values: object) -> Json:
    """A killer's influence on its child."""
    return {"kind": "KILLS", "parent_id": parent, "child_id": child, "p_if_true": 0.1, "p_if_false": 0.6, **values}


def requiring(parent: str, child: str, **values: object) -> Json:
    """A prerequisite's influence on its child."""
    edge = {"kind": "PREREQUISITE_OF", "parent_id": parent, "child_id": child, "p_if_true": 0.8, "p_if_false": 0.2}
    return {**edge, **values}


def event(owner: str = "P_1", day: str = "2026-10-05", **values: object) -> Json:
    """The event of a chain."""
    return {
        "id": f"{owner}:event",
        "prediction_id": owner,
        "kind": "EVENT",
        "label": "It happens",
        "expected_date": day,
        **values,
    }


def evidence(row_id: str = "E_1", owner: str = "P_1", **values: object) -> Json:
    """A row of the ledger."""
    return {
        "id": row_id,
        "claim_id": owner,
        "policy": "imported",
        "observed_at": "2026-05-02T22:07:21.384228Z",
        "recorded_at": "2026-05-02T22:07:21.384228Z",
        "total_llr": -0.4054651081081644,
        **values,
    }


def portfolio(name: str, recorded_at: datetime, weights: Mapping[str, float], **values: object) -> Json:
    """A row of a portfolio."""
    return {
        "id": dated_key(name, recorded_at),
        "name": name,
        "held_at": recorded_at.isoformat(),
        "recorded_at": recorded_at.isoformat(),
        "positions": [{"symbol": symbol, "weight": weight} for symbol, weight in weights.items()],
        **values,
    }


def family(name: str, recorded_at: datetime, *claim_ids: str, **values: object) -> Json:
    """A row of a family of outcomes that exclude each other."""
    return {
        "id": dated_key(name, recorded_at),
        "name": name,
        "kind": "EXCLUSIVE",
        "recorded_at": recorded_at.isoformat(),
        "members": [{"claim_id": claim_id} for claim_id in claim_ids],
        **values,
    }


# Control characters but tab, line feed and carriage return are none of a text's; lone surrogates are no text at all.
_TEXT_CHARACTERS = st.characters(exclude_categories=["Cs"]).filter(lambda c: c >= " " and c != "\x7f")
_ODD_TEXTS = st.sampled_from(
    ["\t", "\r\n", "a\u2028b", "\ufeff", "e\u0301", "é", "👩‍👩‍👧", "'\"\\", "null", " ", "\u202eabc", "\U0010ffff"]
)
_ID_TAIL = string.ascii_letters + string.digits + "_.:@#/+-"


def texts() -> SearchStrategy[str]:
    """Any text that a row may hold."""
    found = _ODD_TEXTS | st.text(_TEXT_CHARACTERS, min_size=1, max_size=12)
    return found.map(lambda text: text if any(map(str.isalnum, text)) else f"{text}.")  # not only blanks


def ids() -> SearchStrategy[str]:
    """Any id, a short one more often."""
    first = st.sampled_from(string.ascii_letters + string.digits)
    tails = st.text(_ID_TAIL, max_size=6) | st.text(_ID_TAIL, min_size=100, max_size=MAX_ID_CHARACTERS - 1)
    return st.tuples(first, tails).map("".join)


def days() -> SearchStrategy[date]:
    """Any day, the extremes more often."""
    return st.sampled_from([FIRST_DAY, LAST_DAY, date(2024, 2, 29)]) | st.dates(FIRST_DAY, LAST_DAY)


def moments() -> SearchStrategy[datetime]:
    """Any moment to the microsecond with any whole-minute offset, in UTC still within the years that are allowed."""
    offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    inner = st.datetimes(
        datetime(FIRST_YEAR, 1, 2),  # noqa: DTZ001 - the zone is drawn
        datetime(LAST_YEAR, 12, 30, 23, 59, 59, 999_999),  # noqa: DTZ001 - the zone is drawn
        timezones=offsets,
    )
    extremes = [
        datetime(FIRST_YEAR, 1, 1, tzinfo=UTC),
        datetime(LAST_YEAR, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ]
    # A fold marks a day that was given as a bound.
    return st.sampled_from(extremes) | inner.map(lambda moment: moment.replace(fold=0))


def numbers() -> SearchStrategy[float]:
    """Any finite number."""
    extremes = [0.0, -0.0, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 0.1, 1 / 3]
    return st.sampled_from(extremes) | st.floats(allow_nan=False, allow_infinity=False)


def log_ratios() -> SearchStrategy[float]:
    """Any natural log of a likelihood ratio that a ledger row may hold."""
    return st.sampled_from([0.0, -0.0, 5e-324, 1e6, -1e6, -0.4054651081081644]) | st.floats(-1e6, 1e6)


def probabilities() -> SearchStrategy[float]:
    """Any number strictly between 0 and 1."""
    extremes = [5e-324, 1e-15, 0.5, 1 - 2**-53]
    return st.sampled_from(extremes) | st.floats(0, 1, exclude_min=True, exclude_max=True)


def shares() -> SearchStrategy[float]:
    """Any number from 0 to 1."""
    return st.floats(0, 1)


def counts() -> SearchStrategy[int]:
    """Any count."""
    return st.integers(0, 2**31 - 1)


def json_values() -> SearchStrategy[Any]:
    """Any value of JSON, numbers that are whole and numbers that are not told apart."""
    leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | numbers() | st.text(max_size=5)
    keys = st.text(max_size=4)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
    )


def _rows(
    fields: Mapping[str, SearchStrategy[Any]], optional: Mapping[str, SearchStrategy[Any]]
) -> SearchStrategy[Json]:
    return st.fixed_dictionaries(dict(fields), optional=dict(optional))


def _unique_ids(draw: DrawFn, most: int, taken: set[str]) -> list[str]:
    found = draw(st.lists(ids().filter(lambda found: found not in taken), max_size=most, unique=True))
    taken.update(found)
    return found


def _each(draw: DrawFn, row_ids: Sequence[str], rows: SearchStrategy[Json], key: str = "id") -> list[Json]:
    return [{key: row_id, **draw(rows)} for row_id in row_ids]


def _reference(name: str, items: Sequence[str]) -> dict[str, SearchStrategy[str]]:
    """A choice where there is one; without one the field is left out."""
    return {name: st.sampled_from(items)} if items else {}


@st.composite
def _windows(draw: DrawFn) -> Json:
    shape = draw(st.sampled_from(["none", "year", "years", "window", "deadline"]))
    first, second = draw(st.integers(FIRST_YEAR, LAST_YEAR)), draw(st.integers(FIRST_YEAR, LAST_YEAR))
    if shape == "year":
        return {"from_year": first}
    if shape == "years":
        return {"from_year": min(first, second), "to_year": max(first, second)}
    if shape == "window":
        start, end = sorted(draw(st.lists(moments(), min_size=2, max_size=2, unique=True)))
        return {"window_start": start, "window_end": end}
    return {"deadline": draw(moments())} if shape == "deadline" else {}


@st.composite
def _claims(draw: DrawFn, domain_ids: Sequence[str]) -> Json:
    status = draw(st.sampled_from(list(ClaimStatus)))
    resolved = {} if status is ClaimStatus.OPEN else {"resolved_at": draw(moments())}
    optional = {"text": texts(), "stated_probability": probabilities(), "probability_basis": texts()}
    values = draw(_rows({"title": texts()}, optional | _reference("domain_id", domain_ids)))
    return {**values, "status": status, **resolved, **draw(_windows()), "is_early": True}


@st.composite
def _predictions(draw: DrawFn, references: Mapping[str, SearchStrategy[str]], domain_ids: Sequence[str]) -> Json:
    lines = ("direction", "conviction_level", "conviction_cues", "quantity", "timeframe", "role", "cited_by")
    long = ("verbatim_quote", "context", "key_catalyst", "watch_events", "resolution_evidence")
    optional: dict[str, SearchStrategy[Any]] = {
        **references,
        **{name: texts() for name in (*lines, *long)},
        "imported_on": days(),
        "mode": st.sampled_from(list(PredictionMode)),
        "source_url": st.just("https://example.org/?q=%20#é"),
        "raw_metadata": json_values(),
        "raw_metadata_is_complete": st.booleans(),
    }
    return {**draw(_claims(domain_ids)), **draw(_rows({}, optional))}


@st.composite
def _chains(draw: DrawFn, prediction_ids: Sequence[str], taken: set[str]) -> list[Json]:
    """At most one event a prediction, and no check-ins, which the import makes."""
    rows: list[Json] = []
    with_event: set[str] = set()
    optional = {
        "criterion": texts(),
        "source": texts(),
        "weight": shares(),
        "observed_date": days(),
        "status": st.sampled_from(list(MilestoneStatus)),
        "confidence": shares(),
        "notes": texts(),
        "research_origin": texts(),
        "miss_emitted_at": moments(),
        "miss_emitted_by": texts(),
        "basis": texts(),
    }
    for row_id in _unique_ids(draw, 4, taken) if prediction_ids else []:
        owner = draw(st.sampled_from(prediction_ids))
        kinds = [MilestoneKind.RESEARCHED] if owner in with_event else [MilestoneKind.EVENT, MilestoneKind.RESEARCHED]
        kind = draw(st.sampled_from(kinds))
        with_event |= {owner} if kind is MilestoneKind.EVENT else set()
        first, last = sorted((draw(days()), draw(days())))
        when = draw(st.sampled_from([{"expected_date": first}, {"range_from": first, "range_to": last}]))
        rows.append(
            {**draw(_rows({"label": texts()}, optional)), **when} | {"id": row_id, "prediction_id": owner, "kind": kind}
        )
    return rows


@st.composite
def _ledgers(draw: DrawFn, row_ids: Sequence[str], references: Mapping[str, Sequence[str]]) -> list[Json]:
    lines = ("evidence_kind", "submitted_by", "cluster_id", "note", "kappa_source", "inside_source", "bayes_factor")
    figures = ("prior_logit", "posterior_logit")
    beliefs = ("base_rate", "inside_prior", "inside_posterior", "blended_posterior", "posterior_prob")
    parts = ("trf", "kappa", "predictor_brier", "inside_weight", "outside_weight")
    contributions = _rows(
        {"llr": log_ratios()}, {"kind": texts(), "weight": shares(), "expected_date": days(), "criterion": texts()}
    )
    required = {
        "claim_id": st.sampled_from(references["claim_id"]),
        "policy": texts(),
        "observed_at": moments(),
        "recorded_at": moments(),
        "total_llr": log_ratios(),
    }
    optional: dict[str, SearchStrategy[Any]] = {
        **{name: texts() for name in (*lines, "blend_reason")},
        **{name: numbers() for name in figures},
        "total_adjusted_llr": log_ratios(),
        **{name: probabilities() for name in beliefs},
        **{name: shares() for name in parts},
        "predictor_n_resolved": counts(),
        "blend_applied": st.booleans(),
        "n_milestones": counts(),
        "contributions": st.lists(contributions, max_size=2).map(tuple),
        "raw_metadata": json_values(),
    }
    for name, choices in references.items():
        optional |= _reference(name, choices) if name != "claim_id" else {}
    rows = _each(draw, row_ids, _rows(required, optional))
    return [{**row, "idempotency_key": f"key of {row['id']}"} if draw(st.booleans()) else row for row in rows]


def _pairs(draw: DrawFn, first: Sequence[T], second: Sequence[T], most: int) -> list[tuple[T, T]]:
    if not first or not second:
        return []
    pair = st.tuples(st.sampled_from(first), st.sampled_from(second))
    return draw(st.lists(pair, max_size=most, unique=True))


@st.composite
def _influences(draw: DrawFn, claim_ids: Sequence[str]) -> list[Json]:
    """Parents come before their children in one order of all claims, so that no cycle closes; signs agree."""
    position = {claim_id: at for at, claim_id in enumerate(claim_ids)}
    pairs = {tuple(sorted(pair, key=position.__getitem__)) for pair in _pairs(draw, claim_ids, claim_ids, 5)}
    rows = []
    for parent, child in sorted(pairs):
        opposite = draw(st.sampled_from([InfluenceKind.KILLS, InfluenceKind.PREREQUISITE_OF]))
        kinds = [kind for kind in InfluenceKind if kind is not opposite]
        for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=2, unique=True)):
            low, high = sorted([draw(probabilities()), draw(probabilities())])
            raises = opposite is InfluenceKind.KILLS
            both = {"p_if_true": high if raises else low, "p_if_false": low if raises else high}
            table = both if draw(st.booleans()) else {}
            optional = draw(_rows({}, {"lag_days": st.integers(0, 36_525), "basis": texts()}))
            rows.append({"kind": kind, "parent_id": parent, "child_id": child, **table, **optional})
    return [row for row in rows if row["parent_id"] != row["child_id"]]


@st.composite
def _exposures(draw: DrawFn, owner: str, symbol: str) -> Json:
    sign = draw(st.sampled_from(list(ExposureSign)))
    impacts = st.floats(0, 100) if sign is ExposureSign.BENEFITS else st.floats(-1, 0)
    figures = _rows({"relevance": shares()}, {"lag_days": st.integers(0, 36_525)})
    low, impact, high = sorted(draw(st.lists(impacts, min_size=3, max_size=3)))
    ranged = {"impact_low": low, "impact": impact, "impact_high": high}
    stated = draw(st.sampled_from(({}, {"impact": impact}, ranged)))
    return {"sign": sign, "prediction_id": owner, "symbol": symbol, **draw(figures), **stated}


@st.composite
def bundles(draw: DrawFn) -> Bundle:
    """Any small bundle that can be imported, every list and every field of the model in reach."""
    taken: set[str] = set()
    names = ("domains", "episodes", "predictors", "reference_classes", "documents")
    shared = {name: _unique_ids(draw, 2, taken) for name in names}
    symbols = draw(st.lists(st.from_regex(r"[A-Z0-9][A-Z0-9.\-]{0,4}", fullmatch=True), max_size=2, unique=True))
    prediction_ids, scenario_ids, killer_ids = (_unique_ids(draw, most, taken) for most in (3, 2, 2))
    claim_ids = draw(st.permutations([*prediction_ids, *scenario_ids, *killer_ids]))
    milestones = draw(_chains(prediction_ids, taken))
    said = {
        "predictor_id": shared["predictors"],
        "episode_id": shared["episodes"],
        "reference_class_id": shared["reference_classes"],
    }
    references = {name: st.sampled_from(items) for name, items in said.items() if items}
    sources = {
        "claim_id": claim_ids,
        "predictor_id": shared["predictors"],
        "document_id": shared["documents"],
        "milestone_id": [row["id"] for row in milestones],
        "reference_class_id": shared["reference_classes"],
    }
    claims = _claims(shared["domains"])
    published = {"url": st.just("http://example.org"), "published_at": moments()}
    exposed = _pairs(draw, prediction_ids, symbols, 4)
    return bundle(
        domains=_each(draw, shared["domains"], _rows({}, {"name": texts()})),
        episodes=_each(draw, shared["episodes"], _rows({"title": texts()}, {"number": counts(), **published})),
        predictors=_each(
            draw,
            shared["predictors"],
            _rows(
                {"name": texts()},
                {"record_n_resolved": counts(), "record_brier": shares(), "record_kappa": st.floats(0.1, 1)},
            ),
        ),
        reference_classes=_each(
            draw,
            shared["reference_classes"],
            _rows(
                {"description": texts(), "base_rate": probabilities()},
                {"successes": st.just(3), "trials": st.integers(3, 2**31 - 1)},
            ),
        ),
        tickers=_each(
            draw,
            symbols,
            _rows(
                {},
                {
                    **dict.fromkeys(("name", "exchange", "sector", "country"), texts()),
                    "currency": st.sampled_from(("USD", "EUR")),
                },
            ),
            key="symbol",
        ),
        documents=_each(draw, shared["documents"], _rows({"title": texts()}, {"kind": texts(), **published})),
        predictions=_each(draw, prediction_ids, _predictions(references, shared["domains"])),
        scenarios=_each(draw, scenario_ids, claims),
        killers=_each(draw, killer_ids, claims),
        milestones=milestones,
        evidence=draw(_ledgers(_unique_ids(draw, 2, taken), sources)) if claim_ids else [],
        validations=[
            {"id": row_id, "prediction_id": draw(st.sampled_from(prediction_ids))}
            | draw(_rows({"observed_at": days(), "status": texts()}, {"by": texts(), "notes": texts()}))
            for row_id in (_unique_ids(draw, 2, taken) if prediction_ids else [])
        ],
        influences=draw(_influences(claim_ids)),
        exposures=[draw(_exposures(owner, symbol)) for owner, symbol in exposed],
        document_links=[
            {"document_id": document, "claim_id": claim_id}
            for document, claim_id in _pairs(draw, shared["documents"], claim_ids, 3)
        ],
        forecasts=[
            {"id": row_id, "predictor_id": predictor, "claim_id": claim_id}
            | draw(
                _rows(
                    {"probability": shares(), "stated_at": moments(), "recorded_at": moments()},
                    {"source": texts(), "cluster": texts(), "note": texts()},
                )
            )
            for row_id, (predictor, claim_id) in zip(
                _unique_ids(draw, 3, taken), _pairs(draw, shared["predictors"], claim_ids, 3), strict=False
            )
        ],
        saved_queries=[
            {"name": name, "version": version, "statement": draw(texts()), "parameters": draw(_parameters())}
            for name in _unique_ids(draw, 1, taken)
            for version in draw(st.lists(st.integers(1, 2**31 - 1), max_size=2, unique=True))
        ],
        portfolios=[
            portfolio("book", recorded_at, draw(st.dictionaries(st.sampled_from(["A", "^B"]), st.floats(-1e15, 1e15))))
            for recorded_at in draw(st.lists(moments(), max_size=2, unique_by=lambda moment: moment.astimezone(UTC)))
        ],
        claim_families=[
            family("outcomes", recorded_at, *claim_ids[:4])
            for recorded_at in draw(st.lists(moments(), max_size=2, unique_by=lambda moment: moment.astimezone(UTC)))
            if len(claim_ids) > 1
        ],
        propagation_runs=_each(
            draw,
            _unique_ids(draw, 1, taken),
            _rows(
                {"method": texts(), "started_at": moments(), "revision": counts(), "converged": st.booleans()},
                {"iterations": counts(), "residual": numbers(), "duration_seconds": st.floats(0, 1e9)},
            ),
        ),
    )


def _parameters() -> SearchStrategy[tuple[Json, ...]]:
    parameter = _rows(
        {"name": st.just("tickers"), "type": st.sampled_from(["STRING_LIST", "DATE"])}, {"description": texts()}
    )
    return st.lists(parameter, max_size=1).map(tuple)
