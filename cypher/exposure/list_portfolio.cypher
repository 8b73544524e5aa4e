// Rows of a portfolio as it was at a moment, the one that holds first. $low, $high: between which the rows' ids lie; $held_at: the
// moment; $below: of the rows held since that very moment, only those with a lower id; $known_at: by when the rows were recorded;
// $limit: the most.
MATCH (portfolio:Portfolio)
USING INDEX SEEK portfolio:Portfolio(id)
WHERE portfolio.id > $low AND portfolio.id < $high AND portfolio.recorded_at <= $known_at
  AND (portfolio.held_at < $held_at OR (portfolio.held_at = $held_at AND portfolio.id < $below))
RETURN properties(portfolio) AS portfolio
ORDER BY portfolio.held_at DESC, portfolio.id DESC
LIMIT $limit
