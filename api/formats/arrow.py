"""
Tables as Arrow IPC streams and as Parquet, by pyarrow, which is an extra.

A column has one type here, which only its last row settles. So rows are first put aside, in a temporary file once they
are many, and encoded when all have come. Errors are known before the first byte then, and a slow client keeps no query.
"""

import importlib.util
import io
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, Final

from api.formats.columns import NULL, Column, Form, Kind, read_column
from api.formats.encoders import Ending, Rows
from graph.errors import ConfigurationError

MOST_BYTES_IN_MEMORY: Final = 8 * 1024 * 1024
"""Size from which rows that are put aside go to a file."""

CHUNK_ROWS: Final = 65_536
"""Rows of a Parquet row group or an Arrow record batch, unless they are large."""

CHUNK_BYTES: Final = 16 * 1024 * 1024
"""Size of rows put aside from which a row group or record batch ends."""

JSON_METADATA: Final = {"foregraph.form": "json"}
"""Marks a column whose texts are JSON."""

MISSING: Final = (
    "Arrow and Parquet need the package pyarrow, which is not installed; install foregraph[arrow], "
    "or ask for JSON, NDJSON or CSV"
)


def is_available() -> bool:
    """Whether pyarrow is installed."""
    return importlib.util.find_spec("pyarrow") is not None


class _Sink(io.RawIOBase):
    """A file that is written in order; what was written is taken away in between."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def take(self) -> bytes:
        """Everything written since this was last called."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class ColumnarEncoder:
    """
    Puts rows aside, then encodes them in one type a column.

    Booleans, integers, doubles, texts, bytes, dates, times, moments (in UTC; to the microsecond, or to the nanosecond
    where one needs it), local moments, and lists of one of these have Arrow's types. Integers and doubles in one column
    are doubles where that changes none. Any other column is JSON in text, which its metadata say: `foregraph.form` is
    `json`. Durations, and times with an offset, are ISO 8601 texts.

    Args:
        columns: Names of the columns.
        is_parquet: Whether to write Parquet; else an Arrow IPC stream.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """

    def __init__(self, columns: Sequence[str], *, is_parquet: bool) -> None:
        if not is_available():
            raise ConfigurationError(MISSING)
        self._names, self._is_parquet = tuple(columns), is_parquet
        self._kinds = [NULL] * len(self._names)
        self._aside = tempfile.SpooledTemporaryFile(MOST_BYTES_IN_MEMORY)  # noqa: SIM115 - closed by close()
        self._sizes: list[tuple[int, int]] = []  # rows and bytes of each batch

    def add(self, rows: Rows) -> bytes:
        """Put some more rows aside."""
        if not rows:
            return b""
        columns = [read_column(column) for column in zip(*rows, strict=True)]
        self._kinds = [kind.joined(column.kind) for kind, column in zip(self._kinds, columns, strict=True)]
        start = self._aside.tell()
        pickle.dump(columns, self._aside, protocol=pickle.HIGHEST_PROTOCOL)
        self._sizes.append((len(rows), self._aside.tell() - start))
        return b""

    def finish(self, ending: Ending) -> Iterator[bytes]:
        """Encode all rows."""
        import pyarrow as pa  # noqa: PLC0415 - an extra

        schema = pa.schema([_field(name, kind) for name, kind in zip(self._names, self._kinds, strict=True)])
        sink = _Sink()
        with _open_writer(sink, schema, is_parquet=self._is_parquet) as writer:
            yield sink.take()
            for columns in self._chunks():
                writer.write_table(pa.table(self._arrays(columns), schema=schema))
                yield sink.take()
        yield sink.take()

    def fail(self, error: dict[str, Any]) -> bytes | None:
        """Break off; the formats have an end that is missing then."""
        return None

    def close(self) -> None:
        """Delete the rows that were put aside."""
        self._aside.close()

    def _chunks(self) -> Iterator[list[list[Column]]]:
        """The batches' columns, in groups of some size."""
        self._aside.seek(0)
        chunk: list[list[Column]] = []
        num_rows = num_bytes = 0
        for rows, size in self._sizes:
            chunk.append(pickle.load(self._aside))  # noqa: S301 - this process's own file, which has no name
            num_rows, num_bytes = num_rows + rows, num_bytes + size
            if num_rows >= CHUNK_ROWS or num_bytes >= CHUNK_BYTES:
                yield chunk
                chunk, num_rows, num_bytes = [], 0, 0
        if chunk:
            yield chunk

    def _arrays(self, chunk: list[list[Column]]) -> list[Any]:
        import pyarrow as pa  # noqa: PLC0415 - an extra

        return [
            pa.chunked_array([_array(batch[index], kind) for batch in chunk], type=_type(kind))
            for index, kind in enumerate(self._kinds)
        ]


def _open_writer(sink: _Sink, schema: Any, *, is_parquet: bool) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

    return pq.ParquetWriter(sink, schema) if is_parquet else pa.ipc.new_stream(sink, schema)


def _field(name: str, kind: Kind) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - an extra

    return pa.field(name, _type(kind), metadata=JSON_METADATA if kind.form is Form.JSON else None)


def _type(kind: Kind) -> Any:
    """Arrow's type of a kind."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    if kind.item is not None:
        return pa.list_(_type(kind.item))
    if _is_text(kind):
        return pa.string()
    unit = "ns" if kind.has_nanoseconds else "us"
    types = {
        Form.NULL: pa.null(),
        Form.BOOLEAN: pa.bool_(),
        Form.INTEGER: pa.int64(),
        Form.FLOAT: pa.float64(),
        Form.BYTES: pa.binary(),
        Form.DAY: pa.date32(),
        Form.CLOCK: pa.time64("ns"),
        Form.MOMENT: pa.timestamp(unit, tz="UTC"),
        Form.LOCAL_MOMENT: pa.timestamp(unit),
    }
    return types[kind.form]


def _is_text(kind: Kind) -> bool:
    """Whether a kind's values are texts; so are moments that 64 bits do not hold."""
    is_too_wide = kind.form in {Form.MOMENT, Form.LOCAL_MOMENT} and kind.has_nanoseconds and not kind.is_near
    return is_too_wide or kind.form in {Form.TEXT, Form.JSON}


def _array(column: Column, kind: Kind) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - an extra

    values = column.as_kind(kind)
    return pa.array([_arrow_value(kind, value) for value in values] if _is_paired(kind) else values, _type(kind))


def _is_paired(kind: Kind) -> bool:
    """Whether values of a kind are pairs of a number and a text, or have such."""
    if kind.item is not None:
        return _is_paired(kind.item)
    return kind.form in {Form.DAY, Form.CLOCK, Form.MOMENT, Form.LOCAL_MOMENT}


def _arrow_value(kind: Kind, value: Any) -> Any:
    """The number, or the text where the type is one, that pyarrow makes a day, a time or a moment of."""
    if value is None:
        return None
    if kind.item is not None:
        return [_arrow_value(kind.item, item) for item in value]
    number, text = value
    if _is_text(kind):
        return text
    is_whole = kind.form in {Form.DAY, Form.CLOCK} or kind.has_nanoseconds
    return number if is_whole else number // 1000
