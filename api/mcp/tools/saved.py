"""Saved queries, each a tool of its own: its arguments are the query's parameters."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field

from api.mcp.asking import Asker
from api.mcp.models import BoundedInput, Untitled
from api.mcp.tool import check
from api.mcp.tools.graph import CypherOutput, fit_rows
from graph.model.kinds import ParameterType
from resolvers.base.roles import Role

PREFIX: Final = "query_"
"""Begins the names of these tools; no other tool's name begins with it, and no query's name has an underscore."""

LONGEST_NAME: Final = 64
"""Characters of a tool's name that all clients take."""

DIGEST_CHARACTERS: Final = 8

PAGE: Final = 100

TYPES: Final[Mapping[ParameterType, dict[str, Any]]] = {
    ParameterType.STRING: {"type": "string"},
    ParameterType.INTEGER: {"type": "integer"},
    ParameterType.FLOAT: {"type": "number"},
    ParameterType.BOOLEAN: {"type": "boolean"},
    ParameterType.DATE: {"type": "string", "format": "date"},
    ParameterType.DATE_TIME: {"type": "string", "format": "date-time"},
    ParameterType.STRING_LIST: {"type": "array", "items": {"type": "string"}},
}
"""JSON Schemas of the types of parameters; the service checks values by rules of its own."""


class RowsInput(BoundedInput):
    """Arguments of these tools beside the query's parameters, which go before one of these with the same name."""

    max_rows: int = Field(default=100, ge=1, le=10_000, description="Most rows.")


@dataclass(frozen=True, slots=True)
class SavedTool:
    """
    A saved query as a tool; the attributes and methods are those of `Tool`.

    Attributes:
        query: The query's name.
        description: What it answers.
        parameters: Its parameters, as GraphQL shows them.
        is_read_only: True: a saved query only reads.
        needs: The role that an agent needs for it.
    """

    query: str
    description: str
    parameters: tuple[Mapping[str, Any], ...]
    is_read_only: bool = True
    needs: Role = Role.READER

    @property
    def name(self) -> str:
        """Its name; of a query with a long name its beginning, and a digest behind `_`, which no query's name has."""
        whole = PREFIX + self.query
        if len(whole) <= LONGEST_NAME:
            return whole
        digest = hashlib.sha256(self.query.encode()).hexdigest()[:DIGEST_CHARACTERS]
        return f"{whole[: LONGEST_NAME - DIGEST_CHARACTERS - 1]}_{digest}"

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.query.replace("-", " ").capitalize()

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its arguments."""
        schema = RowsInput.model_json_schema(schema_generator=Untitled)
        parameters = {found["name"]: _describe(found) for found in self.parameters}
        required = [found["name"] for found in self.parameters if found["isRequired"]]
        return {
            "type": "object",
            "properties": schema["properties"] | parameters,
            "required": required,
            "additionalProperties": False,
        }

    def output_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its answer."""
        return CypherOutput.model_json_schema(schema_generator=Untitled)

    async def call(self, asker: Asker, arguments: dict[str, Any]) -> CypherOutput:
        """
        Run the query, and give as many of its rows as fit.

        Raises:
            ToolRefusedError: An argument is wrong, or the service refuses the query.
        """
        own = {"maxRows", "maxTokens"} - {found["name"] for found in self.parameters}
        bounds = check(RowsInput, {name: value for name, value in arguments.items() if name in own})
        values = {name: value for name, value in arguments.items() if name not in own}
        asked = {"name": self.query, "parameters": values, "maxRows": bounds.max_rows}
        result = await asker.ask("run_saved_query", inside=("parameters",), **asked)
        return fit_rows(CypherOutput.model_validate(result), bounds.max_tokens)


def _describe(parameter: Mapping[str, Any]) -> dict[str, Any]:
    described = dict(TYPES[ParameterType(parameter["type"])])
    if parameter["description"]:
        described["description"] = parameter["description"]
    if parameter["default"] is not None:
        described["default"] = parameter["default"]
    return described


async def list_saved(asker: Asker) -> list[SavedTool]:
    """List the saved queries as tools, by name."""
    tools: list[SavedTool] = []
    page: Mapping[str, Any] = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        found = await asker.ask("saved_queries", first=PAGE, after=page["endCursor"])
        tools += map(_make, found["nodes"])
        page = found["pageInfo"]
    return tools


async def find_saved(asker: Asker, name: str) -> SavedTool | None:
    """Find the saved query of a tool's name; None if there is none."""
    if not name.startswith(PREFIX):
        return None
    query = name.removeprefix(PREFIX)
    if "_" in query:
        return next((tool for tool in await list_saved(asker) if tool.name == name), None)
    found = await asker.ask("saved_query", name=query)
    return None if found is None else _make(found)


def _make(query: Mapping[str, Any]) -> SavedTool:
    description = query["description"] or f"The saved query {query['name']}."
    return SavedTool(query["name"], description, tuple(query["parameters"]))
