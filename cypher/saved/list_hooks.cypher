// All webhooks of changes by name. $limit: the most.
MATCH (hook:ChangeWebhook)
WHERE hook.name > ''
RETURN properties(hook) AS hook
ORDER BY hook.name
LIMIT $limit
