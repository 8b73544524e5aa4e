"""
Bearer tokens of an OpenID Connect issuer: JWTs that are signed with a key that the issuer publishes.

Algorithms are those of a list, all of them with public keys: neither `none`, nor one for which a public key would be a
password. The issuer's keys are kept, and read again when a token names one that is not among them, but not more often
than once in a while, so that made-up names cannot make the service ask.
"""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

import jwt

from api.access.callers import CredentialError
from api.access.keys import digest
from api.logging import get_logger
from resolvers.base.roles import GIVEN, Caller, Role, include

REQUIRED: Final = ("exp", "iss", "aud", "sub")
DISCOVERY: Final = "/.well-known/openid-configuration"
MOST_CHARACTERS: Final = 16_384
"""Longest token; a server takes no longer headers as a rule."""
MOST_NAME: Final = 100
FETCH_SECONDS: Final = 5.0
KEPT_SECONDS: Final = 3600.0
"""How long the issuer's keys are kept before they are read again."""
PAUSE_SECONDS: Final = 30.0
"""How long after the issuer was asked it is not asked again."""
VERIFIED_SECONDS: Final = 60.0
"""How long a verified token is not verified again, unless it ends before."""
MOST_VERIFIED: Final = 1_000
MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Issuer:
    """
    Whose tokens are accepted, and how they name roles.

    Attributes:
        url: The issuer, as tokens name it.
        audience: What tokens must be for.
        jwks_url: Where its keys are; None to find it where the issuer says.
        algorithms: Accepted algorithms.
        skew_seconds: How far clocks may differ.
        claim: The claim that names roles, as one name or a list; a path has dots.
    """

    url: str
    audience: str
    jwks_url: str | None = None
    algorithms: Sequence[str] = ("RS256", "ES256", "EdDSA")
    skew_seconds: float = 30.0
    claim: str = "roles"

    def read_roles(self, claims: Mapping[str, Any]) -> frozenset[Role]:
        """The roles that a token gives."""
        value: Any = claims
        for step in self.claim.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        names = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
        return include(Role(name) for name in names if name in GIVEN)


class IssuedTokens:
    """
    Verifies the tokens of one issuer.

    Args:
        issuer: The issuer.
        fetch: Reads a document of JSON at an address, in a thread; raises OSError or ValueError.
    """

    def __init__(self, issuer: Issuer, fetch: Callable[[str], Any] | None = None) -> None:
        self._issuer, self._fetch = issuer, fetch or fetch_json
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = self._asked_at = -KEPT_SECONDS
        self._reading = asyncio.Lock()
        self._verified: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def recognize(self, token: str) -> Caller | None:
        """The caller of a token that was verified lately; None for any other."""
        found = self._verified.get(digest(token.encode()))
        return found[1] if found is not None and time.time() < found[0] else None

    async def verify(self, token: str) -> Caller:
        """
        Verify a token.

        Raises:
            CredentialError: It is not accepted.
        """
        if len(token) > MOST_CHARACTERS:
            raise CredentialError("The token is too long.")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in self._issuer.algorithms:
                raise CredentialError("The token's algorithm is not accepted.")
            claims = self._decode(token, await self._find_key(header.get("kid")), header["alg"])
        except jwt.PyJWTError as error:
            raise CredentialError(f"The token is not accepted: {_explain(error)}.") from error
        caller = self._make_caller(claims)
        ends = min(float(claims["exp"]) + self._issuer.skew_seconds, time.time() + VERIFIED_SECONDS)
        self._verified[digest(token.encode())] = ends, caller
        if len(self._verified) > MOST_VERIFIED:
            self._verified.popitem(last=False)
        return caller

    def _decode(self, token: str, key: jwt.PyJWK, algorithm: str) -> dict[str, Any]:
        # The key says itself which algorithm it is for, so that none is used for another one's signatures.
        if key.algorithm_name != algorithm:
            raise CredentialError("The token's algorithm is not that of its key.")
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._issuer.audience,
            issuer=self._issuer.url,
            leeway=self._issuer.skew_seconds,
            options={"require": list(REQUIRED)},
        )

    def _make_caller(self, claims: Mapping[str, Any]) -> Caller:
        subject = claims["sub"]
        if not (isinstance(subject, str) and 1 <= len(subject) <= MOST_NAME and subject.isprintable()):
            raise CredentialError("The token's subject is not a short printable text.")
        ends_at = float(claims["exp"]) + self._issuer.skew_seconds
        return Caller(f"oidc:{subject}", self._issuer.read_roles(claims), ends_at=ends_at)

    async def _find_key(self, kid: object) -> jwt.PyJWK:
        if not isinstance(kid, str):
            raise CredentialError("The token does not name its key.")
        async with self._reading:
            if kid not in self._keys or time.monotonic() - self._read_at > KEPT_SECONDS:
                await self._read_keys()
        if kid not in self._keys:
            raise CredentialError("The token's key is none of the issuer's.")
        return self._keys[kid]

    async def _read_keys(self) -> None:
        """Read the issuer's keys, unless it was asked just now; those at hand stay where it does not answer."""
        if time.monotonic() - self._asked_at < PAUSE_SECONDS:
            return
        self._asked_at = time.monotonic()
        try:
            found = await asyncio.to_thread(self._fetch_keys)
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            get_logger().warning("could not read the issuer's keys", issuer=self._issuer.url, reason=str(error))
            return
        self._keys, self._read_at = found, time.monotonic()

    def _fetch_keys(self) -> dict[str, jwt.PyJWK]:
        url = self._issuer.jwks_url or self._fetch(self._issuer.url.rstrip("/") + DISCOVERY)["jwks_uri"]
        found = jwt.PyJWKSet.from_dict(self._fetch(url)).keys
        usable = [key for key in found if key.key_id and key.key_type != "oct" and key.public_key_use in (None, "sig")]
        return {str(key.key_id): key for key in usable}


def fetch_json(url: str) -> Any:
    """
    Read a document of JSON at an address.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not JSON, or too long.
    """
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{url[:100]!r} is not an address of http")
    try:
        with urlopen(url, timeout=FETCH_SECONDS) as response:  # noqa: S310 - the scheme has been checked
            if response.status != HTTPStatus.OK:
                raise ValueError(f"{url} answers {response.status}")
            text = response.read(MOST_BYTES + 1)
    except URLError as error:
        raise OSError(f"cannot read {url}: {error.reason}") from error
    if len(text) > MOST_BYTES:
        raise ValueError(f"{url} has more than {MOST_BYTES} bytes")
    return json.loads(text)


def _explain(error: jwt.PyJWTError) -> str:
    """The reason in words of ours, so that nothing of the library or of the token leaves the server."""
    reasons: Mapping[type[Exception], str] = {
        jwt.ExpiredSignatureError: "it has expired",
        jwt.ImmatureSignatureError: "it is not valid yet",
        jwt.InvalidAudienceError: "it is for another audience",
        jwt.InvalidIssuerError: "it is of another issuer",
        jwt.MissingRequiredClaimError: "it lacks one of the claims exp, iss, aud and sub",
        jwt.InvalidSignatureError: "its signature is wrong",
    }
    return next((text for kind, text in reasons.items() if isinstance(error, kind)), "it is not well-formed")
