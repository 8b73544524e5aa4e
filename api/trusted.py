"""Trusted documents: a folder of those that clients are known to send, checked and priced before they are sent."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Self

from strawberry import Schema

from api.documents import identify
from api.estimating import estimate
from api.limits import Limits
from api.logging import get_logger, is_own_request
from api.mcp.asking import list_documents
from api.trust import TrustMode
from api.usual import list_usual
from graph.errors import ConfigurationError
from resolvers.base.tariffs import Estimate

SUFFIXES: Final = (".graphql", ".gql")
MOST_LOGGED: Final = 1_000
"""Most documents outside the folder that are logged, each once."""


class Trusted:
    """
    The documents of a folder, and those that the service sends to itself.

    Args:
        mode: What is done about others.
        texts: The documents.
    """

    def __init__(self, mode: TrustMode = TrustMode.OFF, texts: Iterable[str] = ()) -> None:
        self._mode = mode
        self._texts = {identify(form): form for text in texts for form in (text, text.strip())}
        self._own = frozenset(map(identify, _list_own() if mode in {TrustMode.LOG, TrustMode.ONLY} else ()))
        self._logged: set[str] = set()

    @classmethod
    def load(cls, mode: TrustMode, folder: Path | None) -> Self:
        """
        Load a folder's documents, unless the mode is OFF.

        Raises:
            ConfigurationError: The folder cannot be read.
        """
        if mode is TrustMode.OFF or folder is None:
            return cls()
        return cls(mode, (text for _, text in read_folder(folder)))

    def find(self, document_id: str) -> str | None:
        """The text of a trusted document; None for any other."""
        return self._texts.get(document_id)

    def allows(self, document_id: str) -> bool:
        """Whether a document is answered; one outside the folder is logged where the mode says so."""
        if self._mode in {TrustMode.OFF, TrustMode.PREFER} or document_id in self._texts:
            return True
        if document_id in self._own or is_own_request.get():
            return True
        if self._mode is TrustMode.LOG:
            if document_id not in self._logged and len(self._logged) < MOST_LOGGED:
                self._logged.add(document_id)
                get_logger().warning("a document that is not trusted was answered", document_id=document_id)
            return True
        return False


def _list_own() -> list[str]:
    """List the documents that the service sends to itself: those that warm it up, and those of agents' tools."""
    return [*list_usual().values(), *list_documents()]


EVERY_DOCUMENT: Final = Trusted()
"""Answers every document."""


def read_folder(folder: Path) -> Iterator[tuple[str, str]]:
    """
    Yield the documents of a folder and of those in it, by their paths, with their texts.

    Raises:
        ConfigurationError: It is no folder, or a file cannot be read.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"expected a folder of GraphQL documents, got {str(folder)!r}")
    for file in sorted(found for found in folder.rglob("*") if found.suffix in SUFFIXES):
        try:
            yield str(file.relative_to(folder)), file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read {str(file)!r}: {error}") from error


def check_folder(schema: Schema, limits: Limits, folder: Path) -> Iterator[tuple[str, Estimate]]:
    """
    Check and price a folder's documents, without values of variables; yields the path of each with what was found.

    Raises as `read_folder`.
    """
    for name, text in read_folder(folder):
        yield name, estimate(schema, limits, text.strip(), {})
