// Adds a delivery, once. $id: its id; $properties: its properties.
MERGE (delivery:QueryDelivery {id: $id})
ON CREATE SET delivery += $properties
RETURN delivery.id AS id
