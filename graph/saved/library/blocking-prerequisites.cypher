// description: Open claims on which most open claims depend, as prerequisites, and by how much they would fall without them.
// version: 1
// parameter: limit INTEGER = 50: Most rows.
MATCH (parent:Claim {status: 'OPEN'})-[needs:PREREQUISITE_OF]->(child:Claim {status: 'OPEN'})
RETURN parent.id AS claim, parent.title AS title, parent.posterior AS posterior, count(DISTINCT child) AS blocked_count,
  avg(needs.p_if_true - needs.p_if_false) AS mean_effect
ORDER BY blocked_count DESC, claim
LIMIT $limit
