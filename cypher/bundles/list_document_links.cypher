// What documents are about, in one record: document, claim and the moment of publication. $ids: documents.
UNWIND $ids AS id
MATCH (document:Document {id: id})-[:ABOUT]->(claim:Claim)
WITH document, claim
ORDER BY document.id, claim.id
RETURN collect({document_id: document.id, claim_id: claim.id, published_at: document.published_at}) AS links
