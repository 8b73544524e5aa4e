"""
Places of the parts of a generated statement's record.

A record holds one value, a list. A node in it is a row: what belongs to the link or the page first, then the subject's
code if there are several, the list of its properties, the list of its moments and days as text, and a list of rows for
each relation followed. Plans that follow the same relation share its rows; each has a layout of its own over them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.reading.tree import Follow


@dataclass(frozen=True, slots=True)
class NodeLayout:
    """
    The places of a node's parts in its row, for one of the plans that share the row.

    Attributes:
        subjects: The subjects that the node may be of, in the order of their codes.
        subject_at: The place of the subject's code; None if there is only one subject.
        properties_at: The place of the list of properties that are no moments.
        moments_at: The place of the list of moments and days as text; None if none is read.
        properties: The place of each property in the first list.
        moments: The place of each moment or day in the second list.
        follows: The rows of each relation followed, by the subject it is followed from and the key of the follow.
    """

    subjects: tuple[str, ...]
    subject_at: int | None
    properties_at: int
    moments_at: int | None
    properties: Mapping[str, int]
    moments: Mapping[str, int]
    follows: dict[tuple[str, str], "FollowLayout"] = field(default_factory=dict)

    @property
    def id_name(self) -> str:
        """The property that identifies the node."""
        return "symbol" if self.subjects == ("Ticker",) else "id"


@dataclass(frozen=True, slots=True)
class FollowLayout:
    """
    The place of a relation's rows in the row of the node it starts from, and what such a row begins with.

    Attributes:
        follow: The relation as its plan follows it.
        rows_at: The place of the rows, or of the one row of a relation to one, which is null without one.
        total_at: The place of the number of rows on all pages; None if it is not counted.
        key_at: The place of the page key in a row; None if it is not read.
        link_at: The place of the list of the relationship's properties in a row; None if none are read.
        link: Of each of those properties, its place in that list.
        link_moments: Those of them that are moments or days as text.
        below_at: The place of the next step's rows in a row of a walk; None at its last step.
        node: The places of the node's parts in a row.
    """

    follow: Follow
    rows_at: int
    total_at: int | None
    key_at: int | None
    link_at: int | None
    link: Mapping[str, int]
    link_moments: frozenset[str]
    below_at: int | None
    node: NodeLayout
