// The shortest paths of influences from one claim to another, the shortest first; at most twenty of at most eight steps.
// $from_id, $to_id: claims; $max_length: steps; $limit: paths.
UNWIND [$from_id] AS from_id
MATCH (start:Claim {id: from_id})
UNWIND [$to_id] AS to_id
MATCH (end:Claim {id: to_id})
WITH start, end
MATCH path = SHORTEST 20 (start)-[:PREREQUISITE_OF|KILLS|CORRELATES_WITH]->{1,8}(end)
WITH path, length(path) AS num_steps, [node IN nodes(path) | node.id] AS ids
WHERE num_steps <= $max_length
RETURN ids, [edge IN relationships(path) | edge {.kind, .parent_id, .child_id, .p_if_true, .p_if_false, .lag_days}] AS edges,
  num_steps
ORDER BY num_steps, ids
LIMIT $limit
