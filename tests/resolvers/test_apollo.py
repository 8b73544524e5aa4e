"""Options of Apollo Client's cache, against the committed SDL as a text."""

import re
from pathlib import Path

from resolvers.apollo import cache_configuration
from tests.helpers.asking import SCHEMA

SDL = (Path(__file__).parents[2] / "resolvers" / "schema.graphql").read_text(encoding="utf-8")
FOUND = cache_configuration(SCHEMA._schema)


def test_possible_types_are_those_of_the_sdl() -> None:
    """Members of unions, and the types that say which interfaces they implement."""
    expected = {
        name: sorted(re.findall(r"\w+", members)) for name, members in re.findall(r"^union (\w+) = (.*)$", SDL, re.M)
    }
    for interface in re.findall(r"^interface (\w+)", SDL, re.M):
        types = re.findall(r"^type (\w+) implements (.*) \{$", SDL, re.M)
        expected[interface] = sorted(name for name, of in types if interface in of.split(" & "))

    assert FOUND["possibleTypes"] == expected
    assert len(expected["Node"]) == 12


def test_nodes_are_known_by_their_ids_and_nothing_else_is() -> None:
    """What a deletion answers has the id of a node that it is not."""
    policies = FOUND["typePolicies"]

    by_id = {name for name, policy in policies.items() if policy == {"merge": True}}
    assert by_id == set(FOUND["possibleTypes"]["Node"])
    assert policies["SubjectDeleted"] == policies["PageInfo"] == {"keyFields": False, "merge": True}
    assert policies.keys() == set(re.findall(r"^type (\w+)", SDL, re.M)) - {"Query", "Mutation"}
