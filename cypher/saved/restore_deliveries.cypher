// Writes deliveries as they were; one that there is stays as it is. $rows: their properties, moments as text.
UNWIND $rows AS row
MERGE (delivery:QueryDelivery {id: row.id})
ON CREATE SET
  delivery += row,
  delivery.due_at = datetime(row.due_at),
  delivery.next_attempt_at = datetime(row.next_attempt_at)
RETURN count(delivery) AS num_deliveries
