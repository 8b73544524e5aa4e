// One claim's id, or no row in a graph without claims.
MATCH (claim:Claim)
WHERE claim.id > ''
RETURN claim.id AS id
ORDER BY id
LIMIT 1
