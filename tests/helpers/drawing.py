"""Notes the banks that an engine draws."""

import threading
from typing import Any

import pytest

from graph.inference.network import shifts
from graph.inference.network.auto import ExactParts, infer_exact_parts
from graph.inference.network.bank import Bank, draw_bank
from graph.inference.network.exact import Budget
from graph.network import banks, engine


class Draws:
    """Notes the threads in which banks are drawn; nothing is small enough for exact inference."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: list[str] = []
        monkeypatch.setattr(banks, "draw_bank", self._draw)
        for module in (engine, shifts):
            monkeypatch.setattr(module, "infer_exact_parts", self._find_no_parts)

    def _find_no_parts(self, *arguments: Any, **options: Any) -> ExactParts:
        nothing = Budget(clique_claims=0, tree_entries=0, claims=0)
        return infer_exact_parts(*arguments, **{**options, "budget": nothing})

    def _draw(self, *arguments: Any, **options: Any) -> Bank:
        self.threads.append(threading.current_thread().name.split("_")[0])
        return draw_bank(*arguments, **options)
