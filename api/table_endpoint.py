"""Endpoints of one table each, in every format: the path ends in the format's name, as in /beliefs.csv."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from api.admission import Admission
from api.deadlines import Deadlines
from api.formats import FORMATS
from api.formats.arrow import MISSING
from api.middleware import error_response
from api.streams import OpenTable, TableResponse, refuse
from graph.errors import ForegraphError, InvalidError
from graph.model.moments import read_moment

AT_ONCE: Final = 2
"""Tables of an endpoint that are read at a time; those of a large graph keep the database or a processor busy."""


class TableEndpoint:
    """
    Answers GET with a table.

    Args:
        choose: Reads a request's parameters, and returns what opens the table.
        deadlines: Limits the time.
        seconds: Time for one table.
        filename: Name without extension under which a browser would keep it.
    """

    def __init__(
        self, choose: Callable[[Request], OpenTable], deadlines: Deadlines, *, seconds: float, filename: str
    ) -> None:
        self._choose, self._deadlines, self._seconds, self._filename = choose, deadlines, seconds, filename
        self._admission = Admission(AT_ONCE, limit="tables at a time")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        table_format = FORMATS[scope["path"].rpartition(".")[2]]
        if not table_format.is_available:
            await error_response(501, f"{MISSING}.", code="NOT_IMPLEMENTED")(scope, receive, send)
            return
        try:
            open_table = self._choose(request)
            async with self._admission.admit():
                response = TableResponse(
                    open_table, table_format, deadlines=self._deadlines, seconds=self._seconds, filename=self._filename
                )
                await response(scope, receive, send)
        except ForegraphError as error:
            await refuse(error)(scope, receive, send)


def read_parameters(request: Request, names: Collection[str]) -> QueryParams:
    """
    Return a request's parameters.

    Raises:
        InvalidError: One is not among the names.
    """
    given = request.query_params
    if unknown := sorted(given.keys() - names):
        raise InvalidError(f"there is no such parameter; expected {' or '.join(sorted(names))}", path=unknown[0])
    return given


def read_moment_parameter(request: Request, name: str) -> datetime | None:
    """
    Read a parameter that is a moment; None without one.

    Raises:
        InvalidError: It is none.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return read_moment(text)
    except ValueError as error:
        raise InvalidError(f"{error}; in an address + is written %2B", path=name) from error
