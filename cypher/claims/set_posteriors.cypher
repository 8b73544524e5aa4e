// Sets posteriors of claims, but for those that another write has changed since they were read. $claims: `id`, `as_of` (as of when
// the stored one was) and `properties`. Returns how many were set.
UNWIND $claims AS entry
MATCH (claim:Claim {id: entry.id})
SET claim._lock = true
REMOVE claim._lock
WITH claim, entry
WHERE coalesce(claim.posterior_as_of = entry.as_of, claim.posterior_as_of IS NULL AND entry.as_of IS NULL)
SET claim += entry.properties
RETURN count(claim) AS num_claims
