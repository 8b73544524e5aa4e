// How many nodes each label has, from the store's own counts: a record for each.
MATCH (node:Claim)
WITH count(node) AS num_nodes
RETURN 'Claim' AS label, num_nodes
#each labels
UNION ALL
MATCH (node:#label)
WITH count(node) AS num_nodes
RETURN '#label' AS label, num_nodes
#end
