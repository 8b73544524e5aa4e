// How many nodes match in one of several ways; any number above the most means that there are more.
// $queries: for the full-text index, of which no node matches two. $limit: the most that are counted of each.
UNWIND $queries AS query
CALL (query) {
  CALL db.index.fulltext.queryNodes('search_words', query, {limit: $limit}) YIELD score
  RETURN count(score) AS num_matches
}
RETURN sum(num_matches) AS total
