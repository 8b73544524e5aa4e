"""Routes that declare the role they need, and the check of each request against it."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.callers import CALLER, Access, CredentialError, acting_for
from api.access.rates import RateLimitedError, Rates, refuse_rate
from api.access.refusals import refuse_caller, refuse_credential
from api.logging import current_request
from resolvers.base.roles import Caller, Role


class Door(Route):
    """
    A route that declares the role it needs.

    Args:
        path: As for a route.
        endpoint: As for a route.
        needs: The role.
        points: Cost points that each request counts, unless it is priced itself.
        writes: Whether each request counts as a mutation.
        methods: As for a route.
        unless: Another role for some requests: what tells whether a request is one of these, and their role.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        needs: Role,
        points: int = 1,
        writes: bool = False,
        methods: list[str] | None = None,
        unless: tuple[Callable[[HTTPConnection], bool], Role] | None = None,
    ) -> None:
        super().__init__(path, endpoint, methods=methods)
        self.needs, self.unless = needs, unless
        self.points, self.writes = points, writes

    def find_need(self, scope: Scope) -> Role:
        """The role that a request needs."""
        if self.unless is not None and self.unless[0](HTTPConnection(scope)):
            return self.unless[1]
        return self.needs


class SocketDoor(WebSocketRoute):
    """
    A route for WebSockets that declares the role it needs.

    A browser sends no headers of its own with one. Where the key comes in a message, the route needs PUBLIC, and
    whoever reads that message asks `Access.identify_by`.

    Args:
        path: As for a route.
        endpoint: As for a route.
        needs: The role.
        points: Cost points that each connection counts.
    """

    writes = False

    def __init__(self, path: str, endpoint: Callable[..., Any], *, needs: Role, points: int = 1) -> None:
        super().__init__(path, endpoint)
        self.needs, self.points = needs, points

    def find_need(self, scope: Scope) -> Role:
        """The role that a connection needs."""
        return self.needs


def find_route(scope: Scope) -> BaseRoute | None:
    """The route that takes a request; None where none does."""
    routes: Iterable[BaseRoute] = scope["app"].router.routes
    return next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)


def find_need(route: BaseRoute | None, scope: Scope) -> Role | None:
    """The role that a request needs: none where no route takes it, and one that nobody has where the route has none."""
    if route is None:
        return Role.PUBLIC
    return route.find_need(scope) if isinstance(route, Door | SocketDoor) else None


class AccessMiddleware:
    """
    Identifies callers, and refuses those without the role that the route needs.

    Args:
        app: Answers.
        access: Tells callers apart.
        rates: Limits what each asks.
    """

    def __init__(self, app: ASGIApp, *, access: Access, rates: Rates) -> None:
        self.app = app
        self._access, self._rates = access, rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse the caller."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        route = find_route(scope)
        need = find_need(route, scope)
        if need is Role.PUBLIC:
            known = self._access.recognize(scope)
            if known is not None:
                scope[CALLER] = known
            await self.app(scope, receive, send)
            return
        try:
            caller = await self._access.identify(scope)
        except CredentialError as error:
            await _send(refuse_credential(error), scope, receive, send)
            return
        record = current_request.get()
        if record is not None:
            record.caller = caller.name
        if need not in caller.roles:
            what = f"{scope.get('method', 'A connection to')} {scope['path']}"
            await _send(refuse_caller(what, need, caller), scope, receive, send)
            return
        try:
            await self._pass_on(route, caller, scope, receive, send)
        except RateLimitedError as error:
            await _send(refuse_rate(str(error), error.extensions()), scope, receive, send)

    async def _pass_on(
        self, route: BaseRoute | None, caller: Caller, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Pass a request on, if its caller may ask so much; a tool's request is within a place that its agent holds."""
        is_inner = CALLER in scope
        if isinstance(route, Door | SocketDoor) and route.points:
            await self._rates.spend(caller, route.points, is_mutation=route.writes)
        with nullcontext() if is_inner else self._rates.hold(caller):
            scope[CALLER] = caller
            with acting_for(caller):
                await self.app(scope, receive, send)


async def _send(refusal: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await refusal(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the server answers 403
