// Counts a write that can change a belief or an influence, adds it to the feed of changes, and forgets which claims the write of a
// thousand revisions ago changed, as far as the network is concerned; returns the new revision. $claim_ids: claims of which properties
// or the base rate changed, null where that is not known or too long; $child_ids: claims of which incoming influences changed,
// $row_ids: other rows that did, $entry_ids: rows that were appended to the ledger, likewise; $parts: the properties of further
// events, which have what is too long.
MERGE (graph:Graph {id: 'graph'})
SET graph.revision = coalesce(graph.revision, 0) + 1, graph.revised_at = datetime.realtime(),
  graph.feed_began_at = coalesce(graph.feed_began_at, datetime.realtime()), graph.feed_place = size($parts)
MERGE (change:Change {revision: graph.revision})
SET change:FeedEvent, change.position = graph.revision * 1000000, change.kind = 'WRITE', change.revised_at = graph.revised_at,
  change.claim_ids = $claim_ids, change.child_ids = $child_ids, change.row_ids = $row_ids, change.entry_ids = $entry_ids
WITH graph
CALL (graph) {
  UNWIND range(0, size($parts) - 1) AS i
  CREATE (part:FeedEvent)
  SET part = $parts[i], part.position = graph.revision * 1000000 + 1 + i, part.kind = 'WRITE', part.revised_at = graph.revised_at
  RETURN count(part) AS num_parts
}
CALL (graph) {
  MATCH (old:Change {revision: graph.revision - 1000})
  REMOVE old:Change
  WITH old
  WHERE NOT old:FeedEvent
  DELETE old
}
RETURN graph.revision AS revision
