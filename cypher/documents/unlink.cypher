// Removes that a document is about a claim. $document_id, $claim_id: its ends. Returns how many were removed: one or none.
MATCH (document:Document {id: $document_id})-[edge:ABOUT]->(claim)
USING INDEX SEEK document:Document(id)
WHERE claim.id = $claim_id
DELETE edge
RETURN count(*) AS num_removed
