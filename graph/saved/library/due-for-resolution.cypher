// description: Open claims whose window has closed, or closes within some days: they are to be resolved.
// version: 1
// parameter: days INTEGER = 0: Days to look ahead.
// parameter: asOf DATE_TIME = null: The moment to look ahead from; now if omitted.
WITH coalesce($asOf, datetime()) AS as_of
MATCH (claim:Claim {status: 'OPEN'})
WHERE claim.deadline <= as_of + duration({days: $days})
OPTIONAL MATCH (predictor:Predictor)-[:MADE]->(claim)
RETURN claim.id AS claim, claim.title AS title, claim.deadline AS deadline, claim.posterior AS posterior,
  predictor.name AS predictor
ORDER BY deadline, claim
