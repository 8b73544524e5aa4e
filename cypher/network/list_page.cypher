// A page of the network in one record: claims by id with all that their beliefs depend on, moments in microseconds, and the
// influences that they have as [child, kind, P(child | true), P(child | false)], those without a table left out.
// $after: the last id of the page before, '' at first. $limit: claims.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
WITH claim,
  head(COLLECT { MATCH (claim)-[:IN_CLASS]->(class:ReferenceClass) RETURN class.base_rate }) AS base_rate,
  COLLECT {
    MATCH (claim)-[edge:PREREQUISITE_OF|KILLS|CORRELATES_WITH]->()
    WHERE edge.p_if_true IS NOT NULL
    RETURN [edge.child_id, edge.kind, edge.p_if_true, edge.p_if_false]
  } AS influences
ORDER BY claim.id
RETURN collect([claim.id, claim.stated_probability, claim.inside_log_odds, claim.status, claim.from_year,
  claim.window_start.epochSeconds * 1000000 + claim.window_start.microsecond,
  claim.window_end.epochSeconds * 1000000 + claim.window_end.microsecond,
  claim.resolved_at.epochSeconds * 1000000 + claim.resolved_at.microsecond,
  base_rate, influences]) AS claims
