"""
The samples that a first run imports into an empty database.

`bundle.json` has three real predictions with everything on their pages in the system that Foregraph replaces.
`illustration.json` shows what the system can do with more: its claims, people, companies, figures and outcomes are
invented, and marked *illustrative* in the names of its domains, predictors, tickers and documents. Their ids begin with
`IL_`, and neither bundle names a row of the other.
"""

from enum import StrEnum


class Sample(StrEnum):
    """The samples to load: ALL, only the real PAGES, or NONE."""

    ALL = "all"
    PAGES = "pages"
    NONE = "none"
