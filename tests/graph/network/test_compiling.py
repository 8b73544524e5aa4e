"""Kernels compiled beside the service."""

import time
from pathlib import Path

import pytest

from graph.inference.network import compiled
from graph.inference.network.warming import warm_up
from graph.network.compiling import compiling_kernels, is_compiled


def test_kernels_are_there_once_they_have_been_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nothing is kept, they are not."""
    warm_up()
    assert is_compiled()

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert not is_compiled()


def test_another_process_compiles_them_meanwhile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a place where nothing is kept yet; it ends with the block."""
    monkeypatch.setattr("graph.network.compiling.NICENESS", 0)  # it would wait for other tests' processes for minutes
    monkeypatch.setattr("graph.network.compiling.is_compiled", lambda: False)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))

    with compiling_kernels():
        deadline = time.monotonic() + 120.0
        while not list(tmp_path.rglob(f"{Path(compiled.__file__).stem}.*.nbi")):
            assert time.monotonic() < deadline
            time.sleep(0.1)

    began = time.monotonic()
    with compiling_kernels():
        pass
    assert time.monotonic() - began < 5.0
