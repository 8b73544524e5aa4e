// Stores the kinds of claims, which lists are read by. $ids: claims.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
USING INDEX SEEK claim:Claim(id)
SET claim.kind_key = CASE WHEN claim:Prediction THEN 'Prediction' WHEN claim:Scenario THEN 'Scenario' ELSE 'Killer' END
RETURN count(claim) AS num_claims
