"""Formats of tables: their names, media types and encoders."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from api.formats.arrow import ColumnarEncoder, is_available
from api.formats.encoders import Encoder
from api.formats.text import CsvEncoder, JsonEncoder, NdjsonEncoder
from api.negotiation import JSON


@dataclass(frozen=True, slots=True)
class TableFormat:
    """
    A format of tables.

    Attributes:
        name: The name, which is also the extension of its files.
        media_type: The media type.
        aliases: Other media types by which it is asked for.
        parameters: Parameters of the media type, in responses.
        open: Opens an encoder for columns.
        open_typed: Opens one that types its values; None where values have no typed form.
        needs_arrow: Whether it needs pyarrow.
    """

    name: str
    media_type: str
    open: Callable[[Sequence[str]], Encoder]
    open_typed: Callable[[Sequence[str]], Encoder] | None = None
    aliases: tuple[str, ...] = ()
    parameters: str = ""
    needs_arrow: bool = False

    @property
    def is_available(self) -> bool:
        """Whether what it needs is installed."""
        return not self.needs_arrow or is_available()


FORMATS: Final[Mapping[str, TableFormat]] = {
    found.name: found
    for found in (
        TableFormat("json", JSON, JsonEncoder, partial(JsonEncoder, is_typed=True)),
        TableFormat(
            "ndjson",
            "application/x-ndjson",
            NdjsonEncoder,
            partial(NdjsonEncoder, is_typed=True),
            aliases=("application/ndjson", "application/jsonl", "application/x-jsonlines"),
        ),
        TableFormat("csv", "text/csv", CsvEncoder, parameters="; charset=utf-8; header=present"),
        TableFormat(
            "arrow", "application/vnd.apache.arrow.stream", partial(ColumnarEncoder, is_parquet=False), needs_arrow=True
        ),
        TableFormat(
            "parquet",
            "application/vnd.apache.parquet",
            partial(ColumnarEncoder, is_parquet=True),
            aliases=("application/x-parquet",),
            needs_arrow=True,
        ),
    )
}
"""Formats by name, the usual first."""

_BY_MEDIA_TYPE: Final = {
    media_type: found for found in FORMATS.values() for media_type in (found.media_type, *found.aliases)
}
MEDIA_TYPES: Final = tuple(_BY_MEDIA_TYPE)
"""All media types that may be asked for, in the order in which they are preferred here."""


def format_of(media_type: str) -> TableFormat:
    """The format of one of MEDIA_TYPES."""
    return _BY_MEDIA_TYPE[media_type]
