"""Arguments that choose among the types of a relation, as its statement takes them."""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import pytest

from graph.model.kinds import ExposureSign, InfluenceKind
from graph.model.relations import DOMAIN, EXPOSURES
from resolvers.base.fields import kinds_argument, one, prop, signs_argument
from resolvers.base.selection import Follows
from resolvers.types.lists import nested_links

Translate = Callable[[Mapping[str, Any]], Mapping[str, Any]]

CHOICES = [
    pytest.param(kinds_argument, "kinds", [kind.value for kind in InfluenceKind], id="kinds"),
    pytest.param(signs_argument, "signs", [sign.value for sign in ExposureSign], id="signs"),
]


@pytest.mark.parametrize(("translate", "name", "whole"), CHOICES)
def test_a_choice_of_types_is_taken_as_it_is(translate: Translate, name: str, whole: list[str]) -> None:
    """Every part of the whole but none of it."""
    for size in range(1, len(whole) + 1):
        for part in combinations(whole, size):
            assert translate({name: list(part)}) == {name: list(part)}


@pytest.mark.parametrize(("translate", "name", "whole"), CHOICES)
@pytest.mark.parametrize("given", [{}, {"first": 3}, {"none": None}])
def test_without_a_choice_all_types_are_followed(
    translate: Translate, name: str, whole: list[str], given: dict[str, Any]
) -> None:
    """An argument that is left out, null or empty leaves nothing out."""
    for arguments in (given, {**given, name: None}, {**given, name: []}):
        assert translate(arguments) == {name: whole}


def test_a_field_says_which_relation_it_follows() -> None:
    """The plan reads it there; a property follows none."""
    signed = Follows(EXPOSURES, signs_argument, wrap="ticker")
    field = nested_links(signed, "Tickers.", Any, listed="tickers", order="by relevance")

    follows = field.metadata["follows"]
    assert (follows.relation, follows.arguments, follows.wrap) == (EXPOSURES, signs_argument, "ticker")
    assert not any(map(follows.is_left, ({}, {"first": 3, "after": "a"})))
    assert all(map(follows.is_left, ({"last": 3}, {"sort": []})))
    assert one(DOMAIN, "A domain.").metadata["follows"] == Follows(DOMAIN)
    assert "follows" not in prop("A title.").metadata
