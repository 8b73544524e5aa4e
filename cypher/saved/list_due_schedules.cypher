// The schedules that are due, those that have waited longest first. $moment: now; $limit: the most.
MATCH (schedule:QuerySchedule)
WHERE schedule.next_at <= $moment
RETURN properties(schedule) AS schedule
ORDER BY schedule.next_at, schedule.name
LIMIT $limit
