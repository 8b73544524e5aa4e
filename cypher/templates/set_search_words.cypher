// Sets the words and marks by which search finds each #label. $rows: `key` and `properties`, an absent one as null.
// Returns how many there were.
UNWIND $rows AS row
MATCH (node:#space {#key: row.key})
SET node += row.properties
RETURN count(node) AS num_nodes
