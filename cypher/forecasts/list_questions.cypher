// A page of all claims that came true or false, by id, in one record: outcome, window, base rate and maker of each, the moments of
// the outcome and of its recording, null where it came in with the claim, the forecasts on it that were recorded, and the rows of
// its ledger; moments in microseconds, which cost a client a hundredth of what its datetimes do.
// $after: the last id of the page before, '' at first. $limit: claims.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
WITH claim, claim.status IN ['RESOLVED_TRUE', 'RESOLVED_FALSE'] AS is_resolved
WITH claim, is_resolved,
  head(COLLECT { MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass) WHERE is_resolved RETURN class.base_rate }) AS base_rate,
  head(COLLECT {
    MATCH (version:Version)
    USING INDEX SEEK version:Version(id)
    WHERE is_resolved AND version.id > 'CLAIM!' + claim.id + '!' AND version.id < 'CLAIM!' + claim.id + '"'
      AND version.number > 1 AND version.status = claim.status AND version.resolved_at = claim.resolved_at
    WITH version.recorded_at AS recorded_at
    ORDER BY recorded_at
    LIMIT 1
    RETURN recorded_at.epochMillis * 1000 + recorded_at.microsecond % 1000
  }) AS known_at,
  COLLECT {
    MATCH (claim)<-[forecast:FORECASTS]-()
    WHERE is_resolved
    RETURN [forecast.id, forecast.predictor_id, forecast.probability,
      forecast.recorded_at.epochMillis * 1000 + forecast.recorded_at.microsecond % 1000, forecast.cluster, forecast.retracts]
  } AS forecasts,
  COLLECT {
    MATCH (claim)<-[:UPDATES]-(row:Evidence)
    WHERE is_resolved AND row.total_llr <> 0
    RETURN [row.recorded_at.epochMillis * 1000 + row.recorded_at.microsecond % 1000, row.total_llr,
      row.inside_log_odds - row.prior_inside_log_odds, row.predictor_id, row.evidence_kind]
  } AS ledger
ORDER BY claim.id
RETURN collect(CASE WHEN is_resolved THEN [claim.status = 'RESOLVED_TRUE', claim.stated_probability, claim.predictor_id, base_rate,
  claim.from_year, claim.window_start.epochMillis * 1000 + claim.window_start.microsecond % 1000,
  claim.window_end.epochMillis * 1000 + claim.window_end.microsecond % 1000,
  [claim.resolved_at.epochMillis * 1000 + claim.resolved_at.microsecond % 1000, known_at], forecasts, ledger] END) AS questions,
  count(claim) AS num_claims, max(claim.id) AS last_id
