"""Validation errors as problems: their paths, properties and messages."""

from typing import Any, Self

import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from graph.errors import Problem
from graph.model.problems import RuleError, describe_problem, property_of
from graph.model.shown import MAX_SHOWN_CHARACTERS


class Item(BaseModel):
    """A part of a parcel."""

    weight: float = Field(gt=0)


class Parcel(BaseModel):
    """A row with a number, items, and two rules about several properties."""

    size: int = Field(default=1, le=9)
    items: tuple[Item, ...] = ()
    first: int = 0
    last: int = 0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first > self.last:
            message = f"expected last not before first, got {self.first} to {self.last}"
            raise RuleError("last", message)
        if self.first < 0:
            message = "Numbers begin at 0"
            raise ValueError(message)
        return self


def only_detail(values: Any) -> ErrorDetails:
    """The one validation error of a parcel."""
    with pytest.raises(ValidationError) as refused:
        Parcel.model_validate(values)
    (detail,) = refused.value.errors(include_url=False)
    return detail


@pytest.mark.parametrize(
    ("values", "name", "problem"),
    [
        ({"size": 10}, "size", Problem("size", "input should be less than or equal to 9, got 10")),
        (
            {"items": [{"weight": 1}, {"weight": -1}]},
            "items",
            Problem("items[1].weight", "input should be greater than 0, got -1"),
        ),
        ({"items": [{}]}, "items", Problem("items[0].weight", "field required, got nothing")),
        (
            {"first": 2, "last": 1},
            "last",
            Problem("bundle", "expected last not before first, got 2 to 1"),
        ),
    ],
)
def test_a_validation_error_says_where_and_what_came(values: Any, name: str, problem: Problem) -> None:
    """Indices stand in brackets; a rule about several properties names the one to correct."""
    detail = only_detail(values)

    assert property_of(detail) == name
    assert describe_problem(detail) == problem


def test_a_rule_without_a_property_is_about_the_row_as_a_whole() -> None:
    """Its message begins in small letters and ends with the row, shortened."""
    detail = only_detail({"first": -1, "items": [{"weight": 1}] * 99})
    problem = describe_problem(detail)

    assert property_of(detail) == ""
    assert problem.path == "bundle"
    assert problem.message.startswith("numbers begin at 0, got ")
    assert len(problem.message) == len("numbers begin at 0, got ") + MAX_SHOWN_CHARACTERS + len("…")


def test_a_value_that_is_no_row_is_about_the_row_as_a_whole() -> None:
    """There is no property yet."""
    detail = only_detail([1])

    assert property_of(detail) == ""
    assert describe_problem(detail).message.endswith("got [1]")
