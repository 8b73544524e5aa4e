// The neighbours of all nodes but claims.
// Returns for each request its index and, of each row, page key, labels, asked properties and the relationship's.
// $requests: requests by relation, each with index, source (an id), properties and link (names to return) and, where
// there may be many rows, low and high (the page keys lie between them, both excluded). A request for ticker_exposures also
// has signs (the types to follow).
// $limits: the most rows of a request, by relation.
// Both are maps because a plan is kept by the types of its parameters, and an empty list is of another type than a full
// one.
UNWIND $requests.predictor_predictions AS request
CALL (request) {
  MATCH (n:Prediction)
  USING INDEX SEEK n:Prediction(predictor_deadline_key)
  WHERE n.predictor_deadline_key > request.low AND n.predictor_deadline_key < request.high
  RETURN n
  ORDER BY n.predictor_deadline_key
  LIMIT $limits.predictor_predictions
}
RETURN request.index AS request, n.predictor_deadline_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.reference_class_predictions AS request
CALL (request) {
  MATCH (n:Prediction)
  USING INDEX SEEK n:Prediction(class_deadline_key)
  WHERE n.class_deadline_key > request.low AND n.class_deadline_key < request.high
  RETURN n
  ORDER BY n.class_deadline_key
  LIMIT $limits.reference_class_predictions
}
RETURN request.index AS request, n.class_deadline_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.domain_predictions AS request
CALL (request) {
  MATCH (n:Prediction)
  USING INDEX SEEK n:Prediction(domain_deadline_key)
  WHERE n.domain_deadline_key > request.low AND n.domain_deadline_key < request.high
  RETURN n
  ORDER BY n.domain_deadline_key
  LIMIT $limits.domain_predictions
}
RETURN request.index AS request, n.domain_deadline_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.episode_predictions AS request
CALL (request) {
  MATCH (n:Prediction)
  USING INDEX SEEK n:Prediction(episode_deadline_key)
  WHERE n.episode_deadline_key > request.low AND n.episode_deadline_key < request.high
  RETURN n
  ORDER BY n.episode_deadline_key
  LIMIT $limits.episode_predictions
}
RETURN request.index AS request, n.episode_deadline_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.ticker_exposures AS request
CALL (request) {
  WITH request.low AS low, request.high AS high, request.signs AS signs
  WHERE 'BENEFITS' IN signs
  MATCH (n:Claim)-[edge:BENEFITS]->()
  USING INDEX SEEK edge:BENEFITS(ticker_key)
  WHERE edge.ticker_key > low AND edge.ticker_key < high
  RETURN edge, n
  ORDER BY edge.ticker_key
  LIMIT $limits.ticker_exposures
  UNION ALL
  WITH request.low AS low, request.high AS high, request.signs AS signs
  WHERE 'HARMS' IN signs
  MATCH (n:Claim)-[edge:HARMS]->()
  USING INDEX SEEK edge:HARMS(ticker_key)
  WHERE edge.ticker_key > low AND edge.ticker_key < high
  RETURN edge, n
  ORDER BY edge.ticker_key
  LIMIT $limits.ticker_exposures
}
RETURN request.index AS request, edge.ticker_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [name IN request.link | edge[name]] AS link
UNION ALL
UNWIND $requests.document_claims AS request
CALL (request) {
  MATCH ()-[edge:ABOUT]->(n:Claim)
  USING INDEX SEEK edge:ABOUT(document_key)
  WHERE edge.document_key > request.low AND edge.document_key < request.high
  RETURN edge, n
  ORDER BY edge.document_key
  LIMIT $limits.document_claims
}
RETURN request.index AS request, edge.document_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [name IN request.link | edge[name]] AS link
UNION ALL
UNWIND $requests.predictor_forecasts AS request
CALL (request) {
  MATCH ()-[edge:FORECASTS]->(n:Claim)
  USING INDEX SEEK edge:FORECASTS(predictor_forecast_key)
  WHERE edge.predictor_forecast_key > request.low AND edge.predictor_forecast_key < request.high
  RETURN edge, n
  ORDER BY edge.predictor_forecast_key DESC
  LIMIT $limits.predictor_forecasts
}
RETURN request.index AS request, edge.predictor_forecast_key AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [name IN request.link | edge[name]] AS link
UNION ALL
UNWIND $requests.milestone_prediction AS request
MATCH (source:Milestone {id: request.source})<-[:HAS_MILESTONE]-(n:Claim)
USING INDEX SEEK source:Milestone(id)
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.validation_prediction AS request
MATCH (source:Validation {id: request.source})-[:CHECKS]->(n:Claim)
USING INDEX SEEK source:Validation(id)
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.evidence_claim AS request
MATCH (source:Evidence {id: request.source})-[:UPDATES]->(n:Claim)
USING INDEX SEEK source:Evidence(id)
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.evidence_predictor AS request
MATCH (source:Evidence {id: request.source})-[:FROM]->(n:Predictor)
USING INDEX SEEK source:Evidence(id)
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.evidence_document AS request
MATCH (source:Evidence {id: request.source})-[:FROM]->(n:Document)
USING INDEX SEEK source:Evidence(id)
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.evidence_milestone AS request
MATCH (source:Evidence {id: request.source})-[:FROM]->(n:Milestone)
USING INDEX SEEK source:Evidence(id)
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
