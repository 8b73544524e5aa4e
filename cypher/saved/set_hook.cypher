// Writes a webhook of changes. $name: its name; $properties: its properties.
MERGE (hook:ChangeWebhook {name: $name})
SET hook += $properties
RETURN hook.name AS name
