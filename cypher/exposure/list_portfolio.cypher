// Rows of a portfolio as it was at a moment, the one that holds first. $low, $high: between which the rows' ids lie; $held_at: the
// moment; $known_at: by when the rows were recorded; $limit: the most.
MATCH (portfolio:Portfolio)
USING INDEX SEEK portfolio:Portfolio(id)
WHERE portfolio.id > $low AND portfolio.id < $high AND portfolio.recorded_at <= $known_at
  AND portfolio.held_at <= $held_at
RETURN properties(portfolio) AS portfolio
ORDER BY portfolio.held_at DESC, portfolio.id DESC
LIMIT $limit
