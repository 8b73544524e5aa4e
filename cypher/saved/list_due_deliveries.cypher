// The deliveries that are due, those that have waited longest first. $moment: now; $limit: the most.
MATCH (delivery:QueryDelivery)
WHERE delivery.next_attempt_at <= $moment
RETURN delivery.id AS id
ORDER BY delivery.next_attempt_at, delivery.id
LIMIT $limit
