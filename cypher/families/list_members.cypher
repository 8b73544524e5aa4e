// Claims that are or are to be members of families: the id of each that exists, its deadline, and its stored marginal. $claim_ids:
// their ids.
UNWIND $claim_ids AS claim_id
MATCH (claim:Claim {id: claim_id})
RETURN claim.id AS id, claim.deadline AS deadline, claim.marginal AS marginal
ORDER BY id
