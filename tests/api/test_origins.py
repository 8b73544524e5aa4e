"""Pages of other origins: those that the settings name may ask from a browser, all others may not."""

import pytest

from api.settings import load_settings
from graph.errors import ConfigurationError
from tests.helpers.service_fakes import build_app, open_client

OURS = "https://app.example.org"
LOCAL = "http://localhost:3000"
FOREIGN = [
    "https://foreign.example",
    "http://app.example.org",
    "https://app.example.org:8443",
    "https://xapp.example.org",
    "null",
]
HELLO = {"query": "{ hello }"}


@pytest.mark.parametrize("origin", [OURS, LOCAL])
async def test_a_page_of_an_allowed_origin_may_ask(origin: str) -> None:
    """By the Fetch standard: the preflight is granted and may be kept, the answer names the origin."""
    async with open_client(build_app(allowed_origins=f"{OURS}, {LOCAL}")) as client:
        asked = {"origin": origin, "access-control-request-method": "POST"}
        headers = {"access-control-request-headers": "content-type,foregraph-bookmark,if-none-match,x-request-id"}
        granted = await client.options("/graphql", headers=asked | headers)
        answers = [await client.post("/graphql", json=HELLO, headers={"origin": origin}) for _ in range(2)]

    assert granted.status_code == 200
    assert granted.headers["access-control-allow-origin"] == origin
    assert int(granted.headers["access-control-max-age"]) >= 600
    assert "POST" in granted.headers["access-control-allow-methods"]
    allowed = {name.strip().lower() for name in granted.headers["access-control-allow-headers"].split(",")}
    assert {"content-type", "foregraph-bookmark", "if-none-match", "x-request-id"} <= allowed
    for answer in answers:  # the second is of a document that is kept
        assert answer.json() == {"data": {"hello": "hello world"}}
        assert answer.headers["access-control-allow-origin"] == origin
        assert "origin" in answer.headers["vary"].lower()
        exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert {"x-request-id", "etag", "retry-after"} <= exposed
        assert "access-control-allow-credentials" not in answer.headers


async def test_a_page_may_read_what_is_wrong_with_its_request() -> None:
    """A refusal is no use that the browser hides."""
    async with open_client(build_app(allowed_origins=OURS)) as client:
        for content in (b"{", b'{"query": "{ nothing }"}', b'{"query": "{ hello }", "variables": 5}'):
            answer = await client.post(
                "/graphql", content=content, headers={"origin": OURS, "content-type": "application/json"}
            )
            assert answer.headers["access-control-allow-origin"] == OURS
            assert answer.json()["errors"]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_page_of_another_origin_may_not(origin: str) -> None:
    """The preflight is not granted, and a browser hides an answer that does not name its origin."""
    async with open_client(build_app(allowed_origins=OURS)) as client:
        asked = {"origin": origin, "access-control-request-method": "POST"}
        refused = await client.options("/graphql", headers=asked)
        answer = await client.get("/graphql", params=HELLO, headers={"origin": origin})

    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "asked", [{"access-control-request-method": "DELETE"}, {"access-control-request-headers": "x"}]
)
async def test_no_more_is_granted_than_the_service_takes(asked: dict[str, str]) -> None:
    """Neither other methods nor other headers."""
    async with open_client(build_app(allowed_origins=OURS)) as client:
        refused = await client.options(
            "/graphql", headers={"origin": OURS, "access-control-request-method": "POST"} | asked
        )

    assert refused.status_code == 400


@pytest.mark.parametrize(
    "origin",
    ["*", "https://*.example.org", "app.example.org", "https://app.example.org/", "ftp://a", "null", "https://"],
)
def test_what_is_no_origin_is_refused(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what one looks like."""
    monkeypatch.setenv("FOREGRAPH_ALLOWED_ORIGINS", f"{OURS},{origin}")
    with pytest.raises(ConfigurationError, match="is not an origin; expected a scheme, a host"):
        load_settings()


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without regard to case, as browsers send them in lower case."""
    monkeypatch.setenv("FOREGRAPH_ALLOWED_ORIGINS", f"HTTPS://App.example.org , {LOCAL},")

    assert load_settings().allowed_origins == (OURS, LOCAL)
