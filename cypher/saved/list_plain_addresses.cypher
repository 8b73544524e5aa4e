// Addresses that older versions stored as they are: of schedules, webhooks of changes and deliveries. $limit: the most of each.
CALL () {
  MATCH (node:QuerySchedule)
  WHERE node.name > '' AND node.url IS NOT NULL
  RETURN 'QuerySchedule' AS kind, node.name AS key, node.url AS url
  ORDER BY key
  LIMIT $limit
  UNION ALL
  MATCH (node:ChangeWebhook)
  WHERE node.name > '' AND node.url IS NOT NULL
  RETURN 'ChangeWebhook' AS kind, node.name AS key, node.url AS url
  ORDER BY key
  LIMIT $limit
  UNION ALL
  MATCH (node:QueryDelivery)
  WHERE node.id > '' AND node.url IS NOT NULL
  RETURN 'QueryDelivery' AS kind, node.id AS key, node.url AS url
  ORDER BY key
  LIMIT $limit
}
RETURN kind, key, url
