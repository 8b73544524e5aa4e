// How many nodes match; $limit or more where there are as many, which a look into a 256th and a 16th of the graph may tell.
// $query: for the full-text index. $limit: the most that are looked at.
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
  CALL db.index.fulltext.queryNodes('search_words', $query, {limit: $limit}) YIELD score
  RETURN count(score) AS num_matches
}
RETURN CASE WHEN num_first >= $limit OR num_second >= $limit THEN $limit ELSE num_matches END AS total
