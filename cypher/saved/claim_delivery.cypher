// Takes the delivery that has waited longest, and counts the attempt. $moment: now; $until: when another process may try, should
// this one be killed. No row if none is due.
MATCH (delivery:QueryDelivery)
WHERE delivery.next_attempt_at <= $moment
WITH delivery
ORDER BY delivery.next_attempt_at, delivery.id
LIMIT 1
SET delivery._lock = true
REMOVE delivery._lock
WITH delivery
WHERE delivery.next_attempt_at <= $moment
SET delivery.next_attempt_at = $until, delivery.num_attempts = delivery.num_attempts + 1
RETURN properties(delivery) AS delivery
