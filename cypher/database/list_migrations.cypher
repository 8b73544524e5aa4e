// The migrations that have been applied, as `name:checksum` lines in order; no row before the first.
MATCH (graph:Graph {id: 'migrations'})
RETURN coalesce(graph.applied, []) AS applied
