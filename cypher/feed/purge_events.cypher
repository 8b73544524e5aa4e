// Removes events up to a position. $floor: the position; $limit: the most events. Returns how many there were.
MATCH (event:FeedEvent)
USING INDEX SEEK event:FeedEvent(position)
WHERE event.position <= $floor
WITH event
ORDER BY event.position
LIMIT $limit
DELETE event
RETURN count(*) AS num_events
