// Deliveries of some schedules, of which each has some thousands, otherwise as `list_deliveries`. $schedules: any of these; $statuses: any of
// these; $limit: the most of each schedule. Other parameters are those of `list_deliveries`.
// $queries: any of these, null for all; $from and $to: moments between which they were due, both included; $reads_down: whether the latest
// come first; $low_at and $low_id, $high_at and $high_id: a moment and an id, between which they lie in that order, both excluded.
UNWIND $schedules AS schedule
CALL (schedule) {
  WITH schedule
  WHERE NOT $reads_down
  MATCH (delivery:QueryDelivery)
  USING INDEX SEEK delivery:QueryDelivery(schedule)
  WHERE delivery.schedule = schedule AND delivery.status IN $statuses
    AND delivery.due_at >= $from AND delivery.due_at <= $to
    AND ($queries IS NULL OR delivery.query IN $queries)
    AND (delivery.due_at > $low_at OR delivery.due_at = $low_at AND delivery.id > $low_id)
    AND (delivery.due_at < $high_at OR delivery.due_at = $high_at AND delivery.id < $high_id)
  RETURN delivery
  ORDER BY delivery.due_at, delivery.id
  LIMIT $limit
  UNION ALL
  WITH schedule
  WHERE $reads_down
  MATCH (delivery:QueryDelivery)
  USING INDEX SEEK delivery:QueryDelivery(schedule)
  WHERE delivery.schedule = schedule AND delivery.status IN $statuses
    AND delivery.due_at >= $from AND delivery.due_at <= $to
    AND ($queries IS NULL OR delivery.query IN $queries)
    AND (delivery.due_at > $low_at OR delivery.due_at = $low_at AND delivery.id > $low_id)
    AND (delivery.due_at < $high_at OR delivery.due_at = $high_at AND delivery.id < $high_id)
  RETURN delivery
  ORDER BY delivery.due_at DESC, delivery.id DESC
  LIMIT $limit
}
RETURN properties(delivery) AS delivery
