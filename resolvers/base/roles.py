"""Roles: which of them includes which, and who asks with them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from graph.database.bounds import UNBOUND, Bounds


class Role(StrEnum):
    """
    A role, which opens the doors that need it or a role that it includes.

    INTAKE and ANALYST include READER but not each other: who writes evidence runs no Cypher, and who runs Cypher writes
    no evidence. OPERATOR includes all.
    """

    PUBLIC = "public"
    READER = "reader"
    INTAKE = "intake"
    ANALYST = "analyst"
    OPERATOR = "operator"


MEANINGS: Final[Mapping[Role, str]] = {
    Role.PUBLIC: "what needs no role: whether the service runs and is ready",
    Role.READER: "read everything, ask what-ifs, run saved queries",
    Role.INTAKE: "read, and add evidence, validations and documents",
    Role.ANALYST: "read, run Cypher that reads, and save queries",
    Role.OPERATOR: "everything: resolve claims, change and import the graph, schedule deliveries",
}

_INCLUDED: Final[Mapping[Role, frozenset[Role]]] = {
    Role.PUBLIC: frozenset({Role.PUBLIC}),
    Role.READER: frozenset({Role.PUBLIC, Role.READER}),
    Role.INTAKE: frozenset({Role.PUBLIC, Role.READER, Role.INTAKE}),
    Role.ANALYST: frozenset({Role.PUBLIC, Role.READER, Role.ANALYST}),
    Role.OPERATOR: frozenset(Role),
}

GIVEN: Final = tuple(role for role in Role if role is not Role.PUBLIC)
"""The roles that a key may have."""


def include(roles: Iterable[Role]) -> frozenset[Role]:
    """Roles together with all that they include; PUBLIC is among them always."""
    return _include(frozenset(roles))


@cache  # asked for with each request, and there are few combinations
def _include(roles: frozenset[Role]) -> frozenset[Role]:
    return frozenset({Role.PUBLIC}).union(*(_INCLUDED[role] for role in roles))


def list_roles(roles: frozenset[Role]) -> list[Role]:
    """List roles without those that another of them includes."""
    return [role for role in Role if role in roles and not any(role in _INCLUDED[o] for o in roles - {role})]


@dataclass(frozen=True, slots=True)
class Caller:
    """
    A person or program that asks.

    Attributes:
        name: The name of the key, or the subject of the token; empty without either.
        roles: All roles, with those that they include.
        address: The client's address.
        bounds: What it may add to the graph.
        key_hash: The hash of its key; empty without one.
        ends_at: When its token ends, in seconds since 1970; None for a key, whose end may change.
    """

    name: str
    roles: frozenset[Role]
    address: str = ""
    bounds: Bounds = UNBOUND
    key_hash: bytes = b""
    ends_at: float | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether there is neither key nor token."""
        return not self.name

    @property
    def place(self) -> str:
        """The key by which limits for each caller count: the name, or else the address."""
        return f"name:{self.name}" if self.name else self.address


LOCAL: Final = Caller("", include({Role.OPERATOR}), "127.0.0.1")
"""The service itself, and whoever uses the schema in this process."""
