"""Programs are kept as long as there is room, and are made once."""

import pytest

from resolvers.compiled.completion import NotCompilableError
from resolvers.compiled.programs import BYTES_A_CHARACTER, Programs


def test_a_program_is_made_once() -> None:
    """While it is kept."""
    programs, made = Programs(), list[str]()

    def make() -> str:
        made.append("made")
        return "x"

    assert [programs.get("key", make, len) for _ in range(3)] == ["x"] * 3
    assert made == ["made"]


def test_the_longest_unused_goes_first() -> None:
    """Room is counted in bytes, so that large programs do not fill the memory."""
    programs = Programs(max_bytes=3 * BYTES_A_CHARACTER)
    for key in ("a", "b", "c"):
        programs.get(key, lambda key=key: key, len)  # type: ignore[misc]  # a lambda with a default has no type
    programs.get("a", lambda: "unused", len)
    programs.get("d", lambda: "d", len)

    assert programs.get("a", lambda: "z", len) == "a"
    assert programs.get("b", lambda: "z", len) == "z"
    assert programs.num_bytes == 3 * BYTES_A_CHARACTER


def test_what_cannot_be_made_is_not_tried_again() -> None:
    """Each request would take as long as the first otherwise."""
    programs, tries = Programs(), list[int]()

    def fail() -> str:
        tries.append(1)
        raise NotCompilableError("field")

    for _ in range(2):
        with pytest.raises(NotCompilableError):
            programs.get("key", fail, len)
    assert len(tries) == 1


def test_queries_have_numbers_of_their_own() -> None:
    """So that the programs of two documents are told apart."""
    programs = Programs()
    assert len({programs.number() for _ in range(3)}) == 3
