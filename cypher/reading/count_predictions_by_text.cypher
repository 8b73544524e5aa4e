// How many predictions match a text and the filters, and whether too many match the text alone for them to be counted, which
// a look into a 256th and a 16th of the graph may tell. $query: for the full-text index; $filter: what is asked, null where
// not. $limit: the most that are looked at.
CALL () {
  CALL db.index.fulltext.queryNodes('search_words', $query + ' +search_group:g4x0', {limit: $limit}) YIELD score
  RETURN count(score) AS num_first
}
CALL (num_first) {
  WITH num_first
  WHERE num_first < $limit
  CALL db.index.fulltext.queryNodes('search_words', $query + ' +search_group:g2x0', {limit: $limit}) YIELD score
  RETURN count(score) AS num_second
}
CALL (num_first, num_second) {
  WITH num_first, num_second
  WHERE num_first < $limit AND num_second < $limit
  CALL db.index.fulltext.queryNodes('search_words', $query, {limit: $limit}) YIELD node AS n
  RETURN count(n) AS num_matches, count(CASE
    WHEN ($filter.statuses IS NULL OR n.status IN $filter.statuses)
      AND ($filter.domain_id IS NULL OR n.domain_id = $filter.domain_id)
      AND ($filter.predictor_id IS NULL OR n.predictor_id = $filter.predictor_id)
      AND ($filter.reference_class_id IS NULL OR n.reference_class_id = $filter.reference_class_id)
      AND ($filter.deadline_from IS NULL OR n.deadline >= $filter.deadline_from)
      AND ($filter.deadline_to IS NULL OR n.deadline <= $filter.deadline_to)
      AND ($filter.probability_from IS NULL OR n.posterior >= $filter.probability_from)
      AND ($filter.probability_to IS NULL OR n.posterior <= $filter.probability_to)
    THEN n
  END) AS total
}
RETURN num_first >= $limit OR num_second >= $limit OR num_matches >= $limit AS are_many, total
