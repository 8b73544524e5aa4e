"""Schedules: cron expressions in UTC."""

import re
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

NUM_FIELDS = 5
# How far to look back for a schedule's latest slot: one that ran in none of these runs less than once a year.
LOOKBACKS = (timedelta(hours=2), timedelta(days=2), timedelta(days=32), timedelta(days=367))


def read_schedule(text: str) -> CronTrigger:
    """
    A cron expression as the scheduler takes it, in UTC.

    Raises:
        ValueError: It is none, or none that ever comes.
    """
    fields = text.split()
    # The library counts days from Monday and cron from Sunday, so a number would mean another day than was meant.
    if len(fields) == NUM_FIELDS and re.search(r"[0-9]", fields[-1]):
        message = f"days of the week go by name, such as sat or mon-fri, not by number as in {fields[-1]!r}"
        raise ValueError(message)
    trigger = CronTrigger.from_crontab(text, timezone=UTC)
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        message = f"a schedule that comes one day was expected, and {text!r} never does"
        raise ValueError(message)
    return trigger


def latest_slot(trigger: CronTrigger, now: datetime) -> datetime | None:
    """The last moment, now or before, at which a schedule was to run; None for none within a year."""
    for lookback in LOOKBACKS:
        slot: datetime | None = trigger.get_next_fire_time(None, now - lookback)
        latest = None
        while slot is not None and slot <= now:
            latest = slot
            slot = trigger.get_next_fire_time(slot, slot + timedelta(microseconds=1))
        if latest is not None:
            return latest.astimezone(UTC)
    return None
