"""All doors of the service, with the role that each needs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphql import OperationType
from starlette.routing import BaseRoute
from strawberry import Schema

from api.access.routes import Door as Route
from api.access.routes import SocketDoor
from api.mcp.tool import Tool
from resolvers.base.roles import GIVEN, Role, include
from resolvers.doors import INTROSPECTION, ROOT_FIELDS, RoleCheck


@dataclass(frozen=True, slots=True)
class Door:
    """
    A way into the service.

    Attributes:
        kind: route, socket, query, mutation, subscription or tool.
        name: Its name; of a route, method and path; of a socket, path.
        needs: The role that it needs; None for one that opens for nobody.
    """

    kind: str
    name: str
    needs: Role | None


def list_doors(routes: Iterable[BaseRoute], schema: Schema, tools: Iterable[Tool]) -> list[Door]:
    """List all doors: routes, root fields, and tools of agents; saved queries, each a tool, need the READER's role."""
    return [*_list_routes(routes), *_list_root_fields(schema), *(Door("tool", tool.name, tool.needs) for tool in tools)]


def _list_routes(routes: Iterable[BaseRoute]) -> Iterator[Door]:
    for route in routes:
        path = getattr(route, "path", "")
        if isinstance(route, SocketDoor):
            yield Door("socket", path, route.needs)
            continue
        if not isinstance(route, Route):
            yield Door("route", path, None)
            continue
        methods = sorted((route.methods or {"GET", "POST"}) - {"HEAD"})
        yield Door("route", f"{'/'.join(methods)} {path}", route.needs)
        if route.unless is not None:
            yield Door("route", f"GET {path} as a page", route.unless[1])


def _list_root_fields(schema: Schema) -> Iterator[Door]:
    introspection = next(e.introspection for e in schema.get_extensions() if isinstance(e, RoleCheck))
    for operation in OperationType:
        root = schema._schema.get_root_type(operation)
        if root is not None:
            declared = ROOT_FIELDS[operation]
            yield from (Door(operation.value, name, declared.get(name)) for name in sorted(root.fields))
    yield from (Door("query", name, introspection) for name in INTROSPECTION)


def draw_table(doors: Iterable[Door]) -> str:
    """Draw doors and roles as a table in text: a column for each role, marked where it opens the door."""
    listed = list(doors)
    width = max(len(door.name) for door in listed) + 2
    columns = [Role.PUBLIC, *GIVEN]
    lines = [f"{'':14}{'':{width}}" + "".join(f"{role:10}" for role in columns)]
    for door in listed:
        marks = "".join(f"{'yes' if door.needs in include({role}) else '-':10}" for role in columns)
        lines.append(f"{door.kind:14}{door.name:{width}}{marks}".rstrip())
    return "\n".join(lines)
