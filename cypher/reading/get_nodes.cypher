// Nodes by id: for each request its index, the node's labels and the asked properties. `key` and `link` are empty, so
// that the rows have the shape of those that follow relations.
// $requests: requests by kind of node, each with index, source (the node's id or symbol) and properties (names to return).
// It is a map because a plan is kept by the types of its parameters, and an empty list is of another type than a full one.
UNWIND $requests.claim AS request
MATCH (n:Claim {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.predictor AS request
MATCH (n:Predictor {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.reference_class AS request
MATCH (n:ReferenceClass {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.milestone AS request
MATCH (n:Milestone {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.evidence AS request
MATCH (n:Evidence {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.validation AS request
MATCH (n:Validation {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.ticker AS request
MATCH (n:Ticker {symbol: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.document AS request
MATCH (n:Document {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.episode AS request
MATCH (n:Episode {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
UNION ALL
UNWIND $requests.domain AS request
MATCH (n:Domain {id: request.source})
RETURN request.index AS request, '' AS key, labels(n) AS labels, [name IN request.properties | n[name]] AS properties,
  [] AS link
