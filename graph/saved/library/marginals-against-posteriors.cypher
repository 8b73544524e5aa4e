// description: Open claims whose marginal, from the whole network, departs most from their own posterior.
// version: 1
// parameter: limit INTEGER = 50: Most rows.
MATCH (claim:Claim {status: 'OPEN'})
WHERE claim.marginal IS NOT NULL AND claim.posterior IS NOT NULL
WITH claim, claim.marginal - claim.posterior AS difference
ORDER BY abs(difference) DESC, claim.id
LIMIT $limit
RETURN claim.id AS claim, claim.title AS title, claim.posterior AS posterior, claim.marginal AS marginal, difference
ORDER BY abs(difference) DESC, claim
