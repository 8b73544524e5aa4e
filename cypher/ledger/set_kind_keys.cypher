// Stores the kinds of claims, which lists are read by, where they differ from what is stored. $ids: claims.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
USING INDEX SEEK claim:Claim(id)
WITH claim, CASE WHEN claim:Prediction THEN 'Prediction' WHEN claim:Scenario THEN 'Scenario' ELSE 'Killer' END AS kind
WHERE claim.kind_key IS NULL OR claim.kind_key <> kind
SET claim.kind_key = kind
RETURN count(claim) AS num_claims
