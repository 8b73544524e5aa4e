"""The pages of saved queries: their list, and for each a form for its parameters with its rows. They need no script."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import orjson
from neo4j.time import Date, DateTime
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.access.callers import caller_of
from api.logging import get_logger
from api.middleware import UNEXPECTED
from api.queries.endpoint import PATH, Asked
from api.queries.markup import Markup, fill, join
from api.streams import status_of
from graph.adhoc.limits import Wanted
from graph.adhoc.values import plain
from graph.errors import ForegraphError, InvalidError, NotFoundError, RefusedItemsError, counted
from graph.model.kinds import ParameterType
from graph.saved.queries import Origin, Parameter, SavedQuery
from graph.saved.running import SavedQueries
from graph.saved.schedules import Deliveries, Delivery, DeliveryStatus, Schedule, list_deliveries, list_schedules
from graph.saved.sealing import Seals
from graph.saved.store import unknown_query
from graph.saved.values import EXPECTED
from resolvers.base.errors import describe
from resolvers.base.roles import Role

MOST_ROWS: Final = 500
"""Rows that a page shows; the table in another format has them all."""
MOST_DEAD: Final = 50
"""Deliveries that were given up that the list shows, the latest."""
MOST_CHARACTERS: Final = 600
"""Characters of a cell that a page shows."""
DIGITS: Final = 6
"""Significant digits of fractions; the table in another format has all of them."""

STYLE: Final = Markup(files(__package__).joinpath("style.css").read_text(encoding="utf-8"))
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{_STYLE_HASH}'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""The pages' Content-Security-Policy: their own style, and nothing else."""
HEADERS: Final = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title · Foregraph</title>
<style>$style</style>
</head>
<body>
<header>$crumbs</header>
<main>
<h1>$title</h1>
$content
</main>
</body>
</html>
"""


class QueryPages:
    """
    Answers GET /queries and /queries/NAME with pages.

    Args:
        find_saved: Finds the saved queries, which are opened with the service.
        seals: Opens the addresses of receivers; None where nothing is sent.
    """

    def __init__(self, find_saved: Callable[[], SavedQueries], seals: Seals | None = None) -> None:
        self._find_saved, self._seals = find_saved, seals

    async def answer_list(self, request: Request) -> Response:
        """The page that lists all queries; where their rows are sent, it tells those who may ask the API for that."""
        saved, may_see = self._find_saved(), Role.OPERATOR in caller_of(request.scope).roles
        try:
            queries = await saved.list()
            schedules = await saved.database.read(list_schedules) if may_see else []
            list_dead = partial(list_deliveries, wanted=Deliveries((DeliveryStatus.DEAD,)), limit=MOST_DEAD)
            dead = await saved.database.read(list_dead) if may_see else []
        except ForegraphError as error:
            return _respond("Saved queries", _show_error(error), _status_of(error))
        shown = (_show_schedules(schedules, self._seals), _show_dead(dead, self._seals))
        content = join((_show_list(queries), *shown))
        return _respond("Saved queries", content)

    async def answer_query(self, request: Request) -> Response:
        """The page of a query, with its rows if all required values are given."""
        name, saved = request.path_params["name"], self._find_saved()
        given = {key: request.query_params.getlist(key) for key in request.query_params}
        try:
            query = await saved.find(name)
        except ForegraphError as error:
            return _respond(name, _show_error(error), _status_of(error))
        if query is None:
            return _respond("No such query", _show_error(unknown_query(name)), 404)
        texts = {key: "\n".join(values) for key, values in given.items() if any(values)}
        form = _show_form(query, texts)
        try:
            asked = Asked.read(request.query_params)
            content = await self._run(saved, query, {**asked.values, **texts}, request)
        except ForegraphError as error:
            return _respond(query.name, _show_query(query, form, _show_error(error)), _status_of(error))
        return _respond(query.name, _show_query(query, form, content))

    async def _run(self, saved: SavedQueries, query: SavedQuery, values: Mapping[str, Any], request: Request) -> Markup:
        filled = {name: value for name, value in values.items() if value != ""}
        missing = [p.name for p in query.parameters if p.is_required and p.name not in filled]
        if missing and not filled:
            return fill('<p class="soft">Fill in the form to see the rows.</p>')
        caller = caller_of(request.scope).place
        async with saved.run_query(query, filled, caller=caller, wanted=Wanted(max_rows=MOST_ROWS)) as answer:
            rows = [row async for batch in answer.batches() for row in batch]
            return _show_rows(query, filled, answer.columns, rows, answer.revision, is_whole=not answer.is_truncated)


def _respond(title: str, content: Markup, status: int = 200) -> Response:
    crumbs = fill('Foregraph · <a href="$path">Saved queries</a>', path=PATH)
    page = fill(_PAGE, title=title, style=STYLE, crumbs=crumbs, content=content)
    return HTMLResponse(page, status, headers=HEADERS)


def _status_of(error: ForegraphError) -> int:
    if not error.is_public:
        get_logger().error("a page of saved queries failed", exc_info=error)
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return status_of(error)


def _show_error(error: ForegraphError) -> Markup:
    return fill('<div class="card wrong" role="alert">$message</div>', message="\n".join(_list_messages(error)))


def _list_messages(error: ForegraphError) -> list[str]:
    """List of faults, a line for each; the form beside shows their places."""
    if isinstance(error, RefusedItemsError):
        return [refusal.message for refusal in error.refusals]
    if isinstance(error, InvalidError | NotFoundError):
        return [error.message]
    return [describe(error)[0] if error.is_public else UNEXPECTED]


def _address(name: str, extension: str = "", values: Mapping[str, Any] | None = None) -> str:
    return f"{PATH}/{quote(name, safe='')}{extension}" + (f"?{urlencode(values)}" if values else "")


def _show_list(queries: Sequence[SavedQuery]) -> Markup:
    items = join(
        fill(
            '<li><a href="$href">$name</a>$tag<div>$description</div></li>',
            href=_address(query.name),
            name=query.name,
            tag=_show_origin(query),
            description=query.description,
        )
        for query in queries
    )
    return fill(
        "<p>Each query has a page with its rows, and an address for spreadsheets and programs.</p>"
        '<ul class="list">$items</ul>',
        items=items,
    )


def _show_schedules(schedules: Sequence[Schedule], seals: Seals | None) -> Markup:
    rows = [
        (
            found.name,
            _link(found.query),
            _host_of(found.sealed_url, seals),
            f"daily at {found.daily_at_hour:02d}:00 UTC"
            if found.daily_at_hour is not None
            else f"every {found.every_minutes} minutes",
            "paused" if found.next_at is None else _show_moment(found.next_at),
        )
        for found in schedules
    ]
    return _show_table("Schedules", ("schedule", "query", "sent to", "when", "next"), rows)


def _show_dead(deliveries: Sequence[Delivery], seals: Seals | None) -> Markup:
    rows = [
        (
            found.id,
            _link(found.query),
            _host_of(found.sealed_url, seals),
            str(found.num_attempts),
            found.last_error or "",
        )
        for found in deliveries
    ]
    title = "Deliveries that were given up"
    return _show_table(title, ("delivery", "query", "sent to", "attempts", "last error"), rows)


def _show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """A table under a title; nothing without rows."""
    if not rows:
        return Markup("")
    head = join(fill('<th scope="col">$name</th>', name=name) for name in columns)
    body = join(fill("<tr>$cells</tr>", cells=join(fill("<td>$cell</td>", cell=cell) for cell in row)) for row in rows)
    return fill(
        '<h2>$title</h2><div class="scroll"><table><thead><tr>$head</tr></thead><tbody>$body</tbody></table></div>',
        title=title,
        head=head,
        body=body,
    )


def _link(name: str) -> Markup:
    return fill('<a href="$href">$name</a>', href=_address(name), name=name)


def _host_of(sealed_url: str, seals: Seals | None) -> str:
    """The host of an address, whose path may hold a secret of the receiver's; empty if it cannot be read."""
    return urlsplit((seals and seals.open(sealed_url)) or "").netloc


def _show_origin(query: SavedQuery) -> Markup:
    if query.origin is Origin.PROJECT:
        return Markup("")
    return fill('<span class="tag">saved here, version $version</span>', version=query.version)


def _show_query(query: SavedQuery, form: Markup, content: Markup) -> Markup:
    origin = "comes with Foregraph" if query.origin is Origin.PROJECT else f"saved {_show_moment(query.saved_at)}"
    return fill(
        "<p>$description</p>$form$content"
        '<div class="card"><details><summary>Statement (version $version, $origin)</summary>'
        "<pre>$statement</pre></details></div>",
        description=query.description,
        form=form,
        content=content,
        version=query.version,
        origin=origin,
        statement=query.statement,
    )


def _show_moment(moment: datetime | None) -> str:
    return "here" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _show_form(query: SavedQuery, texts: Mapping[str, str]) -> Markup:
    if not query.parameters:
        return Markup("")
    fields = join(_show_field(parameter, texts.get(parameter.name, "")) for parameter in query.parameters)
    return fill(
        '<form class="card" method="get" action="$action"><div class="fields">$fields</div>'
        '<button type="submit">Run</button></form>',
        action=_address(query.name),
        fields=fields,
    )


def _show_field(parameter: Parameter, text: str) -> Markup:
    hint = EXPECTED[parameter.type] if parameter.type is ParameterType.DATE_TIME else ""
    return fill(
        '<div><label>$name<span class="soft"> $type$required</span>$control</label>'
        '<div class="soft">$description</div></div>',
        name=parameter.name,
        type=parameter.type.lower().replace("_", " "),
        required=", required" if parameter.is_required else "",
        control=_show_control(parameter, text),
        description=" ".join(filter(None, (parameter.description, hint and f"Expects {hint}."))),
    )


def _show_control(parameter: Parameter, text: str) -> Markup:
    default = _default_text(parameter.default)
    if parameter.type is ParameterType.BOOLEAN:
        options = (("", f"default: {default}" if default else "not given"), ("true", "true"), ("false", "false"))
        shown = join(
            fill('<option value="$value"$chosen>$label</option>', value=value, label=label, chosen=_chosen(value, text))
            for value, label in options
        )
        return fill('<select name="$name">$options</select>', name=parameter.name, options=shown)
    if parameter.type is ParameterType.STRING_LIST:
        template = '<textarea name="$name" rows="3" placeholder="$default">\n$text</textarea>'
        return fill(template, name=parameter.name, default=default or "one a line", text=text)
    kind = "date" if parameter.type is ParameterType.DATE else "text"
    return fill(
        '<input name="$name" type="$kind" value="$text" placeholder="$default" autocomplete="off">',
        name=parameter.name,
        kind=kind,
        text=text,
        default=default,
    )


def _chosen(value: str, text: str) -> Markup:
    return Markup(" selected" if value == text.lower() else "")


def _default_text(default: Any) -> str:
    if isinstance(default, list):
        return "\n".join(default)
    return "" if default is None else default if isinstance(default, str) else orjson.dumps(default).decode()


def _show_rows(
    query: SavedQuery,
    values: Mapping[str, Any],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    revision: int,
    *,
    is_whole: bool,
) -> Markup:
    count = counted(len(rows), "row") if is_whole else f"The first {len(rows):,} rows; the files have all of them"
    links = join(
        fill('<a href="$href">$label</a>', href=_address(query.name, f".{name}", values), label=name.upper())
        for name in ("csv", "json", "ndjson")
    )
    numeric = [{type(row[index]) for row in rows} <= {int, float, type(None)} for index in range(len(columns))]
    head = join(
        fill('<th scope="col"$kind>$name</th>', name=name, kind=_class("number" if is_number else ""))
        for name, is_number in zip(columns, numeric, strict=True)
    )
    body = join(fill("<tr>$cells</tr>", cells=join(map(_show_cell, row))) for row in rows)
    return fill(
        '<div class="bar"><span class="soft">$count, at revision $revision</span>$links</div>'
        '<div class="scroll"><table><thead><tr>$head</tr></thead><tbody>$body</tbody></table></div>',
        count=count,
        revision=revision,
        links=links,
        head=head,
        body=body,
    )


def _show_cell(value: Any) -> Markup:
    kind = "number" if type(value) in (int, float) else "moment" if isinstance(value, Date | DateTime) else ""
    return fill("<td$kind>$text</td>", kind=_class(kind), text=_cell_text(value))


def _class(name: str) -> Markup:
    return fill(' class="$name"', name=name) if name else Markup("")


def _cell_text(value: Any) -> str:
    if type(value) is float:
        return f"{value:.{DIGITS}g}"
    form = plain(value)
    text = form if isinstance(form, str) else "" if form is None else orjson.dumps(form).decode()
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
