"""Asks for writes: a document for any mutation that selects all that its answer can say."""

from typing import Any

from graphql import is_object_type

from graph.database.sessions import Database
from resolvers.base.context import Service
from tests.helpers.asking import SCHEMA, ask

Json = dict[str, Any]

# What is selected of an answer, by type; a union takes only what one of its types can be.
OTHER_ARGUMENTS = ("dryRun", "idempotencyKey")
COMMON = {
    "Written": "isDryRun isReplayed bookmark",
    "Upserted": "isNew hasChanged",
    "ClaimUpserted": "before { probability } after { probability asOf }",
    "UserError": "code message path",
    "BatchRefused": "refusals { __typename code path message }",
    "CycleRefused": "cycle",
    "Duplicate": "existingKey",
}


def mutation(name: str, *arguments: str, selected: str = "") -> str:
    """
    A document that takes a mutation's arguments as variables of their own names.

    Args:
        name: The mutation.
        *arguments: Those that are given.
        selected: What to select besides.
    """
    graphql: Any = SCHEMA._schema
    field = graphql.mutation_type.fields[name]
    head = ", ".join(f"${argument}: {field.args[argument].type}" for argument in arguments)
    passed = ", ".join(f"{argument}: ${argument}" for argument in arguments)
    answers = {found.name for found in field.type.of_type.types}
    fragments = []
    for kind, selection in COMMON.items():
        named = graphql.type_map[kind]
        possible = {kind} if is_object_type(named) else {found.name for found in graphql.get_possible_types(named)}
        fragments += [f"... on {kind} {{ {selection} }}"] if possible & answers else []
    return f"mutation ({head}) {{ {name}({passed}) {{ __typename {' '.join(fragments)} {selected} }} }}"


async def mutate(
    asked: Database | Service, name: str, given: Json | None = None, selected: str = "", **options: Any
) -> Json:
    """Run a mutation with an input, a field of the input by each further name, or other arguments."""
    fields = {option: value for option, value in options.items() if option not in OTHER_ARGUMENTS}
    variables = {option: value for option, value in options.items() if option in OTHER_ARGUMENTS}
    if given is not None or fields:
        variables["input"] = (given or {}) | fields
    document = mutation(name, *variables, selected=selected)
    answer: Json = (await ask(asked, document, **variables)).data[name]
    return answer
