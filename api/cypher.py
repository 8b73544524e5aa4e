"""POST /cypher: a statement's rows as a stream, in the format that the client accepts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self

from cross_web import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.callers import caller_of
from api.asking import name_type, read_json
from api.deadlines import Deadlines
from api.endpoint import check_media_type
from api.formats import FORMATS, MEDIA_TYPES, TableFormat, format_of
from api.formats.arrow import MISSING
from api.middleware import BOOKMARK_HEADER, error_response
from api.negotiation import choose_offer
from api.streams import TableResponse, refuse
from graph.adhoc.limits import Wanted
from graph.adhoc.running import Adhoc
from graph.adhoc.values import read_parameters
from graph.database.sessions import check_bookmark
from graph.errors import InvalidError, RefusedCypherError, RefusedError

MOST_BYTES: Final = 1 << 40
"""What a stream may read; it is not kept, so the operator's limit alone counts."""

OFF: Final = "the operator has turned ad-hoc Cypher off"
FIELDS: Final = ("statement", "parameters", "maxRows", "timeoutMs", "typed")


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A statement and what is wanted of its answer.

    Attributes:
        statement: The statement.
        parameters: Values of its parameters, as the driver takes them.
        wanted: Limits.
        is_typed: Whether values are typed.
        bookmark: A state of the graph to read, or a later one.
    """

    statement: str
    parameters: Mapping[str, Any]
    wanted: Wanted
    is_typed: bool
    bookmark: str | None

    @classmethod
    def read(cls, data: object, bookmark: str | None) -> Self:
        """
        Read a request's body.

        Raises:
            InvalidError: A field is missing, unknown or wrong.
        """
        if not isinstance(data, dict):
            raise InvalidError(f"expected a JSON object with the fields {', '.join(FIELDS)}, got {name_type(data)}")
        if unknown := sorted(data.keys() - set(FIELDS)):
            raise InvalidError(f"there is no such field; expected {', '.join(FIELDS)}", path=unknown[0])
        statement = data.get("statement")
        if not isinstance(statement, str) or not statement.strip():
            raise InvalidError(f"expected a Cypher statement, got {name_type(statement)}", path="statement")
        parameters = data.get("parameters")
        if not isinstance(parameters, dict | None):
            raise InvalidError(f"expected an object, got {name_type(parameters)}", path="parameters")
        milliseconds = _read_number(data, "timeoutMs")
        wanted = Wanted(
            max_rows=_read_number(data, "maxRows"),
            timeout_seconds=None if milliseconds is None else milliseconds / 1000,
            max_bytes=MOST_BYTES,
        )
        is_typed = data.get("typed")
        if not isinstance(is_typed, bool | None):
            raise InvalidError(f"expected true or false, got {name_type(is_typed)}", path="typed")
        return cls(statement, read_parameters(parameters or {}), wanted, is_typed or False, bookmark)


def _read_number(data: Mapping[str, Any], name: str) -> int | None:
    number = data.get(name)
    if number is None:
        return None
    if type(number) is not int or number < 1:
        raise InvalidError(f"expected a whole number from 1, got {number!r:.80}", path=name)
    return number


class CypherEndpoint:
    """
    Answers POST /cypher.

    Args:
        find_adhoc: Finds what runs statements, which is opened with the service; None where the operator has turned
            that off.
        deadlines: Limits the time.
    """

    def __init__(self, find_adhoc: Callable[[], Adhoc | None], deadlines: Deadlines) -> None:
        self._find_adhoc, self._deadlines = find_adhoc, deadlines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            check_media_type(request)
            response = self._respond(request, await request.body())
        except HTTPException as refusal:
            response = error_response(refusal.status_code, refusal.reason)
        except RefusedError as error:
            response = refuse(error)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    def _respond(self, request: Request, body: bytes) -> ASGIApp:
        table_format = choose_format(request.headers.get("accept", ""))
        bookmark = request.headers.get(BOOKMARK_HEADER)
        asked = Asked.read(read_json(body), None if bookmark is None else check_bookmark(bookmark))
        if asked.is_typed and table_format.open_typed is None:
            raise InvalidError(f"{table_format.name} has no typed values; ask for JSON or NDJSON", path="typed")
        adhoc = self._find_adhoc()
        if adhoc is None:
            raise RefusedCypherError(OFF, kind="STATEMENT", name="cypher", hint="GraphQL, or GET /beliefs.csv")
        return TableResponse(
            partial(open_answer, adhoc, asked, caller_of(request.scope).place),
            table_format,
            deadlines=self._deadlines,
            seconds=adhoc.limits.clamp(asked.wanted).timeout_seconds,
            filename="cypher",
            is_typed=asked.is_typed,
            is_negotiated=True,
        )


def choose_format(accept: str) -> TableFormat:
    """
    Choose a format by the header Accept, JSON where the client takes any.

    Raises:
        HTTPException: The client takes none, or one whose package is missing, with status 406.
    """
    offers = tuple(name for name in MEDIA_TYPES if format_of(name).is_available)
    chosen = choose_offer(accept, offers)
    if chosen is not None:
        return format_of(chosen)
    if choose_offer(accept, MEDIA_TYPES) is not None:
        raise HTTPException(406, f"{MISSING}.")
    known = ", ".join(found.media_type for found in FORMATS.values())
    raise HTTPException(406, f"There is nothing here of the type {accept[:100]!r}; ask for one of {known}.")


def open_answer(adhoc: Adhoc, asked: Asked, caller: str) -> Any:
    """Run a statement for a caller."""
    return adhoc.run(asked.statement, asked.parameters, caller=caller, limits=asked.wanted, bookmark=asked.bookmark)
