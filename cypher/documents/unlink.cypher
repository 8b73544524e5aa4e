// Removes that a document is about a claim. $document_id, $claim_id: its ends. Returns how many were removed: one or none.
UNWIND [$document_id] AS document_id
MATCH (document:Document {id: document_id})
UNWIND [$claim_id] AS claim_id
MATCH (claim:Claim {id: claim_id})
WITH document, claim
MATCH (document)-[edge:ABOUT]->(claim)
DELETE edge
RETURN count(*) AS num_removed
