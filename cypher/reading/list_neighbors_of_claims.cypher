// The neighbours of claims, those of each in the order of a neighbourhood: by the size of an influence's implied
// delta or an exposure's relevance, then those without either, by relation; ties by id.
// Returns one record with one list, an entry for each node: its place, subject, properties and neighbours. An entry for each
// neighbour: kind of relationship, whether that starts at the node, subject, id, the relationship's p_if_true, p_if_false,
// lag_days, relevance and impact, and properties.
// $requests: sources, each with id, subject and place; outgoing and incoming, the types of relationships to follow along and
// against their direction; places, by label and id those of nodes: neighbours of a lower place than the node's are left out
// where they show the same relationship; skip, share and reach, how many neighbours of each node to leave out and to return,
// and both together; properties and own, names to return of neighbours and of the nodes themselves.
// It is a map because a plan is kept by the types of its parameters, and an empty list is of another type than a full one.
// The rows of a union's first parts pass all the later ones, so the relations with the most rows come last.
UNWIND $requests.sources AS asked
MATCH (source:Claim {id: asked.id})
USING INDEX SEEK source:Claim(id)
CALL (asked, source) {
  CALL (asked, source) {
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'CHECKS' IN $requests.incoming
    MATCH (n:Validation)
    USING INDEX SEEK n:Validation(check_key)
    WHERE n.check_key > low AND n.check_key < high
      AND coalesce($requests.places.Validation[n.id], asked.place) >= asked.place
    RETURN 'CHECKS' AS kind, false AS is_outgoing, n, n.id AS id, null AS link, '~~r21' AS rank,
      n.check_key AS back
    ORDER BY n.check_key DESC
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'UPDATES' IN $requests.incoming
    MATCH (n:Evidence)
    USING INDEX SEEK n:Evidence(ledger_key)
    WHERE n.ledger_key > low AND n.ledger_key < high
      AND coalesce($requests.places.Evidence[n.id], asked.place) >= asked.place
    RETURN 'UPDATES' AS kind, false AS is_outgoing, n, n.id AS id, null AS link, '~~r16' AS rank,
      n.ledger_key AS back
    ORDER BY n.ledger_key DESC
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'HAS_MILESTONE' IN $requests.outgoing
    MATCH (n:Milestone)
    USING INDEX SEEK n:Milestone(chain_key)
    WHERE n.chain_key > low AND n.chain_key < high
      AND coalesce($requests.places.Milestone[n.id], asked.place) >= asked.place
    RETURN 'HAS_MILESTONE' AS kind, true AS is_outgoing, n, n.id AS id, null AS link, '~~r14!' + n.chain_key AS rank,
      '' AS back
    ORDER BY n.chain_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, source
    WHERE 'IN_DOMAIN' IN $requests.outgoing
    MATCH (source)-[:IN_DOMAIN]->(n:Domain)
    WHERE NOT source:Prediction OR coalesce($requests.places.Domain[n.id], asked.place) >= asked.place
    RETURN 'IN_DOMAIN' AS kind, true AS is_outgoing, n, n.id AS id, null AS link, '~~r12' AS rank,
      '' AS back
    UNION ALL
    WITH asked, source
    WHERE 'IN_CLASS' IN $requests.outgoing
    MATCH (source)-[:IN_CLASS]->(n:ReferenceClass)
    WHERE coalesce($requests.places.ReferenceClass[n.id], asked.place) >= asked.place
    RETURN 'IN_CLASS' AS kind, true AS is_outgoing, n, n.id AS id, null AS link, '~~r10' AS rank,
      '' AS back
    UNION ALL
    WITH asked, source
    WHERE 'STATED_IN' IN $requests.outgoing
    MATCH (source)-[:STATED_IN]->(n:Episode)
    WHERE coalesce($requests.places.Episode[n.id], asked.place) >= asked.place
    RETURN 'STATED_IN' AS kind, true AS is_outgoing, n, n.id AS id, null AS link, '~~r08' AS rank,
      '' AS back
    UNION ALL
    WITH asked, source
    WHERE 'MADE' IN $requests.incoming
    MATCH (source)<-[:MADE]-(n:Predictor)
    WHERE coalesce($requests.places.Predictor[n.id], asked.place) >= asked.place
    RETURN 'MADE' AS kind, false AS is_outgoing, n, n.id AS id, null AS link, '~~r06' AS rank,
      '' AS back
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'ABOUT' IN $requests.incoming
    MATCH (n)-[edge:ABOUT]->()
    USING INDEX SEEK edge:ABOUT(claim_key)
    WHERE edge.claim_key > low AND edge.claim_key < high
      AND coalesce($requests.places.Document[n.id], asked.place) >= asked.place
    RETURN 'ABOUT' AS kind, false AS is_outgoing, n, n.id AS id, null AS link, '~~r04' AS rank,
      edge.claim_key AS back
    ORDER BY edge.claim_key DESC
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'HARMS' IN $requests.outgoing
    MATCH ()-[edge:HARMS]->(n)
    USING INDEX SEEK edge:HARMS(prediction_key)
    WHERE edge.prediction_key > low AND edge.prediction_key < high
      AND coalesce($requests.places.Ticker[n.symbol], asked.place) >= asked.place
    RETURN 'HARMS' AS kind, true AS is_outgoing, n, n.symbol AS id, edge AS link, substring(edge.prediction_key, size(low)) AS rank,
      '' AS back
    ORDER BY edge.prediction_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'BENEFITS' IN $requests.outgoing
    MATCH ()-[edge:BENEFITS]->(n)
    USING INDEX SEEK edge:BENEFITS(prediction_key)
    WHERE edge.prediction_key > low AND edge.prediction_key < high
      AND coalesce($requests.places.Ticker[n.symbol], asked.place) >= asked.place
    RETURN 'BENEFITS' AS kind, true AS is_outgoing, n, n.symbol AS id, edge AS link, substring(edge.prediction_key, size(low)) AS rank,
      '' AS back
    ORDER BY edge.prediction_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'CORRELATES_WITH' IN $requests.outgoing
    MATCH ()-[edge:CORRELATES_WITH]->(n)
    USING INDEX SEEK edge:CORRELATES_WITH(outgoing_key)
    WHERE edge.outgoing_key > low AND edge.outgoing_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'CORRELATES_WITH' AS kind, true AS is_outgoing, n, n.id AS id, edge AS link, substring(edge.outgoing_key, size(low)) AS rank,
      '' AS back
    ORDER BY edge.outgoing_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'KILLS' IN $requests.outgoing
    MATCH ()-[edge:KILLS]->(n)
    USING INDEX SEEK edge:KILLS(outgoing_key)
    WHERE edge.outgoing_key > low AND edge.outgoing_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'KILLS' AS kind, true AS is_outgoing, n, n.id AS id, edge AS link, substring(edge.outgoing_key, size(low)) AS rank,
      '' AS back
    ORDER BY edge.outgoing_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'PREREQUISITE_OF' IN $requests.outgoing
    MATCH ()-[edge:PREREQUISITE_OF]->(n)
    USING INDEX SEEK edge:PREREQUISITE_OF(outgoing_key)
    WHERE edge.outgoing_key > low AND edge.outgoing_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'PREREQUISITE_OF' AS kind, true AS is_outgoing, n, n.id AS id, edge AS link, substring(edge.outgoing_key, size(low)) AS rank,
      '' AS back
    ORDER BY edge.outgoing_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'CORRELATES_WITH' IN $requests.incoming
    MATCH (n)-[edge:CORRELATES_WITH]->()
    USING INDEX SEEK edge:CORRELATES_WITH(incoming_key)
    WHERE edge.incoming_key > low AND edge.incoming_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'CORRELATES_WITH' AS kind, false AS is_outgoing, n, n.id AS id, edge AS link, substring(edge.incoming_key, size(low)) AS rank,
      '' AS back
    ORDER BY edge.incoming_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'KILLS' IN $requests.incoming
    MATCH (n)-[edge:KILLS]->()
    USING INDEX SEEK edge:KILLS(incoming_key)
    WHERE edge.incoming_key > low AND edge.incoming_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'KILLS' AS kind, false AS is_outgoing, n, n.id AS id, edge AS link, substring(edge.incoming_key, size(low)) AS rank,
      '' AS back
    ORDER BY edge.incoming_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE 'PREREQUISITE_OF' IN $requests.incoming
    MATCH (n)-[edge:PREREQUISITE_OF]->()
    USING INDEX SEEK edge:PREREQUISITE_OF(incoming_key)
    WHERE edge.incoming_key > low AND edge.incoming_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'PREREQUISITE_OF' AS kind, false AS is_outgoing, n, n.id AS id, edge AS link, substring(edge.incoming_key, size(low)) AS rank,
      '' AS back
    ORDER BY edge.incoming_key
    LIMIT $requests.reach
  }
  WITH kind, is_outgoing, n, id, link, rank, back
  ORDER BY rank, back DESC, kind, is_outgoing
  SKIP $requests.skip
  LIMIT $requests.share
  RETURN collect([kind, is_outgoing, [label IN labels(n) WHERE label <> 'Claim'][0], id,
    CASE WHEN link IS NULL THEN null ELSE [link.p_if_true, link.p_if_false, link.lag_days, link.relevance, link.impact] END,
    [name IN $requests.properties | n[name]]]) AS neighbors
}
RETURN collect([asked.place, [label IN labels(source) WHERE label <> 'Claim'][0],
  [name IN $requests.own | source[name]], neighbors]) AS pages
