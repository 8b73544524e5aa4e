// Every influence's two ends, to look for cycles in.
MATCH (parent:Claim)-[:PREREQUISITE_OF|KILLS|CORRELATES_WITH]->(child:Claim)
WHERE parent.id > ''
RETURN parent.id AS parent_id, child.id AS child_id
