// What claims' beliefs are read from, a record each. $ids: claims.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
RETURN claim {.id, .stated_probability, .status, .resolved_at, .from_year, .window_start, .window_end,
  .domain_id, .predictor_id, .reference_class_id, .inside_log_odds, .num_evidence, .last_recorded_at, .policy, .timing_share, .setting_at,
  .intercept_effect, .slope_effect, .check_in_log_odds, .posterior,
  .final_log_odds, .final_base_rate, .final_class_id, .final_trf, .final_policy, .final_silence, .created_at, .versioned_at, .num_versions,
  .posterior_as_of, .probability_key, .evidence_count_key, .last_evidence_key, .posterior_7_days_ago, .posterior_30_days_ago} AS claim, labels(claim) AS labels,
  head(COLLECT { MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass) RETURN class {.base_rate, .versioned_at, .num_versions} }) AS class
ORDER BY claim.id
