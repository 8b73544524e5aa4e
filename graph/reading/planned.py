"""
Composed statements that the database has planned.

A new text costs the database up to a second before it answers, and a client's every edit may be one. So what it asks
for is first read level by level, by statements that were planned at the start; at its third use the text is planned in
the background, and taken once that is done.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from graph.database.sessions import Database
from graph.errors import ForegraphError
from graph.reading.anchors import Anchor
from graph.reading.composing import Composed

USES_BEFORE_PLANNING: Final = 2
"""Uses of a text that are read level by level, whatever happens; the next one has it planned."""

MOST_TEXTS: Final = 500  # the database keeps 1,000 plans
MOST_WAITING: Final = 20  # texts that are dropped here are planned at a later use
PLANNING_TIMEOUT_SECONDS: Final = 120.0  # no client waits for it, and a busy machine plans slowly


@dataclass(slots=True)
class _Text:
    """State of a text: the number of its uses, and whether it has been planned."""

    num_uses: int = 0
    is_waiting: bool = False
    is_ready: bool = False


class PlannedStatements:
    """
    Keeps which composed statements the database has planned, and has others planned that are used repeatedly.

    One text is planned at a time. The least recently used ones are forgotten.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._texts: OrderedDict[str, _Text] = OrderedDict()
        self._waiting: dict[LiteralString, Mapping[str, Any]] = {}
        self._planner: asyncio.Task[None] | None = None

    def is_ready(self, composed: Composed, anchor: Anchor) -> bool:
        """Count a use of a statement; returns whether it can be taken without a wait."""
        text = self._texts.get(composed.text)
        if text is None:
            text = self._texts[composed.text] = _Text()
            if len(self._texts) > MOST_TEXTS:
                self._texts.popitem(last=False)
        else:
            self._texts.move_to_end(composed.text)
        if text.is_ready:
            return True
        text.num_uses += 1
        if text.num_uses > USES_BEFORE_PLANNING and not text.is_waiting and len(self._waiting) < MOST_WAITING:
            text.is_waiting = True
            self._waiting[composed.text] = composed.parameters_for([anchor.nowhere()], 1)
            self._start()
        return False

    async def prepare(self, composed: Composed, anchor: Anchor) -> None:
        """
        Have a statement planned now.

        Raises:
            ForegraphError: The database cannot be reached, or took too long.
        """
        await self._plan(composed.text, composed.parameters_for([anchor.nowhere()], 1))
        self._texts.setdefault(composed.text, _Text()).is_ready = True

    def forget(self) -> None:
        """Forget what has been planned, as after a restart of the database."""
        self._texts.clear()

    async def settled(self) -> None:
        """Wait until no statement waits to be planned."""
        while self._planner is not None and not self._planner.done():
            await asyncio.shield(self._planner)

    def close(self) -> None:
        """Stop planning."""
        if self._planner is not None:
            self._planner.cancel()

    def _start(self) -> None:
        if self._planner is None or self._planner.done():
            self._planner = asyncio.get_running_loop().create_task(self._plan_waiting())

    async def _plan_waiting(self) -> None:
        while self._waiting:
            text, parameters = next(iter(self._waiting.items()))
            try:
                await self._plan(text, parameters)
            except ForegraphError:
                is_ready = False  # the database is away or busy; a later use tries again
            else:
                is_ready = True
            del self._waiting[text]
            if (found := self._texts.get(text)) is not None:
                found.is_waiting, found.is_ready = False, is_ready

    async def _plan(self, text: LiteralString, parameters: Mapping[str, Any]) -> None:
        async with self._database.reading() as reading:
            await reading.fetch(text, parameters, is_alone=True, timeout_seconds=PLANNING_TIMEOUT_SECONDS)
