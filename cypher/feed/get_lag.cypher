// The position of the feed's newest event and the moment at which it was written, null if none is kept; and the moment of the first event
// after a position, null if there is none. $position: the position of the last event that was read; null finds no event after it. No row in a
// graph that was never written.
MATCH (graph:Graph {id: 'graph'})
CALL (graph) {
  MATCH (event:FeedEvent)
  USING INDEX SEEK event:FeedEvent(position)
  WHERE event.position <= coalesce(graph.revision, 0) * 1000000 + 999999
  WITH event
  ORDER BY event.position DESC
  LIMIT 1
  RETURN collect([event.position, event.revised_at]) AS newest
}
CALL (graph) {
  MATCH (event:FeedEvent)
  USING INDEX SEEK event:FeedEvent(position)
  WHERE event.position > $position AND graph.revision >= 0
  WITH event
  ORDER BY event.position
  LIMIT 1
  RETURN collect(event.revised_at) AS unread
}
RETURN newest[0][0] AS position, newest[0][1] AS written_at, unread[0] AS unread_at
