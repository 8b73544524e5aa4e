"""Every error carries what the service and the console say of it."""

import re
from collections.abc import Iterator

import pytest

from graph import errors
from graph.errors import (
    BundleError,
    ClosedClaimError,
    ForegraphError,
    InvalidError,
    RefusedError,
    refusal_fields,
    refusal_kinds,
)


def list_kinds(kind: type[ForegraphError] = ForegraphError) -> Iterator[type[ForegraphError]]:
    """A class of the tree and all below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from list_kinds(below)


# A module may derive one for its own use, which keeps the code of its kind.
KINDS = [kind for kind in list_kinds() if kind.__module__ == errors.__name__]


def test_the_docstring_draws_the_tree() -> None:
    """The order and the depth of the classes are those of the drawing."""
    drawn = re.findall(r"^([│├└─ ]*)(\w+Error)\b", errors.__doc__ or "", flags=re.MULTILINE)

    assert [name for _, name in drawn] == [kind.__name__ for kind in KINDS]
    assert [len(lead) // 4 for lead, _ in drawn] == [len(kind.__mro__) - len(ForegraphError.__mro__) for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_code_of_its_own(kind: type[ForegraphError]) -> None:
    """Clients tell errors apart by code; a bundle that breaks rules is invalid input."""
    sharing = {other for other in KINDS if other.code == kind.code}

    assert "code" in vars(kind)
    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", kind.code)
    assert sharing in ({kind}, {InvalidError, BundleError})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_says_in_a_sentence_what_is_wrong(kind: type[ForegraphError]) -> None:
    """The first line of a refusal's docstring is its description in the schema."""
    (first, *_) = (kind.__doc__ or "").strip().splitlines()

    assert re.fullmatch(r"[A-Z].*\.", first)


def test_only_what_a_client_can_act_on_is_public() -> None:
    """The operator's errors are masked."""
    public = {kind.__name__ for kind in KINDS if kind.is_public and not issubclass(kind, RefusedError)}

    assert all(kind.is_public for kind in refusal_kinds())
    assert public == {"BudgetError", "BundleError", "BusyError", "TimedOutError", "UnavailableError"}
    assert {kind.__name__ for kind in KINDS if kind.is_retryable} == {"BusyError", "UnavailableError"}


def test_a_refusals_fields_are_its_described_attributes() -> None:
    """Path and message, which all have, are none of them."""
    fields = refusal_fields(ClosedClaimError)

    assert list(fields) == ["status", "resolved_at"]
    assert fields["status"].type is str
    assert fields["status"].description == "The claim's status."
    assert refusal_fields(InvalidError) == {}


def test_all_kinds_of_refusals_are_listed() -> None:
    """In the order of the tree."""
    assert refusal_kinds() == [kind for kind in KINDS if issubclass(kind, RefusedError) and kind is not RefusedError]
