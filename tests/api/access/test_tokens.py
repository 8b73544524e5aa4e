"""Tokens are accepted if the issuer's key has signed them for this service, and no others."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from api.access.callers import CredentialError
from api.access.tokens import KEPT_SECONDS, MOST_CHARACTERS, PAUSE_SECONDS, IssuedTokens, Issuer
from api.app import create_app
from api.settings import Settings, load_settings
from graph.errors import ConfigurationError
from resolvers.base.roles import Role, include
from tests.helpers.keys import NO_DATABASE, bearing
from tests.helpers.service_fakes import open_client

AUDIENCE = "foregraph"


class Provider:
    """An issuer with keys of its own, and a server that publishes them."""

    def __init__(self) -> None:
        self.private: dict[str, Any] = {
            "rsa": rsa.generate_private_key(65537, 2048),
            "ec": ec.generate_private_key(ec.SECP256R1()),
        }
        self.published: list[dict[str, Any]] = []
        self.num_asked = 0
        self.is_down = False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.num_asked += 1
                found = {"jwks_uri": f"{provider.url}/keys"} if "well-known" in self.path else provider.jwks()
                body = json.dumps(found).encode()
                self.send_response(500 if provider.is_down else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.publish("rsa", "ec")
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        """Serve no longer."""
        self._server.shutdown()
        self._server.server_close()

    def jwks(self) -> dict[str, Any]:
        """What is published."""
        return {"keys": self.published}

    def publish(self, *names: str) -> None:
        """Publish these keys and no others."""
        self.published = []
        for name in names:
            public = self.private[name].public_key()
            kind = RSAAlgorithm if isinstance(public, rsa.RSAPublicKey) else ECAlgorithm
            described: dict[str, Any] = kind.to_jwk(public, as_dict=True)
            self.published.append({**described, "kid": name, "use": "sig"})

    def claims(self, **change: Any) -> dict[str, Any]:
        """Claims of a good token; None leaves one out."""
        good = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ada",
            "exp": time.time() + 600,
            "roles": ["analyst"],
        }
        return {name: value for name, value in (good | change).items() if value is not None}

    def sign(self, key: str = "rsa", *, kid: str | None = None, algorithm: str | None = None, **change: Any) -> str:
        """A token."""
        chosen = algorithm or ("RS256" if key == "rsa" else "ES256")
        return jwt.encode(self.claims(**change), self.private[key], chosen, headers={"kid": kid or key})

    def issuer(self, **change: Any) -> Issuer:
        """The issuer as the service knows it."""
        return Issuer(**({"url": self.url, "audience": AUDIENCE} | change))


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    """One issuer for all tests, as its keys take long to make."""
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
def provider(running: Provider) -> Provider:
    """The issuer as it was at first."""
    running.publish("rsa", "ec")
    running.num_asked, running.is_down = 0, False
    return running


def encoded(part: object) -> bytes:
    """A part of a token."""
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=")


@pytest.mark.parametrize("key", ["rsa", "ec"])
async def test_a_token_of_the_issuer_is_accepted(provider: Provider, key: str) -> None:
    tokens = IssuedTokens(provider.issuer())
    caller = await tokens.verify(provider.sign(key))

    assert (caller.name, caller.roles) == ("oidc:ada", include({Role.ANALYST}))
    assert tokens.recognize(provider.sign(key, sub="bob")) is None


async def test_a_verified_token_is_recognized_until_it_ends(provider: Provider) -> None:
    tokens = IssuedTokens(provider.issuer(skew_seconds=0))
    token = provider.sign(exp=time.time() + 2)
    assert tokens.recognize(token) is None
    caller = await tokens.verify(token)

    assert tokens.recognize(token) == caller
    tokens._verified = type(tokens._verified)({key: (ends - 3, c) for key, (ends, c) in tokens._verified.items()})
    assert tokens.recognize(token) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"exp": 1_000_000_000}, "has expired"),
        ({"exp": None}, "lacks one of the claims"),
        ({"aud": "another"}, "another audience"),
        ({"aud": None}, "lacks one of the claims"),
        ({"iss": "https://elsewhere.example"}, "another issuer"),
        ({"iss": None}, "lacks one of the claims"),
        ({"sub": None}, "lacks one of the claims"),
        ({"sub": ""}, "subject"),
        ({"sub": "a\nb"}, "subject"),
        ({"nbf": time.time() + 3600}, "not valid yet"),
        ({"exp": "soon"}, "not well-formed"),
        ({"kid": "other"}, "none of the issuer's"),
        ({"algorithm": "PS256"}, "algorithm"),
        ({"algorithm": "RS512"}, "algorithm"),
    ],
)
async def test_another_token_is_refused_with_the_reason(provider: Provider, change: dict[str, Any], told: str) -> None:
    with pytest.raises(CredentialError, match=told):
        await IssuedTokens(provider.issuer()).verify(provider.sign(**change))


@pytest.mark.parametrize(("seconds", "is_fine"), [(-20, True), (-40, False)])
async def test_clocks_may_differ_by_the_skew(provider: Provider, seconds: float, is_fine: bool) -> None:
    tokens, accepted = IssuedTokens(provider.issuer(skew_seconds=30)), False
    with suppress(CredentialError):
        accepted = bool(await tokens.verify(provider.sign(exp=time.time() + seconds)))

    assert accepted is is_fine


async def test_an_unsigned_token_is_refused(provider: Provider) -> None:
    for algorithm in ("none", "None", "NONE", ""):
        header = {"alg": algorithm, "kid": "rsa", "typ": "JWT"}
        token = b".".join((encoded(header), encoded(provider.claims()), b"")).decode()
        with pytest.raises(CredentialError):
            await IssuedTokens(provider.issuer()).verify(token)


@pytest.mark.parametrize("form", ["pem", "der"])
async def test_the_public_key_is_no_password(provider: Provider, form: str) -> None:
    """Key confusion: whoever has the public key signs by HMAC with it."""
    public = provider.private["rsa"].public_key()
    encoding = Encoding.PEM if form == "pem" else Encoding.DER
    secret = public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    signed = b".".join((encoded({"alg": "HS256", "kid": "rsa"}), encoded(provider.claims())))
    token = (signed + b"." + encoded(hmac.new(secret, signed, hashlib.sha256).digest())).decode()

    with pytest.raises(CredentialError, match="algorithm is not accepted"):
        await IssuedTokens(provider.issuer()).verify(token)


async def test_a_published_password_is_no_key(provider: Provider) -> None:
    """Keys of HMAC in the published set are ignored."""
    provider.published.append({"kty": "oct", "kid": "shared", "k": encoded(b"s" * 32).decode(), "alg": "HS256"})
    tokens = IssuedTokens(provider.issuer(algorithms=("RS256", "HS256")))
    token = jwt.encode(provider.claims(), b"s" * 32, "HS256", headers={"kid": "shared"})

    with pytest.raises(CredentialError, match="none of the issuer's"):
        await tokens.verify(token)


async def test_a_token_of_another_key_under_a_known_name_is_refused(provider: Provider) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    token = jwt.encode(provider.claims(), stranger, "RS256", headers={"kid": "rsa"})

    with pytest.raises(CredentialError, match="signature is wrong"):
        await IssuedTokens(provider.issuer()).verify(token)


async def test_a_changed_token_is_refused(provider: Provider) -> None:
    head, _, signature = provider.sign().split(".")
    token = f"{head}.{encoded(provider.claims(roles=['operator'])).decode()}.{signature}"

    with pytest.raises(CredentialError, match="signature is wrong"):
        await IssuedTokens(provider.issuer()).verify(token)


@pytest.mark.parametrize("token", ["..", "a.b.c", "x" * (MOST_CHARACTERS + 1), "ÿ.ÿ.ÿ", "e30.e30.e30"])
async def test_what_is_no_token_is_refused(provider: Provider, token: str) -> None:
    with pytest.raises(CredentialError):
        await IssuedTokens(provider.issuer()).verify(token)
    assert provider.num_asked == 0


async def test_rotated_keys_are_read_again(provider: Provider) -> None:
    """A token under an unknown name has the issuer asked, but once in a while only."""
    provider.publish("rsa")
    tokens = IssuedTokens(provider.issuer(jwks_url=f"{provider.url}/keys"))
    await tokens.verify(provider.sign("rsa"))
    for _ in range(5):
        await tokens.verify(provider.sign("rsa", sub="bob"))
    assert provider.num_asked == 1

    provider.publish("ec")
    for kid in ("ec", "ec", "made-up"):
        with pytest.raises(CredentialError):
            await tokens.verify(provider.sign("ec", kid=kid))
    assert provider.num_asked == 1
    tokens._asked_at -= PAUSE_SECONDS
    assert (await tokens.verify(provider.sign("ec"))).name == "oidc:ada"
    assert provider.num_asked == 2
    with pytest.raises(CredentialError, match="none of the issuer's"):
        await tokens.verify(provider.sign("rsa"))


async def test_keys_stay_while_the_issuer_is_away(provider: Provider) -> None:
    tokens = IssuedTokens(provider.issuer())
    await tokens.verify(provider.sign())
    provider.is_down = True
    tokens._asked_at -= PAUSE_SECONDS
    tokens._read_at -= KEPT_SECONDS

    assert await tokens.verify(provider.sign(sub="bob"))
    assert provider.num_asked > 2
    with pytest.raises(CredentialError, match="none of the issuer's"):
        await IssuedTokens(provider.issuer()).verify(provider.sign())


@pytest.mark.parametrize(
    ("claim", "claims", "roles"),
    [
        ("roles", {"roles": ["reader", "intake", "king", 7]}, {Role.READER, Role.INTAKE}),
        ("roles", {"roles": "intake analyst"}, {Role.INTAKE, Role.ANALYST}),
        ("realm_access.roles", {"realm_access": {"roles": ["operator"]}}, {Role.OPERATOR}),
        ("roles", {"roles": ["public"]}, set()),
        ("roles", {"roles": {"operator": True}}, set()),
        ("roles", {}, set()),
        ("roles.operator", {"roles": "operator"}, set()),
    ],
)
def test_a_claim_names_the_roles(claim: str, claims: dict[str, Any], roles: set[Role]) -> None:
    issuer = Issuer("https://id.example", AUDIENCE, claim=claim)

    assert issuer.read_roles(claims) == include(roles)


async def test_a_service_takes_tokens_beside_keys(provider: Provider, tmp_path: Path) -> None:
    settings = Settings(
        host="0.0.0.0", keys_file=tmp_path / "none.json", oidc_issuer=provider.url, oidc_audience=AUDIENCE
    )
    app = create_app(settings, NO_DATABASE)
    async with open_client(app) as client:

        async def ask(token: str, document: str = "{ __typename }") -> int:
            body = {"query": document}
            return (await client.post("/graphql", json=body, headers=bearing(token))).status_code

        analyst = provider.sign()
        assert [await ask(analyst) for _ in range(3)] == [200, 200, 200]
        assert await ask(analyst, "mutation { submitEvidence }") == 403
        assert await ask(provider.sign(roles=[])) == 403
        assert await ask(provider.sign(exp=1_000_000_000)) == 401
        assert await ask("fgk_" + "0" * 46) == 401


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"oidc_issuer": "https://id.example"}, "FOREGRAPH_OIDC_AUDIENCE"),
        ({"oidc_audience": "foregraph"}, "FOREGRAPH_OIDC_ISSUER"),
        ({"oidc_issuer": "http://id.example", "oidc_audience": "a"}, "https://"),
        ({"oidc_issuer": "https://id.example", "oidc_audience": "a", "oidc_jwks_url": "file:///etc/keys"}, "https://"),
        ({"oidc_algorithms": "RS256,HS256"}, "FOREGRAPH_OIDC_ALGORITHMS"),
        ({"oidc_algorithms": "none"}, "FOREGRAPH_OIDC_ALGORITHMS"),
    ],
)
def test_settings_that_would_accept_too_much_are_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_settings(**given)
