"""The page of a prediction as one document, which the service is ready for before anybody asks."""

from pathlib import Path
from typing import Final

PAGE_FILE: Final = Path(__file__).parents[2] / "api" / "usual" / "page.graphql"
PAGE: Final = PAGE_FILE.read_text(encoding="utf-8")
