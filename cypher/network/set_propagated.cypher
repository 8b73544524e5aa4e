// Notes which state of the graph was propagated last. $revision: its revision; $revised_at: when that was
// written, in microseconds.
MERGE (graph:Graph {id: 'graph'})
SET graph.propagated_revision = $revision, graph.propagated_revised_at = $revised_at,
  graph.propagated_at = datetime.realtime()
RETURN graph.propagated_revision AS revision
