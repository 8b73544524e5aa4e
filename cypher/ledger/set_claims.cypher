// Sets properties of claims. $claims: `id` and `properties`, an absent one as null.
UNWIND $claims AS entry
MATCH (claim:Claim {id: entry.id})
SET claim += entry.properties
RETURN count(claim) AS num_claims
