"""The base of the models of inputs and answers. Names are those of the GraphQL schema."""

from enum import Enum
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema, core_schema

MAX_TOKENS: Final = 2_000
MOST_TOKENS: Final = 100_000


class Untitled(GenerateJsonSchema):
    """Generates JSON Schemas without titles of fields, which only repeat their names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Return False."""
        return False


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class Input(_Model):
    """The arguments of a tool; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False, hide_input_in_errors=True)

    def variables(self) -> dict[str, Any]:
        """Return the arguments that were given, as variables of a document."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class BoundedInput(Input):
    """Arguments of a tool whose answer is cut to some size."""

    max_tokens: int = Field(
        default=MAX_TOKENS,
        ge=200,
        le=MOST_TOKENS,
        description="Largest answer, in tokens of three bytes. Longer lists and texts are shortened; `isCut` tells.",
    )


class Part(_Model):
    """A part of an answer; what is null is left out."""


class Output(Part):
    """The answer of a tool."""

    def dump(self) -> str:
        """Return the answer as JSON."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


class BoundedOutput(Output):
    """An answer that is cut to some size."""

    is_cut: bool = Field(
        default=False, description="Whether lists or texts were shortened to fit `maxTokens`; such texts end in `…`."
    )


class OneOf:
    """
    Restricts a text to the names of an enum's members, as GraphQL has them.

    Args:
        members: The enum.
    """

    def __init__(self, members: type[Enum]) -> None:
        self._names = list(members.__members__)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return a schema of literals."""
        return core_schema.literal_schema(self._names)


Key = Annotated[str, Field(min_length=1, max_length=500)]
"""The key of a node, which is its id in the graph."""
