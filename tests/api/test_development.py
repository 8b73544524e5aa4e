"""Reload on changes of the code."""

import os
from pathlib import Path

import pytest
import uvicorn

from api.development import Reloader, serve


@pytest.mark.parametrize(("name", "restarts"), [("module.py", True), ("get.cypher", True), ("notes.txt", False)])
def test_a_changed_module_or_statement_restarts_the_service(tmp_path: Path, name: str, *, restarts: bool) -> None:
    """Statements are read once, so they take a restart too; other files are nothing to the service."""
    file = tmp_path / "room" / name
    file.parent.mkdir()
    file.write_text("")
    config = uvicorn.Config("api.app:create_app", reload=True, reload_dirs=[str(tmp_path)], log_config=None)
    reloader = Reloader(config, serve, sockets=[])

    unchanged = reloader.should_restart()
    os.utime(file, (2_000_000_000, 2_000_000_000))

    assert unchanged is None
    assert reloader.should_restart() == ([file] if restarts else None)
