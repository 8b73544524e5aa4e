// A page of all scenarios by id. $after: the last id of the page before, '' at first. $limit: rows.
MATCH (claim:Claim)
WHERE claim.id > $after AND claim:Scenario
RETURN claim.id AS key, properties(claim) AS row
ORDER BY key
LIMIT $limit
