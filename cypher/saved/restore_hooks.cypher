// Writes webhooks of changes as they were; one that there is stays as it is. $rows: their properties.
UNWIND $rows AS row
MERGE (hook:ChangeWebhook {name: row.name})
ON CREATE SET hook += row
RETURN count(hook) AS num_hooks
