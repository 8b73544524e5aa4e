"""Loading the kernels in advance."""

from numba.core.dispatcher import Dispatcher

from graph.inference.network.kernels import get_kernels
from graph.inference.network.warming import warm_up


def test_every_kernel_is_ready_afterwards() -> None:
    """Compiled for the types that it is called with, once: another type would be compiled while somebody waits."""
    warm_up()
    kernels = get_kernels()

    for name in kernels.__slots__:
        kernel = getattr(kernels, name)
        assert isinstance(kernel, Dispatcher)
        assert len(kernel.signatures) == 1, name
