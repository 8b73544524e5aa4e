// Takes a webhook of changes for writing until the transaction ends. $name: its name. Returns it; no row if there is none.
MATCH (hook:ChangeWebhook {name: $name})
SET hook._lock = true
REMOVE hook._lock
RETURN properties(hook) AS hook
