// The number of nodes that are stored.
MATCH (node)
RETURN count(node) AS num_nodes
