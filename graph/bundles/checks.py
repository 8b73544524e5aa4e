"""Finds the problems of a bundle's rows taken together, and of rows that contradict the graph."""

import graphlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from graph.bundles.batches import RowAtPath, in_batches
from graph.bundles.known import Known, stored_rows
from graph.database.sessions import Unit
from graph.errors import Problem, counted
from graph.families.store import MOST_FAMILIES, MOST_ROWS, count_families, count_rows, list_families
from graph.model.kinds import FamilyKind
from graph.model.page_keys import MARK, evidence_keys, join, ranges, stamp_text
from graph.model.properties import from_properties
from graph.model.rows import Claim, ClaimFamily, Evidence, Forecast, Influence, Row, Version
from graph.model.subjects import CLAIM_LISTS, CLAIMS, ROW_LISTS, noun_of, references_of, row_id, target_list
from graph.model.versions import version_anchor


def reference_problems(
    rows: Mapping[str, Sequence[RowAtPath]], named: Mapping[str, frozenset[str]], known: Known
) -> Iterator[Problem]:
    """Find references to ids that neither the bundle nor the graph has, and ids of claims of another kind."""
    available = {name: named[name] | known.ids.get(name, frozenset()) for name in named}
    available[CLAIMS] = known.ids.get(CLAIMS, frozenset()).union(*(named[name] for name in CLAIM_LISTS))
    stored_predictions = {claim for claim, kind in known.claim_kinds.items() if kind == "Prediction"}
    available["predictions"] = named["predictions"] | stored_predictions
    for name, listed in ROW_LISTS.items():
        for reference in references_of(listed):
            target = target_list(reference)
            for path, row in rows[name]:
                key = getattr(row, reference.property)
                if key is not None and key not in available[target]:
                    message = (
                        f"no {noun_of(reference.target)} in the bundle or the graph has the id {key!r}; add it first"
                    )
                    yield Problem(f"{path}.{reference.property}", message)
    for name in CLAIM_LISTS:
        label = ROW_LISTS[name].row.__name__
        for path, row in rows[name]:
            stored = known.claim_kinds.get(row_id(row), label)
            if stored != label:
                yield Problem(f"{path}.id", f"{row_id(row)!r} is a {stored}; choose another id")


def as_claim(row: Row) -> Claim:
    """
    Narrow a row to a claim.

    Raises:
        TypeError: It is another row.
    """
    if not isinstance(row, Claim):
        message = f"expected a claim, got {type(row).__name__}"
        raise TypeError(message)
    return row


def as_evidence(row: Row) -> Evidence:
    """
    Narrow a row to a ledger row.

    Raises:
        TypeError: It is another row.
    """
    if not isinstance(row, Evidence):
        message = f"expected a ledger row, got {type(row).__name__}"
        raise TypeError(message)
    return row


async def forecast_problems(unit: Unit, forecasts: Sequence[RowAtPath]) -> list[Problem]:
    """Find forecasts that change a recorded one, and retractions of none by their predictor on their claim."""
    new = {row.id: (path, row) for path, row in forecasts if isinstance(row, Forecast)}
    named = {*new, *(row.retracts for _, row in new.values() if row.retracts is not None)}
    found = await stored_rows(unit, "bundles/list_forecasts", sorted(named))
    stored = {row["id"]: from_properties(Forecast, row) for row in found}
    problems = [
        Problem(path, f"forecast {row.id!r} is recorded with other values; add one with an id of its own instead")
        for path, row in new.values()
        if stored.get(row.id, row) != row
    ]
    known = {**{row_id: row for row_id, (_, row) in new.items()}, **stored}
    for path, row in new.values():
        if row.retracts is None:
            continue
        retracted = known.get(row.retracts)
        ends = None if retracted is None else (retracted.predictor_id, retracted.claim_id)
        if retracted is None or retracted.probability is None or ends != (row.predictor_id, row.claim_id):
            message = f"{row.retracts!r} is no forecast by {row.predictor_id!r} on {row.claim_id!r}"
            problems.append(Problem(f"{path}.retracts", message))
    return problems


async def family_problems(
    unit: Unit, rows: Mapping[str, Sequence[RowAtPath]], named: Mapping[str, frozenset[str]], known: Known
) -> list[Problem]:
    """
    Find what a mutation refuses in families: claims that are unknown, of two families of a kind, or without a deadline
    where one needs it; more families or rows than may be; and rows that change a recorded one.

    Only the last row of each family counts, as claims of earlier ones may have been deleted since.

    Args:
        unit: The transaction to read in.
        rows: Complete rows by list.
        named: The ids of the bundle's rows by list, invalid ones included.
        known: Parts of the graph that the bundle meets.
    """
    families = [(path, row) for path, row in rows["claim_families"] if isinstance(row, ClaimFamily)]
    latest: dict[str, tuple[str, ClaimFamily]] = {}
    for path, row in families:
        if row.name not in latest or latest[row.name][1].id < row.id:
            latest[row.name] = path, row
    claims = {row_id(row): (path, as_claim(row)) for name in CLAIM_LISTS for path, row in rows[name]}
    standing = {name: (path, row) for name, (path, row) in latest.items() if not row.is_deleted}
    undated = {key for key, (_, claim) in claims.items() if claim.deadline is None and key in known.claim_kinds}
    if not families and not undated:
        return []
    others = [family for family in await list_families(unit) if family.name not in latest]
    problems = [
        Problem(f"{claims[key][0]}.deadline", f"expected a deadline, as the family {family.name!r} has claim {key!r}")
        for family in others
        for key in (member.claim_id for member in family.members)
        if family.kind is FamilyKind.BY_WHEN and key in undated
    ]
    if not families:
        return problems
    deadlines: dict[str, datetime | None] = {key: claim.deadline for key, (_, claim) in claims.items()}
    ids = {member.claim_id for _, row in standing.values() for member in row.members}
    for part in in_batches(sorted(ids - deadlines.keys())):
        found = await unit.run("families/list_members", claim_ids=part)
        deadlines |= {claim["id"]: claim["deadline"] for claim in found}
    invalid = set[str]().union(*(named[name] for name in CLAIM_LISTS)) - deadlines.keys()
    problems += _member_problems(standing, others, deadlines, invalid)
    return problems + await _recorded_problems(unit, families)


def _member_problems(
    standing: Mapping[str, tuple[str, ClaimFamily]],
    others: Sequence[ClaimFamily],
    deadlines: Mapping[str, datetime | None],
    invalid: Collection[str],
) -> list[Problem]:
    """
    Find members that may not belong to their family.

    Args:
        standing: The bundle's families by name, each with its path.
        others: The graph's families that the bundle leaves as they are.
        deadlines: Deadlines of the claims that there are or will be.
        invalid: Claims of the bundle with problems of their own.
    """
    owners = {(family.kind, member.claim_id): family.name for family in others for member in family.members}
    problems = []
    for name, (path, row) in sorted(standing.items()):
        for index, member in enumerate(row.members):
            key = member.claim_id
            owner = owners.setdefault((row.kind, key), name)
            if key in invalid:
                continue
            message = None
            if key not in deadlines:
                message = f"no claim in the bundle or the graph has the id {key!r}; add it first"
            elif owner != name:
                message = f"expected a claim of no other family of kind {row.kind}, got one of {owner!r}"
            elif row.kind is FamilyKind.BY_WHEN and deadlines[key] is None:
                message = f"expected a claim with a deadline, got {key!r} without one"
            if message is not None:
                problems.append(Problem(f"{path}.members[{index}].claim_id", message))
    return problems


async def _recorded_problems(unit: Unit, families: Sequence[tuple[str, ClaimFamily]]) -> list[Problem]:
    """Find rows that change a recorded one, and those beyond as many families, or rows of one, as may be."""
    found = await stored_rows(unit, "bundles/list_families", [row.id for _, row in families])
    stored = {row["id"]: from_properties(ClaimFamily, row) for row in found}
    problems = [
        Problem(path, f"family {row.id!r} is recorded with other values; add a row with an id of its own instead")
        for path, row in families
        if stored.get(row.id, row) != row
    ]
    new = [(path, row) for path, row in families if row.id not in stored]
    names = sorted({row.name for _, row in new})
    counts = await count_rows(unit, names)
    for name, num_rows in zip(names, counts, strict=True):
        paths = [path for path, row in new if row.name == name]
        if num_rows + len(paths) > MOST_ROWS:
            message = f"expected at most {MOST_ROWS:,} rows of a family, got {num_rows + len(paths):,} of {name!r}"
            problems.append(Problem(f"{paths[-1]}.name", message))
    fresh = {name for name, num_rows in zip(names, counts, strict=True) if not num_rows}
    num_families = await count_families(unit) if fresh else 0
    if num_families + len(fresh) > MOST_FAMILIES:
        path = next(path for path, row in reversed(new) if row.name in fresh)
        message = f"expected at most {MOST_FAMILIES:,} families, got {num_families + len(fresh):,}"
        problems.append(Problem(f"{path}.name", message))
    return problems


def version_problems(versions: Sequence[RowAtPath]) -> Iterator[Problem]:
    """Find versions whose ids are not those that follow from their nodes and moments, by which they are found."""
    for path, version in versions:
        if isinstance(version, Version):
            owner = [] if version.owner_id is None else [version.owner_id]
            anchor = version_anchor(version.subject, *owner, version.subject_id)
            expected = join(anchor, stamp_text(version.recorded_at))
            if version.id != expected:
                yield Problem(f"{path}.id", f"expected {expected!r}, got {version.id!r}")


def stated_problems(rows: Mapping[str, Sequence[RowAtPath]], known: Known) -> Iterator[Problem]:
    """Find changed stated probabilities of claims with ledger rows, which start from what was stated."""
    for name in CLAIM_LISTS:
        for path, row in rows[name]:
            claim = as_claim(row)
            stored = known.probabilities.get(claim.id)
            num_rows = known.ledger_lengths.get(claim.id, 0)
            if num_rows and stored is not None and claim.stated_probability != stored:
                message = (
                    f"the stated probability {stored} cannot change to {claim.stated_probability}, since "
                    f"the claim has {counted(num_rows, 'ledger row')}; submit evidence to change the belief"
                )
                yield Problem(f"{path}.stated_probability", message)


async def _order_problems(unit: Unit, ledger: Sequence[RowAtPath], stored: Collection[str]) -> list[Problem]:
    """Find new rows that do not follow the last row of their claim's ledger."""
    new = [(path, as_evidence(row)) for path, row in ledger if row_id(row) not in stored]
    last: dict[str, str] = {}
    for ids in in_batches(sorted({row.claim_id for _, row in new})):
        (answer,) = await unit.run("bundles/list_last_evidence", claims=ranges(ids))
        last.update(answer["last"])
    problems = []
    for path, row in new:
        key, last_key = evidence_keys(row)["ledger_key"], last.get(row.claim_id)
        if key is not None and last_key is not None and key < last_key:
            moment = last_key.split(MARK)[1]
            message = (
                f"{row.recorded_at.isoformat()} is not after {moment}, when the last ledger row of claim "
                f"{row.claim_id!r} was recorded; the ledger is append-only, so choose a later moment"
            )
            problems.append(Problem(f"{path}.recorded_at", message))
    return problems


async def ledger_problems(unit: Unit, ledger: Sequence[RowAtPath]) -> list[Problem]:
    """Find rows that change a recorded row, do not follow the last one, or repeat an idempotency key."""
    rows = await stored_rows(unit, "bundles/list_evidence", [row_id(row) for _, row in ledger])
    stored = {row["id"]: from_properties(Evidence, row) for row in rows}
    changed = [
        Problem(
            path, f"ledger row {row_id(row)!r} is recorded with other values; add a row with an id of its own instead"
        )
        for path, row in ledger
        if stored.get(row_id(row), row) != row
    ]
    changed += await _order_problems(unit, ledger, stored)
    return changed + await _idempotency_problems(unit, ledger)


async def _idempotency_problems(unit: Unit, ledger: Sequence[RowAtPath]) -> list[Problem]:
    keyed = [(path, row) for path, row in ledger if isinstance(row, Evidence) and row.idempotency_key]
    holders: dict[str, str] = {}
    for part in in_batches([row.idempotency_key for _, row in keyed]):
        (answer,) = await unit.run("ledger/list_by_idempotency_keys", keys=part)
        holders.update(answer["holders"])
    problems = []
    for path, row in keyed:
        holder = holders.setdefault(str(row.idempotency_key), row.id)
        if holder != row.id:
            message = f"ledger row {holder!r} already has the idempotency key {row.idempotency_key!r}; use another key"
            problems.append(Problem(f"{path}.idempotency_key", message))
    return problems


async def cycle_problems(unit: Unit, influences: Sequence[RowAtPath], known: Known) -> list[Problem]:
    """Find a cycle of influences, of the bundle's and the graph's together."""
    children: dict[str, set[str]] = defaultdict(set)
    paths: dict[tuple[str, str], str] = {}
    for path, influence in influences:
        if isinstance(influence, Influence):
            children[influence.parent_id].add(influence.child_id)
            paths[influence.parent_id, influence.child_id] = path
    # A new claim has no influences in the graph, so a cycle passes through the graph only from a child that it has.
    if any(child in known.claim_kinds for _, child in paths):
        (answer,) = await unit.run("bundles/list_influence_ends")
        for parent, child_ids in answer["edges"]:
            children[parent].update(child_ids)
    cycle = find_cycle(children)
    if cycle is None:
        return []
    path = next((paths[edge] for edge in pairwise(cycle) if edge in paths), "influences")
    message = f"the influences would close a cycle: {' → '.join(cycle)}; remove one of them, or reverse it"
    return [Problem(path, message)]


def find_cycle(children: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    """Find the ids along a cycle, the first repeated at the end; None without a cycle."""
    # graphlib takes predecessors: given children it finds the reversed cycle.
    try:
        graphlib.TopologicalSorter(children).prepare()
    except graphlib.CycleError as error:
        return tuple(reversed(error.args[1]))
    return None
