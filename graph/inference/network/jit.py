"""Compiles a function with numba; imported only by compiled modules, as importing numba takes some half a second."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

REORDERED = {"reassoc", "contract", "nsz"}
"""Allows sums in any order, so that they vectorize; NaN and infinities keep their meaning."""


def jit(function: FunctionT) -> FunctionT:
    """Compile to run without the interpreter's lock, cached if a cache directory is writable."""
    try:
        return cast("FunctionT", njit(cache=True, nogil=True, error_model="numpy", fastmath=REORDERED)(function))
    except RuntimeError:  # no cache directory is writable
        return cast("FunctionT", njit(nogil=True, error_model="numpy", fastmath=REORDERED)(function))
