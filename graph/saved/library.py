"""
The queries that come with the project: files of one statement each, under a header that describes it.

They are not stored in the graph: a new release brings new versions of them, and whatever is saved under the name of one
stands in its place. So an upgrade overwrites nothing that was saved, and an empty graph stays empty.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from graph.model.kinds import ParameterType
from graph.saved.queries import Origin, Parameter, SavedQuery

_FIELD: Final = re.compile(r"// (?P<field>description|version|parameter): (?P<text>.+)")
_PARAMETER: Final = re.compile(r"(?P<name>\w+) (?P<type>[A-Z_]+)(?: = (?P<default>\S+))?: (?P<description>.+)")


@cache
def list_library() -> Mapping[str, SavedQuery]:
    """The project's own queries by name."""
    folder = files(__package__).joinpath("library")
    found = sorted((file.name, file.read_text(encoding="utf-8")) for file in folder.iterdir())
    queries = [read_query(name.removesuffix(".cypher"), text) for name, text in found if name.endswith(".cypher")]
    return {query.name: query for query in queries}


def read_query(name: str, text: str) -> SavedQuery:
    """
    Read a file of the library.

    Its first lines are comments: `// description: …`, `// version: 1`, and for each parameter
    `// parameter: days INTEGER = 7: How far back.`, whose default is JSON and may be left out.

    Raises:
        ValueError: The header is incomplete.
    """
    lines = text.splitlines()
    header = [found for found in map(_FIELD.fullmatch, lines) if found]
    told = {found["field"]: found["text"] for found in header}
    if "description" not in told or "version" not in told:
        message = f"{name}.cypher: expected lines `// description: …` and `// version: …` at its start"
        raise ValueError(message)
    parameters = tuple(_read_parameter(name, found["text"]) for found in header if found["field"] == "parameter")
    statement = "\n".join(line for line in lines if not _FIELD.fullmatch(line)).strip()
    return SavedQuery(name, told["description"], statement, parameters, int(told["version"]), Origin.PROJECT)


def _read_parameter(name: str, text: str) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    if found is None:
        message = f"{name}.cypher: expected a parameter as `days INTEGER = 7: How far back.`, got {text!r}"
        raise ValueError(message)
    default = None if found["default"] is None else json.loads(found["default"])
    is_required = found["default"] is None
    return Parameter(found["name"], ParameterType(found["type"]), found["description"], default, is_required)
