// A page of all claims by id, with what their beliefs are read from, in one record. $after: the last id of the page before,
// '' at first. $limit: claims.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
WITH claim, head(COLLECT { MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass) RETURN class.base_rate }) AS base_rate
ORDER BY claim.id
RETURN collect([claim {.id, .stated_probability, .status, .resolved_at, .from_year, .window_start, .window_end,
  .domain_id, .predictor_id, .reference_class_id, .inside_log_odds, .num_evidence, .last_recorded_at, .posterior,
  .posterior_as_of, .probability_key}, labels(claim), base_rate]) AS claims
