// Writes that documents are about claims. $rows: `document_id`, `claim_id` and the page keys of both ends.
// Returns the ids of the new and of those that differed in one row; an edge without its page keys has just been made.
UNWIND $rows AS row
MATCH (document:Document {id: row.document_id})
CALL (row) {
  MATCH (claim:Claim {id: row.claim_id})
  RETURN claim
}
MERGE (document)-[edge:ABOUT]->(claim)
WITH row, edge, edge.claim_key IS NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(edge[key] = row[key], edge[key] IS NULL AND row[key] IS NULL))
SET edge += row
WITH row.document_id + '|' + row.claim_id AS id, is_new
RETURN collect(CASE WHEN is_new THEN id END) AS created, collect(CASE WHEN NOT is_new THEN id END) AS updated
