"""Signed requests to a real receiver on this machine, and those that are never sent."""

import hashlib
import hmac
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.webhooks.sending import Receivers, SendingError
from graph.saved.sealing import Seals
from tests.helpers.receiving import Receiver, receiving

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
SECRET = b"a secret of the tests"
CERTIFICATE = Path(__file__).with_name("localhost.pem")
BODY = b'{"rows":[["\xc3\xbc"]]}'


def receivers_of(receiver: Receiver, host: str = "127.0.0.1") -> Receivers:
    """A receiver that is allowed, and loopback with it."""
    return Receivers(frozenset({f"{host}:{receiver.port}"}), Seals(SECRET), allows_loopback=True)


async def test_a_request_is_signed() -> None:
    """By HMAC-SHA256 over timestamp and body, under the receiver's own key, as it computes it from what came."""
    async with receiving() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/hook?a=%20b"
        await receivers_of(receiver).send(url, {"content-type": "text/csv"}, BODY, NOW)

    (came,) = receiver.received
    signed = came.headers["foregraph-timestamp"].encode() + b"." + came.body
    assert (came.target, came.body) == ("/hook?a=%20b", BODY)
    key = hmac.new(SECRET, b"foregraph webhook signature\n" + url.encode(), hashlib.sha256).hexdigest().encode()
    assert came.headers["foregraph-signature"] == "v1=" + hmac.new(key, signed, hashlib.sha256).hexdigest()
    assert came.headers["foregraph-timestamp"] == str(int(NOW.timestamp()))
    assert came.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert came.headers["content-type"] == "text/csv"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\nsecret", "the receiver answered 500"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "the receiver answered 404"),
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\n\r\n", "302, and redirects are not followed"),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
        (b"HTTP/1.1 200", "not HTTP"),
        (b"", "not HTTP"),
        (b"x" * 100_000, "not HTTP"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 50, "not HTTP"),
    ],
)
async def test_another_answer_is_a_failure(answer: bytes, reason: str) -> None:
    """Nothing of it is told but its status, and nothing is sent twice."""
    async with receiving() as receiver:
        receiver.answers = [answer]
        with pytest.raises(SendingError, match=reason) as failure:
            await receivers_of(receiver).send(f"http://127.0.0.1:{receiver.port}/", {}, BODY, NOW)

    assert len(receiver.received) == 1
    assert "secret" not in str(failure.value)


async def test_an_interim_answer_is_not_the_last() -> None:
    async with receiving() as receiver:
        receiver.answers = [b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"]
        await receivers_of(receiver).send(f"http://127.0.0.1:{receiver.port}/", {}, BODY, NOW)

    assert len(receiver.received) == 1


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::1]", "0"])
async def test_an_address_of_this_machine_is_not_sent_to(name: str) -> None:
    """Even where the operator allows the host, whatever way it is written: what it resolves to counts."""
    async with receiving() as receiver:
        authority = f"{name}:{receiver.port}"
        receivers = Receivers(frozenset({authority}), Seals(SECRET))
        with pytest.raises(SendingError, match=r"not public|not known"):
            await receivers.send(f"https://{authority}/", {}, BODY, NOW)

    assert receiver.received == []


async def test_the_connection_is_made_to_the_address_that_was_checked() -> None:
    """A name server that answers otherwise the second time is not asked a second time."""
    asked: list[str] = []

    async def answer(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1" if len(asked) == 1 else "10.0.0.1"]

    async with receiving() as receiver:
        receivers = replace(receivers_of(receiver, "hooks.example.org"), resolve=answer)
        await receivers.send(f"http://hooks.example.org:{receiver.port}/", {}, BODY, NOW)
        with pytest.raises(SendingError, match="not public"):
            await receivers.send(f"http://hooks.example.org:{receiver.port}/", {}, BODY, NOW)

    assert asked == ["hooks.example.org"] * 2
    assert [came.headers["host"] for came in receiver.received] == [f"hooks.example.org:{receiver.port}"]


@pytest.mark.parametrize("others", [["10.0.0.1"], ["::1"], ["93.184.216.34", "169.254.169.254"], []])
async def test_all_addresses_of_a_name_must_be_public(others: list[str]) -> None:
    """One among public ones would do for whoever tries often enough."""

    async def answer(_host: str, _port: int) -> list[str]:
        return others

    receivers = Receivers(frozenset({"hooks.example.org"}), Seals(SECRET), resolve=answer)
    with pytest.raises(SendingError, match="not public"):
        await receivers.send("https://hooks.example.org/", {}, BODY, NOW)


async def test_a_host_that_is_not_allowed_is_not_even_resolved() -> None:
    """The allow-list is asked again at each attempt, as it may have changed since."""
    with pytest.raises(SendingError, match="does not allow"):
        await Receivers(frozenset(), Seals(SECRET)).send("https://hooks.example.invalid/", {}, BODY, NOW)


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "\u00fc", "\x00"])
async def test_no_header_breaks_out_of_its_line(value: str) -> None:
    async with receiving() as receiver:
        with pytest.raises(SendingError, match="characters that are not allowed"):
            await receivers_of(receiver).send(f"http://127.0.0.1:{receiver.port}/", {"x": value}, BODY, NOW)

    assert receiver.received == []


async def test_a_receiver_that_is_silent_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system takes connections, and nobody answers
        port = silent.getsockname()[1]
        receivers = Receivers(frozenset({f"127.0.0.1:{port}"}), Seals(SECRET), allows_loopback=True, seconds=0.3)
        with pytest.raises(SendingError, match="did not answer within"):
            await receivers.send(f"http://127.0.0.1:{port}/", {}, BODY, NOW)


async def test_nobody_at_home() -> None:
    async with receiving() as receiver:
        port = receiver.port
    receivers = Receivers(frozenset({f"127.0.0.1:{port}"}), Seals(SECRET), allows_loopback=True)

    with pytest.raises(SendingError, match="nobody answers"):
        await receivers.send(f"http://127.0.0.1:{port}/", {}, BODY, NOW)


async def test_certificates_are_checked_against_the_name() -> None:
    """One that is trusted, for the name; not one of another name, nor one that nobody has signed."""
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(CERTIFICATE)
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    async with receiving(secure) as receiver:
        named, numbered = f"localhost:{receiver.port}", f"127.0.0.1:{receiver.port}"
        receivers = Receivers(frozenset({named, numbered}), Seals(SECRET), allows_loopback=True, trust=trusting)

        await receivers.send(f"https://{named}/", {}, BODY, NOW)
        with pytest.raises(SendingError, match="certificate"):
            await receivers.send(f"https://{numbered}/", {}, BODY, NOW)
        with pytest.raises(SendingError, match="certificate"):
            await replace(receivers, trust=None).send(f"https://{named}/", {}, BODY, NOW)

    assert len(receiver.received) == 1
