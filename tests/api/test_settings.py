"""Settings come from the environment, and what is wrong with one is said in words."""

import re
from pathlib import Path

import pytest

from api.settings import Settings, describe_settings, load_settings
from graph.errors import ConfigurationError
from resolvers.base.roles import Role


def test_without_variables_the_embedded_server_is_used_on_loopback() -> None:
    settings = load_settings()

    assert settings.find_address() is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.data_dir == Path(".foregraph")


def test_variables_are_read_by_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREGRAPH_PORT", "9001")
    monkeypatch.setenv("FOREGRAPH_ALLOWED_HOSTS", "graph.example, Other.example ")
    monkeypatch.setenv("FOREGRAPH_GRAPHIQL", "off")

    settings = load_settings()

    assert settings.port == 9001
    assert settings.allowed_hosts == ("graph.example", "other.example")
    assert not settings.graphiql


def test_the_command_line_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREGRAPH_PORT", "9001")

    assert load_settings(port=9002, host=None).port == 9002


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("FOREGRAPH_PORT", "abc", "FOREGRAPH_PORT: expected TCP port.* got 'abc'"),
        ("FOREGRAPH_PORT", "70000", "FOREGRAPH_PORT: expected .*0 to 65535.* got '70000'"),
        ("FOREGRAPH_GRAPHIQL", "perhaps", "FOREGRAPH_GRAPHIQL: expected .* got 'perhaps'"),
        ("FOREGRAPH_LOG_FORMAT", "xml", "FOREGRAPH_LOG_FORMAT: expected console or json, got 'xml'"),
        ("FOREGRAPH_NEO4J_HEAP", "lots", "FOREGRAPH_NEO4J_HEAP: expected .* got 'lots'"),
        ("FOREGRAPH_NEO4J_URI", "http://x:7474", "FOREGRAPH_NEO4J_URI: expected address.* got 'http://x:7474'"),
        ("FOREGRAPH_REQUEST_TIMEOUT_SECONDS", "0", "FOREGRAPH_REQUEST_TIMEOUT_SECONDS: .*in seconds.* got '0'"),
        ("FOREGRAPH_ALLOWED_HOSTS", "a.example:80", "FOREGRAPH_ALLOWED_HOSTS: .* got 'a.example:80'"),
        ("FOREGRAPH_WEBHOOK_HOSTS", "https://a.example", "FOREGRAPH_WEBHOOK_HOSTS: .* got 'https://a.example'"),
        ("FOREGRAPH_WEBHOOK_HOSTS", "*.example", "FOREGRAPH_WEBHOOK_HOSTS: .* got '\\*.example'"),
        ("FOREGRAPH_WEBHOOK_HOSTS", "a.example", "FOREGRAPH_WEBHOOK_HOSTS is set without FOREGRAPH_WEBHOOK_SECRET"),
        ("FOREGRAPH_WEBHOOK_SECRET", "short", "FOREGRAPH_WEBHOOK_SECRET: .*at least 16 characters"),
        ("FOREGRAPH_MIRROR", "repo", "FOREGRAPH_MIRROR: .* got 'repo'"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected_and_what_came(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=expected):
        load_settings()


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREGRAPH_PORT", "abc")
    monkeypatch.setenv("FOREGRAPH_MAX_DEPTH", "0")

    with pytest.raises(ConfigurationError, match=r"(?s)FOREGRAPH_PORT.*FOREGRAPH_MAX_DEPTH"):
        load_settings()


def test_a_webhooks_secret_is_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the settings, nor of the error about a wrong one."""
    monkeypatch.setenv("FOREGRAPH_WEBHOOK_HOSTS", "Hooks.example:443, b.example:8443")
    monkeypatch.setenv("FOREGRAPH_WEBHOOK_SECRET", "x-secret-of-16-or-more")

    settings = load_settings()
    monkeypatch.setenv("FOREGRAPH_WEBHOOK_SECRET", "x-secret")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert settings.webhook_hosts == ("hooks.example", "b.example:8443")
    assert "x-secret" not in repr(settings)
    assert "x-secret" not in str(caught.value)


def test_a_misspelt_variable_is_an_error_that_knows_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password that is silently not read would be found out in production."""
    monkeypatch.setenv("FOREGRAPH_NEO4J_PASWORD", "secret-word")

    with pytest.raises(ConfigurationError, match="did you mean FOREGRAPH_NEO4J_PASSWORD") as caught:
        load_settings()

    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"NEO4J_URI": "bolt://db"}, "needs exactly one of .*PASSWORD and .*PASSWORD_FILE; neither is set"),
        (
            {"NEO4J_URI": "bolt://db", "NEO4J_PASSWORD": "one-secret", "NEO4J_PASSWORD_FILE": "f"},
            "needs exactly one of .*; both is set",
        ),
        ({"NEO4J_PASSWORD": "one-secret"}, "FOREGRAPH_NEO4J_PASSWORD is set without FOREGRAPH_NEO4J_URI"),
        ({"NEO4J_URI": "bolt://neo4j:one-secret@db"}, "user and password belong in their own variables"),
    ],
)
def test_an_external_database_needs_exactly_one_password(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"FOREGRAPH_{name}", value)

    with pytest.raises(ConfigurationError, match=expected):
        load_settings()


@pytest.mark.parametrize("content", ["a/pass-word", "neo4j/a/pass-word", "neo4j/a/pass-word\n"])
def test_a_password_file_may_hold_the_user_as_well(tmp_path: Path, content: str) -> None:
    """Neo4j's own image wants USER/PASSWORD, and one secret should serve both."""
    file = tmp_path / "auth"
    file.write_text(content)

    address = Settings(neo4j_uri="bolt://db:7687", neo4j_password_file=file).find_address()

    assert address is not None
    assert (address.user, address.password) == ("neo4j", "a/pass-word")


def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    settings = Settings(neo4j_uri="bolt://db:7687", neo4j_password_file=tmp_path / "absent")

    with pytest.raises(ConfigurationError, match=r"FOREGRAPH_NEO4J_PASSWORD_FILE.*absent.*No such file"):
        settings.find_address()


def test_an_empty_password_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "auth"
    file.write_text("neo4j/\n")

    with pytest.raises(ConfigurationError, match="expected a password"):
        Settings(neo4j_uri="bolt://db:7687", neo4j_password_file=file).find_address()


def test_a_password_is_in_no_text_of_the_settings() -> None:
    settings = Settings(neo4j_uri="bolt://db:7687", neo4j_password="one-secret")

    assert "one-secret" not in repr(settings) + str(settings) + settings.model_dump_json() + repr(
        settings.find_address()
    )


ELSEWHERE = ["0.0.0.0", "::", "192.168.1.5", "example.com"]


@pytest.mark.parametrize("host", ELSEWHERE)
@pytest.mark.parametrize("role", [Role.INTAKE, Role.ANALYST, Role.OPERATOR])
def test_nobody_in_particular_may_write_on_another_address_than_loopback(host: str, role: Role) -> None:
    with pytest.raises(ConfigurationError, match="would let anyone who reaches the service write"):
        load_settings(host=host, anonymous_role=role)


@pytest.mark.parametrize("host", ELSEWHERE)
def test_nobody_in_particular_has_a_role_on_another_address_than_loopback(host: str) -> None:
    assert load_settings(host=host).find_anonymous_role() is Role.PUBLIC
    assert load_settings(host=host, anonymous_role=Role.READER).find_anonymous_role() is Role.READER


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_addresses_are_accepted(host: str) -> None:
    settings = load_settings(host=host)

    assert (settings.host, settings.find_anonymous_role()) == (host, Role.OPERATOR)


def test_a_container_may_listen_on_all_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREGRAPH_CONTAINER_NETWORK", "true")

    assert load_settings(host="0.0.0.0").find_anonymous_role() is Role.OPERATOR


def test_behind_a_proxy_nobody_in_particular_has_a_role() -> None:
    """Strangers come from its address."""
    assert load_settings(trusted_proxies="127.0.0.1").find_anonymous_role() is Role.PUBLIC
    with pytest.raises(ConfigurationError, match="behind FOREGRAPH_TRUSTED_PROXIES"):
        load_settings(trusted_proxies="127.0.0.1", anonymous_role=Role.OPERATOR)


@pytest.mark.parametrize("proxies", ["10.0.0.0/33", "proxy.example", "10.0.0.1/8", "*"])
def test_a_proxy_is_an_address_or_a_network(proxies: str) -> None:
    with pytest.raises(ConfigurationError, match="is not an address or a network"):
        load_settings(trusted_proxies=proxies)


@pytest.mark.parametrize("name", ["tls_cert_file", "tls_key_file"])
def test_https_needs_certificate_and_key(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="https needs both"):
        load_settings(**{name: tmp_path / "x.pem"})


@pytest.mark.parametrize(
    ("host", "names"),
    [("192.168.1.5", ("a.example", "192.168.1.5")), ("0.0.0.0", ("a.example",)), ("::1", ("a.example",))],
)
def test_the_service_is_asked_by_its_own_address(host: str, names: tuple[str, ...]) -> None:
    assert load_settings(host=host, allowed_hosts="a.example").list_names() == names


def test_an_unknown_role_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREGRAPH_ANONYMOUS_ROLE", "king")

    with pytest.raises(ConfigurationError, match="'public', 'reader', 'intake', 'analyst' or 'operator'"):
        load_settings()


def test_keys_are_kept_in_the_data_directory_unless_a_file_is_named(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path).find_keys_file() == tmp_path / "keys.json"
    assert load_settings(data_dir=tmp_path, keys_file=Path("/k")).find_keys_file() == Path("/k")


def test_every_variable_says_what_it_means() -> None:
    for name, _, meaning in describe_settings():
        assert re.fullmatch(r"FOREGRAPH_[A-Z0-9_]+", name)
        assert meaning
        if "SECONDS" in name or "BYTES" in name:
            assert "in seconds" in meaning or "in bytes" in meaning
