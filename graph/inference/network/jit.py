"""
Compiles functions with numba; imported only by compiled modules, as importing numba takes some half a second.

numba keeps what it has compiled for as long as the file of the function stays as it is. But compiled code has the
constants and the types of other files in it, and code that was compiled for others would corrupt memory. So it is kept
in a folder for the contents of all files beside this one.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
from numba import njit

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

REORDERED = {"reassoc", "contract", "nsz"}
"""Allows sums in any order, so that they vectorize; NaN and infinities keep their meaning."""


_FOLDER: Final = Path(__file__).parent


def _fingerprint(folder: Path) -> str:
    """The digest of a folder's modules: of their names and contents."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _keep_by_contents() -> None:
    """Have numba keep compiled code by the contents of this folder, unless it was told where to keep it."""
    if not numba.config.CACHE_DIR:
        numba.config.CACHE_DIR = str(_FOLDER / "__pycache__" / f"compiled-{_fingerprint(_FOLDER)}")


_keep_by_contents()


def jit(function: FunctionT) -> FunctionT:
    """Compile to run without the interpreter's lock, cached if a cache directory is writable."""
    try:
        return cast("FunctionT", njit(cache=True, nogil=True, error_model="numpy", fastmath=REORDERED)(function))
    except RuntimeError:  # no cache directory is writable
        return cast("FunctionT", njit(nogil=True, error_model="numpy", fastmath=REORDERED)(function))
