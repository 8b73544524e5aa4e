// Sets when nodes came into the graph and were changed last, where that differs; a record for each list. Each parameter is a list's rows:
// `key`, both moments as text, null if unknown, and both page keys.
#each nodes
UNWIND $#list AS row
MATCH (node:#space {#key: row.key})
WHERE coalesce(node.created_key <> row.created_key, true) OR coalesce(node.updated_key <> row.updated_key, true)
SET node.created_at = datetime(row.created_at), node.updated_at = datetime(row.updated_at),
  node.created_key = row.created_key, node.updated_key = row.updated_key
RETURN count(node) AS num_nodes
#between
UNION ALL
#end
