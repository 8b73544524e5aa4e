// The contents of the database by its own statistics. Returns one record: nodes, pairs of a label and its number;
// relationships, pairs of a type and its number; indexes, each with its kind, labels, types and properties; constraints, each
// with its label or type and its properties.
CALL db.stats.retrieve('GRAPH COUNTS')
YIELD data
RETURN [row IN data.nodes WHERE row.label IS NOT NULL | [row.label, row.count]] AS nodes,
  [row IN data.relationships
    WHERE row.relationshipType IS NOT NULL AND row.startLabel IS NULL AND row.endLabel IS NULL
    | [row.relationshipType, row.count]] AS relationships,
  [row IN data.indexes WHERE row.properties <> []
    | [row.indexType, coalesce(row.labels, []), coalesce(row.relationshipTypes, []), row.properties]] AS indexes,
  [row IN data.constraints | [coalesce(row.label, row.relationshipType), row.properties]] AS constraints
ORDER BY size(nodes)
LIMIT 1
