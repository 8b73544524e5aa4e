"""Bundles into the graph and out of it: checked whole, written in one transaction, read back the same."""

import asyncio
import gc
import graphlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, TypeVar

from graph.beliefs import ClaimState, derive_rows, ledger_order
from graph.derivation import PlacedMilestone, complete_chains, with_deadline, with_import_day
from graph.errors import BundleError, BusyError, InvalidError, Problem
from graph.keys import (
    MARK,
    OUTCOMES,
    bounds,
    deadline_keys,
    document_link_keys,
    evidence_keys,
    exposure_keys,
    influence_keys,
    milestone_keys,
    ranges,
    validation_keys,
)
from graph.ledgers import rebuild_claims
from graph.model import (
    BUNDLE_FORMAT,
    CLAIM_LISTS,
    LISTS,
    Bundle,
    Claim,
    Document,
    DocumentLink,
    Domain,
    Draft,
    Episode,
    Evidence,
    Exposure,
    Influence,
    Killer,
    Milestone,
    Prediction,
    Predictor,
    PropagationRun,
    ReferenceClass,
    Row,
    SavedQuery,
    Scenario,
    Ticker,
    Validation,
    read_draft,
    row_id,
)
from graph.records import refresh_records
from graph.rows import JSON_PROPERTIES, from_properties, to_properties, with_moments_as_text
from graph.sessions import Database, Unit

BATCH_ROWS = 2_000
EXPORT_PAGE_ROWS = 2_000
EXPORT_TIMEOUT_SECONDS = 600.0
EXPORT_TRIES = 3
# What a row takes of the database's memory for one transaction, by its own count: measured on synthetic graphs. A claim
# has the most properties and indexes, and a text counts in its property and in each full-text index.
CLAIM_BYTES, ROW_BYTES, CHARACTER_BYTES = 12_000, 3_000, 6
# The embedded server gives a transaction 384 MB, and a commit takes as much again as what is to be committed.
TRANSACTION_BYTES = 100_000_000
# What this process holds with room to spare; larger graphs come in several bundles.
MAX_ROWS = 250_000

KINDS: Mapping[str, type[Row]] = {
    "domains": Domain,
    "episodes": Episode,
    "predictors": Predictor,
    "reference_classes": ReferenceClass,
    "tickers": Ticker,
    "documents": Document,
    "predictions": Prediction,
    "scenarios": Scenario,
    "killers": Killer,
    "milestones": Milestone,
    "evidence": Evidence,
    "validations": Validation,
    "influences": Influence,
    "exposures": Exposure,
    "document_links": DocumentLink,
    "saved_queries": SavedQuery,
    "propagation_runs": PropagationRun,
}
UPSERTS = {name: f"{name}/upsert" for name in LISTS} | {"document_links": "documents/link"}
EXPORTS = {name: f"{name}/export" for name in LISTS} | {"document_links": "documents/export_links"}
# Which list a field that names an id refers to; "claims" stands for all three lists of claims.
REFERENCES: Mapping[str, Mapping[str, str]] = {
    "predictions": {
        "predictor_id": "predictors",
        "episode_id": "episodes",
        "reference_class_id": "reference_classes",
        "domain_id": "domains",
    },
    "scenarios": {"domain_id": "domains"},
    "killers": {"domain_id": "domains"},
    "milestones": {"prediction_id": "predictions"},
    "evidence": {
        "claim_id": "claims",
        "predictor_id": "predictors",
        "document_id": "documents",
        "milestone_id": "milestones",
        "reference_class_id": "reference_classes",
    },
    "validations": {"prediction_id": "predictions"},
    "influences": {"parent_id": "claims", "child_id": "claims"},
    "exposures": {"prediction_id": "predictions", "symbol": "tickers"},
    "document_links": {"document_id": "documents", "claim_id": "claims"},
}
BELIEF_LISTS = frozenset({*CLAIM_LISTS, "evidence"})
LISTS_WITH_MOMENTS = BELIEF_LISTS | {"documents"}
"""Those whose statements take moments as text; the others have few."""

CLAIM_KINDS = {"predictions": "Prediction", "scenarios": "Scenario", "killers": "Killer"}

ItemT = TypeVar("ItemT")
OnProgress = Callable[[int, int], None]
PlacedRow = tuple[str, Row]
"""A row and the place that a problem with it names."""


class Batch(NamedTuple):
    """Rows of one list that one statement writes, and about how much of a transaction's memory they take."""

    name: str
    rows: Sequence[PlacedRow]
    num_bytes: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How many rows of each list were new, differed or were there already; nothing is written in a dry run."""

    created: Mapping[str, int]
    updated: Mapping[str, int]
    unchanged: Mapping[str, int]
    is_dry_run: bool = False

    def num_changed(self) -> int:
        """How many rows were written."""
        return sum(self.created.values()) + sum(self.updated.values())

    def summary(self) -> str:
        """The report in one line."""
        would = "would be " if self.is_dry_run else ""
        counts = ((would + "created", self.created), (would + "updated", self.updated), ("unchanged", self.unchanged))
        return ", ".join(f"{sum(by_list.values())} {word}" for word, by_list in counts)


@dataclass(frozen=True, slots=True)
class Known:
    """What the graph already has of the ids that a bundle names."""

    claim_kinds: Mapping[str, str]
    probabilities: Mapping[str, float | None]
    import_days: Mapping[str, date]
    predictor_ids: Mapping[str, str]
    ledger_lengths: Mapping[str, int]
    base_rates: Mapping[str, float]
    published: Mapping[str, datetime | None]
    ids: Mapping[str, frozenset[str]]


@dataclass(slots=True)
class _Written:
    """The ids that an import wrote, list by list."""

    created: dict[str, list[str]] = field(default_factory=dict)
    updated: dict[str, list[str]] = field(default_factory=dict)

    def note(self, name: str, created: Iterable[str], updated: Iterable[str]) -> None:
        """Add what was written of one list."""
        self.created.setdefault(name, []).extend(created)
        self.updated.setdefault(name, []).extend(updated)

    def add(self, other: "_Written") -> None:
        """Add what another transaction wrote."""
        for name in LISTS:
            self.note(name, other.created.get(name, ()), other.updated.get(name, ()))


class _DryRunError(Exception):
    """Rolls a transaction of a dry run back."""


@dataclass(frozen=True, slots=True)
class _Job:
    """An import as it was asked for."""

    draft: Draft
    today: date
    on_progress: OnProgress
    is_dry_run: bool


@dataclass(frozen=True, slots=True)
class _Checked:
    """A bundle that may be written: its rows with everything derived, and what the graph has already."""

    placed: Mapping[str, Sequence[PlacedRow]]
    known: Known
    page_keys: Callable[[Row], Mapping[str, Any]]
    derived: Mapping[str, Mapping[str, Any]]

    def num_rows(self) -> int:
        """How many rows there are, derived ones included."""
        return sum(len(rows) for rows in self.placed.values())

    def batches(self) -> Iterator[Batch]:
        """The rows of each list by batches, in the order in which they can be written."""
        return (batch for name in LISTS for batch in _row_batches(name, self.placed[name]))

    def has_ends(self, row: Row) -> bool:
        """Whether the graph has both ends of a relationship already; so it is of every other row."""
        claims, ids = self.known.claim_kinds, self.known.ids
        match row:
            case Influence():
                return row.parent_id in claims and row.child_id in claims
            case Exposure():
                return row.prediction_id in claims and row.symbol in ids.get("tickers", ())
            case DocumentLink():
                return row.document_id in ids.get("documents", ()) and row.claim_id in claims
            case _:
                return True


async def import_text(
    database: Database,
    text: str | bytes,
    *,
    on_progress: OnProgress | None = None,
    dry_run: bool = False,
    today: date | None = None,
) -> ImportReport:
    """
    Write a bundle's text into the graph: all of it, or nothing where anything is wrong with it.

    Rows of up to `TRANSACTION_BYTES` are one transaction. A larger bundle is checked whole before its first row is
    written, then written in transactions of that size while other imports wait; each part is right in itself, so
    after a crash between two of them importing again completes the rest.

    Args:
        database: Where to.
        text: The bundle as JSON.
        on_progress: Told how many rows of how many are done.
        dry_run: Do everything but keep nothing.
        today: The day that counts as the import's; today in UTC when absent.
    Raises:
        BundleError: With all problems of the text, of its rows together and of them with the graph.
        UnavailableError: The database cannot be reached.
    """
    draft = read_draft(text)
    _check_size(sum(len(rows) for rows in draft.rows.values()))
    job = _Job(draft, today or datetime.now(UTC).date(), on_progress or _ignore_progress, is_dry_run=dry_run)
    run = _import_at_once if fits_transaction(draft, len(text)) else _import_in_parts
    return await run(database, job)


async def import_bundle(
    database: Database,
    bundle: Bundle,
    *,
    on_progress: OnProgress | None = None,
    dry_run: bool = False,
    today: date | None = None,
) -> ImportReport:
    """Write a bundle that has been read already; otherwise as `import_text`."""
    return await import_text(database, bundle.to_json(), on_progress=on_progress, dry_run=dry_run, today=today)


async def import_rows(unit: Unit, rows: Mapping[str, Sequence[Row]], *, today: date | None = None) -> ImportReport:
    """
    Write rows within a transaction: checked against each other and the graph, and completed with all that is derived.

    Takes the writers' lock, as every import does.

    Args:
        unit: The transaction.
        rows: By the name of their list in a bundle.
        today: The day that counts as the import's; today in UTC when absent.
    Raises:
        BundleError: With everything that is wrong, at places such as `predictions[0].deadline`.
    """
    given = {name: tuple(enumerate(rows.get(name, ()))) for name in LISTS}
    named = {name: frozenset(row_id(row) for row in rows.get(name, ())) for name in LISTS}
    day = today or datetime.now(UTC).date()
    job = _Job(Draft(given, named, problems=()), day, _ignore_progress, is_dry_run=False)
    await unit.run("graph/lock")
    await _lock_claims(unit, job.draft)
    checked = await _check(unit, job)
    written = _Written()
    await _write(unit, checked, tuple(checked.batches()), written, _progress(job, checked))
    return _report(checked, written, job)


async def export_bundle(database: Database) -> Bundle:
    """
    The whole graph as a bundle, each list in the order of its ids.

    Raises:
        BusyError: Writes kept changing the graph while it was read.
    """
    for _ in range(EXPORT_TRIES):
        bundle = await database.read(_read_unchanged, timeout_seconds=EXPORT_TIMEOUT_SECONDS)
        if bundle is not None:
            return bundle
    message = "the graph kept changing while it was read; try again when fewer writes are under way"
    raise BusyError(message)


async def is_empty(database: Database) -> bool:
    """Whether the graph has no claim yet."""

    async def work(unit: Unit) -> bool:
        return not await unit.run("claims/find_any")

    return await database.read(work)


def fits_transaction(draft: Draft, num_characters: int) -> bool:
    """Whether one transaction holds all rows of a text of so many characters."""
    num_rows = sum(len(rows) for rows in draft.rows.values())
    if num_rows * CLAIM_BYTES + num_characters * CHARACTER_BYTES <= TRANSACTION_BYTES:
        return True
    sizes = accumulate(_num_bytes(row) for rows in draft.rows.values() for _, row in rows)
    return all(size <= TRANSACTION_BYTES for size in sizes)


def _ignore_progress(_done: int, _total: int) -> None:
    return


def _check_size(num_rows: int) -> None:
    if num_rows > MAX_ROWS:
        message = f"expected at most {MAX_ROWS} rows in one bundle, got {num_rows}; import it in parts"
        raise InvalidError(message, path="bundle")


async def _import_at_once(database: Database, job: _Job) -> ImportReport:
    written = _Written()

    async def work(unit: Unit) -> ImportReport:
        nonlocal written
        written = _Written()
        await unit.run("graph/lock")
        await _lock_claims(unit, job.draft)
        checked = await _check(unit, job)
        await _write(unit, checked, tuple(checked.batches()), written, _progress(job, checked))
        report = _report(checked, written, job)
        if job.is_dry_run:
            raise _DryRunError(report)
        return report

    try:
        return await database.write(work)
    except _DryRunError as outcome:
        report: ImportReport = outcome.args[0]
        return report


async def _lock_claims(unit: Unit, draft: Draft) -> None:
    """
    Take the claims whose milestones and ledgers are read here and written back, as every belief write does.

    An import in parts takes them part by part; what a sweep writes between its check and its part is overwritten.
    """
    ids = {row_id(row) for name in CLAIM_LISTS for _, row in draft.rows[name]}
    ids |= {row.prediction_id for _, row in draft.rows["milestones"] if isinstance(row, Milestone)}
    ids |= {row.claim_id for _, row in draft.rows["evidence"] if isinstance(row, Evidence)}
    for part in _batches(sorted(ids)):
        await unit.run("claims/lock", ids=part)


async def _import_in_parts(database: Database, job: _Job) -> ImportReport:
    written = _Written()
    async with database.holding("graph/lock") as lock, _freezing():
        checked = await _check(lock, job)
        gc.freeze()
        progress = _progress(job, checked)
        for part in _transactions(checked.batches()):
            written.add(await _write_part(database, job, checked, part, progress))
    return _report(checked, written, job)


@asynccontextmanager
async def _freezing() -> AsyncGenerator[None, None]:
    """The rows of a large bundle live to the end, so the collector need not look through them again and again."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _write_part(
    database: Database,
    job: _Job,
    checked: _Checked,
    part: Sequence[Batch],
    progress: Callable[[int], None],
) -> _Written:
    """One transaction of several; a dry run's is rolled back, so rows between new ends count as new unseen."""
    written = _Written()

    async def work(unit: Unit) -> None:
        nonlocal written
        written = _Written()
        await _write(unit, checked, part, written, progress)
        if job.is_dry_run:
            raise _DryRunError

    unseen = _Written()
    if job.is_dry_run:
        for batch in part:
            unseen.note(batch.name, [row_id(row) for _, row in batch.rows if not checked.has_ends(row)], [])
        part = [batch._replace(rows=[entry for entry in batch.rows if checked.has_ends(entry[1])]) for batch in part]
    try:
        await database.write(work)
    except _DryRunError:
        written.add(unseen)
    return written


def _transactions(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Batches in groups that one transaction each can hold."""
    group: list[Batch] = []
    size = 0
    for batch in batches:
        if group and size + batch.num_bytes > TRANSACTION_BYTES:
            yield group
            group, size = [], 0
        group.append(batch)
        size += batch.num_bytes
    if group:
        yield group


def _progress(job: _Job, checked: _Checked) -> Callable[[int], None]:
    total, done = checked.num_rows(), 0

    def progress(num_rows: int) -> None:
        nonlocal done
        done = min(total, done + num_rows)
        job.on_progress(done, total)

    return progress


async def _check(unit: Unit, job: _Job) -> _Checked:
    """
    The bundle's rows with everything derived.

    Raises:
        BundleError: With everything that is wrong with the bundle, in itself and with the graph.
    """
    draft = job.draft
    known = await _list_known(unit, draft)
    placed = {name: [(f"{name}[{index}]", row) for index, row in rows] for name, rows in draft.rows.items()}
    problems = [*draft.problems, *_reference_problems(placed, draft.named, known)]
    complete, found = await _derive(unit, placed, known, job.today)
    problems += found
    complete["evidence"].sort(key=lambda entry: ledger_order(_as_evidence(entry[1])))
    problems += await _ledger_problems(unit, complete["evidence"])
    problems += _stated_problems(complete, known)
    problems += await _cycle_problems(unit, complete["influences"], known)
    if problems:
        raise BundleError(problems)
    return _Checked(complete, known, _page_keys(complete, known), _derived(complete, known, datetime.now(UTC)))


async def _list_known(unit: Unit, draft: Draft) -> Known:
    named: dict[str, set[str]] = defaultdict(set)
    for name, rows in draft.rows.items():
        space = "claims" if name in CLAIM_LISTS else name
        if space in {"claims", "documents", "reference_classes"}:
            named[space].update(row_id(row) for _, row in rows)
        for attribute, target in REFERENCES.get(name, {}).items():
            references = (getattr(row, attribute) for _, row in rows)
            named["claims" if target == "predictions" else target].update(filter(None, references))
    targets = ("claims", "predictors", "episodes", "domains", "reference_classes", "tickers", "documents", "milestones")
    answers = await unit.run("bundles/list_known", **{name: sorted(named[name]) for name in targets})
    found: dict[str, list[dict[str, Any]]] = {answer["list"]: answer["found"] for answer in answers}
    claims = found["claims"]
    return Known(
        claim_kinds={claim["id"]: claim["kind"] for claim in claims},
        probabilities={claim["id"]: claim["probability"] for claim in claims},
        import_days={claim["id"]: claim["imported_on"] for claim in claims if claim["imported_on"]},
        predictor_ids={claim["id"]: claim["predictor_id"] for claim in claims if claim["predictor_id"]},
        ledger_lengths={claim["id"]: claim["num_evidence"] or 0 for claim in claims},
        base_rates={row["id"]: row["base_rate"] for row in found["reference_classes"]},
        published={document["id"]: document["published_at"] for document in found["documents"]},
        ids={name: frozenset(row["id"] for row in rows) for name, rows in found.items()},
    )


def _reference_problems(
    placed: Mapping[str, Sequence[PlacedRow]], named: Mapping[str, frozenset[str]], known: Known
) -> Iterator[Problem]:
    """Names of what is neither in the bundle nor in the graph, and ids that stand for another kind of claim."""
    there = {name: named[name] | known.ids.get(name, frozenset()) for name in named}
    there["claims"] = known.ids.get("claims", frozenset()).union(*(named[name] for name in CLAIM_LISTS))
    stored_predictions = {claim for claim, kind in known.claim_kinds.items() if kind == "Prediction"}
    there["predictions"] = named["predictions"] | stored_predictions
    for name, references in REFERENCES.items():
        for place, row in placed[name]:
            for attribute, target in references.items():
                reference = getattr(row, attribute)
                if reference is not None and reference not in there[target]:
                    message = f"expected an id of {target} in the bundle or the graph, got {reference!r}"
                    yield Problem(f"{place}.{attribute}", message)
    for name, kind in CLAIM_KINDS.items():
        for place, row in placed[name]:
            stored = known.claim_kinds.get(row_id(row), kind)
            if stored != kind:
                yield Problem(f"{place}.id", f"expected an id of its own, got {row_id(row)!r}, which is a {stored}")


async def _derive(
    unit: Unit, placed: Mapping[str, Sequence[PlacedRow]], known: Known, today: date
) -> tuple[dict[str, list[PlacedRow]], list[Problem]]:
    problems: list[Problem] = []
    complete: dict[str, list[PlacedRow]] = {name: list(rows) for name, rows in placed.items()}
    for name in CLAIM_LISTS:
        claims: list[PlacedRow] = []
        for place, row in placed[name]:
            claim, found = with_deadline(place, _as_claim(row))
            if isinstance(claim, Prediction):
                claim = with_import_day(claim, today, known.import_days.get(claim.id))
            claims.append((place, claim))
            problems += found
        complete[name] = claims
    chains, found = await _derive_chains(unit, complete)
    complete["milestones"] = list(chains)
    return complete, problems + found


def _as_claim(row: Row) -> Claim:
    if not isinstance(row, Claim):
        message = f"expected a claim, got {type(row).__name__}"
        raise TypeError(message)
    return row


async def _derive_chains(
    unit: Unit, placed: Mapping[str, Sequence[PlacedRow]]
) -> tuple[list[PlacedMilestone], list[Problem]]:
    """Each chain that the bundle touches, whole: its own milestones and those which the graph has already."""
    given: dict[str, PlacedMilestone] = {
        row.id: (place, row) for place, row in placed["milestones"] if isinstance(row, Milestone)
    }
    places = {row.id: place for place, row in placed["predictions"] if isinstance(row, Prediction)}
    predictions = {row.id: row for _, row in placed["predictions"] if isinstance(row, Prediction)}
    touched = {milestone.prediction_id for _, milestone in given.values()} | set(predictions)
    touched |= await _stored_owners(unit, list(given))  # a milestone that moves leaves a chain to be ranked anew
    stored = [row for row in await _stored_milestones(unit, sorted(touched)) if row.id not in given]
    for milestone in stored:
        given[milestone.id] = (places.get(milestone.prediction_id, "milestones"), milestone)
    missing = sorted({milestone.prediction_id for _, milestone in given.values()} - set(predictions))
    predictions |= {prediction.id: prediction for prediction in await _stored_predictions(unit, missing)}
    chains = [entry for entry in given.values() if entry[1].prediction_id in predictions]
    return complete_chains(chains, predictions, stored=frozenset(milestone.id for milestone in stored))


async def _stored_owners(unit: Unit, milestone_ids: Sequence[str]) -> set[str]:
    owners: set[str] = set()
    for ids in _batches(milestone_ids):
        (answer,) = await unit.run("milestones/list_owners", ids=ids)
        owners.update(answer["prediction_ids"])
    return owners


async def _stored_milestones(unit: Unit, prediction_ids: Sequence[str]) -> list[Milestone]:
    rows = await _stored_rows(unit, "milestones/list_of_predictions", prediction_ids)
    return [from_properties(Milestone, row) for row in rows]


async def _stored_predictions(unit: Unit, ids: Sequence[str]) -> list[Prediction]:
    return [from_properties(Prediction, row) for row in await _stored_rows(unit, "predictions/list_by_ids", ids)]


async def _stored_rows(unit: Unit, name: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    answers = [answer for part in _batches(ids) for answer in await unit.run(name, ids=part)]
    return [row for answer in answers for row in answer["rows"]]


def _as_evidence(row: Row) -> Evidence:
    if not isinstance(row, Evidence):
        message = f"expected a ledger row, got {type(row).__name__}"
        raise TypeError(message)
    return row


def _stated_problems(placed: Mapping[str, Sequence[PlacedRow]], known: Known) -> Iterator[Problem]:
    """What was stated is where a ledger begins, so it stays as it is once the ledger has rows."""
    for name in CLAIM_LISTS:
        for place, row in placed[name]:
            claim = _as_claim(row)
            stored = known.probabilities.get(claim.id)
            num_rows = known.ledger_lengths.get(claim.id, 0)
            if num_rows and stored is not None and claim.stated_probability != stored:
                message = (
                    f"expected {stored} as it was stated, since {num_rows} ledger rows stand on it, "
                    f"got {claim.stated_probability}; submit evidence to move the belief"
                )
                yield Problem(f"{place}.stated_probability", message)


async def _order_problems(unit: Unit, placed: Sequence[PlacedRow], stored: Collection[str]) -> list[Problem]:
    """New rows come behind those that a claim's ledger has already."""
    new = [(place, _as_evidence(row)) for place, row in placed if row_id(row) not in stored]
    last: dict[str, str] = {}
    for ids in _batches(sorted({row.claim_id for _, row in new})):
        (answer,) = await unit.run("evidence/list_last", claims=ranges(ids))
        last.update(answer["last"])
    problems = []
    for place, row in new:
        key, last_key = evidence_keys(row)["ledger_key"], last.get(row.claim_id)
        if key is not None and last_key is not None and key < last_key:
            moment = last_key.split(MARK)[1]
            message = (
                f"expected a moment after {moment}, when the last row on {row.claim_id!r} was recorded, since the "
                f"ledger only grows, got {row.recorded_at.isoformat()}"
            )
            problems.append(Problem(f"{place}.recorded_at", message))
    return problems


async def _ledger_problems(unit: Unit, placed: Sequence[PlacedRow]) -> list[Problem]:
    """The ledger only grows: a row that is there already must be the same row, and a key is used once."""
    rows = await _stored_rows(unit, "evidence/list_by_ids", [row_id(row) for _, row in placed])
    stored = {row["id"]: from_properties(Evidence, row) for row in rows}
    changed = [
        Problem(place, "expected the row as it was recorded, since the ledger only grows, got other content")
        for place, row in placed
        if stored.get(row_id(row), row) != row
    ]
    changed += await _order_problems(unit, placed, stored)
    return changed + await _idempotency_problems(unit, placed)


async def _idempotency_problems(unit: Unit, placed: Sequence[PlacedRow]) -> list[Problem]:
    ledger = [(place, row) for place, row in placed if isinstance(row, Evidence) and row.idempotency_key]
    holders: dict[str, str] = {}
    for part in _batches([row.idempotency_key for _, row in ledger]):
        (answer,) = await unit.run("evidence/list_by_idempotency_keys", keys=part)
        holders.update(answer["holders"])
    problems = []
    for place, row in ledger:
        holder = holders.setdefault(str(row.idempotency_key), row.id)
        if holder != row.id:
            message = f"expected a key of its own, got {row.idempotency_key!r}, which {holder!r} has"
            problems.append(Problem(f"{place}.idempotency_key", message))
    return problems


async def _cycle_problems(unit: Unit, placed: Sequence[PlacedRow], known: Known) -> list[Problem]:
    """Influences form a directed acyclic graph, those of the bundle and those of the graph together."""
    children: dict[str, set[str]] = defaultdict(set)
    places: dict[tuple[str, str], str] = {}
    for place, influence in placed:
        if isinstance(influence, Influence):
            children[influence.parent_id].add(influence.child_id)
            places[influence.parent_id, influence.child_id] = place
    # What is new to the graph has no influences there, so a cycle leads through the graph only from a child it knows.
    if any(child in known.claim_kinds for _, child in places):
        (answer,) = await unit.run("influences/list_edges")
        for parent, child_ids in answer["edges"]:
            children[parent].update(child_ids)
    cycle = find_cycle(children)
    if cycle is None:
        return []
    place = next((places[step] for step in pairwise(cycle) if step in places), "influences")
    return [Problem(place, f"expected influences without a cycle, got {' → '.join(cycle)}")]


def find_cycle(children: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    """The ids along one cycle, the first repeated at the end, or None where there is none."""
    # graphlib takes predecessors; reversing every edge and the cycle it finds comes to the same.
    try:
        graphlib.TopologicalSorter(children).prepare()
    except graphlib.CycleError as error:
        return tuple(reversed(error.args[1]))
    return None


async def _write(
    unit: Unit,
    checked: _Checked,
    batches: Iterable[Batch],
    written: _Written,
    progress: Callable[[int], None],
) -> None:
    """Write some batches, each with the relationships and page keys that follow from its rows."""
    num_changed = 0
    here = _Written()
    async with aclosing(_made_ahead(iter(batches), checked)) as made:
        async for name, rows in made:
            (answer,) = await unit.run(UPSERTS[name], rows=rows)
            written.note(name, answer["created"], answer["updated"])
            here.note(name, answer["created"], answer["updated"])
            await _follow_up(unit, name, answer["created"], answer["updated"])
            num_changed += len(answer["created"]) + len(answer["updated"])
            progress(len(rows))
    if num_changed:
        await _settle(unit, checked, here)
        await unit.run("graph/raise_revision")


async def _made_ahead(
    batches: Iterator[Batch], checked: _Checked
) -> AsyncGenerator[tuple[str, list[dict[str, Any]]], None]:
    """Batches as their statements take them, each made while the database writes the one before."""
    following = asyncio.create_task(asyncio.to_thread(_next_batch, batches, checked))
    try:
        while (batch := await following) is not None:
            following = asyncio.create_task(asyncio.to_thread(_next_batch, batches, checked))
            yield batch
    finally:
        await asyncio.wait([following])


def _next_batch(batches: Iterator[Batch], checked: _Checked) -> tuple[str, list[dict[str, Any]]] | None:
    for name, rows, _ in batches:
        if rows:
            return name, [_entry(name, row, checked) for _, row in rows]
    return None


def _entry(name: str, row: Row, checked: _Checked) -> dict[str, Any]:
    """A row as its statement takes it."""
    properties = {**to_properties(row), **checked.page_keys(row)}
    if name in LISTS_WITH_MOMENTS:
        properties = with_moments_as_text(properties)
    if name not in BELIEF_LISTS:
        return properties
    return {"row": properties, "derived": with_moments_as_text(checked.derived.get(row_id(row), {}))}


async def _settle(unit: Unit, checked: _Checked, written: _Written) -> None:
    """What follows from rows that changed for what was there before them: beliefs and records."""
    predictions = {row.id: row for _, row in checked.placed["predictions"] if isinstance(row, Prediction)}
    changed = {name: {*written.created.get(name, ()), *written.updated.get(name, ())} for name in LISTS}
    ledger = (_as_evidence(row) for _, row in checked.placed["evidence"])
    stale = {row.claim_id for row in ledger if row.id in changed["evidence"]} & set(checked.known.claim_kinds)
    stale |= {claim_id for name in CLAIM_LISTS for claim_id in written.updated.get(name, ())}
    stale |= await _list_members(unit, written.updated.get("reference_classes", ()))
    await rebuild_claims(unit, stale, datetime.now(UTC))
    settled = {claim_id for claim_id in changed["predictions"] if predictions[claim_id].status in OUTCOMES}
    settled |= set(written.updated.get("predictions", ()))
    touched = {predictions[prediction_id].predictor_id for prediction_id in settled}
    touched |= {checked.known.predictor_ids.get(prediction_id) for prediction_id in settled}
    await refresh_records(unit, changed["predictors"] | {name for name in touched if name is not None})


async def _list_members(unit: Unit, class_ids: Iterable[str]) -> set[str]:
    """The predictions of some reference classes."""
    members: set[str] = set()
    for class_id in class_ids:
        low, high = bounds(class_id)
        while True:
            (page,) = await unit.run("predictions/list_of_class", low=low, high=high, limit=BATCH_ROWS)
            members.update(page["ids"])
            if len(page["ids"]) < BATCH_ROWS:
                break
            low = page["last_key"]
    return members


async def _follow_up(unit: Unit, name: str, created: Sequence[str], updated: Sequence[str]) -> None:
    """What rows that changed bring with them."""
    changed = [*created, *updated]
    if name in CLAIM_LISTS and changed:
        await unit.run("claims/link", ids=changed)
        if name == "predictions":
            await unit.run("predictions/link", ids=changed)
    elif name == "evidence" and changed:
        await unit.run("evidence/link", ids=changed)
    if name in CLAIM_LISTS:
        await _refresh_influence_keys(unit, updated)
    elif name == "documents":
        await _refresh_link_keys(unit, updated)


def _derived(
    placed: Mapping[str, Sequence[PlacedRow]], known: Known, moment: datetime
) -> Mapping[str, Mapping[str, Any]]:
    """
    What stands beside claims that are new to the graph, and beside the ledger rows on them, by id.

    What was there before is made anew once its rows are written.
    """
    ledgers: dict[str, list[Evidence]] = defaultdict(list)
    for _, row in placed["evidence"]:
        evidence = _as_evidence(row)
        ledgers[evidence.claim_id].append(evidence)
    classes = (row for _, row in placed["reference_classes"])
    base_rates = {**known.base_rates, **{row.id: row.base_rate for row in classes if isinstance(row, ReferenceClass)}}
    derived: dict[str, Mapping[str, Any]] = {}
    for claim in (_as_claim(row) for name in CLAIM_LISTS for _, row in placed[name]):
        if claim.id in known.claim_kinds:
            continue
        class_id = claim.reference_class_id if isinstance(claim, Prediction) else None
        state = ClaimState.from_claim(claim, None if class_id is None else base_rates.get(class_id))
        rows = ledgers.get(claim.id, [])
        beside = derive_rows(rows, inside_log_odds=state.inside_log_odds)
        derived.update({row.id: own.properties() for row, own in zip(rows, beside, strict=True)})
        derived[claim.id] = state.after(rows, beside).stored(moment)
    return derived


def _page_keys(placed: Mapping[str, Sequence[PlacedRow]], known: Known) -> Callable[[Row], Mapping[str, Any]]:
    claims = [row for name in CLAIM_LISTS for _, row in placed[name] if isinstance(row, Claim)]
    probabilities = {**known.probabilities, **{claim.id: claim.stated_probability for claim in claims}}
    documents = [row for _, row in placed["documents"] if isinstance(row, Document)]
    published = {**known.published, **{document.id: document.published_at for document in documents}}

    def keys(row: Row) -> Mapping[str, Any]:
        match row:
            case Prediction():
                return deadline_keys(row)
            case Influence():
                return influence_keys(row, probabilities)
            case Exposure():
                return exposure_keys(row)
            case Milestone():
                return milestone_keys(row)
            case Evidence():
                return evidence_keys(row)
            case Validation():
                return validation_keys(row)
            case DocumentLink():
                return document_link_keys(row, published.get(row.document_id))
            case _:
                return {}

    return keys


async def _refresh_influence_keys(unit: Unit, updated: Sequence[str]) -> None:
    """A claim whose probability changed ranks differently at both ends of its influences."""
    for ids in _batches(updated):
        rows = await unit.run("influences/list_touching", ids=ids)
        for part in _batches(rows):
            await unit.run("influences/set_keys", rows=[_touched_keys(row) for row in part])


async def _refresh_link_keys(unit: Unit, updated: Sequence[str]) -> None:
    """A document whose moment of publication changed stands elsewhere among its claims' documents."""
    for ids in _batches(updated):
        (answer,) = await unit.run("documents/list_links", ids=ids)
        for part in _batches(answer["links"]):
            await unit.run(UPSERTS["document_links"], rows=[_link_row(link) for link in part])


def _link_row(link: Mapping[str, Any]) -> dict[str, Any]:
    row = DocumentLink(document_id=link["document_id"], claim_id=link["claim_id"])
    return to_properties(row) | document_link_keys(row, link["published_at"])


def _touched_keys(row: Mapping[str, Any]) -> dict[str, Any]:
    influence = Influence.model_validate({name: row[name] for name in Influence.model_fields if name in row})
    probabilities = {row["parent_id"]: row["parent_probability"], row["child_id"]: row["child_probability"]}
    ends = {name: row[name] for name in ("kind", "parent_id", "child_id")}
    return ends | influence_keys(influence, probabilities)


def _report(checked: _Checked, written: _Written, job: _Job) -> ImportReport:
    created = {name: len(written.created.get(name, ())) for name in LISTS}
    updated = {name: len(written.updated.get(name, ())) for name in LISTS}
    unchanged = {name: len(checked.placed[name]) - created[name] - updated[name] for name in LISTS}
    return ImportReport(created=created, updated=updated, unchanged=unchanged, is_dry_run=job.is_dry_run)


async def _read_unchanged(unit: Unit) -> Bundle | None:
    """The whole graph, or None where its revision rose while it was read."""
    before = await unit.run("graph/get_revision")
    lists = {name: await _export_list(unit, name) for name in LISTS}
    after = await unit.run("graph/get_revision")
    return Bundle(format=BUNDLE_FORMAT, **lists) if before == after else None


async def _export_list(unit: Unit, name: str) -> tuple[Row, ...]:
    rows: list[Row] = []
    after = ""
    while True:
        (page,) = await unit.run(EXPORTS[name], after=after, limit=EXPORT_PAGE_ROWS)
        rows += (from_properties(KINDS[name], row) for row in page["rows"])
        if len(page["rows"]) < EXPORT_PAGE_ROWS:
            return tuple(sorted(rows, key=row_id))
        after = page["last_key"]


def _batches(items: Sequence[ItemT]) -> Iterator[Sequence[ItemT]]:
    return (items[start : start + BATCH_ROWS] for start in range(0, len(items), BATCH_ROWS))


def _row_batches(name: str, placed: Sequence[PlacedRow]) -> Iterator[Batch]:
    """Rows that one statement writes: so many, and fewer where they are long."""
    batch: list[PlacedRow] = []
    size = 0
    for entry in placed:
        num_bytes = _num_bytes(entry[1])
        if batch and (len(batch) == BATCH_ROWS or size + num_bytes > TRANSACTION_BYTES):
            yield Batch(name, batch, size)
            batch, size = [], 0
        batch.append(entry)
        size += num_bytes
    if batch:
        yield Batch(name, batch, size)


def _num_bytes(row: Row) -> int:
    """About how much of a transaction's memory a row takes."""
    values = ((name, value) for name, value in row.__dict__.items() if value)
    texts = (repr(value) if name in JSON_PROPERTIES else value for name, value in values)
    num_characters = sum(len(text) for text in texts if isinstance(text, str))
    return (CLAIM_BYTES if isinstance(row, Claim) else ROW_BYTES) + CHARACTER_BYTES * num_characters
