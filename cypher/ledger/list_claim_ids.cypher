// A page of the ids of all claims, in order and in one record. $after: the last id of the page before, '' at first. $limit: claims.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim.id AS id
ORDER BY id
LIMIT $limit
RETURN collect(id) AS ids
