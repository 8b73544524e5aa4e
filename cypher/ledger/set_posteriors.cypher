// Sets posteriors of claims, but for those that another write has changed since they were read. $claims: `id`, `as_of` (as of when
// the stored one was, in microseconds) and `properties`; $moment: as of when the new ones are. Returns the `ids` of those
// that were set.
UNWIND $claims AS entry
MATCH (claim:Claim {id: entry.id})
SET claim._lock = true
REMOVE claim._lock
WITH claim, entry, claim.posterior_as_of.epochMillis * 1000 + claim.posterior_as_of.microsecond % 1000 AS as_of
WHERE coalesce(as_of = entry.as_of, as_of IS NULL AND entry.as_of IS NULL)
SET claim += entry.properties
SET claim.posterior_as_of = $moment
SET claim.change_7_key = coalesce(toString(
    5000000 + toInteger(floor((claim.posterior - claim.posterior_7_days_ago) * 1000000 + 0.5))), '-') + '!' + claim.id,
  claim.change_30_key = coalesce(toString(
    5000000 + toInteger(floor((claim.posterior - claim.posterior_30_days_ago) * 1000000 + 0.5))), '-') + '!' + claim.id,
  claim.disagreement_key = coalesce(toString(
    5000000 + toInteger(floor(abs(claim.marginal - claim.posterior) * 1000000 + 0.5))), '-') + '!' + claim.id
RETURN collect(claim.id) AS ids
