// A page of predictions by probability, the last first.
// $anchor: which index to walk ('none', 'status', 'domain', 'predictor' or 'class'); $low and $high: the page keys lie between
// them, both excluded; $filter: what is asked, null where not; $properties: names to return. $limit: rows.
CALL () {
  WITH $low AS low, $high AS high
  WHERE $anchor = 'none'
  MATCH (n:Prediction)
  USING INDEX SEEK n:Prediction(probability_key)
  WHERE n.probability_key > low AND n.probability_key < high
    AND ($filter.statuses IS NULL OR n.status IN $filter.statuses)
    AND ($filter.domain_id IS NULL OR n.domain_id = $filter.domain_id)
    AND ($filter.predictor_id IS NULL OR n.predictor_id = $filter.predictor_id)
    AND ($filter.reference_class_id IS NULL OR n.reference_class_id = $filter.reference_class_id)
    AND ($filter.deadline_from IS NULL OR n.deadline >= $filter.deadline_from)
    AND ($filter.deadline_to IS NULL OR n.deadline <= $filter.deadline_to)
    AND ($filter.probability_from IS NULL OR n.posterior >= $filter.probability_from)
    AND ($filter.probability_to IS NULL OR n.posterior <= $filter.probability_to)
    AND ($filter.needles IS NULL OR any(
      words IN [' ' + coalesce(n.search_title, '') + ' | ' + coalesce(n.search_text, '') + ' ']
      WHERE all(needle IN $filter.needles WHERE any(part IN needle WHERE words CONTAINS part))))
  RETURN n, n.probability_key AS key
  ORDER BY n.probability_key DESC
  LIMIT $limit
  UNION ALL
  WITH $low AS low, $high AS high
  WHERE $anchor = 'status'
  MATCH (n:Prediction)
  USING INDEX SEEK n:Prediction(status_probability_key)
  WHERE n.status_probability_key > low AND n.status_probability_key < high
    AND ($filter.statuses IS NULL OR n.status IN $filter.statuses)
    AND ($filter.domain_id IS NULL OR n.domain_id = $filter.domain_id)
    AND ($filter.predictor_id IS NULL OR n.predictor_id = $filter.predictor_id)
    AND ($filter.reference_class_id IS NULL OR n.reference_class_id = $filter.reference_class_id)
    AND ($filter.deadline_from IS NULL OR n.deadline >= $filter.deadline_from)
    AND ($filter.deadline_to IS NULL OR n.deadline <= $filter.deadline_to)
    AND ($filter.probability_from IS NULL OR n.posterior >= $filter.probability_from)
    AND ($filter.probability_to IS NULL OR n.posterior <= $filter.probability_to)
    AND ($filter.needles IS NULL OR any(
      words IN [' ' + coalesce(n.search_title, '') + ' | ' + coalesce(n.search_text, '') + ' ']
      WHERE all(needle IN $filter.needles WHERE any(part IN needle WHERE words CONTAINS part))))
  RETURN n, n.status_probability_key AS key
  ORDER BY n.status_probability_key DESC
  LIMIT $limit
  UNION ALL
  WITH $low AS low, $high AS high
  WHERE $anchor = 'domain'
  MATCH (n:Prediction)
  USING INDEX SEEK n:Prediction(domain_probability_key)
  WHERE n.domain_probability_key > low AND n.domain_probability_key < high
    AND ($filter.statuses IS NULL OR n.status IN $filter.statuses)
    AND ($filter.domain_id IS NULL OR n.domain_id = $filter.domain_id)
    AND ($filter.predictor_id IS NULL OR n.predictor_id = $filter.predictor_id)
    AND ($filter.reference_class_id IS NULL OR n.reference_class_id = $filter.reference_class_id)
    AND ($filter.deadline_from IS NULL OR n.deadline >= $filter.deadline_from)
    AND ($filter.deadline_to IS NULL OR n.deadline <= $filter.deadline_to)
    AND ($filter.probability_from IS NULL OR n.posterior >= $filter.probability_from)
    AND ($filter.probability_to IS NULL OR n.posterior <= $filter.probability_to)
    AND ($filter.needles IS NULL OR any(
      words IN [' ' + coalesce(n.search_title, '') + ' | ' + coalesce(n.search_text, '') + ' ']
      WHERE all(needle IN $filter.needles WHERE any(part IN needle WHERE words CONTAINS part))))
  RETURN n, n.domain_probability_key AS key
  ORDER BY n.domain_probability_key DESC
  LIMIT $limit
  UNION ALL
  WITH $low AS low, $high AS high
  WHERE $anchor = 'predictor'
  MATCH (n:Prediction)
  USING INDEX SEEK n:Prediction(predictor_probability_key)
  WHERE n.predictor_probability_key > low AND n.predictor_probability_key < high
    AND ($filter.statuses IS NULL OR n.status IN $filter.statuses)
    AND ($filter.domain_id IS NULL OR n.domain_id = $filter.domain_id)
    AND ($filter.predictor_id IS NULL OR n.predictor_id = $filter.predictor_id)
    AND ($filter.reference_class_id IS NULL OR n.reference_class_id = $filter.reference_class_id)
    AND ($filter.deadline_from IS NULL OR n.deadline >= $filter.deadline_from)
    AND ($filter.deadline_to IS NULL OR n.deadline <= $filter.deadline_to)
    AND ($filter.probability_from IS NULL OR n.posterior >= $filter.probability_from)
    AND ($filter.probability_to IS NULL OR n.posterior <= $filter.probability_to)
    AND ($filter.needles IS NULL OR any(
      words IN [' ' + coalesce(n.search_title, '') + ' | ' + coalesce(n.search_text, '') + ' ']
      WHERE all(needle IN $filter.needles WHERE any(part IN needle WHERE words CONTAINS part))))
  RETURN n, n.predictor_probability_key AS key
  ORDER BY n.predictor_probability_key DESC
  LIMIT $limit
  UNION ALL
  WITH $low AS low, $high AS high
  WHERE $anchor = 'class'
  MATCH (n:Prediction)
  USING INDEX SEEK n:Prediction(class_probability_key)
  WHERE n.class_probability_key > low AND n.class_probability_key < high
    AND ($filter.statuses IS NULL OR n.status IN $filter.statuses)
    AND ($filter.domain_id IS NULL OR n.domain_id = $filter.domain_id)
    AND ($filter.predictor_id IS NULL OR n.predictor_id = $filter.predictor_id)
    AND ($filter.reference_class_id IS NULL OR n.reference_class_id = $filter.reference_class_id)
    AND ($filter.deadline_from IS NULL OR n.deadline >= $filter.deadline_from)
    AND ($filter.deadline_to IS NULL OR n.deadline <= $filter.deadline_to)
    AND ($filter.probability_from IS NULL OR n.posterior >= $filter.probability_from)
    AND ($filter.probability_to IS NULL OR n.posterior <= $filter.probability_to)
    AND ($filter.needles IS NULL OR any(
      words IN [' ' + coalesce(n.search_title, '') + ' | ' + coalesce(n.search_text, '') + ' ']
      WHERE all(needle IN $filter.needles WHERE any(part IN needle WHERE words CONTAINS part))))
  RETURN n, n.class_probability_key AS key
  ORDER BY n.class_probability_key DESC
  LIMIT $limit
}
RETURN key, labels(n) AS labels, [name IN $properties | n[name]] AS properties
ORDER BY key DESC
