"""Versions of what answers depend on: recorded with each change, and read as they were recorded by a moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graph.database.paging import slices
from graph.database.sessions import Unit
from graph.inference.log_odds import logit
from graph.inference.posterior import OutsideView
from graph.inference.time import EPOCH, moment_of, window_of
from graph.ledger.claim_state import Ground, Rules
from graph.ledger.settings import Setting
from graph.model.kinds import ClaimStatus, VersionSubject
from graph.model.page_keys import AFTER_MARK, MARK, join, moment_text, stamp_text
from graph.model.versions import EXPOSURE_VERSIONS, VERSIONED_BY_LIST, exposure_owner, version_anchor

BATCH_NODES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Terms:
    """
    Basis of a claim's belief at a moment, the evidence included.

    Attributes:
        stated_probability: The stated probability; None where none was stated, or where there was no claim.
        status: The status.
        resolved_at: When the outcome became known; None for an open claim.
        window: Start and deadline; None without a window.
        outside_view: The reference class and its base rate; None without a class.
        log_odds: Inside log-odds after the last ledger row recorded by then; None before any.
        is_reconstructed: Whether the values were recorded later, or may have been others.
        check_ins: Part of `log_odds` that comes from missed check-ins.
        rules: The rules that the belief followed.
        predictor_id: The predictor; None without one.
        deadline: The deadline, which a claim may have without a window; None without one.
    """

    stated_probability: float | None
    status: ClaimStatus
    resolved_at: datetime | None
    window: tuple[datetime, datetime] | None
    outside_view: OutsideView | None
    log_odds: float | None
    is_reconstructed: bool
    check_ins: float
    rules: Rules
    predictor_id: str | None
    deadline: datetime | None

    def ground(self) -> Ground | None:
        """Return what the belief followed from but the moment; None where no probability was stated."""
        stated = self.stated_probability
        if stated is None:
            return None
        log_odds = logit(stated) if self.log_odds is None else self.log_odds
        return Ground(stated, log_odds, self.check_ins, self.window, self.outside_view, self.rules)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Terms":
        """Read the terms from a record of `ledger/list_terms`."""
        version = row["version"]
        class_id, base_rate = version["reference_class_id"], row["base_rate"]
        resolved_at, start, end, deadline = (
            moment_of(version[name]) for name in ("resolved_at", "window_start", "window_end", "deadline")
        )
        window = window_of(version["from_year"], start, end)
        effects = version["intercept_effect"] or 0.0, version["slope_effect"] or 0.0
        setting = Setting.of(row["setting"])
        return cls(
            stated_probability=version["stated_probability"],
            status=ClaimStatus(version["status"] or ClaimStatus.OPEN),
            resolved_at=resolved_at,
            window=window,
            outside_view=None if class_id is None or base_rate is None else OutsideView(base_rate, class_id),
            log_odds=None if row["ledger"] is None else row["ledger"][0],
            is_reconstructed=row["is_early"],
            check_ins=0.0 if row["ledger"] is None else row["ledger"][1],
            rules=setting.rules(window, effects),
            predictor_id=version["predictor_id"],
            deadline=deadline,
        )


async def record_versions(
    unit: Unit, name: str, ids: Iterable[str], moment: datetime, *, is_reconstructed: bool = False
) -> set[str]:
    """
    Record the versions of rows of which something that answers depend on has changed; no others get one.

    Args:
        unit: The transaction that has changed them.
        name: A list of a bundle.
        ids: The rows of it that may have changed.
        moment: The moment of recording.
        is_reconstructed: Whether a first version of an exposure stands for the time before the moment as well.

    Returns:
        The ids of those that have had other values before.
    """
    has_earlier: set[str] = set()
    versioned = VERSIONED_BY_LIST[name]
    at = int(stamp_text(moment))
    further = {"is_reconstructed": is_reconstructed} if versioned is EXPOSURE_VERSIONS else {}
    for part in slices(sorted(set(ids)), BATCH_NODES):
        (answer,) = await unit.run(
            f"record_versions/{versioned.name}",
            ids=part,
            names=list(versioned.properties),
            subject=versioned.subject.value,
            at=at,
            **further,
        )
        has_earlier.update(answer["revised"])
    return has_earlier


async def record_deletions(
    unit: Unit, subject: VersionSubject, keys: Iterable[tuple[str, str | None]], moment: datetime
) -> None:
    """
    Record that nodes or relationships have been deleted.

    Args:
        unit: The transaction that has deleted them.
        subject: Their kind.
        keys: The id of each, and that of its owner, None for those without one.
        moment: The moment of recording.
    """
    rows = [
        {
            "subject": subject.value,
            "id": node_id,
            "owner": owner,
            "anchor": version_anchor(subject, *([] if owner is None else [owner]), node_id),
        }
        for node_id, owner in keys
    ]
    for part in slices(rows, BATCH_NODES):
        await unit.run("ledger/record_deletions", rows=part, at=int(stamp_text(moment)))


async def record_removed_exposures(unit: Unit, ids: Iterable[str], moment: datetime) -> None:
    """Record that exposures have been removed; otherwise as `record_deletions`."""
    await record_deletions(unit, VersionSubject.EXPOSURE, [(row_id, exposure_owner(row_id)) for row_id in ids], moment)


async def list_terms(unit: Unit, asked: Sequence[tuple[str, datetime]]) -> list[Terms | None]:
    """
    Return what claims' beliefs followed from by some moment, as it was recorded by then.

    Before the first record of a claim or of its class, the first serves.

    Args:
        unit: The transaction to read in.
        asked: The id of each claim, and the moment.

    Returns:
        The terms of each; None for a claim without versions.
    """
    found: list[Terms | None] = [None] * len(asked)
    for part in slices(list(enumerate(asked)), BATCH_NODES):
        rows = await unit.run(
            "ledger/list_terms",
            asked=[
                {
                    "index": index,
                    "id": claim_id,
                    "by": stamp_text(max(by, EPOCH)),
                    "low": join(claim_id, ""),
                    "high": f"{claim_id}{MARK}{moment_text(by)}{AFTER_MARK}",
                }
                for index, (claim_id, by) in part
            ],
        )
        for row in rows:
            found[row["index"]] = Terms.from_row(row)
    return found
