// A page of the nodes whose texts match best. $query: for the full-text index; $max_matches: how many of the best matches
// are considered; $labels: what may be found; $after: score and id of the last row of the page before, null at first;
// $properties: names to return. $limit: rows.
CALL db.index.fulltext.queryNodes('subject_texts', $query, {limit: $max_matches}) YIELD node AS n, score
WITH n, score, coalesce(n.id, n.symbol) AS id
WHERE any(label IN labels(n) WHERE label IN $labels)
  AND ($after.score IS NULL OR score < $after.score OR (score = $after.score AND id > $after.id))
RETURN score, id, labels(n) AS labels, [name IN $properties | n[name]] AS properties
ORDER BY score DESC, id
LIMIT $limit
