"""Schedules: cron expressions in UTC."""

import re
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

NUM_FIELDS = 5
# Periods to search for a schedule's latest slot, shortest first; a schedule may run as rarely as once a year.
LOOKBACKS = (timedelta(hours=2), timedelta(days=2), timedelta(days=32), timedelta(days=367))


def read_schedule(schedule: str) -> CronTrigger:
    """
    Parse a cron expression, in UTC.

    Raises:
        ValueError: The text is not a cron expression, numbers a day of the week, or never fires.
    """
    fields = schedule.split()
    # The library counts days of the week from Monday and cron counts from Sunday, so numbers would be ambiguous.
    if len(fields) == NUM_FIELDS and re.search(r"[0-9]", fields[-1]):
        message = f"days of the week are given by name, such as sat or mon-fri, not by number as in {fields[-1]!r}"
        raise ValueError(message)
    trigger = CronTrigger.from_crontab(schedule, timezone=UTC)
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        message = f"{schedule!r} never fires"
        raise ValueError(message)
    return trigger


def latest_slot(trigger: CronTrigger, now: datetime) -> datetime | None:
    """The last moment, at or before `now`, at which a schedule was to run; None if there is none within a year."""
    for lookback in LOOKBACKS:
        slot: datetime | None = trigger.get_next_fire_time(None, now - lookback)
        latest = None
        while slot is not None and slot <= now:
            latest = slot
            slot = trigger.get_next_fire_time(slot, slot + timedelta(microseconds=1))
        if latest is not None:
            return latest.astimezone(UTC)
    return None
