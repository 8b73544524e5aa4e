"""Configuration of a Neo4j: its neo4j.conf and the flags of its Java."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from graph.errors import ConfigurationError
from graph.server.memory import LEAST_HEAP, LEAST_PAGE_CACHE
from graph.server.releases import Release

_MEBIBYTES: Final = {"m": 1, "g": 1024}

IDLE_SECONDS: Final = 30
"""Seconds without a collection of garbage after which Java collects, and gives memory back to the system."""


def heap_mebibytes(heap: str) -> int:
    """
    Parse a heap size such as `1g` or `768m`; returns MiB.

    Raises:
        ConfigurationError: The text is not a heap size, or is below LEAST_HEAP.
    """
    return _mebibytes(heap, "heap", LEAST_HEAP)


def page_cache_mebibytes(page_cache: str) -> int:
    """
    Parse a page cache's size such as `1g` or `256m`; returns MiB.

    Raises:
        ConfigurationError: The text is not a size, or is below LEAST_PAGE_CACHE.
    """
    return _mebibytes(page_cache, "page cache", LEAST_PAGE_CACHE)


def _mebibytes(text: str, name: str, least: int) -> int:
    found = re.fullmatch(r"(\d+)([mg])", text.lower())
    if not found or (size := int(found[1]) * _MEBIBYTES[found[2]]) < least:
        raise ConfigurationError(f"expected a {name} size such as 1g, at least {least}m; got {text!r}")
    return size


def settings(release: Release, *, port: int, heap: str, page_cache: str = f"{LEAST_PAGE_CACHE}m") -> dict[str, str]:
    """
    Make the settings of a release's neo4j.conf.

    Neo4j listens on loopback only, sends no telemetry, and denies statements access to files and networks. All
    transactions together may fill half of the heap.
    """
    heap_size = heap_mebibytes(heap)
    return {
        "server.default_listen_address": "127.0.0.1",
        "server.bolt.listen_address": f"127.0.0.1:{port}",
        "server.bolt.advertised_address": f"127.0.0.1:{port}",
        "server.http.enabled": "false",
        "dbms.security.auth_enabled": "true",
        "dbms.usage_report.enabled": "false",
        "client.allow_telemetry": "false",
        "server.memory.pagecache.size": f"{page_cache_mebibytes(page_cache)}m",
        "dbms.memory.transaction.total.max": f"{heap_size // 2}m",
        "db.memory.transaction.max": f"{heap_size * 3 // 8}m",
        "db.transaction.timeout": "30s",
        "db.lock.acquisition.timeout": "10s",
        # A graph that grows gives reasons to plan anew, while all who ask for the same page wait for a second or two.
        "dbms.cypher.min_replan_interval": "5m",
        "db.tx_log.preallocate": "false",
        "db.tx_log.rotation.size": "16m",
        "db.tx_log.rotation.retention_policy": "1 files",
        "dbms.security.allow_csv_import_from_file_urls": "false",
        "internal.dbms.cypher_ip_blocklist": "0.0.0.0/0,::/0",
        "internal.server.bolt.thread_pool_shutdown_wait_time": "1s",  # else a stop takes 10 s
        **release.settings,
    }


def render_settings(values: dict[str, str]) -> str:
    """Render a neo4j.conf."""
    return "# Written by Foregraph at every start; changes are lost.\n" + "".join(
        f"{key}={value}\n" for key, value in values.items()
    )


def jvm_flags(release: Release, *, heap: str, logs: Path) -> list[str]:
    """Make the flags of Java: those of Neo4j's own launcher, the heap, and the path of crash logs."""
    return [
        "-Xms128m",
        f"-Xmx{heap_mebibytes(heap)}m",
        "-XX:+UseG1GC",
        # What one large statement made the heap grow by goes back to the system once the server has been idle.
        f"-XX:G1PeriodicGCInterval={1000 * IDLE_SECONDS}",
        "-XX:MinHeapFreeRatio=20",
        "-XX:MaxHeapFreeRatio=40",
        "-XX:-OmitStackTraceInFastThrow",
        "-XX:+UnlockExperimentalVMOptions",
        "-XX:+TrustFinalNonStaticFields",
        "-XX:+DisableExplicitGC",
        "-XX:+ExitOnOutOfMemoryError",
        f"-XX:ErrorFile={logs}/hs_err_%p.log",
        "-Djdk.nio.maxCachedBufferSize=1024",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
        "--add-opens=java.base/java.io=ALL-UNNAMED",
        "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
        "--enable-native-access=ALL-UNNAMED",
        "-Dlog4j2.disable.jmx=true",
        "-Dlog4j.layout.jsonTemplate.maxStringLength=32768",
        "-Dfile.encoding=UTF-8",
        *release.jvm_flags,
    ]


def render_argument_file(arguments: Iterable[str]) -> str:
    """Render a file for `java @file`, which keeps a class path of two hundred jars off the command line."""
    return "".join('"' + argument.replace("\\", "\\\\").replace('"', '\\"') + '"\n' for argument in arguments)
