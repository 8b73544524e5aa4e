"""Addresses that proxies tell, and connections by https."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from api.app import create_app
from api.process import _configure
from api.running import is_ready
from api.service import bind, url_of
from api.settings import Settings
from resolvers.base.roles import Role
from tests.helpers.keys import NO_DATABASE, bearing, issue

PROXY, STRANGER, CLIENT = "10.1.2.3", "203.0.113.9", "198.51.100.7"


@pytest.mark.parametrize(
    ("peer", "trusted", "told", "seen"),
    [
        (PROXY, "10.0.0.0/8", CLIENT, CLIENT),
        (PROXY, "10.1.2.3", CLIENT, CLIENT),
        (PROXY, "10.0.0.0/8", f"{STRANGER}, {CLIENT}", CLIENT),
        (PROXY, "10.0.0.0/8", f"{CLIENT}, 10.9.9.9", CLIENT),
        (STRANGER, "10.0.0.0/8", CLIENT, STRANGER),
        (PROXY, "", CLIENT, PROXY),
    ],
)
async def test_only_trusted_proxies_tell_whose_request_it_is(
    peer: str, trusted: str, told: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a stranger writes before the address that the proxy adds is not believed either."""
    found: list[str] = []
    settings = Settings(host="0.0.0.0", trusted_proxies=trusted, anonymous_role=Role.READER)
    app = create_app(settings, NO_DATABASE)
    app.routes[0].app = _note(found)  # type: ignore[attr-defined]
    transport = httpx.ASGITransport(app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        await client.get("/", headers={"x-forwarded-for": told})

    assert found == [seen]


def _note(found: list[str]) -> object:
    async def answer(scope: dict[str, tuple[str, int]], receive: object, send: object) -> None:
        found.append(scope["client"][0])
        await httpx_response(send)

    return answer


async def httpx_response(send: object) -> None:
    """Answer with nothing."""
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that has signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, private


async def test_the_service_answers_by_https(tmp_path: Path) -> None:
    """Over a socket, with a client that checks the certificate; plain http gets nothing."""
    certificate, private = make_certificate(tmp_path)
    issued = issue(tmp_path / "keys.json")
    settings = Settings(host="0.0.0.0", tls_cert_file=certificate, tls_key_file=private, keys_file=issued.file)
    config = _configure(create_app(settings, NO_DATABASE), settings)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    with bind("127.0.0.1", 0) as listener:
        url = url_of("localhost", listener.getsockname()[1], is_secure=True)
        serving = asyncio.create_task(server._serve([listener]))
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with httpx.AsyncClient(verify=trusting, base_url=url) as client:
            body = {"query": "{ __typename }"}
            answered = await client.post("/graphql", json=body, headers=bearing(issued.valid[Role.READER]))
            assert answered.json() == {"data": {"__typename": "Query"}}
            with pytest.raises(httpx.TransportError):
                await client.get(url.replace("https", "http") + "/healthz")
        assert await asyncio.to_thread(is_ready, url) is False  # it answers, and has no database
        server.should_exit = True
        await serving
