"""Addresses of webhooks: what is allowed, and what is not public."""

import ipaddress

import pytest

from graph.errors import InvalidError
from graph.saved.webhooks import check_webhook, is_public

HOSTS = frozenset({"hooks.example.org", "example.org:8443", "[2606:4700::1111]", "127.0.0.1", "localhost"})


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://hooks.example.org", "hooks.example.org", "/"),
        ("https://HOOKS.example.org:443/a?b=c&d=%0A", "hooks.example.org", "/a?b=c&d=%0A"),
        ("https://example.org:8443/a/../b", "example.org:8443", "/a/../b"),
        ("https://[2606:4700::1111]/a", "[2606:4700::1111]", "/a"),
    ],
)
def test_an_allowed_address_is_taken_apart(url: str, authority: str, target: str) -> None:
    webhook = check_webhook(url, HOSTS)

    assert (webhook.authority, webhook.target, webhook.scheme) == (authority, target, "https")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "http://hooks.example.org/",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "https:///a",
        "https://hooks.example.org:8443/",
        "https://example.org/",
        "https://evil.example/",
        "https://hooks.example.org.evil.example/",
        "https://evil.example/hooks.example.org",
        "https://hooks.example.org@evil.example/",
        "https://user:secret@hooks.example.org/",
        "https://@hooks.example.org/",
        "https://hooks.example.org#@evil.example/",
        "https://hooks.example.org\\@evil.example/",
        "https://evil.example\\.hooks.example.org/",
        "https://hooks.example.org/\r\nhost: evil.example",
        "https://hooks.example.org/a b",
        "https://hooks.example.org\t/",
        "https://hooks.example.org/\u212a",
        "https://hoo\u212as.example.org/",
        "https://hooks.example.org:99999/",
        "https://hooks.example.org:-1/",
        "https://[::1/",
        "https://hooks.example.org/" + "a" * 2_000,
        "https://hooks.example.org./",
    ],
)
def test_another_address_is_refused(url: str) -> None:
    """Whatever way it is written; the host is compared as it is connected to."""
    with pytest.raises(InvalidError) as refusal:
        check_webhook(url, HOSTS)

    assert refusal.value.path == "url"
    assert "secret" not in str(refusal.value)


def test_none_is_allowed_by_default() -> None:
    with pytest.raises(InvalidError, match="allowed hosts: none"):
        check_webhook("https://hooks.example.org/", ())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("192.0.0.8", False),
        ("198.18.0.1", False),
        ("203.0.113.1", False),
        ("224.0.0.1", False),
        ("239.1.1.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fc00::1", False),
        ("fe80::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("2002:a00:1::1", False),
        ("2001:0:7f00:1::1", False),
    ],
)
def test_what_is_public(address: str, expected: bool) -> None:
    """By the registries of special addresses (RFC 6890), and by what an address stands for."""
    assert is_public(ipaddress.ip_address(address)) is expected
