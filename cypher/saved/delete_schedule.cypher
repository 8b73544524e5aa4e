// Deletes a schedule, and what waits to be delivered for it. $name: its name.
MATCH (schedule:QuerySchedule {name: $name})
OPTIONAL MATCH (delivery:QueryDelivery {schedule: $name})
WHERE delivery.status = 'PENDING' AND delivery.body IS NULL
DELETE delivery
WITH DISTINCT schedule
DELETE schedule
