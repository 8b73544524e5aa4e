"""Compiles functions with numba; imported only by compiled modules, as importing numba takes some half a second."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import config

from graph.inference.network.kept_code import find_kept_code

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

REORDERED = {"reassoc", "contract", "nsz"}
"""Allows sums in any order, so that they vectorize; NaN and infinities keep their meaning."""


_config: Any = config  # its settings are set at run time
_config.CACHE_DIR = str(find_kept_code())


def jit(function: FunctionT) -> FunctionT:
    """Compile to run without the interpreter's lock, cached if a cache directory is writable."""
    try:
        return cast("FunctionT", njit(cache=True, nogil=True, error_model="numpy", fastmath=REORDERED)(function))
    except RuntimeError:  # no cache directory is writable
        return cast("FunctionT", njit(nogil=True, error_model="numpy", fastmath=REORDERED)(function))
