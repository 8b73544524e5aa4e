// Notes how a delivery stands. $id: its id; $properties: properties, an absent one as null.
MATCH (delivery:QueryDelivery {id: $id})
SET delivery += $properties
RETURN properties(delivery) AS delivery
