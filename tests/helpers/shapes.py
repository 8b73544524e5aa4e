"""Statements that differ in names alone, which a database plans alike if the indexes that they name are there."""

import re
from collections.abc import Mapping


def without_labels(text: str) -> str:
    """A statement's text with one word for each label and type, and without comments."""
    return re.sub(r"(?<=[:|&!])[A-Z]\w*", "Label", re.sub(r"//[^\n]*\n", "", text))


def without_names(text: str) -> str:
    """A statement's text with one word for each label, type, property, column of an index, and text."""
    text = re.sub(r"(?<=\.)[a-z]\w*", "name", without_labels(text))
    text = re.sub(r"(?<=Label\()[a-z_, ]+(?=\))", lambda found: re.sub(r"\w+", "name", found.group()), text)
    return re.sub(r"'[^']*'", "''", text)


def first_of_each(texts: Mapping[str, str]) -> set[str]:
    """The names of the first text of each kind, from texts by name."""
    return set({text: name for name, text in reversed(list(texts.items()))}.values())
