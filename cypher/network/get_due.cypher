// Whether the graph was written since its beliefs were propagated last; no row in a graph that was never written. Times by the
// database's own clock: since the last write, and since the last propagation, null where there was none; and how long that took.
MATCH (graph:Graph {id: 'graph'})
RETURN coalesce(graph.propagated_revision <> graph.revision
      OR graph.propagated_revised_at <> graph.revised_at.epochMillis * 1000 + graph.revised_at.microsecond % 1000,
    graph.propagated_revision IS NULL) AS is_behind,
  duration.inSeconds(graph.revised_at, datetime.realtime()).milliseconds / 1000.0 AS quiet_seconds,
  duration.inSeconds(graph.propagated_at, datetime.realtime()).milliseconds / 1000.0 AS age_seconds,
  coalesce(graph.propagation_seconds, 0.0) AS cost_seconds
