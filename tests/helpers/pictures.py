"""Reads pictures back."""

from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture: str) -> ElementTree.Element:
    """The root of a picture; fails unless it is well-formed."""
    return ElementTree.fromstring(picture)  # noqa: S314 - drawn by ourselves


def texts_of(picture: str) -> list[str]:
    """The texts of a picture."""
    return [element.text or "" for element in parsed(picture).iter(f"{SVG}text")]
