"""
The queries that come with the project: files of one statement each, under a header that describes it.

A query whose text changes gets the next version, and the file of the one before stays as `NAME@VERSION.cypher`.
They are not stored in the graph: a new release brings new versions of them, and whatever is saved under the name of one
stands in its place. So an upgrade overwrites nothing that was saved, and an empty graph stays empty.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from graph.errors import InvalidError
from graph.model.kinds import ParameterType
from graph.saved.queries import Draft, Origin, Parameter, SavedQuery

_FIELD: Final = re.compile(r"// (?P<field>description|version|parameter): (?P<text>.+)")
_PARAMETER: Final = re.compile(r"(?P<name>\w+) (?P<type>[A-Z_]+)(?: = (?P<default>\S+))?: (?P<description>.+)")


@cache
def list_library() -> Mapping[str, SavedQuery]:
    """The latest versions of the project's own queries by name."""
    return {name: versions[0] for name, versions in _read_library().items()}


def list_own_versions(name: str) -> Sequence[SavedQuery]:
    """The versions of one of the project's own queries, newest first; none of an unknown name."""
    return _read_library().get(name, ())


@cache
def _read_library() -> Mapping[str, Sequence[SavedQuery]]:
    return read_folder(files(__package__).joinpath("library"))


def read_folder(folder: Traversable) -> Mapping[str, Sequence[SavedQuery]]:
    """
    Read a library; returns the versions of each query, newest first, by name in order.

    Raises:
        ValueError: A header is incomplete, or versions are missing.
    """
    found: dict[str, list[SavedQuery]] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        stem, is_query, _ = file.name.partition(".cypher")
        name, mark, told = stem.partition("@")
        if not is_query:
            continue
        query = read_query(name, file.read_text(encoding="utf-8"))
        if mark and told != str(query.version):
            message = f"{file.name}: expected version {told}, got {query.version}"
            raise ValueError(message)
        found.setdefault(name, []).append(query)
    for name, versions in found.items():
        versions.sort(key=lambda query: query.version, reverse=True)
        if [query.version for query in versions] != list(range(len(versions), 0, -1)):
            message = f"{name}: expected a file of each version from 1 on, got {[query.version for query in versions]}"
            raise ValueError(message)
    return found


def read_query(name: str, text: str) -> SavedQuery:
    """
    Read a file of the library.

    Its first lines are comments: `// description: …`, `// version: 1`, and for each parameter
    `// parameter: days INTEGER = 7: How far back.`, whose default is JSON and may be left out.

    Raises:
        ValueError: The header is incomplete.
    """
    told, parameters, statement = _read_file(name, text)
    if "description" not in told or "version" not in told:
        message = f"{name}.cypher: expected lines `// description: …` and `// version: …` at its start"
        raise ValueError(message)
    return SavedQuery(name, told["description"], statement, parameters, int(told["version"]), Origin.PROJECT)


def read_draft(name: str, text: str) -> Draft:
    """
    Read a query to be saved from a file like those of the library; a version in it does not count.

    Raises:
        InvalidError: A parameter is described in another way, has an unknown type, or its default is not JSON.
    """
    try:
        told, parameters, statement = _read_file(name, text)
    except ValueError as error:
        raise InvalidError(str(error), path="parameters") from error
    return Draft(name, statement, told.get("description", ""), parameters)


def _read_file(name: str, text: str) -> tuple[dict[str, str], tuple[Parameter, ...], str]:
    """Read the fields of a file's header, its parameters and its statement."""
    lines = text.splitlines()
    header = [found for found in map(_FIELD.fullmatch, lines) if found]
    told = {found["field"]: found["text"] for found in header}
    parameters = tuple(_read_parameter(name, found["text"]) for found in header if found["field"] == "parameter")
    return told, parameters, "\n".join(line for line in lines if not _FIELD.fullmatch(line)).strip()


def _read_parameter(name: str, text: str) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    if found is None:
        message = f"{name}.cypher: expected a parameter as `days INTEGER = 7: How far back.`, got {text!r}"
        raise ValueError(message)
    default = None if found["default"] is None else json.loads(found["default"])
    is_required = found["default"] is None
    return Parameter(found["name"], ParameterType(found["type"]), found["description"], default, is_required)
