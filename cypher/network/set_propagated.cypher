// Notes which state of the graph was propagated last, where no newer one was. $revision: its revision; $revised_at: when that was
// written, in microseconds; $seconds: how long it took. Returns the revision that was propagated last.
MERGE (graph:Graph {id: 'graph'})
WITH graph, coalesce(graph.propagated_revision <= $revision, true) AS is_newest
SET graph.propagated_revision = CASE WHEN is_newest THEN $revision ELSE graph.propagated_revision END,
  graph.propagated_revised_at = CASE WHEN is_newest THEN $revised_at ELSE graph.propagated_revised_at END,
  graph.propagated_at = datetime.realtime(), graph.propagation_seconds = $seconds
RETURN graph.propagated_revision AS revision
