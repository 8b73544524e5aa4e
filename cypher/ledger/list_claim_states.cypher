// What claims' beliefs are read from, a record each. $ids: claims.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
RETURN claim {.id, .stated_probability, .status, .resolved_at, .from_year, .window_start, .window_end,
  .domain_id, .predictor_id, .reference_class_id, .inside_log_odds, .num_evidence, .last_recorded_at, .posterior,
  .posterior_as_of, .probability_key, .evidence_count_key, .last_evidence_key, .posterior_7_days_ago, .posterior_30_days_ago} AS claim, labels(claim) AS labels,
  head(COLLECT { MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass) RETURN class.base_rate }) AS base_rate
ORDER BY claim.id
