"""GET /beliefs.csv and its like: every claim's belief as of a moment, as a stream."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from api.admission import Admission
from api.deadlines import Deadlines
from api.formats import FORMATS
from api.formats.arrow import MISSING
from api.middleware import error_response
from api.streams import TableResponse, refuse
from graph.database.sessions import Database
from graph.errors import ForegraphError, InvalidError
from graph.inference.evidence import POLICY
from graph.ledger.beliefs import open_beliefs
from graph.model.moments import read_moment

AT_ONCE: Final = 2
"""Tables that are read at a time; each takes the database some milliseconds for a thousand claims."""

READ_SECONDS: Final = 600.0
"""The longest for one table: a million claims, or a client that reads slowly."""

PATHS: Final = tuple(f"/beliefs.{name}" for name in FORMATS)
PARAMETERS: Final = frozenset({"asOf", "policy"})


class BeliefsEndpoint:
    """
    Answers GET /beliefs.csv, and the other formats by their extension.

    Args:
        find_database: Finds the database, which is opened with the service.
        deadlines: Limits the time.
    """

    def __init__(self, find_database: Callable[[], Database], deadlines: Deadlines) -> None:
        self._find_database, self._deadlines = find_database, deadlines
        self._admission = Admission(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        table_format = FORMATS[scope["path"].rpartition(".")[2]]
        if not table_format.is_available:
            await error_response(501, f"{MISSING}.", code="NOT_IMPLEMENTED")(scope, receive, send)
            return
        try:
            moment = _read_query(request)
            async with self._admission.admit():
                response = TableResponse(
                    partial(open_beliefs, self._find_database(), moment),
                    table_format,
                    deadlines=self._deadlines,
                    seconds=READ_SECONDS,
                    filename="beliefs",
                )
                await response(scope, receive, send)
        except ForegraphError as error:
            await refuse(error)(scope, receive, send)


def _read_query(request: Request) -> datetime:
    """
    Read the moment that is asked for; now by default.

    Raises:
        InvalidError: A parameter is unknown or wrong.
    """
    given = request.query_params
    if unknown := sorted(given.keys() - PARAMETERS):
        raise InvalidError(f"there is no such parameter; expected {' or '.join(sorted(PARAMETERS))}", path=unknown[0])
    if given.get("policy", POLICY.name) != POLICY.name:
        raise InvalidError(f"expected {POLICY.name}, the only policy, got {given['policy']!r:.80}", path="policy")
    text = given.get("asOf")
    if text is None:
        return datetime.now(UTC)
    try:
        return read_moment(text)
    except ValueError as error:
        raise InvalidError(f"{error}; in an address + is written %2B", path="asOf") from error
