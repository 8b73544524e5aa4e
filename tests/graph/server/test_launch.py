"""Ports: the wanted one if it is free, so that Neo4j's tools find the server where they did before."""

import socket
from contextlib import ExitStack

from graph.server.launch import free_port


def listen(stack: ExitStack, port: int = 0) -> int:
    """Listen on a port of the loopback interface until the stack is left."""
    taken = stack.enter_context(socket.socket())
    taken.bind(("127.0.0.1", port))
    taken.listen()
    return int(taken.getsockname()[1])


def test_the_wanted_port_is_taken_if_it_is_free() -> None:
    """And the next free one otherwise."""
    with ExitStack() as stack:
        first = listen(stack)
        found = free_port(first)
        assert first < found < first + 100
    assert free_port(first) == first


def test_any_port_serves_where_none_is_wanted() -> None:
    """Or where there is none after the wanted one."""
    with ExitStack() as stack:
        assert free_port() > 1023
        stack.enter_context(socket.socket()).bind(("127.0.0.1", 65_535))
        assert 1023 < free_port(65_535) < 65_535
