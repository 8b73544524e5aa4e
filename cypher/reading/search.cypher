// A page of the nodes whose texts match best: one record. Of the best matches it returns how many were considered, the least
// of their scores, and rows of score, id, labels and properties; a match with the least score may have equals among those
// that were not considered.
// $query: for the full-text index; $max_matches: how many of the best matches are considered, which the index itself cuts off;
// $labels: what may be found; $after: score and id of the last row of the page before, null at first; $properties: names to
// return. $limit: rows.
CALL db.index.fulltext.queryNodes('subject_texts', $query, {limit: $max_matches}) YIELD node AS n, score
WITH collect({node: n, score: score}) AS matches, min(score) AS least_score
CALL (matches) {
  UNWIND matches AS match
  WITH match.node AS n, match.score AS score, coalesce(match.node.id, match.node.symbol) AS id
  WHERE any(label IN labels(n) WHERE label IN $labels)
    AND ($after.score IS NULL OR score < $after.score OR (score = $after.score AND id > $after.id))
  WITH n, score, id
  ORDER BY score DESC, id
  LIMIT $limit
  RETURN collect([score, id, labels(n), [name IN $properties | n[name]]]) AS rows
}
RETURN size(matches) AS num_matches, least_score, rows
