"""Checks a bundle as a whole, and derives what is written with its rows."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from graph.bundles.batches import Batch, RowAtPath, row_batches
from graph.bundles.chains import Chains, derive_chains
from graph.bundles.checks import (
    as_claim,
    as_evidence,
    cycle_problems,
    family_problems,
    forecast_problems,
    ledger_problems,
    reference_problems,
    stated_problems,
    version_problems,
)
from graph.bundles.contradictions import list_contradictions
from graph.bundles.derivation import with_deadline, with_early, with_import_day
from graph.bundles.drafts import Draft
from graph.bundles.known import Known, list_known
from graph.bundles.moments import ListMoments
from graph.database.sessions import Unit
from graph.errors import BundleError, Problem
from graph.ledger.claim_state import (
    ClaimState,
    DerivedRow,
    computed_keys,
    derive_rows,
    ledger_order,
    past_name,
    views_of,
)
from graph.ledger.pasts import ask_at, final_of
from graph.model.bundle import LISTS
from graph.model.kinds import VersionSubject
from graph.model.page_keys import (
    CHANGE_DAYS,
    can_miss,
    document_link_keys,
    exposure_keys,
    influence_keys,
    milestone_keys,
    own_keys,
)
from graph.model.rows import (
    Claim,
    Document,
    DocumentLink,
    Evidence,
    Exposure,
    Forecast,
    Influence,
    Milestone,
    Prediction,
    ReferenceClass,
    Row,
    Version,
)
from graph.model.subjects import CLAIM_LISTS, SIGNED_LISTS
from graph.model.versions import VERSIONS, node_of

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """
    A requested import.

    Attributes:
        draft: The rows.
        today: The day of the import.
        on_progress: Called with the number of rows written and the number of all rows.
        is_dry_run: Whether nothing is kept.
        digest: The SHA-256 under which an import in several transactions is noted; None if it is not noted here.
    """

    draft: Draft
    today: date
    on_progress: OnProgress
    is_dry_run: bool
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """
    A bundle without problems.

    Attributes:
        rows: The rows of each list, derived ones and derived properties included.
        known: The graph's nodes that the bundle names.
        new_milestone_ids: The ids of the milestones that the graph certainly does not have.
        page_keys: Computes the page keys of a row.
        derived: The derived values of new claims and of the ledger rows on them, by id.
        moments: When rows came into the graph that they are restored from; empty if they are new.
        is_restore: Whether an empty graph is restored from it.
    """

    rows: Mapping[str, Sequence[RowAtPath]]
    known: Known
    new_milestone_ids: frozenset[str]
    page_keys: Callable[[Row], Mapping[str, Any]]
    derived: Mapping[str, Mapping[str, Any]]
    moments: ListMoments = field(default_factory=dict)
    is_restore: bool = False

    def num_rows(self) -> int:
        """Count the rows, derived ones included."""
        return sum(len(rows) for rows in self.rows.values())

    def batches(self) -> Iterator[Batch]:
        """Cut the rows of each list into batches, in an order in which they can be written."""
        return (batch for name in LISTS for batch in row_batches(name, self.rows[name]))

    def is_new(self, row: Row) -> bool:
        """
        Whether the graph certainly does not have a row, as long as the lock that imports take is held.

        A relationship is new if either of its ends is.
        """
        match row:
            case Claim():
                return row.id not in self.known.claim_kinds
            case Milestone():
                return row.id in self.new_milestone_ids
            case _:
                return not self.has_ends(row)

    def has_ends(self, row: Row) -> bool:
        """Whether the graph already has both ends of a row that is a relationship; true for nodes."""
        return has_ends(self.known, row)


def has_ends(known: Known, row: Row) -> bool:
    """Whether the graph already has both ends of a row that is a relationship; true for nodes."""
    claims, ids = known.claim_kinds, known.ids
    match row:
        case Influence():
            return row.parent_id in claims and row.child_id in claims
        case Exposure():
            return row.prediction_id in claims and row.symbol in ids.get("tickers", ())
        case DocumentLink():
            return row.document_id in ids.get("documents", ()) and row.claim_id in claims
        case Forecast():
            return row.predictor_id in ids.get("predictors", ()) and row.claim_id in claims
        case _:
            return True


async def check_bundle(unit: Unit, job: Job) -> Checked:
    """
    Check a bundle in itself and against the graph, and derive what is written with its rows.

    Raises:
        BundleError: The bundle has problems; the error lists all of them.
    """
    draft = job.draft
    known = await list_known(unit, draft)
    stated = {name: [(f"{name}[{index}]", row) for index, row in rows] for name, rows in draft.rows.items()}
    # A large bundle takes seconds of the processor, so that all but short steps are done in threads.
    problems = [*draft.problems, *await asyncio.to_thread(_listed, reference_problems(stated, draft.named, known))]
    stated[VERSIONS] = [entry for entry in stated[VERSIONS] if _is_of_new_node(entry[1], known)]
    complete, chains = await _complete_rows(unit, stated, known, job.today)
    problems += chains.problems
    problems += await ledger_problems(unit, complete["evidence"])
    problems += await forecast_problems(unit, complete["forecasts"])
    problems += stated_problems(complete, known)
    problems += version_problems(complete[VERSIONS])
    if not draft.is_part:
        problems += await family_problems(unit, complete, draft.named, known)
    problems += await cycle_problems(unit, complete["influences"], known)
    for name in SIGNED_LISTS:
        found = await list_contradictions(unit, complete[name], partial(has_ends, known))
        problems += [contradiction.problem() for contradiction in found]
    if problems:
        raise BundleError(problems)
    derived = await asyncio.to_thread(_derived, complete, known, datetime.now(UTC))
    page_keys = _page_keys(complete, known, chains.predictions)
    return Checked(complete, known, chains.new_ids, page_keys, derived, draft.moments, draft.is_restore)


def _is_of_new_node(row: Row, known: Known) -> bool:
    """Whether a version is of a node that the graph does not have; of others the graph has recorded its own."""
    if not isinstance(row, Version) or row.subject is VersionSubject.GRAPH:
        return isinstance(row, Version)
    name, node_id = node_of(row)
    return node_id not in known.ids[name]


def _listed(problems: Iterable[Problem]) -> list[Problem]:
    return list(problems)


async def _complete_rows(
    unit: Unit, rows: Mapping[str, Sequence[RowAtPath]], known: Known, today: date
) -> tuple[Mapping[str, Sequence[RowAtPath]], Chains]:
    """Fill in derived properties, add check-ins and sort the ledger; the chains have all problems found."""
    claims, problems = await asyncio.to_thread(_complete_claims, rows, known, today)
    chains = await derive_chains(unit, {**rows, **claims}, today)
    ledger = sorted(rows["evidence"], key=lambda entry: ledger_order(as_evidence(entry[1])))
    complete = {**rows, **claims, "milestones": chains.milestones, "evidence": ledger}
    return complete, chains._replace(problems=problems + chains.problems)


def _complete_claims(
    rows: Mapping[str, Sequence[RowAtPath]], known: Known, today: date
) -> tuple[dict[str, list[RowAtPath]], list[Problem]]:
    problems: list[Problem] = []
    claims: dict[str, list[RowAtPath]] = {name: [] for name in CLAIM_LISTS}
    for name, completed in claims.items():
        for path, row in rows[name]:
            claim, found = with_deadline(path, as_claim(row))
            if isinstance(claim, Prediction):
                claim = with_import_day(claim, today, known.import_days.get(claim.id))
            claim, early = with_early(path, claim, is_known=claim.id in known.early)
            completed.append((path, claim))
            problems += found + early
    return claims, problems


def _derived(
    rows: Mapping[str, Sequence[RowAtPath]], known: Known, moment: datetime
) -> Mapping[str, Mapping[str, Any]]:
    """
    Derive the values stored with new claims and their ledger rows, by id.

    Those of claims that the graph already has are recomputed after the rows are written.
    """
    ledgers: dict[str, list[Evidence]] = defaultdict(list)
    for _, row in rows["evidence"]:
        evidence = as_evidence(row)
        ledgers[evidence.claim_id].append(evidence)
    classes = (row for _, row in rows["reference_classes"])
    base_rates = {**known.base_rates, **{row.id: row.base_rate for row in classes if isinstance(row, ReferenceClass)}}
    derived: dict[str, Mapping[str, Any]] = {}
    for claim in (as_claim(row) for name in CLAIM_LISTS for _, row in rows[name]):
        if claim.id in known.claim_kinds:
            continue
        class_id = claim.reference_class_id if isinstance(claim, Prediction) else None
        state = ClaimState.from_claim(claim, None if class_id is None else base_rates.get(class_id))
        ledger = ledgers.get(claim.id, [])
        derived_rows = derive_rows(ledger, inside_log_odds=state.inside_log_odds)
        derived.update({row.id: values.properties() for row, values in zip(ledger, derived_rows, strict=True)})
        derived[claim.id] = _stored(state.after(ledger, derived_rows), ledger, derived_rows, moment)
    return derived


def _stored(
    state: ClaimState, rows: Sequence[Evidence], derived: Sequence[DerivedRow], moment: datetime
) -> Mapping[str, Any]:
    """Derive the values stored with a new claim from its state with all evidence, and from its ledger."""
    ledger = [(row.recorded_at, own.sums()) for row, own in zip(rows, derived, strict=True)]
    if state.resolved_at is not None:
        state = replace(state, final=final_of(state, ledger))
    thens = [moment - timedelta(days=days) for days in CHANGE_DAYS]
    view, *pasts = views_of([state.ask(moment), *(ask_at(state, ledger, then) for then in thens)])
    stored = state.stored(moment, view)
    for days, past in zip(CHANGE_DAYS, pasts, strict=True):
        stored[past_name(days)] = None if past is None else past.probability()
    return stored | computed_keys(state.claim_id, stored)


def _page_keys(
    rows: Mapping[str, Sequence[RowAtPath]], known: Known, owners: Mapping[str, Prediction]
) -> Callable[[Row], Mapping[str, Any]]:
    """Make the function that computes a row's page keys from the bundle's and the graph's claims and documents."""
    claims = [row for name in CLAIM_LISTS for _, row in rows[name] if isinstance(row, Claim)]
    probabilities = {**known.probabilities, **{claim.id: claim.stated_probability for claim in claims}}
    documents = [row for _, row in rows["documents"] if isinstance(row, Document)]
    published = {**known.published, **{document.id: document.published_at for document in documents}}

    def keys(row: Row) -> Mapping[str, Any]:
        match row:
            case Influence():
                return influence_keys(row, probabilities)
            case Exposure():
                return exposure_keys(row)
            case Milestone():
                owner = owners[row.prediction_id]
                misses = can_miss(owner.status, owner.stated_probability)
                return milestone_keys(row, can_miss=misses, closed_at=owner.resolved_at)
            case DocumentLink():
                return document_link_keys(row, published.get(row.document_id))
            case _:
                return own_keys(row)

    return keys
