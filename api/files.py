"""Files that are replaced as a whole."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from graph.errors import ConfigurationError


@contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """
    Open a file to be written anew: a reader finds the old content or the new, and the old one if the block fails. The
    new one is on disk when the block ends.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "wb") as temporary:
                yield temporary
                temporary.flush()
                os.fsync(temporary.fileno())
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error
