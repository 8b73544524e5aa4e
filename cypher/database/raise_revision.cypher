// Counts a write that can change a belief or an influence, notes which claims it changed, and forgets the note of a thousand
// revisions ago; returns the new revision. $claim_ids: claims of which properties or the base rate changed, null where that is
// not known; $child_ids: claims of which incoming influences changed, $row_ids: other rows that did, likewise.
MERGE (graph:Graph {id: 'graph'})
SET graph.revision = coalesce(graph.revision, 0) + 1, graph.revised_at = datetime.realtime()
MERGE (change:Change {revision: graph.revision})
SET change.revised_at = graph.revised_at, change.claim_ids = $claim_ids, change.child_ids = $child_ids, change.row_ids = $row_ids
WITH graph
CALL (graph) {
  MATCH (old:Change {revision: graph.revision - 1000})
  DELETE old
}
RETURN graph.revision AS revision
