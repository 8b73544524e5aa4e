// Appends rows to the ledger and sets what follows for their claims. $rows: properties of the rows; $claims: `id` and `properties`.
// Returns how many rows, sources of theirs and claims there were.
CALL () {
  UNWIND $rows AS row
  MATCH (claim:Claim {id: row.claim_id})
  CREATE (evidence:Evidence)-[:UPDATES]->(claim)
  SET evidence = row
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
  RETURN count(claim) AS num_claims
}
RETURN num_rows, num_sources, num_claims
