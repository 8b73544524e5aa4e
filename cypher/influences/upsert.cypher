// Writes each influence.
// Returns the ids of those that are new or differ, and whether each is new. $rows: properties, absent ones as null.
UNWIND $rows AS row
MATCH (parent:Claim {id: row.parent_id})
WITH row, parent
MATCH (child:Claim {id: row.child_id})
CALL (row, parent, child) {
  WITH parent, child, row
  WHERE row.kind = 'PREREQUISITE_OF'
  MERGE (parent)-[edge:PREREQUISITE_OF]->(child)
  ON CREATE SET edge._is_new = true
  RETURN edge
  UNION ALL
  WITH parent, child, row
  WHERE row.kind = 'KILLS'
  MERGE (parent)-[edge:KILLS]->(child)
  ON CREATE SET edge._is_new = true
  RETURN edge
  UNION ALL
  WITH parent, child, row
  WHERE row.kind = 'CORRELATES_WITH'
  MERGE (parent)-[edge:CORRELATES_WITH]->(child)
  ON CREATE SET edge._is_new = true
  RETURN edge
}
WITH row, edge, edge._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(edge[key] = row[key], edge[key] IS NULL AND row[key] IS NULL))
SET edge += row
REMOVE edge._is_new
RETURN row.kind + '|' + row.parent_id + '|' + row.child_id AS id, is_new
