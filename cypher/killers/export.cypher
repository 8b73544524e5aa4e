// A page of all killers by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (claim:Claim)
WHERE claim.id > $after AND claim:Killer
WITH claim
ORDER BY claim.id
LIMIT $limit
RETURN collect(properties(claim)) AS rows, max(claim.id) AS last_key
