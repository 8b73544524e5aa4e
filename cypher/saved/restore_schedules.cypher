// Writes schedules as they were; one that there is stays as it is. $rows: their properties, moments as text.
UNWIND $rows AS row
MERGE (schedule:QuerySchedule {name: row.name})
ON CREATE SET schedule += row, schedule.next_at = datetime(row.next_at)
RETURN count(schedule) AS num_schedules
