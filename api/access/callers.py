"""Tells who asks: by the key or the token that a request carries, or else nobody in particular."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from starlette.types import Scope

from api.access.keyring import Keyring
from graph.database.bounds import current_bounds
from graph.database.receipts import current_caller
from resolvers.base.roles import Caller, Role, include

CALLER: Final = "foregraph.caller"
"""The key of a request's scope under which its caller is; a request that comes over the network has none at first."""
_RECOGNIZED: Final = "foregraph.recognized"
"""The key of a request's scope under which the caller is whose key has been looked up already."""
SCHEME: Final = "bearer"
AUTHORIZATION, API_KEY = b"authorization", b"x-api-key"

_NOBODY: Final = Caller("", include(()))


@contextmanager
def acting_for(caller: Caller) -> Iterator[None]:
    """Have what this task writes within the block be the caller's, and within its bounds."""
    token, bounds_token = current_caller.set(caller.name), current_bounds.set(caller.bounds)
    try:
        yield
    finally:
        current_bounds.reset(bounds_token)
        current_caller.reset(token)


class CredentialError(Exception):
    """A request's key or token is not accepted; the message says why, for the client."""


class Tokens(Protocol):
    """Verifies tokens that others have issued."""

    def recognize(self, token: str) -> Caller | None:
        """The caller of a token that was verified lately; None for any other."""

    async def verify(self, token: str) -> Caller:
        """Verify a token; raises CredentialError where it is not accepted."""


def caller_of(scope: Scope) -> Caller:
    """The caller of a request that has passed the check of access; nobody for one that has not."""
    found: Caller = scope.get(CALLER, _NOBODY)
    return found


def list_credentials(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """List a request's headers that say who asks."""
    return [header for header in headers if header[0] in (AUTHORIZATION, API_KEY)]


def read_credential(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """
    Read the key or token of a request; None where it has none.

    Raises:
        CredentialError: There are several, or one of another kind.
    """
    found = list_credentials(headers)
    if not found:
        return None
    if len(found) > 1:
        raise CredentialError("The request has several keys or tokens; send one.")
    name, value = found[0]
    text = value.decode("latin-1").strip()
    if name == API_KEY:
        return text
    scheme, _, credential = text.partition(" ")
    if scheme.lower() != SCHEME or not credential.strip():
        raise CredentialError("The header Authorization is not of the form `Bearer KEY`.")
    return credential.strip()


class Access:
    """
    Tells callers apart.

    Args:
        keys_file: Keeps the keys.
        anonymous: The role of whoever sends neither key nor token.
        tokens: Verifies tokens; None where none are accepted.
    """

    def __init__(self, keys_file: Path, anonymous: Role, tokens: Tokens | None = None) -> None:
        self._keyring = Keyring(keys_file)
        self._anonymous = include({anonymous})
        self._tokens = tokens

    def is_wrong(self, scope: Scope) -> bool:
        """
        Whether a request has a key that was never given out; keys that are over and tokens are looked at later.

        A caller who is told apart by a key is noted in the scope, so that the key is hashed once.
        """
        try:
            credential = read_credential(scope["headers"])
            if credential is None or CALLER in scope:
                return False
            found = self._recognize(credential)
        except CredentialError:
            return False
        if found is not None:
            scope[_RECOGNIZED] = found
            return False
        return not self._may_be_token(credential)

    def holds(self, caller: Caller) -> bool:
        """Whether a caller's key or token is still valid, with the same roles."""
        if caller.ends_at is not None:
            return time.time() < caller.ends_at
        if not caller.key_hash:
            return True
        key = self._keyring.find_hash(caller.key_hash)
        return key is not None and key.find_end(datetime.now(UTC)) is None and include(key.roles) == caller.roles

    def recognize(self, scope: Scope) -> Caller | None:
        """The caller of a request if that can be told at once; None if it is to be identified, or refused."""
        if (known := scope.get(CALLER) or scope.get(_RECOGNIZED)) is not None:
            found: Caller = known
            return found
        try:
            credential = read_credential(scope["headers"])
            return self._anonymous_at(scope) if credential is None else self._recognize(credential)
        except CredentialError:
            return None

    async def identify(self, scope: Scope) -> Caller:
        """
        Identify the caller of a request.

        Raises:
            CredentialError: The key or token is not accepted.
        """
        if (known := scope.get(CALLER) or scope.get(_RECOGNIZED)) is not None:
            found: Caller = known
            return found
        credential = read_credential(scope["headers"])
        return self._anonymous_at(scope) if credential is None else await self.identify_by(credential)

    async def identify_by(self, credential: str) -> Caller:
        """
        Identify the caller who has a key or a token, however it came.

        Raises:
            CredentialError: It is not accepted.
        """
        found = self._recognize(credential)
        if found is not None:
            return found
        if self._tokens is None or not self._may_be_token(credential):
            raise CredentialError("The key is not valid.")
        return await self._tokens.verify(credential)

    def _may_be_token(self, credential: str) -> bool:
        return self._tokens is not None and credential.count(".") == 2  # noqa: PLR2004 - a token has three parts

    def _recognize(self, credential: str) -> Caller | None:
        """
        The caller of a key, or of a token that was verified lately.

        Raises:
            CredentialError: The key was revoked or has expired.
        """
        key = self._keyring.find(credential.encode())
        if key is None:
            return None if self._tokens is None else self._tokens.recognize(credential)
        if (end := key.find_end(datetime.now(UTC))) is not None:
            raise CredentialError(f"The key {key.name!r} {end}.")
        return Caller(key.name, include(key.roles), bounds=key.bounds, key_hash=key.hash)

    def _anonymous_at(self, scope: Any) -> Caller:
        return Caller("", self._anonymous, (scope.get("client") or ("",))[0])
