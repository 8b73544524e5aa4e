// Deliveries of a status, the latest first. $status: the status; $before: a moment before which they were due; $limit: the most.
MATCH (delivery:QueryDelivery)
WHERE delivery.status = $status AND delivery.due_at < $before
RETURN properties(delivery) AS delivery
ORDER BY delivery.due_at DESC, delivery.id
LIMIT $limit
