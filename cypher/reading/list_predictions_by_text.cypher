// A page of the predictions whose texts match best, by deadline or by probability.
// $query: for the full-text index; $max_matches: how many of the best matches are considered; $sort_key: the property that
// orders them; $is_descending; $low and $high: the page keys lie between them, both excluded; $filter: what is
// asked, null where not; $properties: names to return. $limit: rows.
CALL db.index.fulltext.queryNodes('prediction_texts', $query, {limit: $max_matches}) YIELD node AS n
WITH n, n[$sort_key] AS key
WHERE key > $low AND key < $high
    AND ($filter.statuses IS NULL OR n.status IN $filter.statuses)
    AND ($filter.domain_id IS NULL OR n.domain_id = $filter.domain_id)
    AND ($filter.predictor_id IS NULL OR n.predictor_id = $filter.predictor_id)
    AND ($filter.reference_class_id IS NULL OR n.reference_class_id = $filter.reference_class_id)
    AND ($filter.deadline_from IS NULL OR n.deadline >= $filter.deadline_from)
    AND ($filter.deadline_to IS NULL OR n.deadline <= $filter.deadline_to)
    AND ($filter.probability_from IS NULL OR n.posterior >= $filter.probability_from)
    AND ($filter.probability_to IS NULL OR n.posterior <= $filter.probability_to)
RETURN key, labels(n) AS labels, [name IN $properties | n[name]] AS properties
ORDER BY CASE WHEN $is_descending THEN '' ELSE key END, CASE WHEN $is_descending THEN key ELSE '' END DESC
LIMIT $limit
