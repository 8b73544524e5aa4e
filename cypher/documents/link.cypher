// Writes that documents are about claims. $rows: `document_id`, `claim_id` and the page keys of both ends.
// Returns the ids of those that are new or differ, and whether each is new.
UNWIND $rows AS row
MATCH (document:Document {id: row.document_id})
WITH row, document
MATCH (claim:Claim {id: row.claim_id})
MERGE (document)-[edge:ABOUT]->(claim)
ON CREATE SET edge._is_new = true
WITH row, edge, edge._is_new IS NOT NULL AS is_new
WHERE is_new OR any(key IN keys(row) WHERE NOT coalesce(edge[key] = row[key], edge[key] IS NULL AND row[key] IS NULL))
SET edge += row
REMOVE edge._is_new
RETURN row.document_id + '|' + row.claim_id AS id, is_new
