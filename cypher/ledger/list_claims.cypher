// A page of all claims by id, with what their posteriors follow from, in one record; moments in microseconds, which cost a client
// a hundredth of what its datetimes do. $after: the last id of the page before, '' at first. $limit: claims.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
WITH claim, head(COLLECT { MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass) RETURN class.base_rate }) AS base_rate
ORDER BY claim.id
RETURN collect([claim.id, claim:Prediction, claim.inside_log_odds, base_rate, claim.from_year,
  claim.window_start.epochSeconds * 1000000 + claim.window_start.microsecond,
  claim.window_end.epochSeconds * 1000000 + claim.window_end.microsecond,
  claim.resolved_at.epochSeconds * 1000000 + claim.resolved_at.microsecond,
  claim.posterior_as_of.epochSeconds * 1000000 + claim.posterior_as_of.microsecond,
  claim.status, claim.domain_id, claim.predictor_id, claim.reference_class_id]) AS claims
