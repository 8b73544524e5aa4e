// Sets properties of claims, and the page keys that follow from several of them, as the other statements that set one do.
// $claims: `id` and `properties`, those that change, an absent one as null; $moment: as of when the posteriors are.
UNWIND $claims AS entry
MATCH (claim:Claim {id: entry.id})
SET claim += entry.properties
SET claim.posterior_as_of = CASE WHEN claim.posterior IS NOT NULL THEN $moment END,
  claim.change_7_key = coalesce(toString(
    5000000 + toInteger(floor((claim.posterior - claim.posterior_7_days_ago) * 1000000 + 0.5))), '-') + '!' + claim.id,
  claim.change_30_key = coalesce(toString(
    5000000 + toInteger(floor((claim.posterior - claim.posterior_30_days_ago) * 1000000 + 0.5))), '-') + '!' + claim.id,
  claim.disagreement_key = coalesce(toString(
    5000000 + toInteger(floor(abs(claim.marginal - claim.posterior) * 1000000 + 0.5))), '-') + '!' + claim.id
RETURN count(claim) AS num_claims
