// A claim with everything that is stored of it, its class and its predictor's record; no row where none has the id.
// $id: the claim.
MATCH (claim:Claim {id: $id})
CALL (claim) {
  OPTIONAL MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass)
  WITH class
  ORDER BY class.id
  LIMIT 1
  RETURN class {.base_rate, .versioned_at, .num_versions} AS class
}
CALL (claim) {
  OPTIONAL MATCH (predictor:Predictor {id: claim.predictor_id})
  RETURN predictor
}
RETURN properties(claim) AS claim, labels(claim) AS labels, class, predictor {.id, .kappa, .kappa_source, .brier, .n_resolved,
  .record_kappa, .record_brier, .record_n_resolved, .record_source} AS predictor
