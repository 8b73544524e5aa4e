// A page of all claims by id, with what their posteriors follow from, in one record; moments in microseconds, which cost a client
// a hundredth of what its datetimes do. Each has, for each entry of $pasts, the sums after its last ledger row by then:
// null if there is none by then, or if it is the latest row. $after: the last id of the page before, '' at first. $limit: claims.
// $pasts: `moment`, and `high`, the end of the ledger's keys by then without the claim's id.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
WITH claim, head(COLLECT { MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass) RETURN class }) AS class,
  COLLECT {
    UNWIND $pasts AS past
    CALL (claim, past) {
      WITH claim, past
      WHERE claim.last_recorded_at > past.moment
      MATCH (evidence:Evidence)
      USING INDEX SEEK evidence:Evidence(ledger_key)
      WHERE evidence.ledger_key > claim.id + '!' AND evidence.ledger_key < claim.id + past.high
      WITH evidence
      ORDER BY evidence.ledger_key DESC
      LIMIT 1
      RETURN head(collect([evidence.inside_log_odds, coalesce(evidence.check_in_log_odds, 0.0)])) AS sums
    }
    RETURN sums
    ORDER BY past.moment DESC
  } AS past_sums
ORDER BY claim.id
RETURN collect([claim.id, claim.stated_probability, claim.inside_log_odds, class.base_rate, claim.from_year,
  claim.window_start.epochMillis * 1000 + claim.window_start.microsecond % 1000,
  claim.window_end.epochMillis * 1000 + claim.window_end.microsecond % 1000,
  claim.resolved_at.epochMillis * 1000 + claim.resolved_at.microsecond % 1000,
  claim.posterior_as_of.epochMillis * 1000 + claim.posterior_as_of.microsecond % 1000,
  claim.last_recorded_at.epochMillis * 1000 + claim.last_recorded_at.microsecond % 1000,
  claim.final_log_odds, claim.final_base_rate, claim.final_trf, claim.final_policy, claim.final_silence,
  claim.intercept_effect, claim.slope_effect, claim.check_in_log_odds, claim.predictor_id,
  claim.deadline.epochMillis * 1000 + claim.deadline.microsecond % 1000,
  CASE WHEN claim.num_versions > 1 OR class.num_versions > 1
    THEN [at IN [claim.versioned_at, class.versioned_at] | at.epochMillis * 1000 + at.microsecond % 1000]
  END,
  past_sums]) AS claims
