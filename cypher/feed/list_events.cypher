// Events of the feed after a position, in order, the position of the last one that was removed (-1 for none) and of the latest one, and
// when the feed began in milliseconds, null if it has not. $position: where to begin; $limit: events. The events are read first, so that
// whoever misses one that is being removed sees that in what is read then.
CALL () {
  MATCH (event:FeedEvent)
  USING INDEX SEEK event:FeedEvent(position)
  WHERE event.position > $position
  WITH event
  ORDER BY event.position
  LIMIT $limit
  RETURN collect(properties(event)) AS events
}
OPTIONAL MATCH (graph:Graph {id: 'graph'})
RETURN events, graph.feed_began_at.epochMillis AS feed, coalesce(graph.feed_floor, -1) AS floor,
  coalesce(graph.revision, 0) * 1000000 + coalesce(graph.feed_place, 0) AS latest
