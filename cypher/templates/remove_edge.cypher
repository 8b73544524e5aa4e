// Removes a relationship of the only type. $#source_property and $#target_property: its ends. Returns how many were
// removed: one or none.
MATCH (source:#source {#source_key: $#source_property})-[edge:#types]->(target)
USING INDEX SEEK source:#source(#source_key)
WHERE target.#target_key = $#target_property
DELETE edge
RETURN count(*) AS num_removed
