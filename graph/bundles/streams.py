"""
Bundles as lines of JSON, of any length: what exports and backups are, made and read by programs.

The first line is the header: `format`, the graph's `revision` and the moment `cut_at` of the state, and `rows`, the
number of rows by list. A line for each row follows, `{"list": "tickers", "row": {"symbol": "NVDA"}}`, the lists in the
order in which they can be written; beside those of a bundle there are `receipts`, the answers given to requests with
an idempotency key, `query_schedules`, `change_webhooks`, and `query_deliveries`, those that wait or were given up. With
`has_moments` in the header, a node's line also has the moments at which it came into the graph and was changed last:
`{"list": "tickers", "created_at": "…", "updated_at": "…", "row": {…}}`. The last line, `{"end": …}`, is the manifest:
`rows` once more, `sha256` of the rows of each list with their moments, and `sha256_of_all`, of all lines before it. So
a file that was cut off or changed is known before anything is written.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Final, Literal, NamedTuple, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graph.bundles.moments import MOMENT_LISTS, RowMoments
from graph.bundles.spool import DELIVERIES, HOOKS, KEPT_ASIDE, RECEIPTS, SCHEDULES
from graph.errors import BundleError, Problem
from graph.model.bundle import LISTS, STREAM_FORMAT
from graph.model.kinds import VersionSubject
from graph.model.problems import describe_problem
from graph.model.rows import Row
from graph.model.subjects import ROW_LISTS
from graph.model.values import Moment
from graph.model.versions import VERSIONS

STREAM_LISTS: Final = (*LISTS, *KEPT_ASIDE)

_ROW: Final = re.compile(
    rb'\{"list": "([a-z_]{1,40})"((?:, "(?:created|updated)_at": "[^"\\]{1,40}"){0,2}), "row": (\{.*\})\}\n'
)
_HEADER_START: Final = b'{"format"'
_EXPOSURE_VERSION: Final = f'"subject": "{VersionSubject.EXPOSURE.value}"'.encode()
MAX_HEADER_BYTES: Final = 100_000

ModelT = TypeVar("ModelT", bound=BaseModel)


class Header(BaseModel):
    """The first line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["foregraph-bundle/2"]
    revision: Annotated[int, Field(ge=0)]
    cut_at: Moment
    has_moments: bool = False
    rows: Mapping[str, Annotated[int, Field(ge=1)]]


class Manifest(BaseModel):
    """The last line's `end`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Mapping[str, int]
    sha256: Mapping[str, str]
    sha256_of_all: str

    def num_rows(self) -> int:
        """Count the rows of all lists."""
        return sum(self.rows.values())


class Receipt(BaseModel):
    """The answer given to a request with an idempotency key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    mutation: str
    fingerprint: str
    answer: str
    recorded_at: Moment
    caller: str | None = None


class _Addressed(BaseModel):
    """A row with the address of a receiver, sealed but for what an older version stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sealed_url: str | None = None
    url: str | None = None


class StoredSchedule(_Addressed):
    """A schedule of a saved query, as it is stored."""

    name: str
    query: str
    parameters: str
    format: str
    every_minutes: int | None = None
    daily_at_hour: int | None = None
    next_at: Moment | None = None


class StoredHook(_Addressed):
    """A webhook of changes, as it is stored."""

    name: str
    kinds: list[str]
    claim_ids: list[str]
    since: str


class StoredDelivery(_Addressed):
    """A delivery that waits or was given up, as it is stored."""

    id: str
    schedule: str
    query: str
    parameters: str
    format: str
    due_at: Moment
    status: Literal["PENDING", "DEAD"]
    num_attempts: Annotated[int, Field(ge=0)]
    next_attempt_at: Moment | None = None
    last_error: str | None = None
    body: str | None = None


ASIDE_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    RECEIPTS: Receipt,
    SCHEDULES: StoredSchedule,
    HOOKS: StoredHook,
    DELIVERIES: StoredDelivery,
}
"""Classes of the rows that no bundle has, by list."""


class StreamRow(NamedTuple):
    """
    A row of a stream.

    Attributes:
        name: Its list.
        number: Its number in the list, from 0.
        line: The number of its line.
        text: The row as JSON.
        moments: Its moments, as members of a JSON object; empty if they are not known.
    """

    name: str
    number: int
    line: int
    text: bytes
    moments: bytes = b""


class Digests:
    """Makes a stream's lines, and counts and sums them up for its manifest."""

    def __init__(self) -> None:
        self._all = hashlib.sha256()
        self._lists: dict[str, Any] = {}
        self._counts: dict[str, int] = {}

    def add_line(self, text: str) -> bytes:
        """Add a line that is no row; returns it."""
        line = f"{text}\n".encode()
        self._all.update(line)
        return line

    def add_row(self, name: str, text: str, moments: str = "") -> bytes:
        """Add a row's line; returns it."""
        self.count(name, text.encode(), moments.encode())
        before = f"{moments}, " if moments else ""
        return self.add_line(f'{{"list": "{name}", {before}"row": {text}}}')

    def count(self, name: str, text: bytes, moments: bytes = b"") -> None:
        """Add a row to its list alone."""
        self._lists.setdefault(name, hashlib.sha256()).update(moments + text + b"\n")
        self._counts[name] = self._counts.get(name, 0) + 1

    def count_line(self, line: bytes) -> None:
        """Add a line that was read to all lines."""
        self._all.update(line)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of what was added."""
        sums = {name: found.hexdigest() for name, found in self._lists.items()}
        return {"rows": dict(self._counts), "sha256": sums, "sha256_of_all": self._all.hexdigest()}


@dataclass(frozen=True, slots=True)
class Checked:
    """
    A stream that is whole.

    Attributes:
        header: Its first line.
        manifest: What its last line has.
        has_exposure_versions: Whether it has versions of exposures; those that older versions made have none.
    """

    header: Header
    manifest: Manifest
    has_exposure_versions: bool


def is_stream(first_line: bytes) -> bool:
    """Whether a file is a stream, by its first line; a bundle in one JSON text may have its format there too."""
    if not first_line.startswith(_HEADER_START) or len(first_line) > MAX_HEADER_BYTES:
        return False
    try:
        found = json.loads(first_line)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("format") == STREAM_FORMAT


def check_stream(file: BinaryIO) -> Checked:
    """
    Read a stream from its beginning, and check that nothing of it is missing or changed.

    Args:
        file: The stream, at its beginning; is at its end afterwards.

    Raises:
        BundleError: A line is malformed, or the manifest differs from the lines before it.
    """
    digests = Digests()
    header = _model(Header, line := file.readline(MAX_HEADER_BYTES), 1)
    digests.count_line(line)
    last_place, number, has_exposure_versions = 0, 1, False
    for number, line in enumerate(file, 2):
        if line.startswith(b'{"end"'):
            break
        name, moments, text = _split(line, number)
        if STREAM_LISTS.index(name) < last_place:
            _refuse(number, f"the list {name} comes after {STREAM_LISTS[last_place]}, before which it must be")
        if moments and not (header.has_moments and name in MOMENT_LISTS):
            _refuse(number, f"expected no moments of a row in {name}, of which the header tells no moments")
        last_place = STREAM_LISTS.index(name)
        has_exposure_versions = has_exposure_versions or is_exposure_version(name, text)
        digests.count(name, text, moments)
        digests.count_line(line)
    else:
        _refuse(number, "the last line, with the checksums, is missing: the file is cut off; make or copy it again")
    manifest = _model(Manifest, _end_of(line, number), number)
    _check_manifest(header, manifest, Manifest.model_validate(digests.manifest()), number)
    if file.readline():
        _refuse(number + 1, "expected nothing after the checksums, got another line")
    return Checked(header, manifest, has_exposure_versions)


def is_exposure_version(name: str, text: bytes) -> bool:
    """Whether a row of a list, as JSON, is a version of an exposure."""
    return name == VERSIONS and _EXPOSURE_VERSION in text


def stream_rows(file: BinaryIO) -> Iterator[StreamRow]:
    """Yield the rows of a stream that has been checked, from its beginning."""
    file.readline()
    index, before = 0, ""
    for number, line in enumerate(file, 2):
        if line.startswith(b'{"end"'):
            return
        name, moments, text = _split(line, number)
        index = index + 1 if name == before else 0
        before = name
        yield StreamRow(name, index, number, text, moments)


def read_row(found: StreamRow) -> Row:
    """
    Read a row.

    Raises:
        BundleError: The row has problems.
    """
    return _model(ROW_LISTS[found.name].row, found.text, found.line)


def read_aside(found: StreamRow) -> BaseModel:
    """
    Read a row of a list that no bundle has.

    Raises:
        BundleError: The row has problems.
    """
    return _model(ASIDE_MODELS[found.name], found.text, found.line)


def read_moments(found: StreamRow) -> RowMoments:
    """
    Read the moments of a row.

    Raises:
        BundleError: One is none.
    """
    return _model(RowMoments, b"{" + found.moments + b"}", found.line)


def _split(line: bytes, number: int) -> tuple[str, bytes, bytes]:
    """Return the list of a line, the moments of its row, and the row."""
    found = _ROW.fullmatch(line)
    if found is None:
        _refuse(
            number,
            f'expected {{"list": …, "row": …}} as an export writes it, got {line[:80].decode(errors="replace")!r}',
        )
    name = found[1].decode()
    if name not in STREAM_LISTS:
        _refuse(number, f"expected one of the lists {', '.join(STREAM_LISTS)}, got {name!r}")
    return name, found[2].removeprefix(b", "), found[3]


def _end_of(line: bytes, number: int) -> bytes:
    try:
        return json.dumps(json.loads(line)["end"]).encode()
    except (ValueError, KeyError, TypeError):
        _refuse(number, "the last line is not whole; make or copy the file again")


def _check_manifest(header: Header, stated: Manifest, found: Manifest, number: int) -> None:
    for name in STREAM_LISTS:
        told = {header.rows.get(name, 0), stated.rows.get(name, 0), found.rows.get(name, 0)}
        if len(told) > 1:
            _refuse(number, f"expected {stated.rows.get(name, 0)} rows in {name}, got {found.rows.get(name, 0)}")
        if stated.sha256.get(name) != found.sha256.get(name):
            _refuse(number, f"the checksum of {name} differs from that of its rows: the file was changed or damaged")
    if stated.sha256_of_all != found.sha256_of_all:
        _refuse(number, "the checksum of all lines differs from theirs: the file was changed or damaged")


def _model(kind: type[ModelT], text: bytes, number: int) -> ModelT:
    try:
        return kind.model_validate_json(text, strict=True)
    except ValidationError as error:
        problems = [describe_problem(detail) for detail in error.errors(include_url=False)]
        raise BundleError([Problem(f"line {number}.{found.path}", found.message) for found in problems]) from error


def _refuse(number: int, message: str) -> NoReturn:
    raise BundleError([Problem(f"line {number}", message)])
