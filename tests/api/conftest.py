"""Whatever the developer has set, a test of the service begins without it."""

import os

import pytest


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of ours."""
    for name in list(os.environ):
        if name.startswith("FOREGRAPH_"):
            monkeypatch.delenv(name)
