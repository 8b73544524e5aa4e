"""A tool: its name, its arguments, its answer, and what it does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from api.mcp.asking import Asker, ToolRefusedError, tell
from api.mcp.models import Input, Output, Untitled
from graph.model.shown import shown_value
from resolvers.base.roles import Role

InputT = TypeVar("InputT", bound=Input)


@dataclass(frozen=True, slots=True)
class Tool:
    """
    A tool.

    Attributes:
        name: Its name.
        title: Its name for people.
        description: What it does and when to use it, for agents.
        input: The model of its arguments.
        output: The model of its answer.
        needs: The role that an agent needs for it.
        run: Does it; raises ToolRefusedError where the agent can correct the call.
        is_read_only: Whether it changes nothing.
    """

    name: str
    title: str
    description: str
    input: type[Input]
    output: type[Output]
    needs: Role
    run: Callable[[Asker, Any], Awaitable[Output]]
    is_read_only: bool = True

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its arguments."""
        return self.input.model_json_schema(schema_generator=Untitled)

    def output_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its answer."""
        return self.output.model_json_schema(schema_generator=Untitled)

    async def call(self, asker: Asker, arguments: dict[str, Any]) -> Output:
        """
        Check arguments, and do it.

        Raises:
            ToolRefusedError: An argument is missing, unknown or wrong, or the service refuses the call.
        """
        return await self.run(asker, check(self.input, arguments))


def check(model: type[InputT], arguments: dict[str, Any]) -> InputT:
    """
    Check arguments.

    Raises:
        ToolRefusedError: One is missing, unknown or wrong.
    """
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise ToolRefusedError(*(_tell_fault(model, fault) for fault in error.errors())) from error


def _tell_fault(model: type[Input], fault: ErrorDetails) -> str:
    if fault["type"] == "extra_forbidden":
        known = ", ".join(field.alias or name for name, field in model.model_fields.items())
        return tell("INVALID", f"there is no such argument; expected {known}", fault["loc"])
    if fault["type"] == "missing":
        return tell("INVALID", "this argument is required", fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":  # a condition on several arguments, which it names
        return tell("INVALID", message, fault["loc"])
    return tell("INVALID", f"{message[0].lower()}{message[1:]}, got {shown_value(fault['input'])}", fault["loc"])
