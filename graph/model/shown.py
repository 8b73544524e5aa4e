"""The form in which errors show a wrong value."""

import json
from typing import Any, Final

MAX_SHOWN_CHARACTERS: Final = 80


def shown_value(value: Any) -> str:
    """Format a value for an error message: as JSON, shortened if it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "…"
