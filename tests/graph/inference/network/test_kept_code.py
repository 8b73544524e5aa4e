"""Compiled kernels are kept for the sources that they were compiled of, and for no others."""

from pathlib import Path
from typing import Any

import pytest

from graph.inference.network.kept_code import find_kept_code


def test_any_change_of_a_module_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """Of its content, its name, or their number; what was there before is found again."""
    first, second = tmp_path / "limits.py", tmp_path / "kernels.py"
    first.write_text("MOST = 1")
    second.write_text("")
    before = find_kept_code(tmp_path)
    found = {before}
    first.write_text("MOST = 2")
    found.add(find_kept_code(tmp_path))
    second.unlink()
    found.add(find_kept_code(tmp_path))
    first.rename(tmp_path / "bounds.py")
    found.add(find_kept_code(tmp_path))
    assert len(found) == 4

    (tmp_path / "bounds.py").rename(first)
    first.write_text("MOST = 1")
    second.write_text("")
    assert find_kept_code(tmp_path) == before


def test_numba_keeps_its_code_there() -> None:
    """The modules that are compiled are beside the folder's name."""
    from numba.core import config  # noqa: PLC0415 - after the kernels, which set it

    from graph.inference.network import compiled  # noqa: PLC0415 - numba is loaded by this test alone

    assert Path(compiled.__file__).parent in find_kept_code().parents
    settings: Any = config
    assert Path(settings.CACHE_DIR) == find_kept_code()


def test_another_folder_can_be_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By numba's own variable."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))

    assert find_kept_code() == tmp_path
