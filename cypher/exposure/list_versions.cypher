// Rows of a portfolio in the order of a moment, then of their ids, from either end. $low, $high: between which the rows' ids lie;
// $by_recording: whether the moment is that of recording, or else that since when they hold; $held_from and $held_to, $recorded_from and
// $recorded_to: moments between which these lie, both included; $is_deleted: whether they mark a deletion, null for all; $reads_down: whether
// the latest come first; $low_at and $low_id, $high_at and $high_id: a moment and an id, between which they lie in that order, both
// excluded; $limit: the most. No index has them by moment, so all rows of the portfolio are looked at.
MATCH (portfolio:Portfolio)
USING INDEX SEEK portfolio:Portfolio(id)
WHERE portfolio.id > $low AND portfolio.id < $high
  AND portfolio.held_at >= $held_from AND portfolio.held_at <= $held_to
  AND portfolio.recorded_at >= $recorded_from AND portfolio.recorded_at <= $recorded_to
  AND ($is_deleted IS NULL OR coalesce(portfolio.is_deleted, false) = $is_deleted)
WITH portfolio, portfolio.id AS id, CASE WHEN $by_recording THEN portfolio.recorded_at ELSE portfolio.held_at END AS at
WHERE (at > $low_at OR at = $low_at AND id > $low_id) AND (at < $high_at OR at = $high_at AND id < $high_id)
WITH portfolio, id, at
ORDER BY CASE WHEN $reads_down THEN at END DESC, CASE WHEN $reads_down THEN id END DESC, at, id
LIMIT $limit
RETURN properties(portfolio) AS portfolio
