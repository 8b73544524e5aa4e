"""Every door declares the role that it needs, and opens for nobody else."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import strawberry
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message
from starlette.websockets import WebSocket

from api.access.callers import CredentialError, caller_of
from api.access.keys import KeyFile
from api.access.routes import SocketDoor
from api.access.table import Door, draw_table, list_doors
from api.app import create_app
from api.mcp.tools import TOOLS
from api.parts import build_limited_schema
from api.settings import Settings
from resolvers.base.roles import GIVEN, Role, include
from resolvers.doors import ROOT_FIELDS
from tests.helpers.keys import NO_DATABASE, Issued, bearing, issue
from tests.helpers.service_fakes import open_client

SETTINGS = Settings(host="0.0.0.0", scheduler=False, warm_up=False, request_timeout_seconds=5)
"""Nobody in particular has a role."""


def enumerate_doors(settings: Settings = SETTINGS) -> list[Door]:
    """All doors of the real service."""
    return list_doors(create_app(settings).routes, build_limited_schema(settings), TOOLS.values())


DOORS = enumerate_doors()


@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door.kind}-{door.name}")
def test_each_door_declares_its_role(door: Door) -> None:
    assert door.needs in set(Role), f"{door} declares no role: it opens for nobody"


def test_no_role_is_declared_for_what_there_is_not() -> None:
    declared = {(kind.value, name) for kind, fields in ROOT_FIELDS.items() for name in fields} - {
        (kind.value, "__typename") for kind in ROOT_FIELDS
    }
    assert declared <= {(door.kind, door.name) for door in DOORS}


def test_only_health_is_public() -> None:
    """And the opening of a WebSocket, whose first message may have the key; its documents are checked as all are."""
    health, sockets = {"GET /", "GET /healthz", "GET /readyz"}, {"/graphql", "/{path:path}"}
    assert {door.name for door in DOORS if door.needs is Role.PUBLIC} == health | sockets


def test_each_role_opens_what_the_documentation_says() -> None:
    """A second list, by hand, of what changes anything or runs Cypher."""
    intake = {
        "POST /evidence",
        "addValidation",
        "linkDocument",
        "submitEvidence",
        "submitEvidenceBatch",
        "submitForecast",
        "submitForecastBatch",
        "submit_evidence",
        "upsertDocument",
    }
    analyst = {
        "POST /cypher",
        "backtest",
        "cypher",
        "deletePortfolio",
        "deleteSavedQuery",
        "run_cypher",
        "savePortfolio",
        "saveQuery",
    }

    def opened(role: Role) -> set[str]:
        return {door.name for door in DOORS if door.needs in include({role})}

    assert opened(Role.INTAKE) - opened(Role.READER) == intake
    assert opened(Role.ANALYST) - opened(Role.READER) == analyst
    assert not {door.name for door in DOORS if door.kind == "mutation"} & opened(Role.READER)
    assert opened(Role.OPERATOR) == {door.name for door in DOORS}


def test_the_table_has_a_line_for_each_door() -> None:
    lines = draw_table(DOORS).splitlines()

    assert len(lines) == len(DOORS) + 1
    assert lines[0].split() == [role.value for role in Role]
    (evidence,) = [line for line in lines if "POST /evidence" in line]
    assert evidence.split()[3:] == ["-", "-", "yes", "-", "yes"]


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    """Keys of all roles."""
    return issue(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(issued: Issued) -> AsyncIterator[httpx.AsyncClient]:
    """The service, without a database: who may not is refused before one is asked."""
    app = create_app(SETTINGS.model_copy(update={"keys_file": issued.file}), NO_DATABASE)
    (agents,) = [route.endpoint for route in app.routes if getattr(route, "path", "") == "/mcp"]  # type: ignore[attr-defined]
    async with agents.running(), open_client(app, base_url="http://127.0.0.1:8000") as client:
        yield client


async def ask(client: httpx.AsyncClient, door: Door, key: str | None) -> httpx.Response:
    """Knock at a door."""
    headers = {"accept": "application/json"} if key is None else {"accept": "application/json", **bearing(key)}
    if door.kind == "route":
        return await _ask_route(client, door, headers)
    if door.kind == "tool":
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": door.name, "arguments": {}}}
        both = headers | {"accept": "application/json, text/event-stream"}
        return await client.post("/mcp", json=call, headers=both)
    document = f"{door.kind} {{ {door.name} }}"
    return await client.post("/graphql", json={"query": document}, headers=headers)


async def _ask_route(client: httpx.AsyncClient, door: Door, headers: dict[str, str]) -> httpx.Response:
    method, path = door.name.split(" ")[:2]
    if door.name.endswith("as a page"):
        return await client.get(path, headers=headers | {"accept": "text/html"})
    filled = path.replace("{name:path}", "some").replace("{name}", "some.js")
    return await client.request(method.rpartition("/")[2], filled, headers=headers)


def code_of(door: Door, response: httpx.Response) -> str | None:
    """The code with which a door stayed shut; None if it opened."""
    if door.kind == "tool" and response.status_code == 200:
        text = response.json()["result"]["content"][0]["text"]
        return next((code for code in ("UNAUTHENTICATED", "FORBIDDEN") if text.startswith(code)), None)
    if response.status_code not in (401, 403):
        return None
    return str(response.json()["errors"][0]["extensions"]["code"])


GUARDED = [door for door in DOORS if door.needs is not Role.PUBLIC]


@pytest.mark.parametrize("door", GUARDED, ids=lambda door: f"{door.kind}-{door.name}")
async def test_a_door_opens_for_its_roles_alone(service: httpx.AsyncClient, issued: Issued, door: Door) -> None:
    """Nobody, each role, a key that has expired and one that was revoked, and one that was never given out."""
    without = {"nobody": None, "expired": issued.expired, "revoked": issued.revoked, "wrong": "fgk_" + "0" * 46}
    for who, key in without.items():
        response = await ask(service, door, key)
        assert (response.status_code, code_of(door, response)) == (401, "UNAUTHENTICATED"), who
        assert response.headers["www-authenticate"].startswith('Bearer realm="foregraph"')
    for role in GIVEN:
        code = code_of(door, await ask(service, door, issued.valid[role]))
        assert code == (None if door.needs in include({role}) else "FORBIDDEN"), role


@pytest.mark.parametrize("path", ["/", "/healthz"])
async def test_what_is_public_is_answered_whatever_is_sent(service: httpx.AsyncClient, path: str) -> None:
    assert (await service.get(path)).status_code == 200
    assert (await service.get(path, headers=bearing("nonsense"))).status_code == 200


async def test_a_refused_document_names_field_and_role(service: httpx.AsyncClient, issued: Issued) -> None:
    document = {"query": "mutation { ...F } fragment F on Mutation { x: saveQuery, submitEvidence }"}
    response = await service.post("/graphql", json=document, headers=bearing(issued.valid[Role.ANALYST]))

    assert response.status_code == 403
    (error,) = response.json()["errors"]
    assert "data" not in response.json()
    assert error["message"] == "The field `submitEvidence` needs the role intake; 'a-analyst' has analyst."
    assert error["extensions"] | {"requestId": ""} == {
        "code": "FORBIDDEN",
        "isRetryable": False,
        "field": "submitEvidence",
        "role": "intake",
        "requestId": "",
    }
    assert 'error="insufficient_scope", scope="intake"' in response.headers["www-authenticate"]


@pytest.mark.parametrize(
    "document",
    [
        "{ hidden: cypher }",
        "query A { __typename } query B { cypher }",
        "{ ... { ... on Query { ...F } } } fragment F on Query { ...G } fragment G on Query { ...F cypher }",
        "query ($no: Boolean = false) { __typename cypher @include(if: $no) }",
        "{ ...F } fragment F on Query { cypher @skip(if: true) }",
    ],
)
async def test_no_document_hides_a_field(service: httpx.AsyncClient, issued: Issued, document: str) -> None:
    body = {"query": document} | ({"operationName": "B"} if "query B" in document else {})
    refused = await service.post("/graphql", json=body, headers=bearing(issued.valid[Role.READER]))

    assert refused.status_code == 403
    assert refused.json()["errors"][0]["extensions"]["field"] == "cypher"


async def test_an_operation_beside_the_one_that_runs_needs_nothing(service: httpx.AsyncClient, issued: Issued) -> None:
    body = {"query": "query A { __typename } query B { graphSchema { __typename } }", "operationName": "A"}
    response = await service.post("/graphql", json=body, headers=bearing(issued.valid[Role.READER]))

    assert response.json() == {"data": {"__typename": "Query"}}


async def test_a_kept_document_is_refused_as_a_new_one(issued: Issued) -> None:
    """It is answered without validation, and by compiled code; what it needs is kept with it."""
    document = 'query { cypher(statement: "RETURN 1") { __typename } }'
    settings = SETTINGS.model_copy(update={"keys_file": issued.file})
    app = create_app(settings, NO_DATABASE)
    app.state.documents.keep(document)
    async with open_client(app) as client:
        for role in GIVEN:
            response = await client.post("/graphql", json={"query": document}, headers=bearing(issued.valid[role]))
            assert (response.status_code == 403) == (role in (Role.READER, Role.INTAKE))
        by_get = {"params": {"query": document}}
        assert (await client.get("/graphql", **by_get)).status_code == 401  # type: ignore[arg-type]
        assert (await client.get("/graphql", headers=bearing(issued.revoked), **by_get)).status_code == 401  # type: ignore[arg-type]
        refused = await client.get("/graphql", headers=bearing(issued.valid[Role.INTAKE]), **by_get)  # type: ignore[arg-type]
        assert refused.json()["errors"][0]["extensions"]["field"] == "cypher"


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Basic YTpi"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "fgk_"},
        {"x-api-key": ""},
        {"x-api-key": "ÿ"},
    ],
)
async def test_other_credentials_are_refused(service: httpx.AsyncClient, headers: dict[str, str]) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = await service.post("/graphql", json={"query": "{ __typename }"}, headers=encoded)

    assert response.status_code == 401


async def test_a_key_is_taken_from_either_header_and_not_from_both(service: httpx.AsyncClient, issued: Issued) -> None:
    key, body = issued.valid[Role.READER], {"query": "{ __typename }"}
    for headers in ({"x-api-key": key}, {"authorization": f"bearer   {key} "}):
        assert (await service.post("/graphql", json=body, headers=headers)).status_code == 200
    both = {"x-api-key": key, **bearing(key)}
    refused = await service.post("/graphql", json=body, headers=both)
    assert refused.status_code == 401
    assert "several" in refused.json()["errors"][0]["message"]


async def test_a_key_may_have_several_roles(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    key = KeyFile(file).create("both", [Role.INTAKE, Role.ANALYST])
    app = create_app(SETTINGS.model_copy(update={"keys_file": file}), NO_DATABASE)
    async with open_client(app) as client:
        for document in ("{ cypher }", "mutation { submitEvidence }"):
            response = await client.post("/graphql", json={"query": document}, headers=bearing(key))
            assert response.status_code == 200  # as plain JSON, with what validation says
        response = await client.post("/graphql", json={"query": "mutation { importBundle }"}, headers=bearing(key))
        assert "'both' has intake and analyst" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("anonymous", "document", "status"),
    [
        (Role.PUBLIC, "{ __typename }", 401),
        (Role.READER, "{ __typename }", 200),
        (Role.READER, "mutation { submitEvidence }", 401),
        (Role.READER, "{ cypher }", 401),
    ],
)
async def test_whoever_sends_no_key_has_the_anonymous_role(anonymous: Role, document: str, status: int) -> None:
    app = create_app(SETTINGS.model_copy(update={"anonymous_role": anonymous}), NO_DATABASE)
    async with open_client(app) as client:
        response = await client.post("/graphql", json={"query": document})

    assert response.status_code == status
    if status == 401:
        assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_wrong_key_is_refused_even_where_everybody_may() -> None:
    """Whoever mistypes a key is told, and does not go on as nobody."""
    app = create_app(Settings(scheduler=False), NO_DATABASE)
    async with open_client(app) as client:
        assert (await client.post("/graphql", json={"query": "{ __typename }"})).status_code == 200
        assert (await client.get("/graphql?query={__typename}", headers=bearing("fgk_"))).status_code == 401


async def test_a_route_that_declares_nothing_opens_for_nobody(issued: Issued) -> None:
    """The check denies by default: it does not take part in what a forgotten route does."""
    app: Starlette = create_app(SETTINGS.model_copy(update={"keys_file": issued.file}), NO_DATABASE)
    app.routes.append(Route("/forgotten", lambda _: PlainTextResponse("open"), methods=["GET"]))
    async with open_client(app) as client:
        response = await client.get("/forgotten", headers=bearing(issued.valid[Role.OPERATOR]))
        assert response.status_code == 403
        assert "nobody has" in response.json()["errors"][0]["message"]
        assert (await client.get("/nowhere")).status_code == 404


async def greet(socket: WebSocket) -> None:
    """Accept a connection, and tell whose it is."""
    await socket.accept()
    await socket.send_text(repr(caller_of(socket.scope).name))
    await socket.close()


async def connect(app: ASGIApp, path: str, *headers: tuple[bytes, bytes]) -> list[Message]:
    """Open a WebSocket, and return what is sent."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": path,
        "headers": [(b"host", b"localhost"), *headers],
        "client": ("10.0.0.1", 1),
        "query_string": b"",
        "subprotocols": [],
    }
    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("needs", "who", "is_open"),
    [
        (Role.READER, None, False),
        (Role.READER, "reader", True),
        (Role.READER, "revoked", False),
        (Role.ANALYST, "reader", False),
        (Role.PUBLIC, None, True),
        (Role.PUBLIC, "revoked", True),
        (None, "operator", False),
    ],
)
async def test_a_socket_opens_for_its_roles_alone(
    issued: Issued, needs: Role | None, who: str | None, is_open: bool
) -> None:
    """A route that declares nothing opens for nobody; a key that comes later is read by whom it comes to."""
    app = create_app(SETTINGS.model_copy(update={"keys_file": issued.file}), NO_DATABASE)
    app.routes.insert(0, WebSocketRoute("/s", greet) if needs is None else SocketDoor("/s", greet, needs=needs))
    keys = {"revoked": issued.revoked} | {role.value: key for role, key in issued.valid.items()}
    header = () if who is None else ((b"authorization", f"Bearer {keys[who]}".encode()),)
    sent = await connect(app, "/s", *header)

    assert [message["type"] for message in sent][:1] == ["websocket.accept" if is_open else "websocket.close"]
    if is_open:
        assert sent[1]["text"] == repr("a-reader" if who == "reader" else "")
    assert (await app.state.access.identify_by(issued.valid[Role.READER])).name == "a-reader"
    with pytest.raises(CredentialError, match="was revoked"):
        await app.state.access.identify_by(issued.revoked)


@strawberry.type
class Forgetful:
    """Its field is in no table of roles."""

    @strawberry.field
    def forgotten(self) -> str:
        """Is not to be read."""
        return "open"


@pytest.mark.parametrize("is_kept", [False, True])
async def test_a_root_field_that_declares_nothing_opens_for_nobody(issued: Issued, is_kept: bool) -> None:
    limits = build_limited_schema(SETTINGS).extensions
    schema = strawberry.Schema(Forgetful, extensions=limits)
    app = create_app(SETTINGS.model_copy(update={"keys_file": issued.file}), NO_DATABASE, schema=schema)
    if is_kept:
        app.state.documents.keep("{ forgotten }")
    async with open_client(app) as client:
        operator = introspect(client, issued.valid[Role.OPERATOR])
        response = await operator("{ forgotten }")

    assert response.status_code == 403
    assert "needs a role that nobody has" in response.json()["errors"][0]["message"]


def introspect(client: httpx.AsyncClient, key: str) -> Callable[[str], Any]:
    """Ask as the holder of a key."""
    return lambda text: client.post("/graphql", json={"query": text}, headers=bearing(key))


async def test_introspection_and_suggestions_need_their_role(issued: Issued) -> None:
    """Suggestions alone would rebuild the schema."""
    settings = SETTINGS.model_copy(update={"keys_file": issued.file, "introspection_role": Role.ANALYST})
    app = create_app(settings, NO_DATABASE)
    wrong = ["{ clam }", "{ claims(frist: 1) { nodes { id } } }", "{ claims(sort: [{by: DEADLIN}]) { __typename } }"]
    async with open_client(app) as client:
        analyst, reader = (introspect(client, issued.valid[role]) for role in (Role.ANALYST, Role.READER))
        for document in ("{ __schema { queryType { name } } }", '{ __type(name: "Claim") { name } }'):
            assert (await analyst(document)).status_code == 200
            assert (await reader(document)).json()["errors"][0]["extensions"]["role"] == "analyst"
        for document in wrong:
            assert "Did you mean" in (await analyst(document)).text
            refused = await reader(document)
            assert "errors" in refused.json()
            assert "Did you mean" not in refused.text
        assert (await reader("{ __typename }")).json() == {"data": {"__typename": "Query"}}


async def test_no_suggestion_is_made_where_introspection_is_off(issued: Issued) -> None:
    settings = SETTINGS.model_copy(update={"keys_file": issued.file, "introspection": False})
    app = create_app(settings, NO_DATABASE)
    async with open_client(app) as client:
        operator = introspect(client, issued.valid[Role.OPERATOR])
        assert "Did you mean" not in (await operator("{ clam predction }")).text
        assert "data" not in (await operator("{ __schema { queryType { name } } }")).json()


async def test_graphiql_is_shown_to_all_where_the_setting_says_so(issued: Issued) -> None:
    settings = SETTINGS.model_copy(update={"keys_file": issued.file, "graphiql_role": Role.PUBLIC})
    app = create_app(settings, NO_DATABASE)
    page = {"accept": "text/html"}
    async with open_client(app) as client:
        assert (await client.get("/graphql", headers=page)).status_code != 401
        for query in ("query={__typename}", "documentId=0", "extensions={}"):
            assert (await client.get(f"/graphql?{query}", headers=page)).status_code == 401
        assert (await client.post("/graphql", json={"query": "{ __typename }"}, headers=page)).status_code == 401


async def test_agents_see_the_tools_that_they_may_call(issued: Issued) -> None:
    """The list of saved queries needs the database, so the tools of the project alone are looked at."""
    for role in GIVEN:
        shown = {tool.name for tool in TOOLS.values() if tool.needs in include({role})}
        assert ("run_cypher" in shown) == (role in (Role.ANALYST, Role.OPERATOR))
        assert ("submit_evidence" in shown) == (role in (Role.INTAKE, Role.OPERATOR))
