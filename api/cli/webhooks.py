"""Commands for the receivers of webhooks, and what is told of them where a graph was restored."""

from typing import Final

import click

from api.cli.configuring import configure
from api.cli.running import require_migrated, run_with_database, tell
from api.settings import Settings
from graph.database.sessions import Database, Unit
from graph.errors import ConfigurationError, counted
from graph.saved.holding import Held, count_closed, count_held, release_deliveries
from graph.saved.sealing import Seals
from graph.saved.webhooks import check_webhook


@click.group("webhooks")
def webhooks_command() -> None:
    """Receivers of webhooks."""


@webhooks_command.command("key", epilog="Example: foregraph webhooks key https://hooks.example.org/forecasts")
@click.argument("url")
def webhook_key_command(url: str) -> None:
    """
    Print the key that signs what URL is sent.

    It follows from FOREGRAPH_WEBHOOK_SECRET and from URL, as that stands in the schedule. Give it to the receiver, who
    can forge nothing to others by it.
    """
    chosen = configure()
    check_webhook(url, chosen.webhook_hosts)
    seals = _seals_of(chosen)
    if seals is None:
        raise ConfigurationError("FOREGRAPH_WEBHOOK_SECRET is not set, from which the key follows")
    click.echo(seals.signing_key(url))


@webhooks_command.command("release")
def release_command() -> None:
    """
    Have a restored graph deliver again.

    A restore holds what schedules and webhooks of changes send, since the graph that was backed up may still send the
    same. From now on a service with FOREGRAPH_WEBHOOK_HOSTS sends it.
    """
    seals = _seals_of(configure())

    async def work(database: Database) -> tuple[Held, str | None]:
        await require_migrated(database)
        return await release_deliveries(database), await database.read(lambda unit: _describe_closed(unit, seals))

    held, closed = run_with_database(work)
    if held.since is None:
        click.echo("Nothing was held")
        return
    click.echo(f"Released: {_describe(held)}")
    if closed is not None:
        tell(closed)


async def tell_held(database: Database) -> None:
    """Say what of a graph's deliveries is held, and which addresses cannot be opened; nothing if none is held."""
    held = await database.read(count_held)
    if held.since is None:
        return
    tell(f"nothing is sent until `foregraph webhooks release`: {_describe(held)}")
    seals = _seals_of(configure())
    if closed := await database.read(lambda unit: _describe_closed(unit, seals)):
        tell(closed)


def _describe(held: Held) -> str:
    pending, dead = ("very many" if found is None else str(found) for found in (held.num_pending, held.num_dead))
    schedules, hooks = counted(held.num_schedules, "schedule"), counted(held.num_hooks, "webhook")
    return f"{schedules}, {hooks} of changes, deliveries: {pending} waiting, {dead} dead"


async def _describe_closed(unit: Unit, seals: Seals | None) -> str | None:
    num_closed, num_addresses = await count_closed(unit, seals)
    if not num_closed:
        return None
    of_all = f"{num_closed} of {num_addresses} encrypted addresses"
    if seals is None:
        return f"FOREGRAPH_WEBHOOK_SECRET is not set, without which {of_all} cannot be opened: set that of the backup"
    return (
        f"{of_all} cannot be opened under this FOREGRAPH_WEBHOOK_SECRET: set that of the backup, or set the schedules "
        "and webhooks again that have them"
    )


def _seals_of(settings: Settings) -> Seals | None:
    secret = settings.webhook_secret
    return None if secret is None else Seals(secret.get_secret_value().encode())


COMMANDS: Final = (webhooks_command,)
