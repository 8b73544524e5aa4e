// For each family the row that was recorded last by a moment, and its first one, null where there is none, with the number of all; in
// the order of the request. $asked: `low` and `high` (between which the rows' ids lie) and `known_at` (the moment) of each.
UNWIND range(0, size($asked) - 1) AS index
WITH index, $asked[index] AS asked
OPTIONAL MATCH (family:ClaimFamily)
USING INDEX SEEK family:ClaimFamily(id)
WHERE family.id > asked.low AND family.id < asked.high
WITH index, min(family.id) AS first_id, max(CASE WHEN family.recorded_at <= asked.known_at THEN family.id END) AS last_id,
  count(family) AS num_rows
OPTIONAL MATCH (first:ClaimFamily {id: first_id})
OPTIONAL MATCH (last:ClaimFamily {id: last_id})
RETURN properties(first) AS first, properties(last) AS last, num_rows
ORDER BY index
