"""Reads GraphQL requests: the document or its id, the variables and the operation's name."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from cross_web import HTTPException

from api.counts import MOST_JSON_BRACKETS, count_json_brackets
from api.documents import Document, Documents, identify
from api.trusted import EVERY_DOCUMENT, Trusted
from graph.model.json_texts import JsonError
from graph.model.json_texts import read_json as read_strict_json

JSON_TYPES: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}
ID_PREFIX: Final = "sha256:"
"""May stand before an id, as the GraphQL over HTTP draft has it."""

T = TypeVar("T")


PREFLIGHT_HEADERS: Final = frozenset(
    {
        "apollo-require-preflight",
        "authorization",
        "graphql-require-preflight",
        "x-api-key",
        "x-apollo-operation-name",
    }
)
"""Headers that a page of another origin cannot send before a preflight has allowed it."""


class UnknownDocumentError(HTTPException):
    """
    A request names a document that is not kept here.

    Attributes:
        code: The code of the error.
    """

    def __init__(self, status: int, reason: str, code: str) -> None:
        super().__init__(status, reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A GraphQL request.

    Attributes:
        text: The document.
        document: The document as it is kept, if it is.
        variables: As sent.
        operation_name: None where the document's only operation is meant.
        extensions: As sent.
    """

    text: str
    document: Document | None
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any] | None


def read_parameters(parameters: Mapping[str, str | None]) -> dict[str, Any]:
    """A GET's parameters as a POST would have them; raises HTTPException 400 where one is not JSON."""
    data: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if data.get(name):
            data[name] = read_json(data[name])
    return data


def needs_header(parameters: Mapping[str, str | None], headers: Collection[str], media_type: str) -> bool:
    """
    Whether a GET has a document's text, and no header that other origins cannot send without a preflight.

    Args:
        parameters: The GET's parameters; one that names a kept document by its id needs no header.
        headers: The names of its headers, in lower case.
        media_type: Its Content-Type.
    """
    return bool(parameters.get("query")) and media_type != "application/json" and PREFLIGHT_HEADERS.isdisjoint(headers)


BODY: Final = "foregraph.body"
"""The key in a request's scope of what its body says, where that has been read already."""


def read_json(data: str | bytes) -> object:
    """Parse standard JSON; raises HTTPException 400 that names the path and the place of a fault, or 413."""
    if isinstance(data, bytes) and (num_brackets := count_json_brackets(data)) > MOST_JSON_BRACKETS:
        message = f"The request's JSON has {num_brackets} brackets, at most {MOST_JSON_BRACKETS} are allowed."
        raise HTTPException(413, message)
    try:
        value: object = read_strict_json(data)
    except JsonError as error:
        fault = error.faults[0]
        reason = (
            "The request is not JSON: {}."
            if error.is_syntax
            else "The request's JSON has a key or number that is not allowed: {}."
        )
        raise HTTPException(400, reason.format(fault)) from error
    return value


NOT_TRUSTED: Final = "Only documents that the operator trusts are answered here; this one is not among them."
NOT_TRUSTED_CODE: Final = "DOCUMENT_NOT_TRUSTED"


def read_asked(data: object, documents: Documents, trusted: Trusted = EVERY_DOCUMENT) -> Asked:
    """
    Read a request.

    Args:
        data: A POST's body, or a GET's parameters.
        documents: Where documents are found by their ids.
        trusted: Documents that are found besides, and tell whether others are answered.

    Raises:
        UnknownDocumentError: The request has an id without a text, and no such document is kept, or it is not answered.
        HTTPException: A part of the request is missing or of the wrong type, with status 400.
    """
    if not isinstance(data, dict):
        raise HTTPException(400, f"The request must be a JSON object, it is {name_type(data)}.")
    text = _find_field(data, "query", str, "a string")
    extensions = _find_field(data, "extensions", dict, "an object")
    document_id = _find_id(data, "documentId")
    persisted_id = _find_persisted(extensions)
    document: Document | None
    if text is None and (document_id or persisted_id) is not None:
        own_id = document_id or persisted_id or ""
        document, text = documents.find(own_id), trusted.find(own_id)
        if document_id is not None:
            _check_id("extensions.persistedQuery.sha256Hash", persisted_id, document_id)
        if document is not None:
            text = document.text
        elif text is None:
            raise _unknown(document_id)
    elif not text or not text.strip():
        raise HTTPException(400, "The request has no `query`, which holds the GraphQL document.")
    else:
        own_id = identify(text)
        _check_id("documentId", document_id, own_id)
        _check_id("extensions.persistedQuery.sha256Hash", persisted_id, own_id)
        document = documents.find(own_id)
    if not trusted.allows(own_id):
        raise UnknownDocumentError(HTTPStatus.FORBIDDEN, NOT_TRUSTED, NOT_TRUSTED_CODE)
    return Asked(
        text,
        document,
        variables=_find_field(data, "variables", dict, "an object"),
        operation_name=_find_field(data, "operationName", str, "a string") or None,
        extensions=extensions,
    )


def _unknown(document_id: str | None) -> UnknownDocumentError:
    """The error that no document has an id; Apollo's clients, which name it in `extensions`, know one of their own."""
    if document_id is None:
        return UnknownDocumentError(200, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    message = (
        f"No document with the id {document_id[:80]!r} is kept here. "
        "Send its text once as `query`; once it has been answered, its id is enough."
    )
    return UnknownDocumentError(HTTPStatus.NOT_FOUND, message, "DOCUMENT_NOT_FOUND")


def _find_id(data: Mapping[str, Any], name: str) -> str | None:
    found = _find_field(data, name, str, "a string")
    return None if found is None else found.removeprefix(ID_PREFIX).lower()


def _find_persisted(extensions: Mapping[str, Any] | None) -> str | None:
    """The id in the extension of Apollo's automatic persisted queries."""
    found = None if extensions is None else extensions.get("persistedQuery")
    if not isinstance(found, dict):
        return None
    if found.get("version") != 1:
        raise HTTPException(400, f"`extensions.persistedQuery.version` must be 1, it is {found.get('version')!r:.80}.")
    return _find_id(found, "sha256Hash")


def _check_id(name: str, given: str | None, document_id: str) -> None:
    if given is not None and given != document_id:
        message = f"`{name}` is {given[:80]!r}, but the document's SHA-256 is {document_id!r}; they must agree."
        raise HTTPException(400, message)


def _find_field(data: Mapping[str, Any], name: str, kind: type[T], expected: str) -> T | None:
    value = data.get(name)
    if value is None or value == "":  # a GET may have empty parameters
        return None
    if not isinstance(value, kind):
        raise HTTPException(400, f"`{name}` must be {expected} or null, it is {name_type(value)}.")
    return value


def name_type(value: object) -> str:
    """The JSON type of a value, with its article."""
    return JSON_TYPES.get(type(value), "null")
