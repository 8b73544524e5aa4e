"""The schema's names keep to the glossary: a linter over the committed SDL."""

import re
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from graphql import (
    NullValueNode,
    build_schema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    is_specified_scalar_type,
    is_union_type,
)

SDL = build_schema((Path(__file__).parents[2] / "resolvers" / "schema.graphql").read_text(encoding="utf-8"))
TYPES = {name: kind for name, kind in SDL.type_map.items() if not name.startswith("__")}


class Named(NamedTuple):
    """A field, an argument or an input field: its place, its name, the name of its type, and its definition."""

    place: str
    name: str
    kind: str
    definition: Any
    is_output: bool


def list_named() -> Iterator[Named]:
    """Everything in the schema that has a name and a type."""
    for type_name, kind in TYPES.items():
        for name, field in getattr(kind, "fields", {}).items():
            is_output = hasattr(field, "args")
            yield Named(f"{type_name}.{name}", name, get_named_type(field.type).name, field, is_output=is_output)
            for argument, given in getattr(field, "args", {}).items():
                yield Named(
                    f"{type_name}.{name}({argument}:)",
                    argument,
                    get_named_type(given.type).name,
                    given,
                    is_output=False,
                )


ALL = list(list_named())
OUTPUTS = [found for found in ALL if found.is_output]
BOUNDS = r"from|to|since|.*From|.*To|.*Since"
NO_PROBABILITIES = {"baseRate", "usedBaseRate", "probabilityChange"}
"""Rates, which have a name of their own, and a difference of two probabilities, which may be negative."""


def words(text: str) -> list[str]:
    """The words of a text or of a name in camel case."""
    return re.findall(r"[a-z]+|[A-Z][a-z]*|\d+", text)


def is_moment(found: Named) -> bool:
    """Whether a moment's name is one."""
    exempt = r"at|.*At|deadline|asOf|.*AsOf" + ("" if found.is_output else f"|{BOUNDS}")
    return re.fullmatch(exempt, found.name) is not None


def says_more(name: str, description: str | None) -> bool:
    """Whether a description has more words than a name."""
    told = {word.lower() for word in words(description or "")} - {"a", "an", "the", "its", "of"}
    return bool(told - {word.lower() for word in words(name)})


RULES: dict[str, tuple[list[Named], Callable[[Named], bool]]] = {
    "booleans begin with is or has": (
        [found for found in OUTPUTS if found.kind == "Boolean"],
        lambda found: re.match(r"(is|has)[A-Z]", found.name) is not None,
    ),
    "what is a number of something ends in Count": (
        [found for found in OUTPUTS if found.kind == "Int"],
        lambda found: found.name.endswith("Count") == bool(re.search("[nN]umber of", found.definition.description)),
    ),
    "a probability has the word and the type": (
        [found for found in ALL if found.kind in {"Probability", "Float"} and found.name not in NO_PROBABILITIES],
        lambda found: (found.kind == "Probability") == bool(re.search(r"[pP]robability", found.name)),
    ),
    "moments end in At": ([found for found in ALL if found.kind == "DateTime"], is_moment),
    "days end in On": (
        [found for found in ALL if found.kind == "Date"],
        lambda found: (
            found.name.endswith("On") or (not found.is_output and re.fullmatch(BOUNDS, found.name) is not None)
        ),
    ),
    "log-odds are floats": (
        [found for found in ALL if re.search(r"[lL]og(Odds|LikelihoodRatio)$", found.name)],
        lambda found: found.kind == "Float",
    ),
    "words are whole": (
        ALL,
        lambda found: not {"llr", "trf", "logit", "num", "prob", "n", "p"} & {w.lower() for w in words(found.name)},
    ),
    "direction is that of evidence": (
        [found for found in ALL if found.name == "direction"],
        lambda found: found.kind == "EvidenceDirection",
    ),
    "what has a default is nullable, and none is null": (
        [found for found in ALL if not found.is_output and found.definition.ast_node.default_value is not None],
        lambda found: (
            not (
                isinstance(found.definition.ast_node.default_value, NullValueNode)
                or is_non_null_type(found.definition.type)
            )
        ),
    ),
    "a description says more than the name": (ALL, lambda found: says_more(found.name, found.definition.description)),
}


@pytest.mark.parametrize("rule", RULES)
def test_names_keep_to_the_glossary(rule: str) -> None:
    """One rule over all that it is about, which is not nothing."""
    about, holds = RULES[rule]

    assert about
    assert [found.place for found in about if not holds(found)] == []


def test_a_mutation_is_a_verb_and_a_noun_with_one_input_and_a_payload() -> None:
    """So that one client can be written for all of them."""
    assert SDL.mutation_type is not None
    for name, field in SDL.mutation_type.fields.items():
        payload: Any = get_named_type(field.type)
        assert len(words(name)) > 1
        assert set(field.args) == {"input", "dryRun", "idempotencyKey"}, name
        assert payload.name == f"{name[0].upper()}{name[1:]}Payload"
        assert is_union_type(payload)


def test_every_scalar_names_its_specification() -> None:
    """Where a client's author reads how to write it."""
    own = [kind for kind in TYPES.values() if not hasattr(kind, "fields") and hasattr(kind, "specified_by_url")]

    scalars = {kind.name: kind.specified_by_url for kind in own if not is_specified_scalar_type(kind)}
    assert {"DateTime", "Int64", "Probability"} < set(scalars)
    assert [name for name, address in scalars.items() if not address] == []


def test_every_type_is_described_by_more_than_its_name() -> None:
    """In words that are not those of its name alone."""
    assert [name for name, kind in TYPES.items() if not says_more(name, kind.description)] == []


def list_alternatives() -> Iterator[tuple[str, str]]:
    """Pairs of object types that can stand in one list: of an interface or a union."""
    for kind in TYPES.values():
        for field in getattr(kind, "fields", {}).values():
            item = get_named_type(field.type)
            if hasattr(field, "args") and "[" in str(field.type) and is_abstract_type(item):
                yield from combinations(sorted(possible.name for possible in SDL.get_possible_types(item)), 2)


def conflicts(one: Any, other: Any, known: frozenset[tuple[str, str]] = frozenset()) -> Iterator[str]:
    """Fields of two types that cannot be selected of both without an alias, by GraphQL's FieldsInSetCanMerge."""
    pair = (one.name, other.name)
    if pair in known:
        return
    for name in sorted(one.fields.keys() & other.fields.keys()):
        types = one.fields[name].type, other.fields[name].type
        ends = [get_named_type(kind) for kind in types]
        shapes = [str(kind).replace(end.name, "") for kind, end in zip(types, ends, strict=True)]
        if shapes[0] != shapes[1] or (ends[0] != ends[1] and not all(map(is_composite_type, ends))):
            yield f"{one.name}.{name}: {types[0]}, {other.name}.{name}: {types[1]}"
        elif all(hasattr(end, "fields") for end in ends) and ends[0] != ends[1]:
            yield from conflicts(ends[0], ends[1], known | {pair})


def test_a_list_of_several_types_is_selected_without_aliases() -> None:
    """No two types that can stand in one list have a field of one name and two types, be it null or not."""
    pairs = set(list_alternatives())

    assert ("Milestone", "Prediction") in pairs
    assert [told for one, other in sorted(pairs) for told in conflicts(TYPES[one], TYPES[other])] == []


def test_the_linter_sees_a_conflict_through_a_connection() -> None:
    """Types that differ by null alone, or below a field of both, are told."""
    schema = build_schema(
        "type A { x: Int! c: CA! } type B { x: Int c: CB! } type CA { y: [Int] } type CB { y: [String] } "
        "type Query { a: A b: B }"
    )

    told = list(conflicts(schema.type_map["A"], schema.type_map["B"]))

    assert told == ["CA.y: [Int], CB.y: [String]", "A.x: Int!, B.x: Int"]


PATTERN = {"filter", "sort", "first", "after", "last", "before"}
LACKS = {
    # Matches come in groups that are sorted one at a time, from the best on, so only a part of them is ever read: their
    # order is that of relevance, in one direction, and the conditions are `subjects`.
    "Query.search": {"filter", "sort", "last", "before"},
}
"""Arguments that a connection lacks, each with its reason."""


def test_every_connection_has_one_pattern() -> None:
    """Filter, sort by a list of keys, pages from either end and a total, so that one client serves every list."""
    connections = [found for found in OUTPUTS if found.kind.endswith("Connection")]
    lacking = {found.place: PATTERN - set(found.definition.args) for found in connections}

    assert {place: missing for place, missing in lacking.items() if missing} == LACKS
    assert [found.place for found in connections if "totalCount" not in TYPES[found.kind].fields] == []  # type: ignore[attr-defined]
    sorts = {found.place: found.definition.args["sort"].type for found in connections if found.place not in LACKS}
    assert [place for place, kind in sorts.items() if not is_list_type(kind)] == []
    directions = [get_named_type(kind).fields["order"].type for kind in sorts.values()]
    assert {get_named_type(kind).name for kind in directions} == {"SortOrder"}
