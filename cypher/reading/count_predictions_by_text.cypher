// How many predictions match a text and the filters, and whether too many match the text alone for them to be counted, which
// looks tell as in `reading/count_matches`. $query: for the full-text index; $filter: what is asked, null where not. $limit:
// the most that are looked at, more than a thousand.
CALL () {
  CALL db.index.fulltext.queryNodes('search_words', $query + ' +search_group:g6x0', {limit: 8}) YIELD score
  RETURN count(score) >= 8 AS are_many
}
CALL (are_many) {
  WITH are_many
  WHERE NOT are_many
  CALL db.index.fulltext.queryNodes('search_words', $query + ' +search_group:g4x0', {limit: 24}) YIELD score
  RETURN count(score) >= 24 AS are_some
}
CALL (are_many, are_some) {
  WITH are_many, are_some
  WHERE NOT are_many AND NOT are_some
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
RETURN are_many OR are_some OR num_matches >= $limit AS are_many, total
