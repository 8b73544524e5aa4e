// The ids along a shortest way of influences from one claim to another, no row where there is none. $from_id, $to_id: claims.
// Looks from both ends at each claim once, however long the way.
UNWIND [$from_id] AS from_id
MATCH (start:Claim {id: from_id})
UNWIND [$to_id] AS to_id
MATCH (end:Claim {id: to_id})
WITH start, end
MATCH path = shortestPath((start)-[:#influence_kinds*1..1000000]->(end))
RETURN [node IN nodes(path) | node.id] AS ids
