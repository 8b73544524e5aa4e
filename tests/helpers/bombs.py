"""Requests made to exhaust the service, each with the code that refuses it wherever the graph's size is not at stake."""

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
    four = _nested("outgoing", 100, 4)
    aliases = " ".join(f'a{n}: killer(id: "{ground.hub}") {{ {_nested("outgoing", 20, 4)} }}' for n in range(25))
    up_and_down = "outgoing(first: 100) { nodes { claim { incoming(first: 100) { nodes { claim { %s } } } } } }"
    return [
        _ask("killer, outgoing, incoming, history", f'{{ killer(id: "{ground.hub}") {{ {up_and_down % HISTORY} }} }}', PRICE),
        _ask("a level more", f'{{ killer(id: "{ground.hub}") {{ {up_and_down % (up_and_down % HISTORY)} }} }}', PRICE),
        _ask("25 aliases of four levels", f"{{ {aliases} }}", PRICE),
        _ask("four levels of first: 100", f'{{ killer(id: "{ground.hub}") {{ {four} }} }}', PRICE),
        _ask("as much as the price allows", f'{{ killer(id: "{ground.hub}") {{ {_nested("outgoing", 26, 3)} }} }}'),
        _ask(
            "as much, 64 times at once",
            f'{{ killer(id: "{ground.hub}") {{ {_nested("outgoing", 26, 3)} }} }}',
            times=64,
        ),
        _ask(
            "hub: 100 children with 100 parents",
            f'{{ killer(id: "{ground.hub}") {{ {up_and_down % "key title"} }} }}',
        ),
        _ask(
            "predictions with their predictors' predictions",
            "{ predictions(first: 100) { nodes { predictor { predictions(first: 100) { nodes { key title } } } } } }",
        ),
        _ask("exposures and back", "query ($id: ID!) { ticker(id: $id) { exposures(first: 100) { nodes { prediction "
             "{ exposures(first: 100) { nodes { ticker { symbol } } } } } } } }", id=ground.ticker),
        _ask("cascades of 100 by 10 steps", "query ($id: ID!) { killer(id: $id) { cascades(first: 100, depth: 10) "
             "{ reached { claim { key title } } } } }", id=ground.hub),
    ]  # fmt: skip


def _long(ground: Ground) -> list[Bomb]:
    """Curves and ledgers."""
    nine = " ".join(f"h{n}: {HISTORY}" for n in range(9))
    return [
        _ask("a history of 10,000 points over a long ledger", "query ($id: ID!) { prediction(id: $id) { %s } }" % HISTORY, id=ground.ledger),
        _ask("nine of them", "query ($id: ID!) { prediction(id: $id) { %s } }" % nine, id=ground.ledger),
        _ask("nine of them, 16 times at once", "query ($id: ID!) { prediction(id: $id) { %s } }" % nine, times=16, id=ground.ledger),
        _ask("100 histories of 10,000 points", "{ predictions(first: 100) { nodes { %s } } }" % HISTORY, PRICE),
        _ask("99 histories of 1,000 points", "{ predictions(first: 99) { nodes { %s } } }" % SHORT_HISTORY),
        _ask("30 times the long ledger", "query ($id: ID!) { %s }" % " ".join(
            f"a{n}: prediction(id: $id) {{ probabilityHistory(maxPoints: 4) {{ probability }} }}" for n in range(30)
        ), id=ground.ledger),
        _ask("records of 100 predictors", "{ predictors(first: 100) { nodes { record { numResolved } } } }"),
    ]  # fmt: skip


def _searching(ground: Ground) -> list[Bomb]:
    """Searches, neighbourhoods, paths."""
    return [
        _ask("a wide search", '{ search(text: "the a of in to and by will", first: 100) { totalCount nodes { id } } }'),
        _ask("30 wide searches", "{ %s }" % " ".join(
            f'a{n}: search(text: "the a of in to and by will {n}", first: 100) {{ totalCount nodes {{ id }} }}'
            for n in range(30)
        )),
        _ask("a search for fuzzy wildcards", '{ search(text: "*~ a*~2 ?~ [* TO *] /.*.*.*/") { nodes { id } } }'),
        _ask("a neighbourhood of 500, four steps", "query ($id: ID!) { neighborhood(id: $id, depth: 4, limit: 500) "
             "{ nodes { id } } }", id=ground.hub),
        _ask("ten neighbourhoods of 500", "query ($id: ID!) { %s }" % " ".join(
            f"a{n}: neighborhood(id: $id, depth: 4, limit: 500) {{ nodes {{ id }} }}" for n in range(10)
        ), id=ground.hub),
        _ask("20 paths of eight steps", "query ($a: ID!, $b: ID!) { paths(from: $a, to: $b, first: 20, "
             "maxLength: 8) { claims { key } } }", a=ground.hub, b=ground.ledger),
    ]  # fmt: skip


def _inferring(ground: Ground) -> list[Bomb]:
    """Inferences."""
    supposed = [{"claim": claim, "outcome": "TRUE"} for claim in ground.open_claims[:50]]
    targets = list(ground.open_claims[:100])
    what_if = (
        "query ($o: [SupposedOutcome!]!) { whatIf(observations: $o, method: %s%s) { "
        "... on WhatIfResult { shifts { claim { key } } } ... on UserError { code } } }"
    )
    return [
        _ask("a what-if of 50 outcomes", what_if % ("LBP", ""), o=supposed),
        _ask("a what-if by 65,536 samples", what_if % ("SAMPLE", ", samples: 65536, seed: 7"), o=supposed),
        _ask("that, eight times at once", what_if % ("SAMPLE", ", samples: 65536, seed: 8"), o=supposed, times=8),
        _ask("an exact what-if", what_if % ("EXACT", ""), o=supposed),
        _ask("a value of information of 100 targets", "query ($t: [ID!]!) { valueOfInformation(targets: $t, first: 100) "
             "{ ... on ValueOfInformationResult { claims { claim { key } } } ... on UserError { code } } }", t=targets),
        _ask("incoherence", "{ incoherence(first: 100) { claims { claim { key } } } }"),
        _ask("ten what-ifs and more", "query ($o: [SupposedOutcome!]!) { %s }" % " ".join(
            f"a{n}: whatIf(observations: $o) {{ ... on WhatIfResult {{ shifts {{ claim {{ key }} }} }} }}" for n in range(30)
        ), PRICE, o=supposed),
    ]  # fmt: skip


def _texts(ground: Ground) -> list[Bomb]:
    """Documents that are large or twisted themselves."""
    doubling = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60))
    nested = " ".join(
        f"fragment F{n} on Claim {{ x{n}: incoming {{ nodes {{ claim {{ ...F{n + 1} }} }} }} }}" for n in range(14)
    )
    of_type = "ofType { " * 20 + "name" + " }" * 20
    introspection = " ".join(
        f"a{n}: __schema {{ types {{ fields {{ args {{ type {{ name }} }} type {{ fields {{ name }} }} }} }} }}"
        for n in range(20)
    )
    return [
        _ask("3,000 aliases", "{ %s }" % " ".join(f"a{n}: __typename" for n in range(3_000)), BAD),
        _ask("300 aliases of a killer", "{ %s }" % " ".join(f'a{n}: killer(id: "x") {{ id }}' for n in range(300)), "TOO_MANY_ALIASES"),
        _ask("fragments that double 60 times", f"{{ ...F0 }} {doubling} fragment F60 on Query {{ __typename }}", LARGE),
        _ask("fragments nested 14 deep", f"{{ killers {{ nodes {{ ...F0 }} }} }} {nested} fragment F14 on Claim {{ title }}", DEEP),
        _ask("a cycle of fragments", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", BAD),
        _ask("20 introspections", f"{{ {introspection} }}", LARGE),
        _ask("introspection of types within types", f"{{ __schema {{ types {{ fields {{ type {{ {of_type} }} }} }} }} }}"),
        _ask("50,000 brackets", "{a" * 50_000, DEEP),
        _ask("a document of 4 MB", "{ %s }" % ("__typename " * 360_000), LARGE),
        _ask("600 directives", "{ __typename %s }" % ("@include(if: true) " * 600), BAD),
        _ask("500 operations", " ".join(f"query Q{n} {{ __typename }}" for n in range(500)), LARGE),
        _ask("one field 1,900 times", 'query { killer(id: "x") { %s } }' % ("title " * 1_900), BAD),
        _ask("a comment of 4 MB", "{ __typename } #" + "x" * 4_000_000, LARGE),
        _ask("a text of 2 MB in the document", '{ killer(id: "%s") { id } }' % ("x" * 2_000_000), LARGE),
        _ask("a number of a million digits in the document", "{ predictions(first: %s) { nodes { id } } }" % ("9" * 1_000_000), LARGE),
        _ask("780 wrong observations in the document", "{ whatIf(observations: [%s]) { __typename } }" % ("{claim: 1} " * 780), BAD),
    ]  # fmt: skip


def _variables(ground: Ground) -> list[Bomb]:
    """Variables that are large or twisted."""
    item = {"claim": ground.ledger, "direction": "FOR", "strength": "STRONG", "note": "x" * 50, "url": "https://a.b/c"}
    batch = (
        "mutation ($items: [EvidenceInput!]!) { submitEvidenceBatch(items: $items, dryRun: true) "
        "{ __typename ... on UserError { code message } } }"
    )
    kinds = "query ($k: [InfluenceKind!]) { killers { nodes { outgoing(kinds: $k) { nodes { kind } } } } }"
    filtered = "query ($f: PredictionFilterInput) { predictions(filter: $f) { nodes { id } } }"
    asked = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
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
        _ask("an object of 100,000 unknown fields", filtered, LARGE, f={f"x{n}": 1 for n in range(100_000)}),
        _ask("100,000 variables that nobody declares", "{ __typename }", LARGE, **{f"x{n}": n for n in range(100_000)}),
    ]  # fmt: skip


def _bodies(ground: Ground) -> list[Bomb]:
    """Bodies that are no usual JSON."""
    importing = (
        "mutation ($b: JSON!) { importBundle(bundle: $b, dryRun: true) { __typename ... on UserError { code } } }"
    )
    rows = [{"id": f"BOMB_{n}", "title": "x" * 40, "text": "y" * 40} for n in range(40_000)]
    bundle = {"format": BUNDLE_FORMAT, "predictions": rows}
    wrong = {"format": BUNDLE_FORMAT, "predictions": [{"x": n} for n in range(150_000)]}
    deep = '{"query": "{ __typename }", "variables": {"x": %s1%s}}'
    return [
        Bomb("JSON 100,000 deep", (deep % ("[" * 100_000, "]" * 100_000)).encode(), BAD),
        Bomb("JSON 500 deep as a bundle", json.dumps({"query": importing, "variables": {"b": 1}}).replace(
            '"b": 1', '"b": ' + "[" * 500 + "]" * 500).encode()),
        Bomb("a number of 4 million digits", b'{"query": "{ __typename }", "variables": {"x": %b}}' % (b"9" * 4_000_000), BAD),
        Bomb("a text of 7 MB of escapes", b'{"query": "{ __typename }", "variables": {"x": "%b"}}' % (b"\\ud83d\\ude00" * 580_000)),
        Bomb("2 million empty lists", b'{"query": "{ __typename }", "variables": {"x": [%b[]]}}' % (b"[]," * 2_000_000), "BODY_TOO_LARGE"),
        Bomb("a batch of 100,000 documents", b"[%b1]" % (b'{"query": "{ __typename }"},' * 100_000), BAD),
        Bomb("a body above the limit", b'{"query": "{ __typename }", "x": "%b"}' % (b"x" * 9_000_000), "BODY_TOO_LARGE"),
        Bomb("slow bodies, 200 of them", b'{"query": "', times=200, is_slow=True),
        _ask("a bundle of 40,000 predictions", importing, b=bundle),
        _ask("a bundle of 150,000 wrong rows", importing, b=wrong),
    ]  # fmt: skip
