"""Descriptions of sampling name the limits that are enforced."""

import re
from typing import get_args

import pytest

from graph.errors import InvalidError
from graph.network.questions import make_sampling
from resolvers.base.sampling import SampleCount, Seed


def numbers(argument: object) -> list[int]:
    """The numbers that an argument's description names."""
    (_, described) = get_args(argument)
    return [int(digits) for digits in re.findall(r"\d+", described.description)]


def test_numbers_of_samples_are_taken_as_described() -> None:
    """Both ends of the range and the default are allowed; a step beyond either end or half a step is not."""
    step, least, most, default = numbers(SampleCount)

    assert make_sampling(None, None).num_samples == default
    for allowed in (least, least + step, default, most - step, most):
        assert make_sampling(allowed, None).num_samples == allowed
    for refused in (0, least - step, least + step // 2, most + step):
        with pytest.raises(InvalidError, match=f"multiple of {step} from {least} to {most}, got {refused}") as caught:
            make_sampling(refused, None)
        assert caught.value.path == "samples"


def test_seeds_are_taken_as_described() -> None:
    """0 or more."""
    least, default = numbers(Seed)

    assert make_sampling(None, None).seed == default
    assert make_sampling(None, least).seed == least
    with pytest.raises(InvalidError) as caught:
        make_sampling(None, least - 1)
    assert caught.value.path == "seed"
