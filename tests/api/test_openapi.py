"""The OpenAPI document describes the routes that there are; `make conformance` tries them by it."""

import pytest
from graphql import GraphQLInputObjectType, is_required_input_field

from api.access.routes import Door
from api.app import create_app
from api.graphiql.page import PARTS_PATH
from api.openapi import describe_routes
from api.parts import build_limited_schema
from api.settings import Settings
from tests.helpers.service_fakes import build_app, open_client


def test_each_route_is_described_and_no_other() -> None:
    """With its methods; where any method is passed on, the endpoint's own are GET and POST."""
    routes = [route for route in create_app(Settings()).routes if isinstance(route, Door)]
    there = {
        (route.path.replace("{name:path}", "{name}"), method.lower())
        for route in routes
        for method in (route.methods or {"GET", "POST"}) - {"HEAD"}
        if not route.path.startswith(PARTS_PATH)
    }
    described = {(path, method) for path, methods in describe_routes()["paths"].items() for method in methods}
    assert described == there


def test_an_item_of_evidence_has_the_fields_of_the_input() -> None:
    kind = build_limited_schema(Settings())._schema.type_map["EvidenceInput"]
    assert isinstance(kind, GraphQLInputObjectType)
    described = describe_routes()["components"]["schemas"]["Evidence"]

    assert described["properties"].keys() == kind.fields.keys()
    assert set(described["required"]) == {name for name, field in kind.fields.items() if is_required_input_field(field)}


@pytest.mark.parametrize("path", ["/", "/openapi.json"])
async def test_the_document_is_where_the_root_says(path: str) -> None:
    async with open_client(build_app()) as client:
        response = await client.get(path)

    assert response.json().get("openapi") == ("/openapi.json" if path == "/" else "3.1.0")
