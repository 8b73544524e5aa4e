// description: Open claims for which no evidence has been recorded for some days, those without any first.
// version: 1
// parameter: days INTEGER = 30: Days without evidence.
// parameter: limit INTEGER = 100: Most rows.
// parameter: asOf DATE_TIME = null: The moment to look back from; now if omitted.
WITH coalesce($asOf, datetime()) - duration({days: $days}) AS since
MATCH (claim:Claim {status: 'OPEN'})
WHERE claim.last_recorded_at IS NULL OR claim.last_recorded_at < since
RETURN claim.id AS claim, claim.title AS title, claim.last_recorded_at AS last_recorded_at,
  coalesce(claim.num_evidence, 0) AS evidence_count, claim.posterior AS posterior, claim.deadline AS deadline
ORDER BY last_recorded_at IS NOT NULL, last_recorded_at, claim
LIMIT $limit
