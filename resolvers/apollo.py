"""The schema as Apollo Client's cache has to know it."""

from typing import Any

from graphql import GraphQLSchema, is_abstract_type, is_interface_type, is_object_type


def cache_configuration(schema: GraphQLSchema) -> dict[str, Any]:
    """
    Return the options of `InMemoryCache`, as JSON values.

    Returns:
        `possibleTypes`, the object types of each interface and union; and `typePolicies`: a node is known by its `id`
        where that was asked for, any other object, even one with an `id`, is part of what it was read with. Both are
        merged with what is there. A node has no `keyFields`, with which a cache refuses one that was read without them.
    """
    kinds = {name: kind for name, kind in sorted(schema.type_map.items()) if not name.startswith("__")}
    node = kinds["Node"]
    nodes = {found.name for found in schema.get_possible_types(node)} if is_interface_type(node) else set()
    roots = {schema.query_type, schema.mutation_type}
    return {
        "possibleTypes": {
            name: sorted(found.name for found in schema.get_possible_types(kind))
            for name, kind in kinds.items()
            if is_abstract_type(kind)
        },
        "typePolicies": {
            name: {"merge": True} if name in nodes else {"keyFields": False, "merge": True}
            for name, kind in kinds.items()
            if is_object_type(kind) and kind not in roots
        },
    }
