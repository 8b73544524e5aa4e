// Removes a relationship. $#type_property: its type; $#source_property and $#target_property: its ends. Returns how
// many were removed: one or none.
UNWIND [$#source_property] AS source_key
MATCH (source:#source {#source_key: source_key})
UNWIND [$#target_property] AS target_key
MATCH (target:#target {#target_key: target_key})
WITH source, target
MATCH (source)-[edge:#types]->(target)
WHERE type(edge) = $#type_property
DELETE edge
RETURN count(*) AS num_removed
