"""The graph as Cypher sees it, and Cypher behind the gate."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field

from api.mcp.asking import Asker, ToolRefusedError, tell
from api.mcp.fitting import Cutter, count_tokens, fit
from api.mcp.models import MOST_TOKENS, BoundedInput, BoundedOutput, Part
from api.mcp.tool import Tool
from resolvers.base.roles import Role

OVERVIEW_TOKENS: Final = 4_000
"""For the names of all properties; it is read once."""


class GraphSchemaInput(BoundedInput):
    """Part of the graph to explain."""

    max_tokens: int = Field(
        default=OVERVIEW_TOKENS, ge=200, le=MOST_TOKENS, description="Largest answer, in tokens of three bytes."
    )
    names: list[str] | None = Field(
        default=None,
        max_length=50,
        description="Labels and relationship types whose properties to explain; an overview of all if omitted.",
    )


class PropertyLine(Part):
    """A property."""

    name: str
    type: str = Field(description="Cypher type of its values.")
    description: str | None
    is_json: bool | None = Field(default=None, description="Whether it is a text that holds JSON.")
    is_indexed: bool | None = Field(default=None, description="Whether an index finds nodes by it.")


class LabelLine(Part):
    """A label."""

    label: str
    other_labels: list[str] | None = None
    node_count: int
    description: str | None
    property_names: str | None = Field(default=None, description="Without those of its other labels.")
    properties: list[PropertyLine] | None = None


class RelationshipLine(Part):
    """A type of relationships."""

    type: str
    joins: str = Field(description="The labels at its ends, as in Killer->Claim.")
    relationship_count: int
    description: str | None
    property_names: str | None = None
    properties: list[PropertyLine] | None = None


class GraphSchemaOutput(BoundedOutput):
    """Labels and relationship types."""

    labels: list[LabelLine]
    relationships: list[RelationshipLine]


async def describe_graph(asker: Asker, asked: GraphSchemaInput) -> GraphSchemaOutput:
    """Explain the graph."""
    schema = await asker.ask("graph_schema")
    known = [kind["label"] for kind in schema["nodeTypes"]] + [kind["type"] for kind in schema["relationshipTypes"]]
    if unknown := [name for name in asked.names or () if name not in known]:
        message = f"there is no label or relationship type {unknown[0][:80]!r}; there are {', '.join(known)}"
        raise ToolRefusedError(tell("NOT_FOUND", message, ["names"]))
    return fit(lambda cutter: _shape(schema, asked.names, cutter), asked.max_tokens)


def _shape(schema: Mapping[str, Any], names: list[str] | None, cutter: Cutter) -> GraphSchemaOutput:
    known = {kind["label"]: [found["name"] for found in kind["properties"]] for kind in schema["nodeTypes"]}
    return GraphSchemaOutput.model_validate(
        {
            "labels": [
                {**kind, "otherLabels": kind["otherLabels"] or None}
                | _explain(kind, names, cutter, {name for label in kind["otherLabels"] for name in known[label]})
                for kind in schema["nodeTypes"]
                if names is None or kind["label"] in names
            ],
            "relationships": [
                {**kind, "joins": ", ".join(f"{ends['start']}->{ends['end']}" for ends in kind["ends"])}
                | _explain(kind, names, cutter, set())
                for kind in schema["relationshipTypes"]
                if names is None or kind["type"] in names
            ],
        }
    )


def _explain(kind: Mapping[str, Any], names: list[str] | None, cutter: Cutter, told: set[str]) -> dict[str, Any]:
    """Explain the properties, in an overview by their names alone and without those told of another label."""
    description = cutter.text(kind["description"])
    if names is None:
        listed = ", ".join(found["name"] for found in kind["properties"] if found["name"] not in told)
        return {"description": description, "properties": None, "propertyNames": cutter.text(listed) or None}
    lines = [
        {name: value for name, value in found.items() if value is not False}
        | {"description": cutter.text(found["description"])}
        for found in cutter.items(kind["properties"])
    ]
    return {"description": description, "properties": lines}


class CypherInput(BoundedInput):
    """A statement that reads."""

    statement: str = Field(min_length=1, max_length=100_000, description="The statement; values belong in parameters.")
    parameters: dict[str, Any] | None = Field(
        default=None,
        description="Values of its parameters by name; dates as texts for date() or datetime().",
    )
    max_rows: int = Field(default=100, ge=1, le=10_000, description="Most rows.")
    timeout_ms: int | None = Field(default=None, ge=1, le=60_000, description="Longest time; 1000 if omitted.")


class CypherOutput(BoundedOutput):
    """The rows of the statement."""

    columns: list[str]
    rows: list[Any] = Field(description="Each a list of values in the order of the columns.")
    is_truncated: bool = Field(description="Whether there are more rows than these.")
    elapsed_seconds: float
    revision: str = Field(description="Revision of the graph that was read.")


async def run_cypher(asker: Asker, asked: CypherInput) -> CypherOutput:
    """Run a statement, and give as many of its rows as fit; no row is cut."""
    variables = asked.variables()
    variables.pop("maxTokens")
    result = await asker.ask("cypher", **variables)
    return fit_rows(CypherOutput.model_validate(result), asked.max_tokens)


def fit_rows(answer: CypherOutput, max_tokens: int) -> CypherOutput:
    """
    Keep the first rows that fit into so many tokens.

    Raises:
        ToolRefusedError: Not even one does.
    """
    if count_tokens(answer.dump()) <= max_tokens:
        return answer
    low, high = 0, len(answer.rows)  # so many fit, so many do not
    while high - low > 1:
        middle = (low + high) // 2
        fits = count_tokens(_first(answer, middle).dump()) <= max_tokens
        low, high = (middle, high) if fits else (low, middle)
    if low == 0:
        message = "one row is larger than that; return fewer or shorter columns, or allow more tokens"
        raise ToolRefusedError(tell("TOO_LARGE", message, ["maxTokens"]))
    return _first(answer, low)


def _first(answer: CypherOutput, num_rows: int) -> CypherOutput:
    return answer.model_copy(update={"rows": answer.rows[:num_rows], "is_truncated": True, "is_cut": True})


DESCRIBE_GRAPH = Tool(
    name="describe_graph",
    title="Schema of the graph",
    description=(
        "Explain the graph to write Cypher for it: labels and relationship types with counts and properties. Name some "
        "to get the types and meanings of their properties."
    ),
    input=GraphSchemaInput,
    output=GraphSchemaOutput,
    run=describe_graph,
    needs=Role.READER,
)

RUN_CYPHER = Tool(
    name="run_cypher",
    title="Run Cypher",
    description=(
        "Run a Cypher statement that reads, where no other tool answers the question. It is judged by its plan before "
        "it runs; a refusal names what is not allowed and what to write instead. Call describe_graph first for labels "
        "and properties. Return few columns."
    ),
    input=CypherInput,
    output=CypherOutput,
    run=run_cypher,
    needs=Role.ANALYST,
)
