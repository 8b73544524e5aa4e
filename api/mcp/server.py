"""The MCP server: lists the tools and calls them. Imported with the first agent, as the SDK takes 0.4 s to import."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Final

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError

from api.logging import get_logger
from api.mcp.asking import Asker, ToolRefusedError, tell
from api.mcp.tool import Tool
from api.mcp.tools import TOOLS
from api.mcp.tools.saved import PREFIX, SavedTool, find_saved, list_saved
from api.middleware import UNEXPECTED
from resolvers.doors import FORBIDDEN, UNAUTHENTICATED, explain

INSTRUCTIONS: Final = """\
Foregraph keeps forecasts in a graph: claims (predictions, scenarios and killers) with probabilities, what bears on
what, the evidence, milestones, and effects on tickers. Nodes are named by keys; `search` finds them.
A killer is an event after which a claim hardly comes true. The posterior is the belief in one claim by its own evidence
and by comparable cases; the marginal is its probability in the joint model of all claims.
Answers are short by default; where `isCut` is true, ask for less or raise `maxTokens`."""

Context = ServerRequestContext[Any, Any]


def create_server(open_asker: Callable[[Any], Asker]) -> Server[Any]:
    """
    Create the server.

    Args:
        open_asker: Makes what asks the service, from the HTTP request of the call; from None over standard input.
    """

    async def list_tools(context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        asker = open_asker(context.request)
        try:
            saved = await list_saved(asker)
        except ToolRefusedError as refusal:
            raise MCPError(types.INTERNAL_ERROR, str(refusal)) from refusal
        tools: list[Tool | SavedTool] = [*TOOLS.values(), *saved]
        return types.ListToolsResult(tools=[_declare(tool) for tool in tools if tool.needs in asker.caller.roles])

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        return await _call(open_asker(context.request), params.name, params.arguments or {})

    return Server(
        "foregraph",
        version=version("foregraph"),
        title="Foregraph",
        instructions=INSTRUCTIONS,
        get_tool_input_schema=_find_no_schema,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _find_no_schema(name: str) -> Mapping[str, Any] | None:
    """Return None: no argument of a tool is in a header."""
    return None


def _declare(tool: Tool | SavedTool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema(),
        output_schema=tool.output_schema(),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.is_read_only,
            destructive_hint=False,  # what is written is added
            idempotent_hint=True,  # what writes needs an idempotency key
            open_world_hint=False,
        ),
    )


async def _call(asker: Asker, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
    try:
        tool = TOOLS.get(name) or await find_saved(asker, name)
        if tool is None:
            known = f"{', '.join(TOOLS)}, and {PREFIX}NAME for each saved query"
            raise ToolRefusedError(tell("NOT_FOUND", f"there is no tool {name[:80]!r}; there are {known}"))
        if tool.needs not in asker.caller.roles:
            code = UNAUTHENTICATED if asker.caller.is_anonymous else FORBIDDEN
            raise ToolRefusedError(tell(code, explain(f"The tool {name}", tool.needs, asker.caller)))
        answer = await tool.call(asker, arguments)
    except ToolRefusedError as refusal:
        return _fail(str(refusal))
    except Exception:  # noqa: BLE001 - the agent is told that something failed, the log what
        get_logger().exception("tool failed", tool=name)
        return _fail(tell("INTERNAL", UNEXPECTED))
    text = answer.dump()
    content = answer.model_dump(mode="json", by_alias=True, exclude_none=True)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=content)


def _fail(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)
