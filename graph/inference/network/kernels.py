"""Selects the kernels: compiled ones where numba is installed, else NumPy's."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Backend(StrEnum):
    """Implementation of the loops."""

    COMPILED = "COMPILED"
    NUMPY = "NUMPY"


@dataclass(frozen=True, slots=True)
class Kernels:
    """
    Loops over claims and samples, described in `graph.inference.network.vectorized`.

    Compiled kernels release the interpreter's lock. The first call in a process loads them in a second or two; the
    first on a machine compiles them, which takes some 15 seconds. `graph.network.compiling` does that in the background
    while a service starts.
    """

    draw_prior: Callable[..., int]
    draw_proposal: Callable[..., None]
    weigh: Callable[..., None]
    sweep_gibbs: Callable[..., None]
    sweep_forward: Callable[..., None]
    sweep_backward: Callable[..., float]
    add_weights: Callable[..., None]
    add_coefficients: Callable[..., None]
    add_changes: Callable[..., None]


def default_backend() -> Backend:
    """Return COMPILED if numba is installed, without importing it."""
    return Backend.NUMPY if importlib.util.find_spec("numba") is None else Backend.COMPILED


@cache
def get_kernels(backend: Backend | None = None) -> Kernels:
    """
    Return the kernels of a backend, by default those of `default_backend`.

    Raises:
        ImportError: COMPILED is requested and numba is not installed.
    """
    chosen = backend or default_backend()
    name = "compiled" if chosen is Backend.COMPILED else "vectorized"
    module = importlib.import_module(f"graph.inference.network.{name}")
    return Kernels(
        draw_prior=module.draw_prior,
        draw_proposal=module.draw_proposal,
        weigh=module.weigh,
        sweep_gibbs=module.sweep_gibbs,
        sweep_forward=module.sweep_forward,
        sweep_backward=module.sweep_backward,
        add_weights=module.add_weights,
        add_coefficients=module.add_coefficients,
        add_changes=module.add_changes,
    )
