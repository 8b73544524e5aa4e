"""Ends what lasts, such as subscriptions, once the key or token that opened it is over."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from api.access.callers import Access
from resolvers.base.roles import Caller

LOOK_SECONDS: Final = 0.5
"""Longest time for which a key's end goes unseen, beside the time in which the file of keys is looked at."""

ENDED: Final = "The key or token is no longer valid."


class Sessions:
    """
    Subscriptions that callers have open.

    Args:
        access: Tells whether a caller's key or token is over.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._open: defaultdict[Caller, dict[object, Callable[[], None]]] = defaultdict(dict)
        self._timer: asyncio.Handle | None = None

    @contextmanager
    def lasting(self, caller: Caller, on_end: Callable[[], None]) -> Iterator[None]:
        """
        Watch a caller's key or token within the block; who has none has no end.

        Args:
            caller: Who has something open.
            on_end: Called once, from the event loop, when the key or token is over.
        """
        if caller.is_anonymous:
            yield
            return
        place = object()
        self._open[caller][place] = on_end
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_soon(self._look)
        try:
            yield
        finally:
            self._open[caller].pop(place, None)
            if not self._open[caller]:
                del self._open[caller]

    def _look(self) -> None:
        """End what is over, and look again as long as something is open."""
        for caller in [caller for caller in self._open if not self._access.holds(caller)]:
            for on_end in self._open.pop(caller).values():
                on_end()
        again = asyncio.get_running_loop().call_later
        self._timer = again(LOOK_SECONDS, self._look) if self._open else None
