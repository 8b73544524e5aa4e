// Propagation runs in the order of the moment when they began, then of their ids, from either end. $methods: any of these, null for
// all; $converged: whether they converged, null for either; $from and $to: moments between which they began, both included;
// $low_at and $low_id, $high_at and $high_id: a moment and an id, between which they lie in that order, both excluded;
// $reads_down: whether the latest come first; $limit: how many.
CALL () {
  WITH 1 AS one
  WHERE NOT $reads_down
  MATCH (run:PropagationRun)
  USING INDEX SEEK run:PropagationRun(started_at)
  WHERE run.started_at >= $from AND run.started_at <= $to
    AND ($methods IS NULL OR run.method IN $methods) AND ($converged IS NULL OR run.converged = $converged)
    AND (run.started_at > $low_at OR run.started_at = $low_at AND run.id > $low_id)
    AND (run.started_at < $high_at OR run.started_at = $high_at AND run.id < $high_id)
  RETURN run
  ORDER BY run.started_at, run.id
  LIMIT $limit
  UNION ALL
  WITH 1 AS one
  WHERE $reads_down
  MATCH (run:PropagationRun)
  USING INDEX SEEK run:PropagationRun(started_at)
  WHERE run.started_at >= $from AND run.started_at <= $to
    AND ($methods IS NULL OR run.method IN $methods) AND ($converged IS NULL OR run.converged = $converged)
    AND (run.started_at > $low_at OR run.started_at = $low_at AND run.id > $low_id)
    AND (run.started_at < $high_at OR run.started_at = $high_at AND run.id < $high_id)
  RETURN run
  ORDER BY run.started_at DESC, run.id DESC
  LIMIT $limit
}
RETURN properties(run) AS run
