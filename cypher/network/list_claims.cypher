// A page of all claims by id in one record, with all that their beliefs depend on, moments in microseconds. $after: the last id
// of the page before, '' at first. $limit: claims.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
RETURN collect([claim.id, claim.stated_probability, claim.inside_log_odds, claim.status, claim.reference_class_id,
  claim.from_year,
  claim.window_start.epochMillis * 1000 + claim.window_start.microsecond % 1000,
  claim.window_end.epochMillis * 1000 + claim.window_end.microsecond % 1000,
  claim.resolved_at.epochMillis * 1000 + claim.resolved_at.microsecond % 1000,
  claim.final_base_rate, claim.final_trf,
  CASE WHEN 'foregraph-2' = CASE WHEN claim.resolved_at IS NULL THEN claim.policy ELSE claim.final_policy END THEN [coalesce(claim.timing_share, 0.0),
    coalesce(claim.intercept_effect, 0.0), coalesce(claim.slope_effect, 0.0), coalesce(claim.check_in_log_odds, 0.0),
    CASE WHEN claim.resolved_at IS NOT NULL THEN coalesce(claim.final_silence, 0.0) END] END]) AS claims
