"""Translates the graph's properties to the names of GraphQL's inputs, such as `observed_at` to `observedAt`."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from graph.model.rows import Row
from resolvers.base.names import shown_name

Names = Mapping[str, str]
"""Names of inputs that do not follow from the property, such as `ticker` for `symbol`."""

NO_NAMES: Names = MappingProxyType({})

_NAME = re.compile(r"[A-Za-z_]\w*")
_STEP = re.compile(r"[^.\[\]]+")
# A quoted value is matched first, so that it stays as the client sent it.
_QUOTED_OR_NAME = re.compile(rf"(?<!\w)'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\b{_NAME.pattern}")


def input_name(name: str, names: Names = NO_NAMES) -> str:
    """A property's name in GraphQL's inputs; a name of theirs stays as it is."""
    return names.get(name) or shown_name(name.removesuffix("_id"))


def input_path(path: str, names: Names = NO_NAMES) -> str:
    """A refusal's path by input names: `items[3].observed_at` is `items[3].observedAt`."""
    return _NAME.sub(lambda found: input_name(found[0], names), path)


def path_steps(path: str) -> list[str] | None:
    """The steps of a path: `items[3].observedAt` is `items`, `3` and `observedAt`; None for an empty one."""
    return _STEP.findall(path) or None


def input_words(message: str, names: Names = NO_NAMES) -> str:
    """A message with its properties by input names; other words and quoted values stay as they are."""

    def translated(found: re.Match[str]) -> str:
        return input_name(found[0], names) if found[0] in _PROPERTIES or found[0] in names else found[0]

    return _QUOTED_OR_NAME.sub(translated, message)


def _list_properties(kind: type[Row]) -> Iterator[str]:
    yield from kind.model_fields
    for below in kind.__subclasses__():
        yield from _list_properties(below)


# A name of one word is the same in both, and often a word of the message.
_PROPERTIES = frozenset(name for name in _list_properties(Row) if "_" in name)
