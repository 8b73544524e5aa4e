"""The statements that write and read a bundle's lists."""

from typing import Final

from graph.model.subjects import CLAIM_LISTS, ROW_LISTS

UPSERTS: Final = {name: f"{name}/upsert" for name in ROW_LISTS} | {"document_links": "documents/link"}
EXPORTS: Final = {name: f"{name}/export" for name in ROW_LISTS} | {"document_links": "documents/export_links"}
BELIEF_LISTS: Final = frozenset({*CLAIM_LISTS, "evidence"})
LISTS_WITH_MOMENTS: Final = BELIEF_LISTS | {"documents"}
"""Those whose statements take moments as text; the others have few."""
