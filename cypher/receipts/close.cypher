// Notes a request's answer under its receipt and counts the write. $key: the receipt's; $receipt: properties; $rises: whether the
// graph's revision does. Returns the revision, null where it stays.
MATCH (receipt:Receipt {key: $key})
SET receipt += $receipt
WITH receipt
CALL () {
  WITH $rises AS rises
  WHERE rises
  MERGE (graph:Graph {id: 'graph'})
  SET graph.revision = coalesce(graph.revision, 0) + 1, graph.revised_at = datetime.realtime()
  RETURN graph.revision AS revision
  UNION ALL
  WITH $rises AS rises
  WHERE NOT rises
  RETURN null AS revision
}
RETURN revision
