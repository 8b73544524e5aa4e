// Takes a delivery for writing until the transaction ends. $id: its id. Returns it; no row if there is none.
MATCH (delivery:QueryDelivery {id: $id})
SET delivery._lock = true
REMOVE delivery._lock
RETURN properties(delivery) AS delivery
