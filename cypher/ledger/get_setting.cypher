// The graph's policy and what it has learned of timing, with the moment since when they are recorded; no row in a graph that was
// never written.
MATCH (graph:Graph {id: 'graph'})
RETURN graph {.policy, .timing_short, .timing_long, .versioned_at} AS graph
