"""Clients read the names that they write."""

import pytest

from resolvers.base.input_names import input_name, input_path, input_words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("title", "title"),
        ("observed_at", "observedAt"),
        ("predictor_id", "predictor"),
        ("reference_class_id", "referenceClass"),
        ("p_if_true", "probabilityIfTrue"),
        ("record_n_resolved", "recordResolvedCount"),
        ("id", "id"),
        ("maxPoints", "maxPoints"),
    ],
)
def test_a_property_is_named_as_its_input(name: str, expected: str) -> None:
    """A name that is an input's already stays."""
    assert input_name(name) == expected


def test_a_path_keeps_its_shape() -> None:
    """Places and dots stay where they are."""
    assert input_path("items[3].observed_at") == "items[3].observedAt"
    assert input_path("input.predictor_id") == "input.predictor"
    assert input_path("observations[0].claim") == "observations[0].claim"
    assert input_path("") == ""


def test_an_input_of_another_name_is_given() -> None:
    """A ticker is known by its symbol, and named as a ticker in an exposure."""
    names = {"symbol": "ticker"}

    assert input_path("input.symbol", names) == "input.ticker"
    assert input_words("got prediction_id P_1, symbol NVDA", names) == "got prediction P_1, ticker NVDA"


def test_only_properties_are_translated_in_a_message() -> None:
    """Quoted values are the client's own, and other words are words."""
    message = """expected the claim's window_end after window_start, got 'window_end', "p_if_true" and no_property"""
    translated = (
        """expected the claim's windowEndsAt after windowStartsAt, got 'window_end', "p_if_true" and no_property"""
    )

    assert input_words(message) == translated
