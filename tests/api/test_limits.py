"""Documents that cost too much are refused before they cost it."""

import time
from dataclasses import replace

import pytest
import strawberry
from graphql import get_introspection_query, parse

from api.limits import (
    MAX_BRACKETS,
    MAX_CHARACTERS,
    MAX_FRAGMENTS,
    MAX_INTROSPECTED_LISTS,
    MAX_OPERATIONS,
    Limits,
    count_brackets,
    list_excesses,
    list_extensions,
)
from resolvers.schema import build_schema

LIMITS = Limits(max_depth=4, max_aliases=3, max_fields=20, max_tokens=600, max_items=5, max_rows=100, max_points=100)


@strawberry.type
class Query:
    """A tree without end."""

    @strawberry.field
    def leaf(self) -> int:
        """The end."""
        return 1

    @strawberry.field
    def left(self) -> "Query":
        """One more level."""
        return Query()

    @strawberry.field
    def right(self) -> "Query":
        """One more level, by another name."""
        return Query()


SCHEMA = strawberry.Schema(Query, extensions=list_extensions(LIMITS, introspection=True))


async def execute(document: str) -> list[tuple[str, str | None]]:
    """Messages and codes of a document's errors."""
    result = await SCHEMA.execute(document)
    return [(e.message, (e.extensions or {}).get("code")) for e in result.errors or ()]


async def test_a_document_within_limits_is_answered() -> None:
    assert await execute("{ left { right { left { leaf } } } a: leaf b: leaf c: leaf }") == []


async def test_one_level_too_many_is_refused() -> None:
    assert await execute("{ left { right { left { right { leaf } } } } }") == [
        ("The document has 5 levels of fields, at most 4 are allowed.", "TOO_DEEP")
    ]


async def test_levels_in_fragments_count() -> None:
    document = "{ left { ...F } } fragment F on Query { left { ...G } } fragment G on Query { left { left { leaf } } }"

    assert await execute(document) == [("The document has 5 levels of fields, at most 4 are allowed.", "TOO_DEEP")]


async def test_aliases_in_fragments_count_at_each_use() -> None:
    document = "{ left { ...F } right { ...F } } fragment F on Query { a: leaf b: leaf }"

    assert await execute(document) == [("The document has 4 aliases, at most 3 are allowed.", "TOO_MANY_ALIASES")]


async def test_too_many_tokens_are_refused_before_they_are_parsed() -> None:
    [(message, _)] = await execute("{ " + "leaf " * 600 + "}")

    assert "600 tokens" in message


async def test_a_bomb_of_fragments_is_refused_at_once() -> None:
    """Each of thirty fragments names the next one twice: two billion fields, if one follows them all."""
    fragments = "".join(
        f"fragment F{i} on Query {{ left {{ ...F{i + 1} }} right {{ ...F{i + 1} }} }}" for i in range(30)
    )
    started = time.perf_counter()

    errors = await execute(f"{{ ...F0 }} {fragments} fragment F30 on Query {{ leaf }}")

    assert {code for _, code in errors} == {"TOO_DEEP", "TOO_LARGE"}
    assert "billions of fields" in errors[1][0]
    assert time.perf_counter() - started < 1


async def test_a_long_chain_of_fragments_does_not_exhaust_the_stack() -> None:
    chain = "".join(f"fragment F{i} on Query {{ ...F{i + 1} }}" for i in range(MAX_FRAGMENTS + 1))
    document = parse(f"{{ ...F0 }} {chain}")

    [error] = list_excesses(document, LIMITS)

    assert "101 fragments, at most 100" in error.message


async def test_inline_fragments_in_a_chain_of_fragments_do_not_exhaust_the_stack() -> None:
    """Each fragment is within the limit of brackets, and all of them within that of tokens."""
    schema = strawberry.Schema(Query, extensions=list_extensions(replace(LIMITS, max_tokens=4000), introspection=True))
    opening, closing = "... on Query { " * 12, "} " * 12
    chain = "".join(f"fragment F{i} on Query {{ {opening} ...F{i + 1} {closing} }} " for i in range(50))

    result = await schema.execute(f"{{ ...F0 }} {chain} fragment F50 on Query {{ leaf }}")

    assert [(e.message, (e.extensions or {}).get("code")) for e in result.errors or ()] == [
        ("The document's fragments are nested too deep.", "TOO_DEEP")
    ]


@pytest.mark.parametrize("opening", ["{ left ", "{ leaf(x: [", "query ($a: [[[["])
async def test_nesting_that_would_exhaust_the_parsers_stack_is_refused(opening: str) -> None:
    [(message, code)] = await execute(opening * 100)

    assert (message, code) == (f"The document has more than {MAX_BRACKETS} brackets open at once.", "TOO_DEEP")


async def test_a_fragment_inside_itself_is_refused_by_its_own_rule() -> None:
    [(message, _)] = await execute("{ ...F } fragment F on Query { left { ...F } }")

    assert "Cannot spread fragment 'F' within itself" in message


async def test_the_introspection_of_a_browser_is_within_the_depth_limit() -> None:
    limits = replace(LIMITS, max_fields=300)
    schema = strawberry.Schema(Query, extensions=list_extensions(limits, introspection=True))

    result = await schema.execute(get_introspection_query(input_value_deprecation=True))

    assert result.errors is None


async def test_introspection_that_circles_is_refused() -> None:
    circle = "fields { type { fields { type { fields { type { fields { name } } } } } } }"

    [(message, _)] = await execute(f"{{ __schema {{ types {{ {circle} }} }} }}")

    assert message == "Maximum introspection depth exceeded"


async def test_introspection_can_be_switched_off() -> None:
    schema = strawberry.Schema(Query, extensions=list_extensions(LIMITS, introspection=False))

    result = await schema.execute("{ __schema { types { name } } }")

    assert result.errors
    assert "introspection has been disabled" in result.errors[0].message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a(b:[1]){c}}", 3),
        ('{a(b:"{{{{")}', 2),
        ('{a(b:"\\"{{{{")}', 2),
        ('{a(b:"""{{ " \\""" {{""")}', 2),
        ("{a # {{{{\n}", 1),
        ('{a(b:"")}', 2),
        ('"' * 10_000 + "{", 1),
        ("", 0),
    ],
)
def test_brackets_in_strings_and_comments_do_not_count(text: str, expected: int) -> None:
    assert count_brackets(text) == expected


@pytest.mark.parametrize("text", ["{ leaf } #%s", '{ leaf(x: "%s") }', "{ leaf %s }"])
async def test_a_long_document_is_refused_before_it_is_read(text: str) -> None:
    document = text % (" " * MAX_CHARACTERS)

    [(message, code)] = await execute(document)

    assert code == "TOO_LARGE"
    assert message.startswith(f"The document has {len(document)} characters; long texts belong in variables, at most ")


async def test_many_operations_are_refused_though_one_runs() -> None:
    document = " ".join(f"query Q{n} {{ leaf }}" for n in range(MAX_OPERATIONS + 1))

    [(message, code)] = await execute(document)

    assert (message, code) == ("The document has 51 operations, at most 50 are allowed.", "TOO_LARGE")


async def test_the_whole_schema_is_not_shown_time_and_again() -> None:
    shown = "types { fields { args { name } } }"
    within, above = (" ".join(f"a{n}: __schema {{ {shown} }}" for n in range(number)) for number in (5, 6))
    schema = strawberry.Schema(
        Query, extensions=list_extensions(replace(LIMITS, max_fields=300, max_aliases=9), introspection=True)
    )

    assert (await schema.execute(f"{{ {within} }}")).errors is None
    [error] = (await schema.execute(f"{{ {above} }}")).errors or []
    assert error.message == f"The document has 18 lists of introspection, at most {MAX_INTROSPECTED_LISTS} are allowed."


def test_no_field_of_ours_is_named_like_a_list_of_introspection() -> None:
    """They are counted by their names."""
    names = {"types", "directives", "fields", "inputFields", "args", "enumValues", "interfaces", "possibleTypes"}
    types = [t for name, t in build_schema()._schema.type_map.items() if not name.startswith("__")]

    assert not names & {name for t in types for name in getattr(t, "fields", {})}
