// A page of the schedules by name. $after: the last name of the page before, '' at first; $limit: the most.
MATCH (schedule:QuerySchedule)
WHERE schedule.name > $after
RETURN properties(schedule) AS schedule
ORDER BY schedule.name
LIMIT $limit
