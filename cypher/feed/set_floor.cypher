// Notes up to which position events are to be removed: those before a moment, or beyond a number, the earliest first, but none of the
// latest revisions. $before: the moment; $kept: that number; $num_positions: positions of the latest revisions; $limit: events.
// Returns the position, -1 where nothing was ever removed; no row in a graph that was never written.
MATCH (graph:Graph {id: 'graph'})
SET graph._lock = true
REMOVE graph._lock
WITH graph
CALL (graph) {
  MATCH (event:FeedEvent)
  RETURN count(event) AS num_events
}
CALL (graph, num_events) {
  MATCH (event:FeedEvent)
  USING INDEX SEEK event:FeedEvent(position)
  WHERE event.position < coalesce(graph.revision, 0) * 1000000 - $num_positions
  WITH event, num_events - $kept AS excess
  ORDER BY event.position
  LIMIT $limit
  WITH collect(event) AS events, excess
  UNWIND range(0, size(events) - 1) AS i
  WITH events[i] AS event, i, excess
  WHERE i < excess OR event.revised_at < $before
  RETURN max(event.position) AS highest
}
SET graph.feed_floor = coalesce(highest, graph.feed_floor)
RETURN coalesce(graph.feed_floor, -1) AS floor
