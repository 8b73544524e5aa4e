// A page of all claims by id in one record, as `list_claims` has them. $after: the last id of the page before, '' at first; $limit: claims.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
RETURN collect([claim.id, claim.posterior, claim.marginal, claim.status, head([label IN labels(claim) WHERE label <> 'Claim']),
  claim.domain_id, claim.predictor_id]) AS claims
