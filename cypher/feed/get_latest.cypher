// The position of the feed's latest event, and when the feed began in milliseconds, null if it has not.
OPTIONAL MATCH (graph:Graph {id: 'graph'})
RETURN graph.feed_began_at.epochMillis AS feed,
  coalesce(graph.revision, 0) * 1000000 + coalesce(graph.feed_place, 0) AS latest
