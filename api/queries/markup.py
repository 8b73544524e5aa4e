"""HTML from templates: whatever is filled in is escaped, unless it was made here as well."""

from collections.abc import Iterable
from html import escape
from string import Template
from typing import LiteralString


class Markup(str):
    """HTML made by `fill` or `join`; no other text is taken for any."""

    __slots__ = ()


def fill(template: LiteralString, **values: object) -> Markup:
    """
    Fill in a template's `$names`, which stand in elements or in attributes within double quotes.

    Args:
        template: A literal, so that no caller's text becomes HTML.
        **values: Texts and numbers, which are escaped, and Markup, which stays as it is.
    """
    shown = {name: value if isinstance(value, Markup) else escape(str(value)) for name, value in values.items()}
    return Markup(Template(template).substitute(shown))


def join(parts: Iterable[Markup]) -> Markup:
    """Put parts one after the other."""
    return Markup("".join(parts))
