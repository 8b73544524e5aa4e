// Stores claims' marginals, but for those that a newer run has stored. $claims: pairs of a claim and its marginal, null where it has
// none; $run_id: the run; $revision, $as_of: the state of the graph and the moment that it holds for. Returns how many it has stored.
UNWIND $claims AS entry
MATCH (claim:Claim {id: entry[0]})
WITH claim, entry[1] AS marginal,
  coalesce(claim.marginal_revision, -1) AS revision, coalesce(claim.marginal_as_of, $as_of) AS as_of
WHERE revision < $revision OR revision = $revision AND as_of <= $as_of
SET claim.marginal = marginal, claim.marginal_revision = $revision,
  claim.marginal_as_of = CASE WHEN marginal IS NOT NULL THEN $as_of END,
  claim.marginal_run_id = CASE WHEN marginal IS NOT NULL THEN $run_id END
RETURN count(marginal) AS num_marginals
