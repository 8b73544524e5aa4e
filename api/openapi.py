"""The routes beside GraphQL as an OpenAPI document, from the constants by which they answer."""

from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import version
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse

from api.cypher import FIELDS
from api.evidence.reading import REQUIRED
from api.formats import FORMATS, MEDIA_TYPES, TableFormat
from api.negotiation import GRAPHQL_JSON, JSON
from resolvers.mutations.evidence_lines import list_fields, type_of

PATH: Final = "/openapi.json"
JsonObject = dict[str, Any]

_ERRORS: Final[JsonObject] = {
    "description": "A refusal, in the shape of GraphQL's errors.",
    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Errors"}}},
}
_PAGE: Final[JsonObject] = {
    "description": "A page, which tells what is wrong; of a path that is none, a refusal.",
    "content": {"text/html": {}, **_ERRORS["content"]},
}
_MOMENT: Final[JsonObject] = {"type": "string", "format": "date-time"}
_TRUTH: Final[JsonObject] = {"type": "boolean"}
_COUNT: Final[JsonObject] = {"type": "integer", "minimum": 1, "maximum": 999_999_999}


async def answer_openapi(request: Request) -> JSONResponse:
    """Answer with the document."""
    return JSONResponse(describe_routes())


def describe_routes() -> JsonObject:
    """Describe all routes but those of pages; what is asked at /graphql and /mcp, these tell themselves."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Foregraph", "version": version("foregraph"), "license": {"name": "Apache-2.0"}},
        "security": [{"bearer": []}, {"key": []}, {}],
        "paths": {
            "/": {"get": _operation("Where what is.", _of(JSON, "The paths."))},
            "/healthz": {"get": _operation("Whether the process runs.", _of(JSON, "It does."))},
            "/readyz": {
                "get": _operation("Whether the service is ready.", {**_of(JSON, "It is."), **_of(JSON, "Not.", 503)})
            },
            "/metrics": {"get": _operation("Figures for Prometheus.", _of("text/plain", "All figures."))},
            PATH: {"get": _operation("This document.", _of(JSON, "It."))},
            **_describe_tables("/beliefs", "Every claim's belief.", asOf=_MOMENT, knownAt=_MOMENT, policy=_text()),
            **_describe_tables(
                "/exposure",
                "Contributions to a portfolio's exposure.",
                "portfolio",
                portfolio=_text(),
                active=_TRUTH,
                asOf=_MOMENT,
            ),
            **_describe_queries(),
            "/cypher": {"post": _describe_cypher()},
            "/evidence": {"post": _describe_evidence()},
            "/graphql": _describe_graphql(),
            "/mcp": {"post": _describe_mcp()},
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A key, or a token of an issuer."},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
            "schemas": {"Errors": _describe_errors(), "Evidence": _describe_item()},
        },
    }


def _operation(summary: str, responses: JsonObject, **more: Any) -> JsonObject:
    return {"summary": summary, "responses": {**responses, "default": _ERRORS}, **more}


def _of(media_types: str | Iterable[str], description: str, status: int = 200) -> JsonObject:
    names = [media_types] if isinstance(media_types, str) else media_types
    return {str(status): {"description": description, "content": {name: {} for name in names}}}


def _text() -> JsonObject:
    return {"type": "string", "minLength": 1}


def _parameters(schemas: Mapping[str, JsonObject], needed: Collection[str] = ()) -> list[JsonObject]:
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": schema} for name, schema in schemas.items()
    ]


def _formats() -> list[TableFormat]:
    return [found for found in FORMATS.values() if found.is_available]


def _describe_tables(path: str, summary: str, *needed: str, **schemas: JsonObject) -> JsonObject:
    """Describe a table, which each format has a path for."""
    return {
        f"{path}.{found.name}": {
            "get": _operation(summary, _of(found.media_type, "The rows."), parameters=_parameters(schemas, needed))
        }
        for found in _formats()
    }


def _describe_queries() -> JsonObject:
    """Describe saved queries; a query's own parameters stand beside those that all have."""
    name = {"name": "name", "in": "path", "required": True, "schema": _text()}
    of_all = {"maxRows": _COUNT, "timeoutMs": _COUNT, "version": _COUNT, "typed": _TRUTH}
    tables = {
        f"/queries/{{name}}.{found.name}": {
            "get": _operation(
                "A saved query's rows.",
                _of(found.media_type, "The rows."),
                parameters=[name, *_parameters(of_all)],
            )
        }
        for found in _formats()
    }
    told = {"400": _PAGE, "404": _PAGE}
    pages = {
        "/queries": {"get": _operation("All saved queries, as a page.", {"200": _PAGE})},
        "/queries/{name}": {
            "get": _operation("A saved query with its rows, as a page.", {"200": _PAGE, **told}, parameters=[name])
        },
    }
    return {**pages, **tables}


def _describe_cypher() -> JsonObject:
    schemas = {
        "statement": _text(),
        "parameters": {"type": ["object", "null"]},
        "maxRows": {"type": ["integer", "null"], "minimum": 1},
        "timeoutMs": {"type": ["integer", "null"], "minimum": 1},
        "typed": {"type": ["boolean", "null"]},
    }
    properties = {name: schemas[name] for name in FIELDS}
    body = {"type": "object", "properties": properties, "required": ["statement"], "additionalProperties": False}
    content = {JSON: {"schema": body}}
    return _operation(
        "The rows of a Cypher statement that reads.",
        _of([name for name in MEDIA_TYPES if name in {found.media_type for found in _formats()}], "The rows."),
        requestBody={"required": True, "content": content},
    )


def _describe_evidence() -> JsonObject:
    items = {"type": "array", "items": {"$ref": "#/components/schemas/Evidence"}}
    content = {
        JSON: {"schema": items},
        "application/x-ndjson": {"schema": {"type": "string", "description": "One such object a line."}},
    }
    return _operation(
        "Adds evidence, and answers each item by a line once it is recorded or refused.",
        _of("application/x-ndjson", "A line for each item."),
        parameters=_parameters({"dryRun": _TRUTH}),
        requestBody={"required": True, "content": content},
    )


_TYPES: Final[Mapping[str, JsonObject]] = {
    "Float": {"type": ["number", "null"]},
    "Int": {"type": ["integer", "null"]},
    "Boolean": {"type": ["boolean", "null"]},
    "DateTime": {"type": ["string", "null"], "format": "date-time"},
}
"""Types of an item's fields, by their names in GraphQL; all others are texts."""


def _describe_item() -> JsonObject:
    """Describe an item of evidence, which has the fields of `EvidenceInput`."""
    texts: JsonObject = {"type": ["string", "null"]}
    fields = {name: _TYPES.get(type_of(name), texts) for name in list_fields()}
    needed = {name: {"type": "string"} for name in REQUIRED}
    return {
        "type": "object",
        "properties": {**fields, **needed},
        "required": list(REQUIRED),
        "additionalProperties": False,
    }


def _describe_graphql() -> JsonObject:
    """Describe GraphQL over HTTP; its schema is its own."""
    fields: JsonObject = {
        "query": {"type": "string"},
        "documentId": {"type": "string"},
        "operationName": {"type": ["string", "null"]},
        "variables": {"type": ["object", "null"]},
        "extensions": {"type": ["object", "null"]},
    }
    answers = _of([GRAPHQL_JSON, JSON], "Data, or errors beside it.")
    given = _parameters({name: {"type": "string"} for name in fields})
    content = {JSON: {"schema": {"type": "object", "properties": fields}}}
    return {
        "get": _operation("Answers a query.", answers, parameters=given),
        "post": _operation(
            "Answers a query or a mutation.", answers, requestBody={"required": True, "content": content}
        ),
    }


def _describe_mcp() -> JsonObject:
    """Describe the tools of agents; the Model Context Protocol has its own description of each."""
    content = {JSON: {"schema": {"type": "object"}}}
    return _operation(
        "Tools of agents, by the Model Context Protocol.",
        {**_of(JSON, "A response of JSON-RPC."), "202": {"description": "A notification was taken."}},
        requestBody={"required": True, "content": content},
    )


def _describe_errors() -> JsonObject:
    error = {
        "type": "object",
        "properties": {
            "message": {"type": "string"},
            "extensions": {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]},
        },
        "required": ["message", "extensions"],
    }
    return {
        "type": "object",
        "properties": {"errors": {"type": "array", "items": error, "minItems": 1}},
        "required": ["errors"],
    }
