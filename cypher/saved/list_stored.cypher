// Schedules of saved queries and webhooks of changes as they are stored, in a record for each of the two lists.
MATCH (schedule:QuerySchedule)
WHERE schedule.name > ''
WITH schedule
ORDER BY schedule.name
RETURN 'query_schedules' AS list, collect(properties(schedule)) AS rows
UNION ALL
MATCH (hook:ChangeWebhook)
WHERE hook.name > ''
WITH hook
ORDER BY hook.name
RETURN 'change_webhooks' AS list, collect(properties(hook)) AS rows
