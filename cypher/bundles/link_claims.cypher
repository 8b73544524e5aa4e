// Gives each claim the domain that its own `domain_id` names, and no other. $ids: claims.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
CALL (claim) {
  MATCH (claim)-[old:IN_DOMAIN]->(domain:Domain)
  WHERE claim.domain_id IS NULL OR domain.id <> claim.domain_id
  DELETE old
}
CALL (claim) {
  MATCH (domain:Domain {id: claim.domain_id})
  MERGE (claim)-[:IN_DOMAIN]->(domain)
}
RETURN count(claim) AS num_claims
