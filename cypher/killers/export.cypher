// A page of all killers by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (claim:Killer)
USING INDEX SEEK claim:Killer(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
RETURN collect(properties(claim)) AS rows, max(claim.id) AS last_key
