"""
Operators, procedures and functions of Neo4j that analysts' statements may use; what is not listed is refused.

Made on the releases in `SURVEYED`. A test compares these lists with what a release of Neo4j offers, and names the new.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

SURVEYED: Final = ("2026.08.1", "5.26.30")
"""Versions of Neo4j that the lists were made on."""


class Size(Enum):
    """Size of a function's result."""

    SMALL = "a number, a moment, a short text"
    SAME = "as large as its arguments together"
    ELEMENT = "an element of its argument"
    ENTITIES = "as many items as a node has labels, or a path has nodes"
    PROPERTIES = "all properties of a node"
    COLLECTED = "an element for each row"
    SPLIT = "an element for each character"
    FLATTENED = "the elements of the argument's elements"
    REPLACED = "a text for each occurrence of another"
    RANGE = "as many items as its bounds are apart"


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


OPERATORS: Final = words("""
    AllNodesScan AntiConditionalApply AntiSemiApply Apply Argument ArgumentTracker AssertSameNode
    AssertSameRelationship AssertingMultiNodeIndexSeek BFSPruningVarLengthExpand(All)
    BFSPruningVarLengthExpand(Into) CacheProperties CartesianProduct ConditionalApply DirectedAllRelationshipsScan
    DirectedRelationshipByElementIdSeek DirectedRelationshipByIdSeek DirectedRelationshipIndexContainsScan
    DirectedRelationshipIndexEndsWithScan DirectedRelationshipIndexScan DirectedRelationshipIndexSeek
    DirectedRelationshipIndexSeekByRange DirectedRelationshipTypeScan DirectedRelationshipUniqueIndexSeek
    DirectedRelationshipUniqueIndexSeekByRange DirectedUnionRelationshipTypesScan Distinct
    DynamicDirectedRelationshipTypeLookup DynamicLabelNodeLookup DynamicUndirectedRelationshipTypeLookup Eager
    EagerAggregation EmptyResult EmptyRow Expand(All) Expand(Into) Filter IntersectionNodeByLabelsScan
    LeftOuterHashJoin LetAntiSemiApply LetSelectOrAntiSemiApply LetSelectOrSemiApply LetSemiApply Limit
    MultiNodeIndexSeek NodeByElementIdSeek NodeByIdSeek NodeByLabelScan NodeCountFromCountStore NodeHashJoin
    NodeIndexContainsScan NodeIndexEndsWithScan NodeIndexScan NodeIndexSeek NodeIndexSeekByRange NodeUniqueIndexSeek
    NodeUniqueIndexSeekByRange Optional OptionalExpand(All) OptionalExpand(Into) OrderedAggregation OrderedDistinct
    OrderedUnion PartialSort PartialTop ProcedureCall ProduceResults ProjectEndpoints Projection
    PruningVarLengthExpand(All) PruningVarLengthExpand(Into) RelationshipCountFromCountStore Repeat(Acyclic)
    Repeat(Trail) Repeat(Walk) RightOuterHashJoin RollUpApply SelectOrAntiSemiApply SelectOrSemiApply SemiApply
    ShortestPath Skip Sort StatefulShortestPath(All) StatefulShortestPath(All,Trail) StatefulShortestPath(Into)
    StatefulShortestPath(Into,Trail) SubqueryForeach SubtractionNodeByLabelsScan Top Top1WithTies TriadicBuild
    TriadicFilter TriadicSelection UndirectedAllRelationshipsScan UndirectedRelationshipByElementIdSeek
    UndirectedRelationshipByIdSeek UndirectedRelationshipIndexContainsScan UndirectedRelationshipIndexEndsWithScan
    UndirectedRelationshipIndexScan UndirectedRelationshipIndexSeek UndirectedRelationshipIndexSeekByRange
    UndirectedRelationshipTypeScan UndirectedRelationshipUniqueIndexSeek
    UndirectedRelationshipUniqueIndexSeekByRange UndirectedUnionRelationshipTypesScan Union UnionNodeByLabelsScan
    Unwind ValueHashJoin VarLengthExpand(All) VarLengthExpand(Into) VarLengthExpand(Pruning)
""")
"""Operators of plans, spaces left out; they read what the graph holds, and stop when their transaction is ended."""

PROCEDURES: Final = words("""
    db.index.fulltext.queryNodes db.index.fulltext.queryRelationships db.index.vector.queryNodes
    db.index.vector.queryRelationships db.labels db.propertyKeys db.relationshipTypes db.schema.visualization
""")

_SMALL: Final = words("""
    abs acos all any asin atan atan2 avg cardinality ceil ceiling char_length character_length coll.indexOf cos cosh cot
    coth count date date.realtime date.statement date.transaction date.truncate datetime datetime.fromEpoch
    datetime.fromEpochMillis datetime.realtime datetime.statement datetime.transaction datetime.truncate degrees
    duration duration.between duration.inDays duration.inMonths duration.inSeconds duration_between e elementId exists
    exp floor haversin id isEmpty isNaN length ln local_datetime local_time localdatetime localdatetime.realtime
    localdatetime.statement localdatetime.transaction localdatetime.truncate localtime localtime.realtime
    localtime.statement localtime.transaction localtime.truncate log log10 none path_length percentileCont
    percentileDisc percentile_cont percentile_disc pi point point.distance point.withinBBox property_exists radians rand
    randomUUID round sign sin single sinh size sqrt stDev stDevP startNode endNode stdev_pop stdev_samp string.indexOf
    sum tan tanh time time.realtime time.statement time.transaction time.truncate timestamp toBoolean toBooleanOrNull
    toFloat toFloatOrNull toInteger toIntegerOrNull type uuid uuid.leastSignificantBits uuid.mostSignificantBits
    valueType vector.similarity.cosine vector.similarity.euclidean vector_dimension_count vector_distance vector_norm
    zoned_datetime zoned_time format
""")
_SAME: Final = words("""
    btrim coalesce coll.distinct coll.insert coll.remove coll.sort left lower ltrim max min normalize nullIf replace
    reverse right rtrim substring tail toBooleanList toFloatList toIntegerList toLower toString toStringList
    toStringOrNull toUpper trim upper vector
""")

FUNCTIONS: Final[Mapping[str, Size]] = {
    name.lower(): size
    for names, size in (
        (_SMALL, Size.SMALL),
        (_SAME - {"replace"}, Size.SAME),
        (words("head last coll.max coll.min"), Size.ELEMENT),
        (words("keys labels nodes relationships"), Size.ENTITIES),
        (words("properties"), Size.PROPERTIES),
        (words("collect collect_list"), Size.COLLECTED),
        (words("split"), Size.SPLIT),
        (words("coll.flatten string.join"), Size.FLATTENED),
        (words("replace"), Size.REPLACED),
        (words("range"), Size.RANGE),
    )
    for name in names
}
"""Functions by their names in small letters, and the size of their results; `reduce` is judged by its own rule."""

INTERNAL: Final[Mapping[str, Size]] = {
    name.lower(): size
    for names, size in (
        (
            words(
                "CachedProperty PropertiesUsingCachedProperties PropertyKeyName Set Variable getDegree "
                "hasDegreeGreaterThan hasDegreeGreaterThanOrEqual hasDegreeLessThan hasDegreeLessThanOrEqual "
                "percentiles"
            ),
            Size.SMALL,
        ),
        (words("RuntimeConstant"), Size.SAME),
        (words("collect_distinct"), Size.COLLECTED),
    )
    for name in names
}
"""Names in the form of functions by which plans show what a statement writes otherwise."""

REFUSED: Final[Mapping[str, tuple[str, str]]] = {
    "allreduce": (
        "it may run for long where no time limit reaches it",
        "a condition on all(x IN list WHERE …), or UNWIND and an aggregation",
    ),
    "file": ("it tells the server's paths", "nothing in its place"),
    "linenumber": ("it belongs to LOAD CSV", "nothing in its place"),
    "graph.byname": ("it reads another database", "a statement on this graph"),
    "graph.byelementid": ("it reads another database", "a statement on this graph"),
    "string.regexreplace": (
        "a regular expression may run for long where no time limit reaches it",
        "replace(text, 'old', 'new')",
    ),
}
"""Functions that are refused on purpose: the reason, and what to write instead."""
