// Appends rows to the ledger and sets what follows for their claims. $rows: properties of the rows; $claims: `id` and `properties`.
// Returns how many rows, sources of theirs and claims there were.
CALL () {
  UNWIND $rows AS row
  MATCH (claim:Claim {id: row.claim_id})
  CREATE (evidence:Evidence)-[:UPDATES]->(claim)
  SET evidence = row, evidence.created_at = datetime.transaction(), evidence.updated_at = datetime.transaction()
  WITH evidence
  CALL (evidence) {
    MATCH (predictor:Predictor {id: evidence.predictor_id})
    CREATE (evidence)-[:FROM]->(predictor)
  }
  CALL (evidence) {
    MATCH (document:Document {id: evidence.document_id})
    CREATE (evidence)-[:FROM]->(document)
  }
  CALL (evidence) {
    MATCH (milestone:Milestone {id: evidence.milestone_id})
    CREATE (evidence)-[:FROM]->(milestone)
  }
  RETURN count(evidence) AS num_rows, sum(COUNT { (evidence)-[:FROM]->() }) AS num_sources
}
CALL () {
  UNWIND $claims AS entry
  MATCH (claim:Claim {id: entry.id})
  SET claim += entry.properties
  SET claim.change_7_key = coalesce(toString(
      5000000 + toInteger(floor((claim.posterior - claim.posterior_7_days_ago) * 1000000 + 0.5))), '-') + '!' + claim.id,
    claim.change_30_key = coalesce(toString(
      5000000 + toInteger(floor((claim.posterior - claim.posterior_30_days_ago) * 1000000 + 0.5))), '-') + '!' + claim.id,
    claim.disagreement_key = coalesce(toString(
      5000000 + toInteger(floor(abs(claim.marginal - claim.posterior) * 1000000 + 0.5))), '-') + '!' + claim.id
  SET claim.updated_at = datetime.transaction(),
    claim.updated_key = toString(datetime.transaction().epochSeconds * 1000000 + datetime.transaction().microsecond)
      + '!' + claim.id
  RETURN count(claim) AS num_claims
}
RETURN num_rows, num_sources, num_claims
