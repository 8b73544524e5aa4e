// Deletes deliveries of a status that were due, and taken, before a moment. $status: the status; $before: the moment; $limit: the most.
MATCH (delivery:QueryDelivery)
WHERE delivery.status = $status AND delivery.due_at < $before AND coalesce(delivery.delivered_at, delivery.due_at) < $before
WITH delivery
ORDER BY delivery.due_at
LIMIT $limit
DELETE delivery
RETURN count(*) AS num_deliveries
