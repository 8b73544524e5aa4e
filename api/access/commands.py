"""The commands `foregraph keys` and `foregraph roles`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final

import click

from api.access.keys import Key, KeyFile
from api.settings import load_settings
from graph.database.bounds import UNBOUND, Bounds
from graph.errors import ConfigurationError, InvalidError
from resolvers.base.roles import GIVEN, MEANINGS, Role

ONCE: Final = "It is shown this once; only its hash is kept."


@click.group("keys")
def keys_group() -> None:
    """
    API keys: create, list, revoke and rotate them.

    They are kept as hashes in FOREGRAPH_KEYS_FILE; a running service takes changes over within a second.
    """


def _telling(command: Callable[..., None]) -> Callable[..., None]:
    described = "; ".join(f"{role}: {MEANINGS[role]}" for role in GIVEN)
    return click.option(
        "--role",
        "roles",
        type=click.Choice([role.value for role in GIVEN]),
        multiple=True,
        required=True,
        help=f"A role of the key; may be given several times. {described}.",
    )(command)


@keys_group.command("create", epilog="Example: foregraph keys create news-feed --role intake --expires 90d")
@click.argument("name")
@_telling
@click.option("--expires", help="When it ends: a number of days, such as 90d, or a day or moment, such as 2027-01-31.")
@click.option("--predictor", "predictors", multiple=True, help="Id of a predictor in whose name alone it adds; repeat.")
@click.option("--source", "sources", multiple=True, help="Host of the only sources it names, as example.org; repeat.")
@click.option("--kappa", type=float, default=1.0, help="Factor of the weight of its evidence, 0.01 to 1.")
def create_command(
    name: str,
    roles: tuple[str, ...],
    expires: str | None,
    predictors: tuple[str, ...],
    sources: tuple[str, ...],
    kappa: float,
) -> None:
    """Create a key, and print it."""
    expires_at = None if expires is None else read_end(expires, datetime.now(UTC))
    bounds = Bounds(frozenset(predictors), frozenset(source.lower() for source in sources), kappa)
    secret = _open_file().create(name, [Role(role) for role in roles], expires_at, bounds)
    click.echo(ONCE, err=True)
    click.echo(secret)


@keys_group.command("list")
def list_command() -> None:
    """List all keys, those that are over too."""
    now, found = datetime.now(UTC), _open_file().list_all()
    if not found:
        click.echo("There are no keys; `foregraph keys create NAME --role ROLE` makes one.")
        return
    rows = [("name", "roles", "created", "expires", "state", "bounds"), *(_describe(key, now) for key in found)]
    widths = [max(len(row[column]) for row in rows) + 2 for column in range(len(rows[0]))]
    for row in rows:
        click.echo("".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


def _describe(key: Key, now: datetime) -> tuple[str, ...]:
    expires = "never" if key.expires_at is None else f"{key.expires_at:%Y-%m-%d %H:%M}"
    return (
        key.name,
        ",".join(key.roles),
        f"{key.created_at:%Y-%m-%d}",
        expires,
        key.find_end(now) or "valid",
        _describe_bounds(key.bounds),
    )


def _describe_bounds(bounds: Bounds) -> str:
    parts = [*sorted(bounds.predictors), *sorted(bounds.sources)]
    return ", ".join([*parts, *([] if bounds.kappa == UNBOUND.kappa else [f"kappa {bounds.kappa:g}"])]) or "none"


@keys_group.command("revoke")
@click.argument("name")
def revoke_command(name: str) -> None:
    """Revoke a key; the service refuses it from then on."""
    _open_file().revoke(name)
    click.echo(f"Revoked {name}.")


@keys_group.command("rotate")
@click.argument("name")
@click.option("--overlap-hours", type=click.IntRange(1, 24 * 30), help="How long the old key is accepted beside it.")
def rotate_command(name: str, overlap_hours: int | None) -> None:
    """Put a new key in the place of one, with its roles and its end, and print it."""
    until = None if overlap_hours is None else datetime.now(UTC) + timedelta(hours=overlap_hours)
    secret = _open_file().rotate(name, old_expires_at=until)
    click.echo(ONCE, err=True)
    click.echo(secret)


@click.command("roles")
def roles_command() -> None:
    """Print which role opens which door."""
    settings = load_settings()
    # Both take a second to import, which no other command needs.
    app: Any = import_module("api.app")
    tools = import_module("api.mcp.tools").TOOLS.values()
    table = import_module("api.access.table")
    parts: Any = import_module("api.parts")
    doors = table.list_doors(app.create_app(settings).routes, parts.build_limited_schema(settings), tools)
    for role, meaning in MEANINGS.items():
        click.echo(f"{role:10}{meaning}")
    click.echo()
    click.echo(table.draw_table(doors))


def read_end(text: str, now: datetime) -> datetime:
    """
    Read when a key ends.

    Args:
        text: A number of days with d, a day, which is included, or a moment.
        now: Days count from here.

    Raises:
        InvalidError: It is none of these.
    """
    try:
        if text.endswith("d"):
            return now + timedelta(days=int(text[:-1]))
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        message = f"expected a number of days, such as 90d, or a day or moment, such as 2027-01-31, got {text[:80]!r}"
        raise InvalidError(message, path="expires") from None
    if len(text) == len("2027-01-31"):
        moment += timedelta(days=1)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _open_file() -> KeyFile:
    settings = load_settings()
    if settings.keys_file is None and settings.neo4j_uri is not None and not settings.data_dir.is_dir():
        message = (
            f"FOREGRAPH_KEYS_FILE names no file for keys, and there is no directory {settings.data_dir}; name a file "
            "that the service reads as well"
        )
        raise ConfigurationError(message)
    return KeyFile(settings.find_keys_file())


COMMANDS: Final = (keys_group, roles_command)
