// The runs that wrote claims' marginals, in one record: pairs of a claim and a run's id, null without a marginal. $ids: the claims.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
RETURN collect([claim.id, claim.marginal_run_id]) AS writers
