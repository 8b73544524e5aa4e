// The graph's revision, and when it rose last in microseconds, which tells two graphs of the same revision apart; no row in a
// graph that was never written.
MATCH (graph:Graph {id: 'graph'})
RETURN coalesce(graph.revision, 0) AS revision,
  graph.revised_at.epochMillis * 1000 + graph.revised_at.microsecond % 1000 AS revised_at
