// Takes a schedule for writing until the transaction ends. $name: its name. Returns it; no row if there is none.
MATCH (schedule:QuerySchedule {name: $name})
SET schedule._lock = true
REMOVE schedule._lock
RETURN properties(schedule) AS schedule
