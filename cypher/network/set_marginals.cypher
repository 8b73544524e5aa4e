// Stores claims' marginals, but for those that a newer run has stored. $claims: `id` and `properties`, nulls where a claim has none;
// $revision, $as_of: the state of the graph and the moment that the run holds for. Returns how many it has stored.
UNWIND $claims AS entry
MATCH (claim:Claim {id: entry.id})
WITH claim, entry.properties AS properties,
  coalesce(claim.marginal_revision, -1) AS revision, coalesce(claim.marginal_as_of, $as_of) AS as_of
WHERE revision < $revision OR revision = $revision AND as_of <= $as_of
SET claim += properties
RETURN count(properties.marginal) AS num_marginals
