// How many predictions match a text and the filters, and how many match the text alone, of which at most $limit are looked
// at. $query: for the full-text index; $filter: what is asked, null where not.
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
