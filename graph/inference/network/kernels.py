"""Which kernels to use: compiled ones where numba is installed, else NumPy's."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Backend(StrEnum):
    """Where the loops run."""

    COMPILED = "COMPILED"
    NUMPY = "NUMPY"


@dataclass(frozen=True, slots=True)
class Kernels:
    """
    The loops over claims and samples; `graph.inference.network.vectorized` says what each does.

    Compiled ones release the interpreter's lock. The first call in a process loads them, a second or two, and the first
    on a machine compiles them, a quarter of a minute or more; `graph.compiling` does that beside a service that starts.
    """

    draw_prior: Callable[..., None]
    draw_proposal: Callable[..., None]
    weigh: Callable[..., None]
    sweep_gibbs: Callable[..., None]
    sweep_forward: Callable[..., None]
    sweep_backward: Callable[..., float]


def default_backend() -> Backend:
    """Compiled, where that is possible; importing nothing."""
    return Backend.NUMPY if importlib.util.find_spec("numba") is None else Backend.COMPILED


@cache
def get_kernels(backend: Backend | None = None) -> Kernels:
    """
    The kernels of a backend, the default one's if none is named.

    Raises:
        ImportError: The compiled ones are asked for by name, and numba is not installed.
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
    )
