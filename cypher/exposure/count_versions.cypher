// The number of rows of a portfolio. $low, $high: between which the rows' ids lie; $held_from and $held_to, $recorded_from and $recorded_to:
// moments between which they hold and were recorded, both included; $is_deleted: whether they mark a deletion, null for all.
MATCH (portfolio:Portfolio)
USING INDEX SEEK portfolio:Portfolio(id)
WHERE portfolio.id > $low AND portfolio.id < $high
  AND portfolio.held_at >= $held_from AND portfolio.held_at <= $held_to
  AND portfolio.recorded_at >= $recorded_from AND portfolio.recorded_at <= $recorded_to
  AND ($is_deleted IS NULL OR coalesce(portfolio.is_deleted, false) = $is_deleted)
RETURN count(portfolio) AS num_rows
