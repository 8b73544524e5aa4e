// The graph's revision; no row in a graph that was never written.
MATCH (graph:Graph {id: 'graph'})
RETURN coalesce(graph.revision, 0) AS revision
