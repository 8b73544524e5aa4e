// How many predictions match a text and the filters, of the best matches. Parameters as in `reading/list_predictions_by_text`.
CALL db.index.fulltext.queryNodes('prediction_texts', $query, {limit: $max_matches}) YIELD node AS n
WITH n
WHERE ($filter.statuses IS NULL OR n.status IN $filter.statuses)
    AND ($filter.domain_id IS NULL OR n.domain_id = $filter.domain_id)
    AND ($filter.predictor_id IS NULL OR n.predictor_id = $filter.predictor_id)
    AND ($filter.reference_class_id IS NULL OR n.reference_class_id = $filter.reference_class_id)
    AND ($filter.deadline_from IS NULL OR n.deadline >= $filter.deadline_from)
    AND ($filter.deadline_to IS NULL OR n.deadline <= $filter.deadline_to)
    AND ($filter.probability_from IS NULL OR n.posterior >= $filter.probability_from)
    AND ($filter.probability_to IS NULL OR n.posterior <= $filter.probability_to)
RETURN count(n) AS total
