// Takes a predictor for writing and counts what refers to it; no row where there is none. $id: the predictor.
MATCH (predictor:Predictor {id: $id})
SET predictor._lock = true
REMOVE predictor._lock
RETURN COUNT { (predictor)-[:MADE]->() } AS predictions, COUNT { (predictor)<-[:FROM]-() } AS evidence
