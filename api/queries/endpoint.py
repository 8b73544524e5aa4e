"""GET /queries/NAME.csv and its like: a saved query's rows as a stream, with its parameters in the address."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from api.access.callers import caller_of
from api.cypher import MOST_BYTES
from api.deadlines import Deadlines
from api.formats import FORMATS
from api.formats.arrow import MISSING
from api.middleware import error_response
from api.streams import TableResponse, refuse
from graph.adhoc.limits import Wanted
from graph.errors import ForegraphError, InvalidError
from graph.saved.queries import DEFAULT_SECONDS, RESERVED, SavedQuery
from graph.saved.running import SavedQueries

PATH: Final = "/queries"

_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Asked:
    """
    Values of a query's parameters and what is wanted of its answer, as an address has them.

    Attributes:
        values: Texts by the parameters' names; lists of texts where a name comes several times.
        max_rows: Most rows; None for as many as the operator allows.
        timeout_seconds: Time of the statement, in seconds.
        version: The version to run; None for the latest.
        is_typed: Whether values are typed.
    """

    values: Mapping[str, Any]
    max_rows: int | None
    timeout_seconds: float
    version: int | None
    is_typed: bool

    @classmethod
    def read(cls, given: QueryParams) -> Self:
        """
        Read an address's parameters.

        Raises:
            InvalidError: One that belongs to all queries is wrong.
        """
        milliseconds = _read_number(given, "timeoutMs")
        values: dict[str, Any] = {}
        for name in dict.fromkeys(given.keys()):
            if name not in RESERVED:
                texts = given.getlist(name)
                values[name] = texts[0] if len(texts) == 1 else texts
        return cls(
            values,
            _read_number(given, "maxRows"),
            DEFAULT_SECONDS if milliseconds is None else milliseconds / 1000,
            _read_number(given, "version"),
            _read_truth(given, "typed"),
        )


class QueriesEndpoint:
    """
    Answers GET /queries/NAME.FORMAT.

    Args:
        find_saved: Finds the saved queries, which are opened with the service.
        deadlines: Limits the time.
    """

    def __init__(self, find_saved: Callable[[], SavedQueries], deadlines: Deadlines) -> None:
        self._find_saved, self._deadlines = find_saved, deadlines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ForegraphError as error:
            response = refuse(error)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Any:
        name = request.path_params["name"]
        table_format = FORMATS[request.scope["path"].rpartition(".")[2]]
        if not table_format.is_available:
            return error_response(501, f"{MISSING}.", code="NOT_IMPLEMENTED")
        asked, saved = Asked.read(request.query_params), self._find_saved()
        if asked.is_typed and table_format.open_typed is None:
            raise InvalidError(f"{table_format.name} has no typed values; ask for json or ndjson", path="typed")
        query, limits = await saved.get(name, asked.version), saved.get_adhoc().limits
        wanted = Wanted(asked.max_rows or limits.most_rows, asked.timeout_seconds, MOST_BYTES)
        caller = caller_of(request.scope).place
        return TableResponse(
            partial(saved.run_query, query, asked.values, caller=caller, wanted=wanted),
            table_format,
            deadlines=self._deadlines,
            seconds=limits.clamp(wanted).timeout_seconds,
            filename=filename_of(query),
            is_typed=asked.is_typed,
        )


def filename_of(query: SavedQuery) -> str:
    """A file's name for a query's rows, without extension."""
    return _UNUSUAL.sub("-", query.name)


def _read_number(given: QueryParams, name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) < 1:
        raise InvalidError(f"expected a whole number from 1, got {text!r:.80}", path=name)
    return int(text)


def _read_truth(given: QueryParams, name: str) -> bool:
    text = given.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidError(f"expected true or false, got {text!r:.80}", path=name)
    return text == "true"
