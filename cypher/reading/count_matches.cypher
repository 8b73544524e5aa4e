// How many nodes match; $limit where there are as many or more. That they are far more is told by a look into a 4,096th of the
// graph, or into a 256th: if a thousand match, it is less likely than one in a hundred million that they have so many.
// $query: for the full-text index. $limit: the most that are looked at, more than a thousand.
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
  CALL db.index.fulltext.queryNodes('search_words', $query, {limit: $limit}) YIELD score
  RETURN count(score) AS num_matches
}
RETURN CASE WHEN are_many OR are_some THEN $limit ELSE num_matches END AS total
