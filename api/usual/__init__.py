"""
The documents that clients usually send, one a file. The service asks them of itself before it says that it is ready.

A document takes those of the variables that it declares.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

UNKNOWN_ID: Final = "nobody"  # an id that no node has; a statement that looks for it is planned all the same

VARIABLES: Final = ("id", "prediction", "domain", "ticker", "text")
"""Names of all variables of the documents."""

SAMPLE: Final = """{
  predictions(first: 1) { nodes { key exposures(first: 1) { nodes { ticker { symbol } } } } }
  domains(first: 1) { nodes { key } }
}"""
"""Asks for something of each kind that a graph has, to ask the documents of."""


def list_usual() -> dict[str, str]:
    """List the documents by name."""
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parent.glob("*.graphql"))}


def choose_variables(document: str, known: Mapping[str, str]) -> dict[str, str]:
    """Give each variable that a document declares its known value."""
    return {name: known[name] for name in re.findall(r"\$(\w+):", document)}
