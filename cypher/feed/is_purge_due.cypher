// Whether there are events to remove, as `set_floor` takes them. $before, $kept and $num_positions: as there; no row in a graph that was
// never written.
MATCH (graph:Graph {id: 'graph'})
CALL (graph) {
  MATCH (event:FeedEvent)
  RETURN count(event) AS num_events
}
CALL (graph) {
  MATCH (event:FeedEvent)
  USING INDEX SEEK event:FeedEvent(position)
  WHERE event.position < coalesce(graph.revision, 0) * 1000000 - $num_positions
  WITH event
  ORDER BY event.position
  LIMIT 1
  RETURN count(event) > 0 AS are_old_enough, coalesce(min(event.revised_at) < $before, false) AS is_old
}
RETURN are_old_enough AND (num_events > $kept OR is_old) AS is_due
