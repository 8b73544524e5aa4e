"""Limits on what each caller asks in a minute, and at a time: by the name of the key or token, or else by address."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError as LimitsConfigurationError
from limits.storage import storage_from_string
from starlette.responses import JSONResponse

from api.access.allowances import MEMORY, Allowance
from api.logging import current_request, get_logger
from api.metrics.instruments import note_refusal
from api.middleware import error_response
from graph.errors import ConfigurationError
from resolvers.base.roles import LOCAL, Caller

RATE_LIMITED: Final = "RATE_LIMITED"
POINTS, MUTATIONS, CONCURRENT = "points per minute", "mutations per minute", "requests at a time"
QUIET_SECONDS: Final = 30.0
"""How long after the store of counts failed it is not said again."""


class RateLimitedError(Exception):
    """
    A caller has asked for more than it may.

    Attributes:
        limit: The limit's name.
        most: The most that it allows.
        retry_after: Whole seconds until the same may be asked again.
        cost: What the request would add.
    """

    def __init__(self, limit: str, most: int, retry_after: int, cost: int = 1) -> None:
        advice = f"try again in {retry_after} s" if cost <= most else f"this request alone needs {cost}; ask for less"
        super().__init__(f"This caller may ask for {most} {limit}; {advice}.")
        self.limit, self.most, self.retry_after, self.cost = limit, most, retry_after, cost

    def extensions(self) -> dict[str, Any]:
        """The parts of the refusal beside its message."""
        return {
            "code": RATE_LIMITED,
            "isRetryable": self.cost <= self.most,
            "limit": self.limit,
            "most": self.most,
            "retryAfterSeconds": self.retry_after,
        }


class Rates:
    """
    Counts what callers ask.

    A window slides: a minute's count is that of this clock's minute, and of the last one as far as it lies within 60 s.

    Args:
        allowance: What each caller may ask.
        storage: Where counts are kept; `async+memory://` for this process, or the address of a Valkey or Redis.

    Raises:
        ConfigurationError: The package for a Valkey or Redis is missing, or the address is wrong.
    """

    def __init__(self, allowance: Allowance, storage: str = MEMORY) -> None:
        self.allowance = allowance
        self._storage = _open_storage(storage)
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._items = {
            name: RateLimitItemPerMinute(most)
            for name, most in ((POINTS, allowance.points), (MUTATIONS, allowance.mutations))
            if most is not None
        }
        self._running: Counter[str] = Counter()
        self._failed_at = -math.inf

    async def spend(self, caller: Caller, points: int, *, is_mutation: bool = False) -> None:
        """
        Count what a caller asks, before it runs.

        Where the store of counts cannot be reached, nothing is refused, and the log says so.

        Raises:
            RateLimitedError: It is more than the caller may ask in a minute. It does not count for that limit then.
        """
        if not self._items or caller is LOCAL:
            return
        try:
            if is_mutation:
                await self._hit(MUTATIONS, caller, 1)
            await self._hit(POINTS, caller, points)
        except RateLimitedError:
            raise
        except Exception as error:  # noqa: BLE001 - each storage has errors of its own
            self._tell(error)

    async def _hit(self, name: str, caller: Caller, cost: int) -> None:
        item = self._items.get(name)
        if item is None or await self._limiter.hit(item, name, caller.place, cost=max(1, cost)):
            return
        note_refusal(name)
        raise RateLimitedError(name, item.amount, await self._find_pause(item, name, caller, cost), cost)

    async def _find_pause(self, item: RateLimitItem, name: str, caller: Caller, cost: int) -> int:
        """Seconds until the window has moved on; all of a minute for a request that takes much of it."""
        stats = await self._limiter.get_window_stats(item, name, caller.place)
        if cost > item.amount // 2:
            return int(item.get_expiry())
        return max(1, math.ceil(stats.reset_time - time.time()))

    @contextmanager
    def hold(self, caller: Caller) -> Iterator[None]:
        """
        Hold one of a caller's places within the block.

        Raises:
            RateLimitedError: All are taken.
        """
        most, place = self.allowance.concurrent, caller.place
        if most is None:
            yield
            return
        if self._running[place] >= most:
            note_refusal(CONCURRENT)
            raise RateLimitedError(CONCURRENT, most, 1)
        self._running[place] += 1
        try:
            yield
        finally:
            self._running[place] -= 1
            if not self._running[place]:
                del self._running[place]

    def _tell(self, error: Exception) -> None:
        if time.monotonic() - self._failed_at > QUIET_SECONDS:
            self._failed_at = time.monotonic()
            get_logger().error("rates are not limited, as their counts cannot be reached", reason=str(error))


def _open_storage(address: str) -> Storage:
    try:
        opened: Any = storage_from_string(address)
    except LimitsConfigurationError as error:
        message = f"FOREGRAPH_RATE_STORAGE needs the extra foregraph[replicas], or has a wrong address: {error}"
        raise ConfigurationError(message) from error
    found: Storage = opened  # one with async methods, as the address says
    return found


def refuse_rate(message: str, extensions: Mapping[str, Any]) -> JSONResponse:
    """The response to a caller who has asked for more than it may, with what `RateLimitedError` tells."""
    record = current_request.get()
    if record is not None:
        record.refused = RATE_LIMITED
    headers = {"retry-after": str(extensions["retryAfterSeconds"])}
    return error_response(429, message, headers, **extensions)
