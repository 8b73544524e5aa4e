// A page of all predictions by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after AND claim:Prediction
WITH claim
ORDER BY claim.id
LIMIT $limit
RETURN collect(properties(claim)) AS rows, max(claim.id) AS last_key
