// Deliveries in the order of the moment when they were due, then of their ids, from either end: at most $limit of each status.
// $statuses: any of these; $queries: any of these, null for all; $from and $to: moments between which they were due, both included; $reads_down: whether the latest
// come first; $low_at and $low_id, $high_at and $high_id: a moment and an id, between which they lie in that order, both excluded.
UNWIND $statuses AS status
CALL (status) {
  WITH status
  WHERE NOT $reads_down
  MATCH (delivery:QueryDelivery)
  USING INDEX SEEK delivery:QueryDelivery(status, due_at)
  WHERE delivery.status = status AND delivery.due_at >= $from AND delivery.due_at <= $to
    AND ($queries IS NULL OR delivery.query IN $queries)
    AND (delivery.due_at > $low_at OR delivery.due_at = $low_at AND delivery.id > $low_id)
    AND (delivery.due_at < $high_at OR delivery.due_at = $high_at AND delivery.id < $high_id)
  RETURN delivery
  ORDER BY delivery.due_at, delivery.id
  LIMIT $limit
  UNION ALL
  WITH status
  WHERE $reads_down
  MATCH (delivery:QueryDelivery)
  USING INDEX SEEK delivery:QueryDelivery(status, due_at)
  WHERE delivery.status = status AND delivery.due_at >= $from AND delivery.due_at <= $to
    AND ($queries IS NULL OR delivery.query IN $queries)
    AND (delivery.due_at > $low_at OR delivery.due_at = $low_at AND delivery.id > $low_id)
    AND (delivery.due_at < $high_at OR delivery.due_at = $high_at AND delivery.id < $high_id)
  RETURN delivery
  ORDER BY delivery.due_at DESC, delivery.id DESC
  LIMIT $limit
}
RETURN properties(delivery) AS delivery
