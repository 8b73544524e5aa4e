"""A field that answers a union gives its result, or a refusal that the union names."""

from typing import Any

import strawberry

from graph.errors import ConflictError, DuplicateError, RefusedError
from resolvers.base.answers import Shown, question
from resolvers.base.errors import Errors
from resolvers.base.names import named
from resolvers.base.scalars import SCALARS


@strawberry.type
class Found:
    """A result."""

    number: int

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Whether a dict is a result of this kind."""
        return bool(obj["__typename"] == cls.__name__)


def answer(outcome: RefusedError | int) -> Any:
    """What a client gets where a question ends so."""

    @strawberry.type
    class Query:
        @question(Found, refused_by=[DuplicateError], answer="Its answer.")
        async def ask_once(self, factor: int = 1) -> Shown:
            """A question."""
            if isinstance(outcome, RefusedError):
                raise outcome
            return {"number": outcome * factor}

    config = named(default_resolver=lambda source, name: source[name], scalar_map=SCALARS)
    return strawberry.Schema(Query, extensions=[Errors], config=config)


DOCUMENT = "{ askOnce(factor: 3) { __typename ... on Found { number } ... on Duplicate { code existingKey path } } }"


async def test_a_question_answers_its_result() -> None:
    """With the arguments of its function."""
    found = await answer(2).execute(DOCUMENT)

    assert (found.errors, found.data) == (None, {"askOnce": {"__typename": "Found", "number": 6}})


async def test_a_question_answers_a_refusal_that_it_names() -> None:
    """By type, with what the refusal carries."""
    found = await answer(DuplicateError("x", existing_key="E_1", path="claim_id")).execute(DOCUMENT)

    assert found.data == {
        "askOnce": {"__typename": "Duplicate", "code": "DUPLICATE", "existingKey": "E_1", "path": ["claim"]}
    }


async def test_a_refusal_that_no_type_of_the_answer_stands_for_is_an_error_with_its_code() -> None:
    """Nothing that a client can correct is masked."""
    found = await answer(ConflictError("x", path="claim_id")).execute(DOCUMENT)

    (error,) = found.errors
    assert error.extensions == {"code": "CONFLICT", "isRetryable": False, "argument": "claim"}


def test_the_union_is_named_after_its_field() -> None:
    """Both are described, the field by the function's docstring."""
    graphql = answer(1)._schema

    assert graphql.query_type.fields["askOnce"].description == "A question."
    assert graphql.type_map["AskOnceAnswer"].description == "Its answer."
    assert {kind.name for kind in graphql.type_map["AskOnceAnswer"].types} == {"Found", "Duplicate"}
