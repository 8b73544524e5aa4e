"""Files shared between processes: locks that end with their holder, and atomic writes."""

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_POLL_SECONDS: Final = 0.05


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """
    Lock a file and return its descriptor, or None when another process holds the lock.

    The lock lasts until every process that has inherited the descriptor has closed it or ended.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def wait_for_lock(path: Path, timeout_seconds: float, *, shared: bool = False) -> int | None:
    """Lock a file once it is free and return its descriptor, or None on a timeout."""
    deadline = time.monotonic() + timeout_seconds
    while (descriptor := try_lock(path, shared=shared)) is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return descriptor


def is_locked(path: Path, *, also_shared: bool = False) -> bool:
    """
    Whether any process holds the lock.

    Args:
        path: The file.
        also_shared: Whether a shared lock counts too; two such probes at a time may see each other.
    """
    if not path.exists():
        return False
    descriptor = try_lock(path, shared=not also_shared)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


@contextlib.contextmanager
def locked(path: Path, timeout_seconds: float) -> Iterator[bool]:
    """Hold the lock inside the block; yields whether it was acquired in time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = wait_for_lock(path, timeout_seconds)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file so that a reader, also after a power cut, finds either the old text or the new one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
