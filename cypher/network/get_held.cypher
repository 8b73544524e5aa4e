// The graph's revision, and the run that all stored marginals hold for: its id, the revision that it read, and the moment, null where no
// run has stored any; no row in a graph that was never written.
MATCH (graph:Graph {id: 'graph'})
RETURN coalesce(graph.revision, 0) AS revision, graph.marginal_run_id AS run_id, graph.marginal_revision AS run_revision,
  graph.marginal_as_of AS as_of
