"""
Tries real clients on the schema and on a running service: `python -m tests.clients`, or `make clients`.

It needs Node.js. graphql-codegen makes types of documents that `tsc` checks strictly, relay-compiler takes a paged list
and a node that is fetched again, Apollo Client reads the service through its cache without a warning, graphql-ws and
graphql-sse follow its ledger, and ariadne-codegen makes a client in Python that reads it too. Packages are locked;
everything is made below `.build`.
"""

import asyncio
import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from resolvers.apollo import cache_configuration
from resolvers.schema import build_schema
from tests.helpers.node import Workplace
from tests.helpers.pages import PAGE_FILE
from tests.helpers.processes import serving
from tests.test_readme import blocks

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORKPLACE = Workplace(HERE)
WORK = WORKPLACE.folder
run = WORKPLACE.run


def write_inputs() -> None:
    """Write the schema, the documents of the README and of the tests, and the cache's options."""
    for folder in ("documents", "plain", "relay", "gql", "ariadne"):
        shutil.rmtree(WORK / folder, ignore_errors=True)
    shutil.copytree(HERE, WORK, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.lock", "package*"))
    shutil.copy(ROOT / "resolvers" / "schema.graphql", WORK)
    for folder in ("documents", "plain"):
        shutil.copy(PAGE_FILE, WORK / folder)
    for number, text in enumerate(blocks("graphql")):
        (WORK / "documents" / f"readme{number}.graphql").write_text(text, encoding="utf-8")
    options = cache_configuration(build_schema()._schema)
    (WORK / "cache.json").write_text(json.dumps(options), encoding="utf-8")


async def read_service() -> None:
    """Start the service on a new graph with the sample, and read it through the clients."""
    with TemporaryDirectory() as folder:
        environment = {"FOREGRAPH_DATA_DIR": folder, "FOREGRAPH_PORT": "0"}
        async with serving("up", environment=environment) as service:
            await asyncio.to_thread(run, "node", "apollo.mjs", service.url, "cache.json")
            await asyncio.to_thread(run, "node", "subscribe.mjs", service.url)
            await asyncio.to_thread(run, sys.executable, "read_by_ariadne.py", service.url, PYTHONPATH="python:.")


def main() -> None:
    """Run all clients."""
    WORKPLACE.install()
    write_inputs()
    run("npx", "graphql-codegen", "--config", "codegen.json")
    run("npx", "relay-compiler", "relay.config.json")
    run("npx", "tsc", "--project", "tsconfig.json")
    run(sys.executable, "-m", "ariadne_codegen", "--config", "ariadne.toml", PYTHONPATH="python")
    asyncio.run(read_service())
    print("All clients read the service")


if __name__ == "__main__":
    main()
