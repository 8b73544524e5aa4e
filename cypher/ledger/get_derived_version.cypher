// By which version of ours what stands beside the ledger was made; no row in a graph that was never written.
MATCH (graph:Graph {id: 'graph'})
RETURN coalesce(graph.derived_version, 0) AS version
