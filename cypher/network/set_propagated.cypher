// Notes which state of the graph was propagated last, and which run all stored marginals hold for, where no newer ones are noted.
// $revision: the state's revision; $revised_at: when that was written, in microseconds; $seconds: how long it took; $run_id: the run,
// null if it has stored no marginals; $as_of: the moment that they hold for. Returns the revision that was propagated last.
MERGE (graph:Graph {id: 'graph'})
WITH graph, coalesce(graph.propagated_revision <= $revision, true) AS is_newest,
  $run_id IS NOT NULL AND coalesce(graph.marginal_revision < $revision
    OR graph.marginal_revision = $revision AND graph.marginal_as_of <= $as_of, true) AS is_held
SET graph.propagated_revision = CASE WHEN is_newest THEN $revision ELSE graph.propagated_revision END,
  graph.propagated_revised_at = CASE WHEN is_newest THEN $revised_at ELSE graph.propagated_revised_at END,
  graph.propagated_at = datetime.realtime(), graph.propagation_seconds = $seconds,
  graph.marginal_run_id = CASE WHEN is_held THEN $run_id ELSE graph.marginal_run_id END,
  graph.marginal_revision = CASE WHEN is_held THEN $revision ELSE graph.marginal_revision END,
  graph.marginal_as_of = CASE WHEN is_held THEN $as_of ELSE graph.marginal_as_of END
RETURN graph.propagated_revision AS revision
