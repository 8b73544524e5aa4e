"""Random documents over the whole readable schema are answered alike by compiled operations and by the executor."""

from random import Random

import pytest

from graph.database.sessions import Database
from tests.helpers.asking import SCHEMA
from tests.helpers.compiled import answer_by_executor, answer_compiled
from tests.helpers.random_documents import Documents
from tests.resolvers.compiled.test_operations import MOMENT

pytestmark = pytest.mark.statements

IDS = {
    "prediction": ("P_00", "P_01", "P_02", "P_07", "nobody"),
    "killer": ("TK_HUB", "TK_UNKNOWN"),
    "scenario": ("S_1",),
    "predictor": ("ada", "bob"),
    "referenceClass": ("chips_on_time",),
    "ticker": ("NVDA", "QCOM"),
    "document": ("doc_1", "doc_2"),
    "episode": ("EP_1",),
    "domain": ("chips", "space"),
    "evidenceRow": ("e1", "e3"),
    "milestone": ("P_00:m0", "P_00:m2"),
    "validation": ("v1",),
}
LEVELS = 3


@pytest.mark.parametrize("seed", [7, 11])
async def test_both_ways_have_one_answer(small: Database, seed: int, num_documents: int) -> None:
    """As text, with the clock standing still."""
    documents = Documents(SCHEMA._schema, IDS, Random(seed))
    for _ in range(num_documents):
        text, variables = documents.document(LEVELS)
        expected, errors = await answer_by_executor(small, text, variables, MOMENT)
        assert errors == [], (text, variables)
        by_levels = await answer_compiled(small, text, variables, MOMENT, is_prepared=False)
        assert by_levels == expected, (text, variables)
        found = await answer_compiled(small, text, variables, MOMENT)
        assert found == expected, (text, variables)
