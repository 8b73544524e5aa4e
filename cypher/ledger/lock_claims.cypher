// Takes claims for writing until the transaction ends, in the order given. $ids: claims.
UNWIND $ids AS id
MATCH (claim:Claim {id: id})
SET claim._lock = true
REMOVE claim._lock
RETURN count(claim) AS num_claims
