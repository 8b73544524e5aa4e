"""
The graph's setting: the policy that its beliefs follow, and what that has learned of when claims come true.

A graph without one follows foregraph-1. Each change is recorded as a version, so that past answers stay what they were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from graph.database.revisions import UNKNOWN_CHANGES, raise_revision
from graph.database.sessions import Unit
from graph.errors import InvalidError
from graph.inference.policies import FOREGRAPH_1, FOREGRAPH_2, policy_named
from graph.inference.silence import UNLEARNED, TimingShares, learn_timing
from graph.inference.statements import DAY
from graph.inference.time import EPOCH, moment_of, moments_of, utc_moments, windows_of
from graph.ledger.claim_state import Rules, Window
from graph.model.page_keys import stamp_text
from graph.model.rows import Version
from graph.model.versions import GRAPH_VERSIONS

GRAPH_ID: Final = "graph"
PAGE_CLAIMS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Setting:
    """
    A graph's setting.

    Attributes:
        policy: The name of the policy.
        timing: Shares of what comes true that do so before their deadline, as learned by then.
        since: When it was recorded; None for a graph that has none of its own.
    """

    policy: str = FOREGRAPH_1.name
    timing: TimingShares = UNLEARNED
    since: datetime | None = None

    @property
    def is_calibrated(self) -> bool:
        """Whether the policy is foregraph-2."""
        return self.policy == FOREGRAPH_2.name

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any] | None, since: datetime | None) -> "Setting":
        """Read it from properties of the graph's node, or of a version of it; None stands for none."""
        if properties is None or since is None:
            return NO_SETTING
        timing = _timing(properties.get("timing_short"), properties.get("timing_long"))
        return cls(properties.get("policy") or FOREGRAPH_1.name, timing, since)

    @classmethod
    def of(cls, row: Sequence[Any] | None) -> "Setting":
        """Make it of a statement's row: policy, shares, and when it was recorded in microseconds; None for none."""
        if row is None:
            return NO_SETTING
        policy, short, long, recorded_at = row
        return cls(policy or FOREGRAPH_1.name, _timing(short, long), moment_of(recorded_at))

    def rules(self, window: Window | None, effects: tuple[float, float]) -> Rules:
        """Return the rules of a claim with a window and its predictor's effects."""
        share = 0.0
        if window is not None and self.is_calibrated:
            share = self.timing.of_window((window[1] - window[0]) / timedelta(days=1))
        return Rules(self.policy, share, effects, self.since)


NO_SETTING: Final = Setting()


def rules_under(policy: str | None, rules: Rules, window: Window | None) -> Rules:
    """
    Return a claim's rules under a policy, the graph's own if None.

    What a graph under foregraph-1 has not learned is as before any outcome.

    Raises:
        InvalidError: No policy has the name.
    """
    if policy is None or policy == rules.policy:
        return rules
    check_policy(policy)
    return replace(Setting(policy).rules(window, rules.effects), since=rules.since)


def check_policy(policy: str) -> str:
    """Return the name of a policy, or raise InvalidError if there is no such policy."""
    try:
        return policy_named(policy).name
    except ValueError as error:
        raise InvalidError(str(error), path="policy") from error


def _timing(short: float | None, long: float | None) -> TimingShares:
    return TimingShares(UNLEARNED.short if short is None else short, UNLEARNED.long if long is None else long)


async def get_setting(unit: Unit) -> Setting:
    """Read the present setting."""
    rows = await unit.run("ledger/get_setting")
    return Setting.from_properties(rows[0]["graph"], rows[0]["graph"]["versioned_at"]) if rows else NO_SETTING


async def list_settings(unit: Unit, moments: Sequence[datetime]) -> list[Setting]:
    """List the settings recorded by moments; before the first one, the first serves."""
    asked = [stamp_text(max(moment, EPOCH)) for moment in moments]
    rows = await unit.run("ledger/list_settings", moments=asked)
    return [Setting.of(row["setting"]) for row in rows]


async def set_policy(unit: Unit, policy: str, moment: datetime) -> Setting:
    """
    Set the graph's policy with what it can learn of timing by now, and note that all beliefs may have changed.

    Args:
        unit: The transaction.
        policy: The name of a policy.
        moment: The moment of recording.
    """
    # Until now a graph with claims has followed what it was set to, in what it answers about its past, too.
    if await unit.run("bundles/find_any_claim"):
        await _record(unit, moment)
    return await _set(unit, policy, moment)


async def take_policy(unit: Unit, policy: str, moment: datetime) -> None:
    """Have an empty graph follow a policy as if it had never followed another; without a setting it is foregraph-1."""
    await unit.run("ledger/forget_settings")
    if policy != FOREGRAPH_1.name:
        await set_policy(unit, policy, moment)


async def restore_setting(unit: Unit, versions: Sequence[Version]) -> None:
    """Have an empty graph take on the setting of another, whose versions are written after this."""
    last = max(versions, key=lambda version: version.recorded_at)
    await unit.run("ledger/forget_settings")
    setting = {name: getattr(last, name) for name in GRAPH_VERSIONS.properties}
    noted = {"versioned_at": last.recorded_at, "num_versions": last.number}
    await unit.run("ledger/set_setting", setting=setting | noted)


async def learn_again(unit: Unit, moment: datetime) -> Setting:
    """Learn the timing of what came true and was due by a moment; a graph under foregraph-1 learns nothing."""
    setting = await get_setting(unit)
    return await _set(unit, setting.policy, moment) if setting.is_calibrated else setting


async def _set(unit: Unit, policy: str, moment: datetime) -> Setting:
    """Store a setting, and record it where it differs from the last."""
    before = await get_setting(unit)
    properties: dict[str, Any] = {"policy": policy, "timing_short": None, "timing_long": None}
    if policy == FOREGRAPH_2.name:
        timing = _learned(await _list_true_claims(unit), moment)
        properties |= {"timing_short": timing.short, "timing_long": timing.long}
    await unit.run("ledger/set_setting", setting=properties)
    await _record(unit, moment)
    setting = await get_setting(unit)
    if setting != before:
        await raise_revision(unit, UNKNOWN_CHANGES)
    return setting


async def _list_true_claims(unit: Unit) -> list[Sequence[int | None]]:
    """List the windows and outcomes of all claims that came true, as `_learned` takes them."""
    found: list[Sequence[int | None]] = []
    after = ""
    while True:
        (page,) = await unit.run("ledger/list_true_claims", after=after, limit=PAGE_CLAIMS)
        found += page["claims"]
        if page["num_claims"] < PAGE_CLAIMS:
            return found
        after = page["last_id"]


def _learned(claims: Sequence[Sequence[int | None]], moment: datetime) -> TimingShares:
    """
    Learn from claims that came true: those due by the moment, the early ones among them.

    Args:
        claims: The year, the start and end of the window, and the outcome of each, moments in microseconds.
        moment: The moment.
    """
    from_years, window_starts, window_ends, resolved = zip(*claims, strict=True) if claims else ((), (), (), ())
    starts, deadlines = windows_of(from_years, window_starts, window_ends)
    resolved_at = moments_of(resolved)
    (now,) = utc_moments([moment])
    is_due = np.fmax(deadlines, resolved_at) <= now
    is_early = resolved_at < deadlines.astype("datetime64[D]")
    return learn_timing(((deadlines - starts) / DAY)[is_due], is_early[is_due])


async def _record(unit: Unit, at: datetime) -> None:
    await unit.run(
        "record_versions/graph",
        ids=[GRAPH_ID],
        names=list(GRAPH_VERSIONS.properties),
        subject=GRAPH_VERSIONS.subject.value,
        at=int(stamp_text(at)),
    )
