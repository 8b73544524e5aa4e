// Takes a scheduled job for writing until the transaction ends. $name: the job's. Returns what is noted of it.
MERGE (job:Job {name: $name})
SET job._lock = true
REMOVE job._lock
RETURN properties(job) AS job
