// Ties each row of the ledger to where it comes from. $ids: evidence.
UNWIND $ids AS id
MATCH (evidence:Evidence {id: id})
CALL (evidence) {
  MATCH (predictor:Predictor {id: evidence.predictor_id})
  MERGE (evidence)-[:FROM]->(predictor)
}
CALL (evidence) {
  MATCH (document:Document {id: evidence.document_id})
  MERGE (evidence)-[:FROM]->(document)
}
CALL (evidence) {
  MATCH (milestone:Milestone {id: evidence.milestone_id})
  MERGE (evidence)-[:FROM]->(milestone)
}
RETURN count(evidence) AS num_evidence
