// Counts a write that can change a belief or an influence; returns the new revision.
MERGE (graph:Graph {id: 'graph'})
SET graph.revision = coalesce(graph.revision, 0) + 1, graph.revised_at = datetime.realtime()
RETURN graph.revision AS revision
