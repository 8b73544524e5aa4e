// A page of the deliveries of some statuses by id, in one record, with its last id. $statuses: any of these; $after: the last id of the
// page before, '' at first; $limit: deliveries.
MATCH (delivery:QueryDelivery)
USING INDEX SEEK delivery:QueryDelivery(id)
WHERE delivery.id > $after AND delivery.status IN $statuses
WITH delivery
ORDER BY delivery.id
LIMIT $limit
RETURN collect(properties(delivery)) AS rows, max(delivery.id) AS last_key
