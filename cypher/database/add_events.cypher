// Adds events to the feed of changes that raise no revision. $events: their properties. Returns how many there were.
MERGE (graph:Graph {id: 'graph'})
SET graph._lock = true
REMOVE graph._lock
SET graph.feed_began_at = coalesce(graph.feed_began_at, datetime.realtime())
WITH graph, coalesce(graph.revision, 0) * 1000000 + coalesce(graph.feed_place, 0) AS last
SET graph.feed_place = coalesce(graph.feed_place, 0) + size($events)
WITH graph, last
UNWIND range(0, size($events) - 1) AS i
CREATE (event:FeedEvent)
SET event = $events[i], event.position = last + 1 + i, event.revised_at = datetime.realtime()
RETURN count(event) AS num_events
