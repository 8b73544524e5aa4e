// Beliefs of claims as they are stored, in one record: id, posterior, marginal, status, kind, domain and predictor. $ids: the claims.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
RETURN collect([claim.id, claim.posterior, claim.marginal, claim.status, head([label IN labels(claim) WHERE label <> 'Claim']),
  claim.domain_id, claim.predictor_id]) AS claims
