// Stores claims' marginals. $ids: the claims; $marginals: theirs in the same order, null for one that loses its; $run_id: the run;
// $revision, $as_of: the state of the graph and the moment that it holds for.
UNWIND range(0, size($ids) - 1) AS i
MATCH (claim:Claim {id: $ids[i]})
WITH claim, $marginals[i] AS marginal
SET claim.marginal = marginal, claim.marginal_revision = CASE WHEN marginal IS NOT NULL THEN $revision END,
  claim.marginal_as_of = CASE WHEN marginal IS NOT NULL THEN $as_of END,
  claim.marginal_run_id = CASE WHEN marginal IS NOT NULL THEN $run_id END
