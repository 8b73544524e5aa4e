// A page of all claims by id, with what their beliefs at a moment follow from, in one record; moments in microseconds.
// $after: the last id of the page before, '' at first. $limit: claims. $mark: what follows a claim's id in the ledger's keys.
// $until: what follows it in a key behind all rows recorded by the moment. $at: the moment, in microseconds.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
WITH claim,
  head(COLLECT { MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass) RETURN class }) AS class,
  head(COLLECT {
    MATCH (row:Evidence)
    USING INDEX SEEK row:Evidence(ledger_key)
    WHERE row.ledger_key > claim.id + $mark AND row.ledger_key < claim.id + $until
    RETURN [row.inside_log_odds, coalesce(row.check_in_log_odds, 0.0)]
    ORDER BY row.ledger_key DESC
    LIMIT 1
  }) AS ledger,
  claim.marginal_as_of.epochMillis * 1000 + claim.marginal_as_of.microsecond % 1000 AS marginal_as_of
ORDER BY claim.id
RETURN collect([claim.id, head([label IN labels(claim) WHERE label <> 'Claim']), claim.title, claim.status,
  claim.stated_probability, ledger, class.base_rate, claim.from_year,
  claim.window_start.epochMillis * 1000 + claim.window_start.microsecond % 1000,
  claim.window_end.epochMillis * 1000 + claim.window_end.microsecond % 1000,
  claim.resolved_at.epochMillis * 1000 + claim.resolved_at.microsecond % 1000,
  claim.final_log_odds, claim.final_base_rate, claim.final_trf, claim.final_policy, claim.final_silence,
  claim.intercept_effect, claim.slope_effect,
  [at IN [claim.versioned_at, class.versioned_at] | at.epochMillis * 1000 + at.microsecond % 1000],
  claim.num_versions > 1 OR coalesce(class.num_versions > 1, false),
  CASE WHEN marginal_as_of <= $at THEN claim.marginal END]) AS claims
