"""Programs worked out for documents, kept as long as there is room."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from itertools import count
from typing import Any, Final, TypeVar

from resolvers.compiled.completion import NotCompilableError

MAX_BYTES: Final = 64 * 1024 * 1024
BYTES_A_CHARACTER: Final = 10
"""What generated code keeps for each character of its source, its compiled form and constants included."""
FAILURE_BYTES: Final = 500

T = TypeVar("T")


class Programs:
    """
    Keeps programs by query and shape; the longest unused go first.

    Args:
        max_bytes: Most bytes to keep, roughly.

    Attributes:
        num_bytes: Bytes kept, roughly.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.num_bytes = 0
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._numbers = count()

    def number(self) -> int:
        """Number a query, so that its programs are told from those of others."""
        return next(self._numbers)

    def get(self, key: Hashable, make: Callable[[], T], num_characters: Callable[[T], int]) -> T:
        """
        Return the program of a key, made if it is not kept; a failure to make it is kept as well.

        Raises:
            NotCompilableError: It cannot be made.
        """
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            made = found[0]
        else:
            try:
                made = make()
            except NotCompilableError as error:
                made = error
                self._keep(key, made, FAILURE_BYTES)
            else:
                self._keep(key, made, BYTES_A_CHARACTER * num_characters(made))
        if isinstance(made, NotCompilableError):
            raise made
        program: T = made
        return program

    def _keep(self, key: Hashable, made: object, num_bytes: int) -> None:
        self._kept[key] = made, num_bytes
        self.num_bytes += num_bytes
        while self.num_bytes > self._max_bytes and len(self._kept) > 1:
            _, (_, dropped) = self._kept.popitem(last=False)
            self.num_bytes -= dropped
