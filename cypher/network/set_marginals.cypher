// Stores claims' marginals. $ids: the claims; $marginals: theirs in the same order, null for one that loses its; $run_id: the run;
// $revision, $as_of: the state of the graph and the moment that it holds for.
UNWIND range(0, size($ids) - 1) AS i
MATCH (claim:Claim {id: $ids[i]})
WITH claim, $marginals[i] AS marginal
SET claim.marginal = marginal, claim.marginal_revision = CASE WHEN marginal IS NOT NULL THEN $revision END,
  claim.marginal_as_of = CASE WHEN marginal IS NOT NULL THEN $as_of END,
  claim.marginal_run_id = CASE WHEN marginal IS NOT NULL THEN $run_id END,
  claim.marginal_key = coalesce(toString(5000000 + toInteger(floor(marginal * 1000000 + 0.5))), '-') + '!' + claim.id
SET claim.disagreement_key = coalesce(toString(
    5000000 + toInteger(floor(abs(claim.marginal - claim.posterior) * 1000000 + 0.5))), '-') + '!' + claim.id
