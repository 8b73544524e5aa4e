// The influences that a page of claims by id have, in one record: parent, child, kind, P(child | true), P(child | false) of each
// that has a table. $after: the last id of the page before, '' at first. $limit: claims.
MATCH (claim:Claim)
USING INDEX SEEK claim:Claim(id)
WHERE claim.id > $after
WITH claim
ORDER BY claim.id
LIMIT $limit
MATCH (claim)-[edge:#influence_kinds]->()
WHERE edge.p_if_true IS NOT NULL
RETURN collect([claim.id, edge.child_id, edge.kind, edge.p_if_true, edge.p_if_false]) AS influences
