"""Expressions are weighed by the lists that they go through within each other, and by what they put together."""

import pytest

from graph.adhoc.allowed import FUNCTIONS
from graph.adhoc.literals import Literals, find_excess
from graph.adhoc.patterns import PatternError, count_ways
from graph.adhoc.tokens import Group, Token, UnreadableError, parse
from graph.adhoc.weighing import COLLECTED, HeavyError, Scale, Value, measure

LARGE = {"l": Value(COLLECTED), "m": Value(COLLECTED)}
SHORT = {"l": Value(20.0), "m": Value(20.0)}


def weigh(expression: str, names: dict[str, Value], **parameters: object) -> float:
    """Steps of an expression in a plan's canonical words."""
    return Scale(Literals.of("RETURN 5"), parameters).weigh(parse(expression), names).steps


@pytest.mark.parametrize(
    "expression",
    [
        "[x IN l | [y IN m | x * y]] AS table",
        "[x IN l WHERE NOT x IN m] AS missing",
        "any(x IN l WHERE all(y IN m WHERE x < y))",
        "reduce(s = $autoint_0, x IN l | s + size([y IN m WHERE y > x]))",
        "reduce(s = $autostring_0, x IN l | s + s)",
        "reduce(s = $autostring_0, x IN l | replace(s, x, s))",
        "reduce(s = $autolist_0, x IN m | [s])",
        "[x IN range($autoint_0, toInteger($autostring_0)) | x]",
        "[x IN range($autoint_0, $n) | x]",
        "CASE WHEN n.x THEN [x IN l | [y IN m | x]] ELSE $autoint_0 END",
        "n{.*, table: [x IN l | [y IN m | x]]}",
        "coalesce(n.x, [x IN l | [y IN m | x]])",
        "EXISTS { MATCH (n) WHERE n.x IN [x IN l WHERE x IN m] }",
        "COUNT { SHOW SETTINGS }",
        "COLLECT { CALL dbms.listConfig() YIELD name RETURN name AS name }",
        'COLLECT { LOAD CSV FROM "file:///a" AS row RETURN row AS row }',
        "unknown.function(n.x)",
        "`reduce`(n.x)",
        "file()",
        "n.x =~ n.y",
        "n.x =~ $autostring_0 + n.y",
    ],
)
def test_heavy_expressions_are_refused(expression: str) -> None:
    """The same with short lists may be fine; with what rows are collected to it is not."""
    with pytest.raises(HeavyError):
        weigh(expression, LARGE, n=10**9)


@pytest.mark.parametrize(
    "expression",
    [
        "[x IN l | [y IN m | x * y]] AS table",
        "[x IN l WHERE NOT x IN m] AS missing",
        "reduce(s = $autodouble_0, r IN relationships((a)-[anon_0*]->(b)) | s * r.p_if_true) AS weight",
        "reduce(s = $autoint_0, x IN l | CASE WHEN x > s THEN x ELSE s END) AS largest",
        "reduce(s = $autostring_0, x IN l | s + x.name) AS names",
        "[i IN range($autoint_0, size(l) - $autoint_1) | l[i]] AS pairs",
        "[i IN range($autoint_0, $n) | i] AS numbers",
        "n.title =~ $pattern",
        "(n)-[r:KILLS*..3]->(m)",
        "UNIQUE n:Claim(id) WHERE id = $id, cache[n.id]",
    ],
)
def test_light_expressions_pass(expression: str) -> None:
    """Nested lists are fine where they are short."""
    assert weigh(expression, SHORT, n=1_000, pattern="(?i).*gpt.*") < 1e7


def test_names_keep_their_sizes() -> None:
    """A list within a map, an element, a sum and a slice are as large as what they are made of."""
    scale = Scale(Literals.of("RETURN 1"), {"few": 5})

    found = scale.list_named(
        parse("collect(n.id) AS a, {inner: l} AS b, l[..$few] AS c, l + m AS d, size(l) AS e"), LARGE
    )

    assert found["a"].length == found["b"].length == COLLECTED
    assert found["c"].length == 5
    assert found["d"].length == 2 * COLLECTED
    assert found["e"].size < 100


@pytest.mark.parametrize("details", ["f(1", "[1)", "1 ...", "a \\ b", "'unended", "(" * 200 + ")" * 200, "a ? b"])
def test_what_cannot_be_read_is_told(details: str) -> None:
    """An abbreviated plan, or one in an unknown form, is not guessed at."""
    with pytest.raises(UnreadableError):
        parse(details)


def test_quoted_names_hide_nothing() -> None:
    """A column named like a call is a name, and a call in backticks is a call."""
    assert parse("`reduce(x)`") == (Token("quoted", "reduce(x)"),)
    assert parse("`a``b`") == (Token("quoted", "a`b"),)
    assert parse("f(a)")[1] == Group("(", (Token("name", "a", is_joined=True),), is_joined=True)


@pytest.mark.parametrize(
    "pattern",
    [
        "(x+x+)+y",
        "(x|xx)+y",
        "(.*a){24}b",
        "(([a-z])+.)+[A-Z]([a-z])+$",
        "(a*)*",
        "((a))+\\1",
        "(?:a?b?)*",
        "(?i)(a+)+",
        "a" * 501,
    ],
)
def test_patterns_that_match_for_ever_are_refused(pattern: str) -> None:
    """A repetition of what repeats or chooses tries exponentially many ways."""
    with pytest.raises(PatternError):
        count_ways(pattern, 100)


@pytest.mark.parametrize(
    ("pattern", "ways"),
    [
        ("abc", 1),
        (".*gpt.*", 100**2),
        ("(?i).*gpt.*", 100**2),
        ("(gpt|llm)-[0-9]+", 2 * 100),
        ("a?b?", 4),
        ("a{2,4}", 3),
        ("(ab)+", 100),
        ("[*+?(]+", 100),
        (r"\(.*\)", 100),
        (r"\Q(a+)+\E", 1),
        ("(?:abc)?", 2),
    ],
)
def test_ways_of_a_pattern_are_counted(pattern: str, ways: float) -> None:
    """Choices multiply, and each unlimited repetition takes any part of the text."""
    assert count_ways(pattern, 100) == ways


@pytest.mark.parametrize(
    ("statement", "largest"),
    [
        ("RETURN range(1, 1000)", 1_000),
        ("RETURN range(1, 0x7fffffff)", 0x7FFFFFFF),
        ("RETURN range(1, 1_000_000)", 1_000_000),
        ("RETURN range(1, 1000 * 1000)", 1_000_000),
        ("RETURN range(1, 1e9)", 1e9),
        ("RETURN range(1, \\u0039\\u0039\\u0039)", 999),
        ("RETURN range(1, 0o777)", 0o777),
        ("RETURN toInteger('5000')", 5_000),
    ],
)
def test_literals_are_bounded(statement: str, largest: float) -> None:
    """No number that literals can make is larger, in whatever form it is written."""
    assert Literals.of(statement).largest >= largest


@pytest.mark.parametrize(
    "statement",
    [
        "RETURN " + "(" * 50 + "1" + ")" * 50,
        "RETURN " + "+".join("1" * 150),
        "RETURN [1]" + "[0]" * 40,
        "RETURN " + " XOR ".join(["true"] * 20),
    ],
)
def test_what_parsers_take_for_ever_over_is_not_sent(statement: str) -> None:
    """Neo4j's parser is not interrupted."""
    assert find_excess(statement) is not None
    assert find_excess("RETURN '" + statement.replace("'", "") + "' AS text") is None


def test_parameters_are_measured() -> None:
    """The size of a parameter is that of its items together."""
    assert measure("x" * 10).size == 10
    assert measure(["x" * 10, "y"]) == Value(2.0, 10.0, 1)
    assert measure({"a": [1, 2, 3]}) == Value(1.0, 3.0, 2)


def test_functions_are_listed_in_small_letters() -> None:
    """Functions are found by their names in small letters, as Cypher takes any."""
    assert all(name == name.lower() for name in FUNCTIONS)
