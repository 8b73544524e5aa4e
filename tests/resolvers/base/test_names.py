"""Properties by the schema's names."""

import pytest

from graph.model import rows
from graph.model.subjects import ROW_LISTS, plain_properties
from resolvers.base.names import names_of, shown_name
from tests.helpers.asking import SCHEMA

ROWS = [listed.row for listed in ROW_LISTS.values()]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("title", "title"),
        ("recorded_at", "recordedAt"),
        ("num_claims", "claimCount"),
        ("num_contradictory", "contradictoryCount"),
        ("num_replicates", "replicateCount"),
        ("record_n_resolved", "recordResolvedCount"),
        ("p_if_true", "probabilityIfTrue"),
        ("total_adjusted_llr", "totalAdjustedLogLikelihoodRatio"),
        ("window_start", "windowStartsAt"),
        ("maxPoints", "maxPoints"),
    ],
)
def test_a_name_is_the_propertys_words_but_for_a_few(name: str, shown: str) -> None:
    """Counts are turned round by rule, the rest is a table."""
    assert shown_name(name) == shown


@pytest.mark.parametrize("row", ROWS)
def test_no_two_properties_of_a_row_share_a_name(row: type[rows.Row]) -> None:
    """Else one would hide the other."""
    shown = [names_of(row).get(name) or shown_name(name) for name in row.model_fields]

    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize("row", [row for row in ROWS if row.__name__ in SCHEMA._schema.type_map])
def test_every_property_is_in_the_schema_under_its_name(row: type[rows.Row]) -> None:
    """The output type of a row has its plain properties, and nothing under the property's old name."""
    fields = SCHEMA._schema.type_map[row.__name__].fields  # type: ignore[attr-defined] # an object type
    own = {"id", "posterior", "posterior_as_of", "inside_log_odds", "converged"}
    own |= {"is_deleted"} if row is rows.ClaimFamily else set()  # a deleted family is not shown
    shown = {name: names_of(row).get(name) or shown_name(name) for name in plain_properties(row) if name not in own}

    assert set(shown.values()) <= set(fields)
    assert not {name for name, new in shown.items() if name != new} & set(fields)
