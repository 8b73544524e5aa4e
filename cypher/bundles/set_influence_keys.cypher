// Sets both ends' page keys of influences. $rows: `kind`, `parent_id`, `child_id`, `outgoing_key`, `incoming_key`.
UNWIND $rows AS row
MATCH (parent:Claim {id: row.parent_id})
CALL (row) {
  MATCH (child:Claim {id: row.child_id})
  RETURN child
}
MATCH (parent)-[edge:#influence_kinds]->(child)
WHERE type(edge) = row.kind
SET edge.outgoing_key = row.outgoing_key, edge.incoming_key = row.incoming_key
RETURN count(edge) AS num_influences
