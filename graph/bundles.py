"""Bundles into the graph and out of it: checked whole, written in one transaction, read back the same."""

import graphlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, TypeVar

from graph.derivation import PlacedMilestone, complete_chains, with_deadline, with_import_day
from graph.errors import BundleError, BusyError, InvalidError, Problem
from graph.keys import (
    document_link_keys,
    evidence_keys,
    exposure_keys,
    influence_keys,
    milestone_keys,
    prediction_keys,
    validation_keys,
)
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
from graph.rows import from_properties, to_properties
from graph.sessions import Database, Unit

BATCH_ROWS = 2_000
EXPORT_PAGE_ROWS = 2_000
EXPORT_TIMEOUT_SECONDS = 600.0
EXPORT_TRIES = 3
# What the embedded server's memory for one transaction holds with room to spare; larger graphs come in parts.
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
CLAIM_KINDS = {"predictions": "Prediction", "scenarios": "Scenario", "killers": "Killer"}

ItemT = TypeVar("ItemT")
OnProgress = Callable[[int, int], None]
PlacedRow = tuple[str, Row]
"""A row and the place that a problem with it names."""


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
    published: Mapping[str, datetime | None]
    ids: Mapping[str, frozenset[str]]


@dataclass(slots=True)
class _Written:
    """The ids that an import wrote, list by list."""

    created: dict[str, list[str]] = field(default_factory=dict)
    updated: dict[str, list[str]] = field(default_factory=dict)

    def changed(self, *names: str) -> list[str]:
        return [row_id for name in names for row_id in (*self.created.get(name, ()), *self.updated.get(name, ()))]


class _DryRunError(Exception):
    """Rolls the transaction of a dry run back."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__()
        self.report = report


async def import_text(
    database: Database,
    text: str | bytes,
    *,
    on_progress: OnProgress | None = None,
    dry_run: bool = False,
    today: date | None = None,
) -> ImportReport:
    """
    Write a bundle's text into the graph: all of it or nothing.

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
    moment = today or datetime.now(UTC).date()

    async def work(unit: Unit) -> ImportReport:
        return await _import_draft(unit, draft, moment, on_progress or _ignore_progress, dry_run=dry_run)

    try:
        return await database.write(work)
    except _DryRunError as outcome:
        return outcome.report


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


def _ignore_progress(_done: int, _total: int) -> None:
    return


def _check_size(num_rows: int) -> None:
    if num_rows > MAX_ROWS:
        message = f"expected at most {MAX_ROWS} rows in one bundle, got {num_rows}; import it in parts"
        raise InvalidError(message, path="bundle")


async def _import_draft(
    unit: Unit, draft: Draft, today: date, on_progress: OnProgress, *, dry_run: bool
) -> ImportReport:
    await unit.run("graph/lock")
    known = await _list_known(unit, draft)
    placed = {name: [(f"{name}[{index}]", row) for index, row in rows] for name, rows in draft.rows.items()}
    problems = [*draft.problems, *_reference_problems(placed, draft.named, known)]
    placed, found = await _derive(unit, placed, known, today)
    problems += found
    problems += await _ledger_problems(unit, placed["evidence"])
    problems += await _cycle_problems(unit, placed["influences"], known)
    if problems:
        raise BundleError(problems)
    written = await _write(unit, placed, known, on_progress)
    report = _report(placed, written, dry_run=dry_run)
    if dry_run:
        raise _DryRunError(report)
    return report


async def _list_known(unit: Unit, draft: Draft) -> Known:
    named: dict[str, set[str]] = defaultdict(set)
    for name, rows in draft.rows.items():
        space = "claims" if name in CLAIM_LISTS else name
        if space in {"claims", "documents"}:
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


async def _ledger_problems(unit: Unit, placed: Sequence[PlacedRow]) -> list[Problem]:
    """The ledger only grows: a row that is there already must be the same row, and a key is used once."""
    rows = await _stored_rows(unit, "evidence/list_by_ids", [row_id(row) for _, row in placed])
    stored = {row["id"]: from_properties(Evidence, row) for row in rows}
    changed = [
        Problem(place, "expected the row as it was recorded, since the ledger only grows, got other content")
        for place, row in placed
        if stored.get(row_id(row), row) != row
    ]
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
    unit: Unit, placed: Mapping[str, Sequence[PlacedRow]], known: Known, on_progress: OnProgress
) -> _Written:
    written, done = _Written(), 0
    total = sum(len(rows) for rows in placed.values())
    keys = _page_keys(placed, known)
    for name in LISTS:
        created: list[str] = []
        updated: list[str] = []
        for part in _batches(placed[name]):
            rows = [to_properties(row) | keys(row) for _, row in part]
            (answer,) = await unit.run(UPSERTS[name], rows=rows)
            created += answer["created"]
            updated += answer["updated"]
            done += len(part)
            on_progress(done, total)
        written.created[name], written.updated[name] = created, updated
    await _link(unit, written)
    await _refresh_influence_keys(unit, written)
    await _refresh_link_keys(unit, written)
    if written.changed(*LISTS):
        await unit.run("graph/raise_revision")
    return written


def _page_keys(placed: Mapping[str, Sequence[PlacedRow]], known: Known) -> Callable[[Row], dict[str, Any]]:
    claims = [row for name in CLAIM_LISTS for _, row in placed[name] if isinstance(row, Claim)]
    probabilities = {**known.probabilities, **{claim.id: claim.stated_probability for claim in claims}}
    documents = [row for _, row in placed["documents"] if isinstance(row, Document)]
    published = {**known.published, **{document.id: document.published_at for document in documents}}

    def keys(row: Row) -> dict[str, Any]:
        match row:
            case Prediction():
                return dict(prediction_keys(row, row.stated_probability))
            case Influence():
                return dict(influence_keys(row, probabilities))
            case Exposure():
                return dict(exposure_keys(row))
            case Milestone():
                return dict(milestone_keys(row))
            case Evidence():
                return dict(evidence_keys(row))
            case Validation():
                return dict(validation_keys(row))
            case DocumentLink():
                return dict(document_link_keys(row, published.get(row.document_id)))
            case _:
                return {}

    return keys


async def _link(unit: Unit, written: _Written) -> None:
    for ids in _batches(written.changed(*CLAIM_LISTS)):
        await unit.run("claims/link", ids=ids)
    for ids in _batches(written.changed("predictions")):
        await unit.run("predictions/link", ids=ids)
    for ids in _batches(written.changed("evidence")):
        await unit.run("evidence/link", ids=ids)


async def _refresh_influence_keys(unit: Unit, written: _Written) -> None:
    """A claim whose probability changed ranks differently at both ends of its influences."""
    updated = [claim_id for name in CLAIM_LISTS for claim_id in written.updated.get(name, ())]
    for ids in _batches(updated):
        rows = await unit.run("influences/list_touching", ids=ids)
        for part in _batches(rows):
            await unit.run("influences/set_keys", rows=[_touched_keys(row) for row in part])


async def _refresh_link_keys(unit: Unit, written: _Written) -> None:
    """A document whose moment of publication changed stands elsewhere among its claims' documents."""
    for ids in _batches(written.updated.get("documents", ())):
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


def _report(placed: Mapping[str, Sequence[PlacedRow]], written: _Written, *, dry_run: bool) -> ImportReport:
    created = {name: len(written.created[name]) for name in LISTS}
    updated = {name: len(written.updated[name]) for name in LISTS}
    unchanged = {name: len(placed[name]) - created[name] - updated[name] for name in LISTS}
    return ImportReport(created=created, updated=updated, unchanged=unchanged, is_dry_run=dry_run)


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
