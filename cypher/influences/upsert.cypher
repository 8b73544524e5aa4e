// Writes each influence. $rows: properties, absent ones as null.
// Returns the ids of the new and of those that differed in one row; an edge without its page keys has just been made.
UNWIND $rows AS row
MATCH (parent:Claim {id: row.parent_id})
CALL (row) {
  MATCH (child:Claim {id: row.child_id})
  RETURN child
}
CALL (row, parent, child) {
  WITH parent, child, row
  WHERE row.kind = 'PREREQUISITE_OF'
  MERGE (parent)-[edge:PREREQUISITE_OF]->(child)
  RETURN edge
  UNION ALL
  WITH parent, child, row
  WHERE row.kind = 'KILLS'
  MERGE (parent)-[edge:KILLS]->(child)
  RETURN edge
  UNION ALL
  WITH parent, child, row
  WHERE row.kind = 'CORRELATES_WITH'
  MERGE (parent)-[edge:CORRELATES_WITH]->(child)
  RETURN edge
}
WITH row, edge, edge.outgoing_key IS NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(edge[key] = row[key], edge[key] IS NULL AND row[key] IS NULL))
SET edge += row
WITH row.kind + '|' + row.parent_id + '|' + row.child_id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
