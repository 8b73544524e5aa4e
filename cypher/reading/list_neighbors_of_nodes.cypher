// The neighbours of nodes other than claims and tickers, those of each in the order of a neighbourhood: by relation; ties by id.
// Returns one record with one list, an entry for each node: its place, subject, properties and neighbours. An entry for each
// neighbour: kind of relationship, whether that starts at the node, subject, id, null, as the relationship has no figures,
// and properties.
// $requests: sources, each with id, subject and place; outgoing and incoming, the types of relationships to follow along and
// against their direction; places, by label and id those of nodes: neighbours of a lower place than the node's are left out
// where they show the same relationship; skip, share and reach, how many neighbours of each node to leave out and to return,
// and both together; properties and own, names to return of neighbours and of the nodes themselves.
// It is a map because a plan is kept by the types of its parameters, and an empty list is of another type than a full one.
// The rows of a union's first parts pass all the later ones, so the relations with the most rows come last.
UNWIND $requests.sources AS asked
CALL (asked) {
  WITH asked
  WHERE asked.subject = 'Predictor'
  MATCH (node:Predictor {id: asked.id})
  RETURN node AS source
  UNION ALL
  WITH asked
  WHERE asked.subject = 'ReferenceClass'
  MATCH (node:ReferenceClass {id: asked.id})
  RETURN node AS source
  UNION ALL
  WITH asked
  WHERE asked.subject = 'Milestone'
  MATCH (node:Milestone {id: asked.id})
  RETURN node AS source
  UNION ALL
  WITH asked
  WHERE asked.subject = 'Evidence'
  MATCH (node:Evidence {id: asked.id})
  RETURN node AS source
  UNION ALL
  WITH asked
  WHERE asked.subject = 'Validation'
  MATCH (node:Validation {id: asked.id})
  RETURN node AS source
  UNION ALL
  WITH asked
  WHERE asked.subject = 'Document'
  MATCH (node:Document {id: asked.id})
  RETURN node AS source
  UNION ALL
  WITH asked
  WHERE asked.subject = 'Episode'
  MATCH (node:Episode {id: asked.id})
  RETURN node AS source
  UNION ALL
  WITH asked
  WHERE asked.subject = 'Domain'
  MATCH (node:Domain {id: asked.id})
  RETURN node AS source
}
CALL (asked, source) {
  CALL (asked, source) {
    WITH asked, source
    WHERE asked.subject = 'Validation' AND 'CHECKS' IN $requests.outgoing
    MATCH (source)-[:CHECKS]->(n:Prediction)
    WHERE coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'CHECKS' AS kind, true AS is_outgoing, n, n.id AS id, '~~r22' AS rank,
      '' AS back
    UNION ALL
    WITH asked, source
    WHERE asked.subject = 'Evidence' AND 'FROM' IN $requests.outgoing
    MATCH (source)-[:FROM]->(n:Milestone)
    RETURN 'FROM' AS kind, true AS is_outgoing, n, n.id AS id, '~~r20' AS rank,
      '' AS back
    UNION ALL
    WITH asked, source
    WHERE asked.subject = 'Evidence' AND 'FROM' IN $requests.outgoing
    MATCH (source)-[:FROM]->(n:Document)
    RETURN 'FROM' AS kind, true AS is_outgoing, n, n.id AS id, '~~r19' AS rank,
      '' AS back
    UNION ALL
    WITH asked, source
    WHERE asked.subject = 'Evidence' AND 'FROM' IN $requests.outgoing
    MATCH (source)-[:FROM]->(n:Predictor)
    RETURN 'FROM' AS kind, true AS is_outgoing, n, n.id AS id, '~~r18' AS rank,
      '' AS back
    UNION ALL
    WITH asked, source
    WHERE asked.subject = 'Evidence' AND 'UPDATES' IN $requests.outgoing
    MATCH (source)-[:UPDATES]->(n:Claim)
    WHERE coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'UPDATES' AS kind, true AS is_outgoing, n, n.id AS id, '~~r17' AS rank,
      '' AS back
    UNION ALL
    WITH asked, source
    WHERE asked.subject = 'Milestone' AND 'HAS_MILESTONE' IN $requests.incoming
    MATCH (source)<-[:HAS_MILESTONE]-(n:Prediction)
    WHERE coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'HAS_MILESTONE' AS kind, false AS is_outgoing, n, n.id AS id, '~~r15' AS rank,
      '' AS back
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE asked.subject = 'Domain' AND 'IN_DOMAIN' IN $requests.incoming
    MATCH (n:Prediction)
    USING INDEX SEEK n:Prediction(domain_deadline_key)
    WHERE n.domain_deadline_key > low AND n.domain_deadline_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'IN_DOMAIN' AS kind, false AS is_outgoing, n, n.id AS id, '~~r13!' + n.domain_deadline_key AS rank,
      '' AS back
    ORDER BY n.domain_deadline_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE asked.subject = 'ReferenceClass' AND 'IN_CLASS' IN $requests.incoming
    MATCH (n:Prediction)
    USING INDEX SEEK n:Prediction(class_deadline_key)
    WHERE n.class_deadline_key > low AND n.class_deadline_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'IN_CLASS' AS kind, false AS is_outgoing, n, n.id AS id, '~~r11!' + n.class_deadline_key AS rank,
      '' AS back
    ORDER BY n.class_deadline_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE asked.subject = 'Episode' AND 'STATED_IN' IN $requests.incoming
    MATCH (n:Prediction)
    USING INDEX SEEK n:Prediction(episode_deadline_key)
    WHERE n.episode_deadline_key > low AND n.episode_deadline_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'STATED_IN' AS kind, false AS is_outgoing, n, n.id AS id, '~~r09!' + n.episode_deadline_key AS rank,
      '' AS back
    ORDER BY n.episode_deadline_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE asked.subject = 'Predictor' AND 'MADE' IN $requests.outgoing
    MATCH (n:Prediction)
    USING INDEX SEEK n:Prediction(predictor_deadline_key)
    WHERE n.predictor_deadline_key > low AND n.predictor_deadline_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'MADE' AS kind, true AS is_outgoing, n, n.id AS id, '~~r07!' + n.predictor_deadline_key AS rank,
      '' AS back
    ORDER BY n.predictor_deadline_key
    LIMIT $requests.reach
    UNION ALL
    WITH asked, asked.id + '!' AS low, asked.id + '"' AS high
    WHERE asked.subject = 'Document' AND 'ABOUT' IN $requests.outgoing
    MATCH ()-[edge:ABOUT]->(n)
    USING INDEX SEEK edge:ABOUT(document_key)
    WHERE edge.document_key > low AND edge.document_key < high
      AND coalesce($requests.places.Claim[n.id], asked.place) >= asked.place
    RETURN 'ABOUT' AS kind, true AS is_outgoing, n, n.id AS id, '~~r05!' + edge.document_key AS rank,
      '' AS back
    ORDER BY edge.document_key
    LIMIT $requests.reach
  }
  WITH kind, is_outgoing, n, id, rank, back
  ORDER BY rank, back DESC, kind, is_outgoing
  SKIP $requests.skip
  LIMIT $requests.share
  RETURN collect([kind, is_outgoing, [label IN labels(n) WHERE label <> 'Claim'][0], id, null,
    [name IN $requests.properties | n[name]]]) AS neighbors
}
RETURN collect([asked.place, [label IN labels(source) WHERE label <> 'Claim'][0],
  [name IN $requests.own | source[name]], neighbors]) AS pages
