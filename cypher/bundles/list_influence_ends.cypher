// Every influence's two ends, to look for cycles in: one record of pairs, a parent and all its children.
MATCH (parent:Claim)-[:#influence_kinds]->(child:Claim)
USING INDEX SEEK parent:Claim(id)
WHERE parent.id > ''
WITH parent.id AS parent_id, collect(child.id) AS child_ids
RETURN collect([parent_id, child_ids]) AS edges
