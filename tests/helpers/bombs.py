"""Requests made to exhaust the service, with the code that refuses each, unless the graph's size decides."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graph.model.bundle import BUNDLE_FORMAT

PRICE, LARGE, DEEP, BAD = "TOO_EXPENSIVE", "TOO_LARGE", "TOO_DEEP", "BAD_REQUEST"
HISTORY = "probabilityHistory(maxPoints: 10000) { at probability }"
SHORT_HISTORY = "probabilityHistory(maxPoints: 1000) { at probability }"


@dataclass(frozen=True, slots=True)
class Ground:
    """
    Ids of nodes that bombs aim at.

    Attributes:
        hub: A killer with many children.
        ticker: A ticker with many exposures.
        predictor: A predictor with many predictions.
        ledger: A prediction with a long ledger.
        open_claims: Open predictions.
    """

    hub: str
    ticker: str
    predictor: str
    ledger: str
    open_claims: Sequence[str]


@dataclass(frozen=True, slots=True)
class Bomb:
    """
    A request.

    Attributes:
        name: Its name in a table.
        body: Its JSON.
        code: The code that refuses it on any graph; None where it is answered, or the graph's size decides.
        times: Times that it is sent at once.
        is_slow: Whether its body never ends.
    """

    name: str
    body: bytes
    code: str | None = None
    times: int = 1
    is_slow: bool = False


def _ask(name: str, query: str, code: str | None = None, /, *, times: int = 1, **variables: Any) -> Bomb:
    return Bomb(name, json.dumps({"query": query, "variables": variables}).encode(), code, times)


def _aliased(number: int, field: str) -> str:
    """A field so many times, each under an alias and with the alias's number in the place of `#`."""
    return " ".join(f"a{n}: {field.replace('#', str(n))}" for n in range(number))


def _nested(relation: str, first: int, levels: int, inner: str = "title") -> str:
    selected = inner
    for _ in range(levels):
        selected = f"{relation}(first: {first}) {{ nodes {{ claim {{ {selected} }} }} }}"
    return selected


def list_bombs(ground: Ground) -> list[Bomb]:
    """List all bombs."""
    return [
        *_wide(ground),
        *_long(ground),
        *_searching(ground),
        *_inferring(ground),
        *_texts(ground),
        *_variables(ground),
        *_bodies(ground),
    ]


def _wide(ground: Ground) -> list[Bomb]:
    """Lists within lists."""
    dear = f'{{ killer(id: "{ground.hub}") {{ {_nested("outgoing", 26, 3)} }} }}'
    tall = f'killer(id: "{ground.hub}") {{ {_nested("outgoing", 20, 4)} }}'
    exposed = "exposures(first: 100) { nodes { prediction { exposures(first: 100) { nodes { ticker { symbol } } } } } }"
    reached = "cascades(first: 100, depth: 4) { reached { claim { key title } } }"
    return [
        _ask("children, their parents, histories", _around(ground, _around_each(HISTORY)), PRICE),
        _ask("a level more", _around(ground, _around_each(_around_each(HISTORY))), PRICE),
        _ask(
            "25 aliases of four levels",
            f"{{ {_aliased(25, tall)} }}",
            PRICE,
        ),
        _ask("four levels of first: 100", _around(ground, _nested("outgoing", 100, 4)), PRICE),
        _ask("as much as the price allows", dear),
        _ask("as much, 64 times at once", dear, times=64),
        _ask("100 children with 100 parents each", _around(ground, _around_each("key title"))),
        _ask(
            "predictions of the predictors of predictions",
            "{ predictions(first: 100) { nodes { predictor { predictions(first: 100) { nodes { key title } } } } } }",
        ),
        _ask(
            "exposures and back",
            f"query ($id: ID!) {{ ticker(id: $id) {{ {exposed} }} }}",
            id=ground.ticker,
        ),
        _ask(
            "cascades of 100 by four steps",
            f"query ($id: ID!) {{ killer(id: $id) {{ {reached} }} }}",
            id=ground.hub,
        ),
    ]


def _around(ground: Ground, selected: str) -> str:
    return f'{{ killer(id: "{ground.hub}") {{ {selected} }} }}'


def _around_each(selected: str) -> str:
    return _nested("outgoing", 100, 1, _nested("incoming", 100, 1, selected))


def _long(ground: Ground) -> list[Bomb]:
    """Curves and ledgers."""
    nine = f"query ($id: ID!) {{ prediction(id: $id) {{ {_aliased(9, HISTORY)} }} }}"
    often = _aliased(30, "prediction(id: $id) { probabilityHistory(maxPoints: 4) { probability } }")
    return [
        _ask(
            "a history of 10,000 points over a long ledger",
            f"query ($id: ID!) {{ prediction(id: $id) {{ {HISTORY} }} }}",
            id=ground.ledger,
        ),
        _ask("nine of them", nine, id=ground.ledger),
        _ask("nine of them, 16 times at once", nine, times=16, id=ground.ledger),
        _ask("100 histories of 10,000 points", f"{{ predictions(first: 100) {{ nodes {{ {HISTORY} }} }} }}", PRICE),
        _ask("99 histories of 1,000 points", f"{{ predictions(first: 99) {{ nodes {{ {SHORT_HISTORY} }} }} }}"),
        _ask("30 times the long ledger", f"query ($id: ID!) {{ {often} }}", id=ground.ledger),
        _ask("records of 100 predictors", "{ predictors(first: 100) { nodes { record { resolvedCount } } } }"),
    ]


def _searching(ground: Ground) -> list[Bomb]:
    """Searches, neighbourhoods, paths."""
    wide = 'search(text: "the a of in to and by will #", first: 100) { totalCount nodes { id } }'
    near = "neighborhood(id: $id, depth: 4, first: 500) { nodes { id } }"
    return [
        _ask("a wide search", '{ search(text: "prediction", first: 100) { totalCount nodes { id } } }'),
        _ask("30 wide searches", f"{{ {_aliased(30, wide)} }}"),
        _ask("a search for fuzzy wildcards", '{ search(text: "*~ a*~2 ?~ [* TO *] /.*.*.*/") { nodes { id } } }'),
        _ask("a neighbourhood of 500, four steps", f"query ($id: ID!) {{ {near} }}", id=ground.hub),
        _ask("ten neighbourhoods of 500", f"query ($id: ID!) {{ {_aliased(10, near)} }}", id=ground.hub),
        _ask(
            "20 paths of eight steps",
            "query ($a: ID!, $b: ID!) { paths(from: $a, to: $b, first: 20, maxLength: 8) { claims { key } } }",
            a=ground.hub,
            b=ground.ledger,
        ),
    ]


def _inferring(ground: Ground) -> list[Bomb]:
    """Inferences."""
    supposed = [{"claim": claim, "outcome": "TRUE"} for claim in ground.open_claims[:50]]
    shown = "{ ... on WhatIfResult { shifts { nodes { claim { key } } } } ... on UserError { code } }"
    claims = "claims(first: 100) { nodes { claim { key } } }"
    informative = f"{{ ... on ValueOfInformationResult {{ {claims} }} ... on UserError {{ code }} }}"
    targets = list(ground.open_claims[:100])

    def what_if(arguments: str, number: int = 1) -> str:
        fields = _aliased(number, f"whatIf(observations: $o{arguments}) {shown}")
        return f"query ($o: [SupposedOutcome!]!) {{ {fields} }}"

    sampled = what_if(", method: SAMPLE, sampleCount: 65536, seed: 7")
    return [
        _ask("a what-if of 50 outcomes", what_if(""), o=supposed),
        _ask("a what-if by 65,536 samples", sampled, o=supposed),
        _ask("a what-if by samples, eight times at once", sampled, o=supposed, times=8),
        _ask("an exact what-if", what_if(", method: EXACT"), o=supposed),
        _ask(
            "a value of information of 100 targets",
            f"query ($t: [ID!]!) {{ valueOfInformation(targets: $t) {informative} }}",
            t=targets,
        ),
        _ask("incoherence", "{ incoherence { claims(first: 100) { nodes { claim { key } } } } }"),
        _ask("30 what-ifs", what_if("", 30), PRICE, o=supposed),
    ]


def _texts(_ground: Ground) -> list[Bomb]:
    """Documents that are large or twisted themselves."""
    doubling = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60))
    nested = " ".join(
        f"fragment F{n} on Claim {{ incoming {{ nodes {{ claim {{ ...F{n + 1} }} }} }} }}" for n in range(14)
    )
    whole = "__schema { types { fields { args { type { name } } type { fields { name } } } } }"
    of_type = f"{'ofType { ' * 20} name {'} ' * 20}"
    cycle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
    killer = '{ killer(id: "x") { %s } }'
    return [
        _ask("3,000 aliases", f"{{ {_aliased(3_000, '__typename')} }}", BAD),
        _ask("300 aliases of a killer", f"{{ {_aliased(300, killer[2:-2] % 'id')} }}", "TOO_MANY_ALIASES"),
        _ask("fragments that double 60 times", f"{{ ...F0 }} {doubling} fragment F60 on Query {{ __typename }}", LARGE),
        _ask(
            "fragments nested 14 deep",
            f"{{ killers {{ nodes {{ ...F0 }} }} }} {nested} fragment F14 on Claim {{ title }}",
            DEEP,
        ),
        _ask("a cycle of fragments", cycle, BAD),
        _ask("20 introspections", f"{{ {_aliased(20, whole)} }}", LARGE),
        _ask("introspection of types in types", f"{{ __schema {{ types {{ fields {{ type {{ {of_type} }} }} }} }} }}"),
        _ask("50,000 brackets", "{a" * 50_000, DEEP),
        _ask("a document of 4 MB", "{ " + "__typename " * 360_000 + "}", LARGE),
        _ask("600 directives", "{ __typename " + "@include(if: true) " * 600 + "}", BAD),
        _ask("500 operations", " ".join(f"query Q{n} {{ __typename }}" for n in range(500)), LARGE),
        _ask("one field 1,900 times", killer % ("title " * 1_900), BAD),
        _ask("a comment of 4 MB", "{ __typename } #" + "x" * 4_000_000, LARGE),
        _ask("a text of 2 MB in the document", killer.replace("x", "x" * 2_000_000) % "id", LARGE),
        _ask("a number of a million digits", "{ predictions(first: " + "9" * 1_000_000 + ") { nodes { id } } }", LARGE),
        _ask("780 wrong observations", "{ whatIf(observations: [" + "{claim: 1} " * 780 + "]) { __typename } }", BAD),
    ]


def _variables(ground: Ground) -> list[Bomb]:
    """Variables that are large or twisted."""
    item = {"claim": ground.ledger, "direction": "FOR", "strength": "STRONG", "note": "x" * 50, "url": "https://a.b/c"}
    batch = (
        "mutation ($items: [EvidenceInput!]!) { submitEvidenceBatch(input: {items: $items}, dryRun: true) "
        "{ __typename ... on UserError { code message } } }"
    )
    kinds = "query ($k: [InfluenceKind!]) { killers { nodes { outgoing(kinds: $k) { nodes { kind } } } } }"
    filtered = "query ($f: PredictionFilterInput) { predictions(filter: $f) { nodes { id } } }"
    asked = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    many = {f"x{n}": 1 for n in range(100_000)}
    return [
        _ask("20,000 items of evidence", batch, LARGE, items=[item] * 20_000),
        _ask("1,001 items of evidence", batch, items=[item] * 1_001),
        _ask("1,000 items of evidence", batch, items=[item] * 1_000),
        _ask("20,000 wrong items of evidence", batch, LARGE, items=[{"claim": 1.5, "x": []}] * 20_000),
        _ask("a list of 100,000 kinds", kinds, LARGE, k=["KILLS"] * 100_000),
        _ask("a list of 100,000 states", filtered, LARGE, f={"status": ["OPEN"] * 100_000}),
        _ask("100,000 ids", asked, LARGE, ids=[ground.ledger] * 100_000),
        _ask("100 ids, 16 times at once", asked, ids=list(ground.open_claims[:100]), times=16),
        _ask("an id of 4 MB", "query ($id: ID!) { node(id: $id) { id } }", id="x" * 4_000_000),
        _ask("a search for 4 MB", "query ($t: String!) { search(text: $t) { nodes { id } } }", t="x " * 2_000_000),
        _ask("an object of 100,000 unknown fields", filtered, LARGE, f=many),
        _ask("100,000 variables that nobody declares", "{ __typename }", LARGE, **many),
    ]


def _bodies(_ground: Ground) -> list[Bomb]:
    """Bodies that are no usual JSON, and bundles."""
    importing = """mutation ($b: JSON!) { importBundle(input: {bundle: $b}, dryRun: true) { __typename
        ... on UserError { code } } }"""
    rows = [{"id": f"BOMB_{n}", "title": "x" * 40, "text": "y" * 40} for n in range(40_000)]
    deep = "[" * 500 + "]" * 500
    return [
        _hide("JSON 100,000 deep", "[" * 100_000 + "]" * 100_000, BAD),
        Bomb("JSON 500 deep as a bundle", _body(importing).replace(b"1}}", deep.encode() + b"}}")),
        _hide("a number of 4 million digits", "9" * 4_000_000, BAD),
        _hide("a text of 7 MB of escapes", '"' + "\\ud83d\\ude00" * 580_000 + '"'),
        _hide("2 million empty lists", "[" + "[]," * 2_000_000 + "1]", "BODY_TOO_LARGE"),
        Bomb("a batch of 100,000 documents", b"[%b1]" % (b'{"query": "{ __typename }"},' * 100_000), BAD),
        _hide("a body above the limit", '"' + "x" * 9_000_000 + '"', "BODY_TOO_LARGE"),
        Bomb("slow bodies, 200 of them", b'{"query": "', times=200, is_slow=True),
        _ask("a bundle of 40,000 predictions", importing, b={"format": BUNDLE_FORMAT, "predictions": rows}),
        _ask(
            "a bundle of 150,000 wrong rows",
            importing,
            b={"format": BUNDLE_FORMAT, "predictions": [{"x": n} for n in range(150_000)]},
        ),
    ]


def _body(query: str) -> bytes:
    return json.dumps({"query": query, "variables": {"b": 1}}).encode()


def _hide(name: str, value: str, code: str | None = None) -> Bomb:
    """A small document with JSON text in the place of a variable that it does not declare."""
    return Bomb(name, _body("{ __typename }").replace(b"1}}", value.encode() + b"}}"), code)
