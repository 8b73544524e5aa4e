"""Reads the graph's nodes that a bundle names."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from graph.bundles.batches import in_batches
from graph.bundles.drafts import Draft
from graph.database.sessions import Unit
from graph.inference.time import is_before_window
from graph.model.rows import Version
from graph.model.subjects import CLAIM_LISTS, CLAIMS, REFERENCED_LISTS, ROW_LISTS, references_of, row_id, target_list
from graph.model.versions import VERSIONS, node_of


@dataclass(frozen=True, slots=True)
class Known:
    """
    The graph's nodes that a bundle names, before it is written.

    Attributes:
        claim_kinds: The label of each claim: Prediction, Scenario or Killer.
        probabilities: The stated probability of each claim; None without one.
        import_days: The import day of each prediction.
        predictor_ids: The predictor's id of each prediction that has one.
        early: The ids of the claims whose outcome became known before their window opened.
        ledger_lengths: The number of ledger rows of each claim.
        base_rates: The base rate of each reference class.
        published: The moment of publication of each document; None if unknown.
        ids: The ids of all nodes named that exist, by list; `claims` for the three lists of claims.
    """

    claim_kinds: Mapping[str, str]
    probabilities: Mapping[str, float | None]
    import_days: Mapping[str, date]
    predictor_ids: Mapping[str, str]
    early: frozenset[str]
    ledger_lengths: Mapping[str, int]
    base_rates: Mapping[str, float]
    published: Mapping[str, datetime | None]
    ids: Mapping[str, frozenset[str]]


async def list_known(unit: Unit, draft: Draft) -> Known:
    """Read the nodes whose ids are a draft's own or are referred to in it."""
    named: dict[str, set[str]] = defaultdict(set)
    for name, rows in draft.rows.items():
        space = CLAIMS if name in CLAIM_LISTS else name
        if space in {CLAIMS, "documents", "reference_classes"}:
            named[space].update(row_id(row) for _, row in rows)
        for reference in references_of(ROW_LISTS[name]):
            target = target_list(reference)
            keys = (getattr(row, reference.property) for _, row in rows)
            named[CLAIMS if target in CLAIM_LISTS else target].update(filter(None, keys))
    for version in (row for _, row in draft.rows[VERSIONS] if isinstance(row, Version)):
        name, node_id = node_of(version)
        named[name].add(node_id)
    answers = await unit.run("bundles/list_known", **{name: sorted(named[name]) for name in REFERENCED_LISTS})
    found: dict[str, list[dict[str, Any]]] = {answer["list"]: answer["found"] for answer in answers}
    claims = found[CLAIMS]
    return Known(
        claim_kinds={claim["id"]: claim["kind"] for claim in claims},
        probabilities={claim["id"]: claim["probability"] for claim in claims},
        import_days={claim["id"]: claim["imported_on"] for claim in claims if claim["imported_on"]},
        predictor_ids={claim["id"]: claim["predictor_id"] for claim in claims if claim["predictor_id"]},
        early=frozenset(claim["id"] for claim in claims if _is_early(claim)),
        ledger_lengths={claim["id"]: claim["num_evidence"] or 0 for claim in claims},
        base_rates={row["id"]: row["base_rate"] for row in found["reference_classes"]},
        published={document["id"]: document["published_at"] for document in found["documents"]},
        ids={name: frozenset(row["id"] for row in rows) for name, rows in found.items()},
    )


def _is_early(claim: dict[str, Any]) -> bool:
    window = (claim["from_year"], claim["window_start"], claim["window_end"])
    return claim["resolved_at"] is not None and is_before_window(claim["resolved_at"], *window)


async def stored_rows(unit: Unit, name: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """List the rows that a statement returns for ids, in batches."""
    answers = [answer for part in in_batches(ids) for answer in await unit.run(name, ids=part)]
    return [row for answer in answers for row in answer["rows"]]
