// A page of all scenarios by id in one record, with its last id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (claim:Scenario)
USING INDEX SEEK claim:Scenario(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
RETURN collect(properties(claim)) AS rows, max(claim.id) AS last_key
