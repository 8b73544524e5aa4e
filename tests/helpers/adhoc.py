"""Statements that analysts write, one a line of a file; ⏎ stands for the end of a line within one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from graph.adhoc.limits import AS_USUAL, Wanted
from graph.adhoc.running import Adhoc

CALLER: Final = "127.0.0.1"


def read_statements(path: Path) -> list[str]:
    """The statements of a file, in order."""
    return [line.replace("⏎", "\n") for line in path.read_text("utf-8").splitlines() if line]


async def fetch_rows(
    adhoc: Adhoc, statement: str, parameters: Mapping[str, Any] | None = None, limits: Wanted = AS_USUAL
) -> list[list[Any]]:
    """All rows of a statement."""
    async with adhoc.run(statement, parameters, caller=CALLER, limits=limits) as answer:
        return [row async for batch in answer.batches() for row in batch]
