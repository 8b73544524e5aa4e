// The first and the latest row of a portfolio in the order of recording, in one record; null where there is none. $low, $high: between
// which the rows' ids lie.
OPTIONAL MATCH (portfolio:Portfolio)
USING INDEX SEEK portfolio:Portfolio(id)
WHERE portfolio.id > $low AND portfolio.id < $high
WITH min(portfolio.id) AS first_id, max(portfolio.id) AS last_id, min(portfolio.held_at) AS first_held_at, count(portfolio) AS num_rows
OPTIONAL MATCH (first:Portfolio {id: first_id})
OPTIONAL MATCH (last:Portfolio {id: last_id})
RETURN properties(first) AS first, properties(last) AS last, first_held_at, num_rows
