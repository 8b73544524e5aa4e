// How many nodes match; $limit or more where there are as many. That they are far more is told by a look into a 4,096th of the
// graph, or into a 256th: if a thousand match, it is less likely than one in a hundred million that they have so many.
// $queries: for the full-text index, of which no node matches two. $limit: the most that are looked at, more than a thousand.
UNWIND $queries AS query
CALL (query) {
  CALL (query) {
    CALL db.index.fulltext.queryNodes('search_words', query + ' +search_group:g6x0', {limit: 8}) YIELD score
    RETURN count(score) >= 8 AS are_many
  }
  CALL (query, are_many) {
    WITH query, are_many
    WHERE NOT are_many
    CALL db.index.fulltext.queryNodes('search_words', query + ' +search_group:g4x0', {limit: 24}) YIELD score
    RETURN count(score) >= 24 AS are_some
  }
  CALL (query, are_many, are_some) {
    WITH query, are_many, are_some
    WHERE NOT are_many AND NOT are_some
    CALL db.index.fulltext.queryNodes('search_words', query, {limit: $limit}) YIELD score
    RETURN count(score) AS num_matches
  }
  RETURN CASE WHEN are_many OR are_some THEN $limit ELSE num_matches END AS num_found
}
RETURN sum(num_found) AS total
