// Influences and exposures of a page of claims by id that may contradict themselves or each other, in one record: last_id, the last
// claim, null on an empty page; num_claims; influences as kind, parent, child, P(child | parent true), P(child | parent false);
// exposures as sign, prediction, ticker, impact. Listed are all of several between the same two nodes, and those whose numbers
// oppose their kind. $after: the last id of the page before, '' at first; $limit: claims; $raising, $lowering: kinds and signs.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
WITH collect(claim) AS claims
RETURN last(claims).id AS last_id, size(claims) AS num_claims,
  COLLECT {
    UNWIND claims AS claim
    MATCH (claim)-[edge:#influence_kinds]->()
    WITH claim, edge.child_id AS child_id, collect(edge) AS edges
    WHERE size(edges) > 1
      OR edges[0].kind IN $raising AND edges[0].p_if_true < edges[0].p_if_false
      OR edges[0].kind IN $lowering AND edges[0].p_if_true > edges[0].p_if_false
    UNWIND edges AS edge
    RETURN [edge.kind, claim.id, child_id, edge.p_if_true, edge.p_if_false]
  } AS influences,
  COLLECT {
    UNWIND claims AS claim
    MATCH (claim)-[edge:#exposure_signs]->()
    WITH claim, edge.symbol AS symbol, collect(edge) AS edges
    WHERE size(edges) > 1
      OR edges[0].sign IN $raising AND edges[0].impact < 0
      OR edges[0].sign IN $lowering AND edges[0].impact > 0
    UNWIND edges AS edge
    RETURN [edge.sign, claim.id, symbol, edge.impact]
  } AS exposures
