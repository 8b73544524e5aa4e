// A page of the predictions that match a text, by deadline or by probability, unless they are many: one record that tells
// whether they are, and else has the rows, each of key, labels and properties. That they are many is told by a look into one
// group of 4,096, and where that has few matches, into one of 64; a walk in the list's order soon finds a page of them.
// $query: for the full-text index; $many: as many matches as a look needs; $sort_key: the property that orders them;
// $is_descending; $low and $high: the page keys lie between them, both excluded; $filter: what is asked, null where not;
// $properties: names to return. $limit: rows.
CALL () {
  CALL db.index.fulltext.queryNodes('search_words', $query + ' +search_group:g6x0', {limit: $many}) YIELD score
  RETURN count(score) AS num_coarse
}
CALL (num_coarse) {
  WITH num_coarse
  WHERE num_coarse < 4
  CALL db.index.fulltext.queryNodes('search_words', $query + ' +search_group:g3x0', {limit: $many}) YIELD score
  RETURN count(score) AS num_fine
}
WITH num_coarse >= 4 OR num_fine >= 16 AS are_many
CALL (are_many) {
  WITH are_many
  WHERE NOT are_many
  CALL db.index.fulltext.queryNodes('search_words', $query) YIELD node AS n
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
  WITH n, key
  ORDER BY CASE WHEN $is_descending THEN '' ELSE key END, CASE WHEN $is_descending THEN key ELSE '' END DESC
  LIMIT $limit
  RETURN collect({key: key, labels: labels(n), properties: [name IN $properties | n[name]]}) AS rows
}
RETURN are_many, rows
