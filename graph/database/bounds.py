"""Bounds of what a caller may add to the graph: whose words, from where, and with what weight."""

from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from graph.errors import OutsideKeyError


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    Bounds of what a caller may add.

    Attributes:
        predictors: Ids of the predictors in whose name it may add evidence and forecasts; empty for any, and for none.
        sources: Hosts of which the addresses of its sources must be, those below them included; empty for any.
        kappa: Factor of the weight of its evidence, above 0 and up to 1.
    """

    predictors: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    kappa: float = 1.0

    @property
    def is_tight(self) -> bool:
        """Whether some evidence and forecasts are outside."""
        return bool(self.predictors or self.sources)

    def list_faults(
        self, predictor_id: str | None, source: str | None, *, path: str, source_field: str
    ) -> Iterator[OutsideKeyError]:
        """
        List what of an item is outside.

        Args:
            predictor_id: The id of its predictor; None without one.
            source: The address of its source; None without one.
            path: The path of the item.
            source_field: The name of the property that has the address.
        """
        if self.predictors and predictor_id not in self.predictors:
            message = f"this key adds only what {_any_of(self.predictors)} say, got {predictor_id!r}"
            yield OutsideKeyError(message, path=f"{path}.predictor_id")
        if self.sources and not self._has_source(source):
            message = f"this key adds only what is at {_any_of(self.sources)}, got {source!r:.100}"
            yield OutsideKeyError(message, path=f"{path}.{source_field}")

    def _has_source(self, source: str | None) -> bool:
        if source is None:
            return False
        try:
            host = (urlsplit(source).hostname or "").rstrip(".")
        except ValueError:  # brackets without an address in them
            return False
        return any(host == known or host.endswith(f".{known}") for known in self.sources)


UNBOUND: Final = Bounds()

current_bounds: ContextVar[Bounds] = ContextVar("current_bounds", default=UNBOUND)
"""The bounds of the caller on whose behalf this task writes."""


def _any_of(names: frozenset[str]) -> str:
    return " or ".join(repr(name) for name in sorted(names))
