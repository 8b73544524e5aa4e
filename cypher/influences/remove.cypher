// Removes an influence. $kind: its type; $parent_id, $child_id: its ends. Returns how many were removed: one or none.
UNWIND [$parent_id] AS parent_id
MATCH (parent:Claim {id: parent_id})
UNWIND [$child_id] AS child_id
MATCH (child:Claim {id: child_id})
WITH parent, child
MATCH (parent)-[edge:PREREQUISITE_OF|KILLS|CORRELATES_WITH]->(child)
WHERE type(edge) = $kind
DELETE edge
RETURN count(*) AS num_removed
