"""
The place of compiled kernels.

numba keeps what it has compiled for as long as the file of a function stays as it is. But compiled code has the
constants and types of other modules in it, and would corrupt memory if those had changed. So it is kept in a folder
that is named by the contents of all modules here.
"""

import hashlib
import os
from importlib.metadata import version
from pathlib import Path
from typing import Final

_MODULES: Final = Path(__file__).parent


def find_kept_code(modules: Path = _MODULES) -> Path:
    """
    Find the folder in which compiled code is kept: NUMBA_CACHE_DIR where that is set.

    Args:
        modules: The folder of the modules whose contents count.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given)
    digest = hashlib.sha256(version("numba").encode())
    for path in sorted(modules.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return modules / "__pycache__" / f"compiled-{digest.hexdigest()[:16]}"
