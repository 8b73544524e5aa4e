// Notes requests' answers under their receipts, takes back the receipts of those that were refused, and counts the write.
// $receipts: `key` and `properties`; $refused: keys; $rises: whether the graph's revision does, as `raise_revision` has it rise;
// $claim_ids, $child_ids and $row_ids: what it takes. Returns how many there were.
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
  SET graph.revision = coalesce(graph.revision, 0) + 1, graph.revised_at = datetime.realtime()
  MERGE (change:Change {revision: graph.revision})
  SET change.revised_at = graph.revised_at, change.claim_ids = $claim_ids, change.child_ids = $child_ids, change.row_ids = $row_ids
  WITH graph
  CALL (graph) {
    MATCH (old:Change {revision: graph.revision - 1000})
    DELETE old
  }
  RETURN count(graph) AS num_raised
}
RETURN num_closed, num_refused, num_raised
