// A page of all claims by id in one record, and their stored marginals in the same order. $after: the last id of the page before, ''
// at first. $limit: claims.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
WITH collect([claim.id, claim.marginal]) AS claims
RETURN [entry IN claims | entry[0]] AS ids, [entry IN claims | entry[1]] AS marginals
