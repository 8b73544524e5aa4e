// description: Evidence recorded in the last days by its source: a document, else a predictor, else who submitted it.
// version: 1
// parameter: days INTEGER = 90: Days to look back.
// parameter: asOf DATE_TIME = null: The moment to look back from; now if omitted.
WITH coalesce($asOf, datetime()) AS as_of
MATCH (evidence:Evidence)
WHERE evidence.recorded_at <= as_of AND evidence.recorded_at > as_of - duration({days: $days})
OPTIONAL MATCH (evidence)-[:FROM]->(document:Document)
OPTIONAL MATCH (evidence)-[:FROM]->(predictor:Predictor)
WITH evidence, document, predictor,
  CASE WHEN document IS NOT NULL THEN 'document' WHEN predictor IS NOT NULL THEN 'predictor' ELSE 'submitter' END AS kind
RETURN kind, coalesce(document.title, predictor.name, evidence.submitted_by, 'unknown') AS source,
  count(evidence) AS evidence_count, count(DISTINCT evidence.claim_id) AS claim_count,
  sum(evidence.total_adjusted_llr) AS log_odds_sum, max(evidence.recorded_at) AS latest
ORDER BY evidence_count DESC, kind, source
