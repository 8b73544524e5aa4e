// Writes a schedule. $name: its name; $properties: its properties, absent ones as null.
MERGE (schedule:QuerySchedule {name: $name})
SET schedule += $properties
RETURN properties(schedule) AS schedule
