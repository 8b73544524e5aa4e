"""Responses to those who may not: 401 without a valid key, 403 with one that has another role."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import JSONResponse

from api.access.callers import CredentialError
from api.logging import current_request
from api.middleware import error_response
from resolvers.base.roles import Caller, Role
from resolvers.doors import FORBIDDEN, UNAUTHENTICATED, explain

REALM: Final = 'Bearer realm="foregraph"'


def refuse_credential(error: CredentialError) -> JSONResponse:
    """The response to a key or token that is not accepted."""
    headers = {"www-authenticate": f'{REALM}, error="invalid_token"'}
    _note(UNAUTHENTICATED)
    return error_response(401, str(error), headers, code=UNAUTHENTICATED, isRetryable=False)


def refuse_caller(what: str, role: Role | None, caller: Caller) -> JSONResponse:
    """The response to a caller without the role that something needs."""
    return refuse(explain(what, role, caller), {"role": role}, caller)


def refuse(message: str, extensions: Mapping[str, Any], caller: Caller) -> JSONResponse:
    """
    The response to a caller without a role.

    Args:
        message: For people.
        extensions: Further ones; `role` is the role that is needed.
        caller: Who asked.
    """
    more = {"isRetryable": False, **extensions}
    role = more["role"]
    code = UNAUTHENTICATED if caller.is_anonymous else FORBIDDEN
    _note(code)
    if caller.is_anonymous:
        return error_response(401, message, {"www-authenticate": REALM}, **more | {"code": code})
    told = f'{REALM}, error="insufficient_scope"' + ("" if role is None else f', scope="{role}"')
    return error_response(403, message, {"www-authenticate": told}, **more | {"code": code})


def _note(code: str) -> None:
    record = current_request.get()
    if record is not None:
        record.refused = code
