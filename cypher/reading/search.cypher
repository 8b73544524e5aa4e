// A page of the nodes that match best, the best first: one record with its rows, each of the number of its way to match,
// level, group, score, id, labels, properties and texts. The ways to match follow each other, and one that is not needed is
// not looked at. Where one has many matches they come in groups, all groups of a level alike in size: the level is found
// by a look into one group of 4,096, and where that has few matches, into one of 64. So a page costs by its size, however
// many nodes have its words.
// $ways: `number`; `query`, for the full-text index; `level` and `group` to begin with, a level of null to be found; `after`,
// score and id of the last row of the page before, null at first. $many: more matches than any level needs; $properties:
// names to return; $texts: names of texts to return, of which each is cut to $text_characters. $limit: rows.
UNWIND $ways AS way
CALL (way) {
  WITH way
  WHERE way.level IS NULL
  CALL db.index.fulltext.queryNodes('search_words', way.query + ' +search_group:g6x0', {limit: $many}) YIELD score
  RETURN count(score) AS num_coarse
}
CALL (way, num_coarse) {
  WITH way, num_coarse
  WHERE way.level IS NULL AND num_coarse < 4
  CALL db.index.fulltext.queryNodes('search_words', way.query + ' +search_group:g3x0', {limit: $many}) YIELD score
  RETURN count(score) AS num_fine
}
WITH way, CASE
    WHEN way.level IS NOT NULL THEN way.level
    WHEN num_coarse >= 1024 THEN 8
    WHEN num_coarse >= 256 THEN 7
    WHEN num_coarse >= 64 THEN 6
    WHEN num_coarse >= 16 THEN 5
    WHEN num_coarse >= 4 THEN 4
    WHEN num_fine >= 64 THEN 3
    WHEN num_fine >= 16 THEN 2
    WHEN num_fine >= 4 THEN 1
    ELSE 0
  END AS level
UNWIND range(way.group, toInteger(4 ^ level) - 1) AS group
CALL (way, level, group) {
  WITH way, group, way.query + CASE WHEN level = 0 THEN '' ELSE ' +search_group:g' + level + 'x' + group + '^0.001' END AS query
  CALL db.index.fulltext.queryNodes('search_words', query) YIELD node AS n, score
  WITH way, group, n, score, coalesce(n.id, n.symbol) AS id
  WHERE way.after IS NULL OR group > way.group
    OR score < way.after.score OR (score = way.after.score AND id > way.after.id)
  WITH n, score, id
  ORDER BY score DESC, id
  LIMIT $limit
  RETURN n, score, id
}
WITH way, level, group, score, id, n
LIMIT $limit
RETURN collect([
    way.number, level, group, score, id, labels(n), [name IN $properties | n[name]], [name IN $texts | left(n[name], $text_characters)]
  ]) AS rows
