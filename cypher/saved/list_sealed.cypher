// Sealed addresses, each once: of schedules, of webhooks of changes, and of deliveries that may be tried again. $statuses: how these stand.
CALL () {
  MATCH (node:QuerySchedule)
  WHERE node.name > '' AND node.sealed_url IS NOT NULL
  RETURN node.sealed_url AS sealed_url
  UNION
  MATCH (node:ChangeWebhook)
  WHERE node.name > '' AND node.sealed_url IS NOT NULL
  RETURN node.sealed_url AS sealed_url
  UNION
  MATCH (node:QueryDelivery)
  USING INDEX SEEK node:QueryDelivery(status, due_at)
  WHERE node.status IN $statuses AND node.due_at IS NOT NULL AND node.sealed_url IS NOT NULL
  RETURN node.sealed_url AS sealed_url
}
RETURN sealed_url
ORDER BY sealed_url
