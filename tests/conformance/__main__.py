"""
Tries a service with the settings of production: `python -m tests.conformance`, or `make conformance`.

It needs Node.js and git. The audits of graphql-http ask for what GraphQL over HTTP has servers do, and graphql-cop for
what they had better not; Schemathesis makes up requests from the schema and from the OpenAPI document, valid ones and
others. Packages are locked and graphql-cop is of one commit, cloned from `GRAPHQL_COP`, by default from its own
repository. The audits ask for the type of a name, and Schemathesis for the schema, so they run where introspection is
allowed.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.helpers.node import Workplace
from tests.helpers.processes import serving

PRODUCTION = {
    "FOREGRAPH_GRAPHIQL": "false",
    "FOREGRAPH_INTROSPECTION": "false",
    "FOREGRAPH_GET_NEEDS_HEADER": "true",
    "FOREGRAPH_SAMPLE": "none",
}
COP_SOURCE = os.environ.get("GRAPHQL_COP", "https://github.com/dolevf/graphql-cop")
COP_COMMIT = "2b7e086efae672f28b419c7fcdfe6b48d846c9dc"
FUZZ_SECONDS = 90
SCHEMA_CHECKS = ("no_fault",)
ROUTE_CHECKS = (
    *SCHEMA_CHECKS,
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "refuses_faults",
    "unsupported_method",
    "allow_header_conformance",
)
PLACE = Workplace(Path(__file__).parent)


def fetch_cop() -> None:
    """Clone graphql-cop at its commit, unless it is there already."""
    folder = PLACE.folder / "cop"
    if not folder.exists():
        PLACE.run("git", "clone", "--quiet", "--no-checkout", COP_SOURCE, "cop")
    PLACE.run("git", "-C", "cop", "checkout", "--quiet", COP_COMMIT)


def audit(url: str) -> None:
    """Run the audits of graphql-http; ends this program where one fails."""
    (PLACE.folder / "audit.mjs").write_bytes((PLACE.here / "audit.mjs").read_bytes())
    PLACE.run("node", "audit.mjs", f"{url}/graphql")


def scan(url: str) -> None:
    """Run the checks of graphql-cop; ends this program where one finds something."""
    command = [sys.executable, "graphql-cop.py", "-o", "json", "-t", f"{url}/graphql"]
    environment = {**os.environ, "PYTHONPATH": str(PLACE.folder / "python")}
    done = subprocess.run(
        command, cwd=PLACE.folder / "cop", env=environment, check=True, capture_output=True, text=True
    )
    checks = json.loads(done.stdout.splitlines()[-1])
    found = [check["title"] for check in checks if check["result"]]
    print(f"graphql-cop: {len(checks)} checks, {len(found)} findings", *found, sep="\n  ", flush=True)
    if found or not checks:
        sys.exit("graphql-cop has found something, or checked nothing")


def fuzz(url: str, checks: Sequence[str], *options: str) -> None:
    """Have Schemathesis make up requests from the description at an address; ends this program where one fails."""
    (PLACE.folder / "hooks.py").write_bytes((PLACE.here / "hooks.py").read_bytes())
    limits = ("--max-time", str(FUZZ_SECONDS), "--request-timeout", "60", "--wait-for-schema", "60")
    PLACE.run(
        *(sys.executable, "-m", "schemathesis.cli", "run", url, "--checks", ",".join(checks)),
        *("--continue-on-failure", "--no-color", *limits, *options),
        PYTHONPATH=f"{PLACE.folder / 'python'}{os.pathsep}{PLACE.folder}",
        SCHEMATHESIS_HOOKS="hooks",
    )


def try_descriptions(url: str) -> None:
    """Try what the schema and the OpenAPI document describe; the protocol of agents has clients of its own."""
    fuzz(f"{url}/graphql", SCHEMA_CHECKS)
    left_out = [option for path in ("/graphql", "/mcp") for option in ("--exclude-path", path)]
    fuzz(f"{url}/openapi.json", ROUTE_CHECKS, "--phases", "coverage,fuzzing", *left_out)


async def try_service() -> None:
    """Start the service on an empty graph with each setting, and try it."""
    with TemporaryDirectory() as folder:
        environment = {**PRODUCTION, "FOREGRAPH_DATA_DIR": folder, "FOREGRAPH_PORT": "0"}
        async with serving("up", environment={**environment, "FOREGRAPH_INTROSPECTION": "true"}) as service:
            await asyncio.to_thread(audit, service.url)
            await asyncio.to_thread(try_descriptions, service.url)
        async with serving("up", environment=environment) as service:
            await asyncio.to_thread(scan, service.url)


def main() -> None:
    """Install and run all."""
    PLACE.install()
    fetch_cop()
    asyncio.run(try_service())


if __name__ == "__main__":
    main()
