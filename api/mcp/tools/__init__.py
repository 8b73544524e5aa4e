"""The tools, a subject a module."""

from typing import Final

from api.mcp.tool import Tool
from api.mcp.tools.claims import GET_CLAIM
from api.mcp.tools.evidence import SUBMIT_EVIDENCE
from api.mcp.tools.exposures import GET_EXPOSURES
from api.mcp.tools.graph import DESCRIBE_GRAPH, RUN_CYPHER
from api.mcp.tools.milestones import LIST_MILESTONES
from api.mcp.tools.neighborhood import GET_NEIGHBORHOOD
from api.mcp.tools.search import SEARCH
from api.mcp.tools.what_if import WHAT_IF

TOOLS: Final[dict[str, Tool]] = {
    tool.name: tool
    for tool in (
        SEARCH,
        GET_CLAIM,
        GET_NEIGHBORHOOD,
        WHAT_IF,
        GET_EXPOSURES,
        LIST_MILESTONES,
        SUBMIT_EVIDENCE,
        DESCRIBE_GRAPH,
        RUN_CYPHER,
    )
}
"""All tools by name, without those that saved queries are."""
