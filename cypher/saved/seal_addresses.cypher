// Puts sealed addresses in place of those that are stored as they are. $rows: `kind`, the label; `key`, the name or the id; `sealed_url`.
UNWIND $rows AS row
CALL (row) {
  WITH row
  WHERE row.kind = 'QuerySchedule'
  MATCH (node:QuerySchedule {name: row.key})
  RETURN node
  UNION ALL
  WITH row
  WHERE row.kind = 'ChangeWebhook'
  MATCH (node:ChangeWebhook {name: row.key})
  RETURN node
  UNION ALL
  WITH row
  WHERE row.kind = 'QueryDelivery'
  MATCH (node:QueryDelivery {id: row.key})
  RETURN node
}
SET node.sealed_url = row.sealed_url, node.url = null
RETURN count(node) AS num_nodes
