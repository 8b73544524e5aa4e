// Notes a migration as applied. $entry: its `name:checksum`.
MATCH (graph:Graph {id: 'migrations'})
SET graph.applied = coalesce(graph.applied, []) + $entry
RETURN size(graph.applied) AS applied
