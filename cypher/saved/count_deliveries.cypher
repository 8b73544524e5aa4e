// Counts deliveries, at most $limit. $schedules, $queries: any of these, null for all; $statuses: any of these; $from and $to: moments
// between which they were due, both included.
CALL () {
  WITH 1 AS one
  WHERE $schedules IS NULL
  UNWIND $statuses AS status
  MATCH (delivery:QueryDelivery)
  USING INDEX SEEK delivery:QueryDelivery(status, due_at)
  WHERE delivery.status = status AND delivery.due_at >= $from AND delivery.due_at <= $to
    AND ($queries IS NULL OR delivery.query IN $queries)
  RETURN delivery
  ORDER BY delivery.due_at
  LIMIT $limit
  UNION ALL
  UNWIND $schedules AS schedule
  MATCH (delivery:QueryDelivery)
  USING INDEX SEEK delivery:QueryDelivery(schedule)
  WHERE delivery.schedule = schedule AND delivery.status IN $statuses
    AND delivery.due_at >= $from AND delivery.due_at <= $to AND ($queries IS NULL OR delivery.query IN $queries)
  RETURN delivery
  ORDER BY delivery.due_at
  LIMIT $limit
}
RETURN count(delivery) AS num_deliveries
