// Notes requests' answers under their receipts, takes back the receipts of those that were refused, and counts the write.
// $receipts: `key` and `properties`; $refused: keys; $rises: whether the graph's revision does, as `raise_revision` has it rise;
// $claim_ids, $child_ids, $row_ids, $entry_ids and $parts: what it takes. Returns how many there were.
CALL () {
  UNWIND $receipts AS entry
  MATCH (receipt:Receipt {key: entry.key})
  SET receipt += entry.properties
  RETURN count(receipt) AS num_closed
}
CALL () {
  UNWIND $refused AS key
  MATCH (receipt:Receipt {key: key})
  DELETE receipt
  RETURN count(receipt) AS num_refused
}
CALL () {
  WITH $rises AS rises
  WHERE rises
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
  RETURN count(graph) AS num_raised
}
RETURN num_closed, num_refused, num_raised
