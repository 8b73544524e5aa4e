// description: Open claims whose posterior has moved most since a week before the last refresh, or since a month before it.
// version: 1
// parameter: overMonth BOOLEAN = false: Whether to compare with the belief a month before instead of a week before.
// parameter: limit INTEGER = 50: Most rows.
MATCH (claim:Claim {status: 'OPEN'})
WITH claim, CASE WHEN $overMonth THEN claim.posterior_30_days_ago ELSE claim.posterior_7_days_ago END AS before
WHERE before IS NOT NULL AND claim.posterior IS NOT NULL
WITH claim, before, claim.posterior - before AS move
ORDER BY abs(move) DESC, claim.id
LIMIT $limit
RETURN claim.id AS claim, claim.title AS title, before, claim.posterior AS posterior, move
ORDER BY abs(move) DESC, claim
