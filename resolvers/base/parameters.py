"""Parameters of statements, as clients send them."""

from typing import Any

from graph.errors import InvalidError


def check_parameters(parameters: Any) -> dict[str, Any]:
    """
    Return the values of parameters by their names.

    Raises:
        InvalidError: They are no object.
    """
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidError(f"expected an object of values by their names, got {parameters!r:.80}", path="parameters")
    return parameters or {}
