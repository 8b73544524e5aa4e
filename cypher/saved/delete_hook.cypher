// Deletes a webhook of changes, and what waits to be delivered to it. $name: its name.
MATCH (hook:ChangeWebhook {name: $name})
OPTIONAL MATCH (delivery:QueryDelivery {schedule: $name})
WHERE delivery.status = 'PENDING' AND delivery.body IS NOT NULL
DELETE delivery
WITH DISTINCT hook
DELETE hook
