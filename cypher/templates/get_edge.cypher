// A relationship's properties, no row where there is none. $#type_property: its type; $#source_property and
// $#target_property: its ends.
UNWIND [$#source_property] AS source_key
MATCH (source:#source {#source_key: source_key})
UNWIND [$#target_property] AS target_key
MATCH (target:#target {#target_key: target_key})
WITH source, target
MATCH (source)-[edge:#types]->(target)
WHERE type(edge) = $#type_property
RETURN properties(edge) AS properties
