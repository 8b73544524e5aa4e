// What must be known to weigh evidence: a record for each item, with its claim, its sources, the latest row of its cluster and
// the rows that stand against it. $items: `index`, `claim_id`, `predictor_id`, `document_id`, `milestone_id`, `id`,
// `idempotency_key`, `observation_key`, `cluster_low` and `cluster_high` (between which the cluster's keys lie); absent ones as null.
UNWIND $items AS item
CALL (item) {
  OPTIONAL MATCH (claim:Claim {id: item.claim_id})
  RETURN claim
}
CALL (item) {
  OPTIONAL MATCH (predictor:Predictor {id: item.predictor_id})
  RETURN predictor
}
CALL (item) {
  OPTIONAL MATCH (document:Document {id: item.document_id})
  RETURN document.id AS document_id
}
CALL (item) {
  OPTIONAL MATCH (evidence:Evidence {idempotency_key: item.idempotency_key})
  RETURN evidence.id AS key_holder
}
CALL (item) {
  OPTIONAL MATCH (evidence:Evidence {observation_key: item.observation_key})
  RETURN evidence.id AS observed
  ORDER BY observed
  LIMIT 1
}
CALL (item) {
  OPTIONAL MATCH (evidence:Evidence)
  USING INDEX SEEK evidence:Evidence(cluster_key)
  WHERE evidence.cluster_key > item.cluster_low AND evidence.cluster_key < item.cluster_high
  RETURN CASE
    WHEN evidence IS NOT NULL THEN [evidence.cluster_size, evidence.cluster_llr_sum, evidence.cluster_adjusted_llr_sum]
  END AS cluster
  ORDER BY evidence.cluster_key DESC
  LIMIT 1
}
RETURN item.index AS index, claim {.id, .stated_probability, .status, .resolved_at, .from_year, .window_start, .window_end,
  .domain_id, .predictor_id, .reference_class_id, .inside_log_odds, .num_evidence, .last_recorded_at, .policy, .timing_share, .setting_at,
  .intercept_effect, .slope_effect, .check_in_log_odds} AS claim,
  labels(claim) AS labels,
  head(COLLECT { MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass) RETURN class {.base_rate, .versioned_at, .num_versions} }) AS class, predictor {.id, .kappa, .kappa_source, .brier, .n_resolved, .record_kappa,
  .record_brier, .record_n_resolved, .record_source} AS predictor, document_id, key_holder, observed, cluster
ORDER BY index
