// description: Evidence recorded in the last days that moved its claim's inside view most, in log-odds.
// version: 1
// parameter: days INTEGER = 7: Days to look back.
// parameter: limit INTEGER = 20: Most rows.
// parameter: asOf DATE_TIME = null: The moment to look back from; now if omitted.
WITH coalesce($asOf, datetime()) AS as_of
MATCH (evidence:Evidence)
WHERE evidence.recorded_at <= as_of AND evidence.recorded_at > as_of - duration({days: $days})
MATCH (evidence)-[:UPDATES]->(claim:Claim)
WITH claim, evidence, evidence.inside_log_odds - evidence.prior_inside_log_odds AS shift
ORDER BY abs(shift) DESC, evidence.id
LIMIT $limit
RETURN evidence.recorded_at AS recorded_at, claim.id AS claim, claim.title AS title, shift AS log_odds_shift,
  evidence.inside_prior AS inside_before, evidence.inside_posterior AS inside_after, evidence.note AS note,
  evidence.id AS evidence
ORDER BY abs(log_odds_shift) DESC, evidence
